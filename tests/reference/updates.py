"""Validate one update of a profile: its members, its operation, and what is filled in, in the order of the update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .nodes import Array, Literal, Node, Number, Object, Text
from .rules import Options, is_disallowed
from .write import Writer

USER_OPERATIONS = ("$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset", "$delete")
GROUP_OPERATIONS = ("$set", "$set_once", "$union", "$remove", "$unset", "$delete")
USER_FIELDS = ("$token", "$distinct_id", "$ip", "$ignore_time", "$ignore_alias")
GROUP_FIELDS = ("$token", "$group_key", "$group_id")

# The members that an update has, and the rules about their absence.
REQUIRED = {
    "engage": {"$distinct_id": "distinct-id-missing", "$token": "token-missing"},
    "groups": {"$group_key": "group-key-missing", "$group_id": "group-id-missing", "$token": "token-missing"},
}

# The ids, and the prefix of their rules.
IDS = {"$distinct_id": "distinct-id", "$group_key": "group-key", "$group_id": "group-id"}


class UpdateWalk(Writer):
    """One update: writes it, and collects the rules that it breaks."""

    insert_id = None

    def __init__(self, update: Any, options: Options) -> None:
        super().__init__(options)
        is_engage = options.endpoint == "engage"
        self.operations = USER_OPERATIONS if is_engage else GROUP_OPERATIONS
        self.fields = USER_FIELDS if is_engage else GROUP_FIELDS
        self.has_operation = False
        self.json = self.update(self.node_of(update))
        if not self.rejecting_findings() and len(self.json.encode()) > options.limit("max_event_bytes"):
            self.find("event-too-large", "")

    def update(self, node: Node) -> str:
        if not isinstance(node, Object):
            self.wrong_type("event-not-object", node, "")
            return ""
        node = Object(node.members + self.additions(node), node.repeated)
        written = self.members(node, "", self.field, plain=None)
        if "$ignore_alias" in self.fields and node.has("$ignore_alias") and not node.has("$delete"):
            self.find("unknown-field", "$ignore_alias")
        if not self.has_operation:
            self.find("operation-missing", "")
        for name, rule in REQUIRED[self.options.endpoint].items():
            if not node.has(name):
                self.find(rule, name)
        return "{" + ",".join(written) + "}"

    def additions(self, node: Object) -> list[tuple[Text, Node]]:
        """Return the members that the encoder fills in, at the end of the update."""
        wanted: dict[str, Node] = {}
        if self.options.token is not None:
            wanted["$token"] = Text(self.options.token)
        if self.options.group_key is not None:
            wanted["$group_key"] = Text(self.options.group_key)
        if self.options.endpoint == "engage":
            if not self.options.ip:
                wanted["$ip"] = Text("0")
            if self.options.ignore_time in (None, True):
                wanted["$ignore_time"] = Literal("true")
        return [(Text(name), value) for name, value in wanted.items() if not node.has(name)]

    def field(self, name: str, node: Node, path: str) -> str:
        if name in self.operations:
            return self.operation(name, node, path)
        if name in IDS and name in self.fields:
            return self.identifier(IDS[name], node, path)
        if name in self.fields:
            return self.beside(name, node, path)
        is_of_the_other = name in USER_FIELDS or name in GROUP_FIELDS
        self.find("operation-unknown" if name.startswith("$") and not is_of_the_other else "unknown-field", path)
        return self.value(node, path, depth=-1, level=0)

    def beside(self, name: str, node: Node, path: str) -> str:
        """Write a member beside the operation. Choice: `$ip` may be 0, which clients send for "0"."""
        if name in ("$token", "$ip"):
            is_right = isinstance(node, Text)
        else:
            is_right = isinstance(node, Literal) and node.spelled in ("true", "false")
        if name == "$ip" and isinstance(node, Number):
            is_right = node.spelled in ("0", "-0")
        if not is_right:
            return self.wrong_type("field-type", node, path, depth=-1, level=0)
        if name == "$token" and isinstance(node, Text) and node.value == "":
            self.find("token-missing", path)
        return self.value(node, path, depth=-1, level=0)

    def identifier(self, prefix: str, node: Node, path: str) -> str:
        """Write an id. Choice: an empty one is reported as missing, and a number is no text, as `$group_id` too."""
        if not isinstance(node, Text):
            return self.wrong_type(f"{prefix}-type", node, path, depth=-1, level=0)
        if node.value == "":
            self.find(f"{prefix}-missing", path)
        if prefix == "distinct-id" and is_disallowed(node.value):
            self.find("distinct-id-disallowed", path)
        return self.text(node, path)

    def operation(self, name: str, node: Node, path: str) -> str:
        if self.has_operation:
            self.find("operation-repeated", path)
        self.has_operation = True
        if name == "$delete" and isinstance(node, Text):
            return self.text(node, path)  # Choice: any text deletes, as the documents ignore it
        if name == "$unset" and isinstance(node, Array):
            return "null" if self.skips(path, level=0) else self.unset(node, path)
        if name not in ("$unset", "$delete") and isinstance(node, Object):
            return "null" if self.skips(path, level=0) else self.properties(name, node, path)
        return self.wrong_type("operation-type", node, path, depth=-1, level=0)

    def properties(self, name: str, node: Object, path: str) -> str:
        write: dict[str, Callable[[str, Node, str], str]] = {"$add": self.addend, "$union": self.united}
        # Choice: only long texts of `$set` and `$set_once` are converted: what is appended or removed is one value.
        plain = () if name in ("$set", "$set_once") else None
        written = self.members(node, path, write.get(name, self.property), plain=plain)
        self.check_count(len(written), path)
        return "{" + ",".join(written) + "}"

    def check_count(self, count: int, path: str) -> None:
        if count > self.options.limit("max_profile_properties"):
            self.find("too-many-profile-properties", path)

    def property(self, name: str, node: Node, path: str) -> str:
        return self.sized(self.value(node, path, depth=0, level=1), node, path)

    def sized(self, written: str, node: Node, path: str) -> str:
        """Check the size of a list or object. Choice: 256 KB are 262,144 bytes, counted as written."""
        is_written = isinstance(node, Array | Object) and written != "null"
        if is_written and len(written.encode()) > self.options.limit("max_value_bytes"):
            self.find("value-too-large", path)
        return written

    def addend(self, name: str, node: Node, path: str) -> str:
        if isinstance(node, Number):
            return node.spelled
        return self.sized(self.wrong_type("add-not-a-number", node, path), node, path)

    def united(self, name: str, node: Node, path: str) -> str:
        if isinstance(node, Array):
            return self.property(name, node, path)
        return self.sized(self.wrong_type("union-not-a-list", node, path), node, path)

    def unset(self, node: Array, path: str) -> str:
        written = [
            self.unset_name(self.node_of(element), f"{path}[{position}]")
            for position, element in enumerate(node.elements)
        ]
        self.check_count(len(written), path)
        return "[" + ",".join(written) + "]"

    def unset_name(self, node: Node, path: str) -> str:
        if isinstance(node, Text):
            return self.text(node, path)
        return self.wrong_type("unset-not-a-name", node, path, depth=-1, level=1)
