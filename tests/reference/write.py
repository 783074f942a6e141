"""Truncate and serialize values of any kind, and check the rules that hold for them at every place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from .long_text import Members, advise, convert, cut, length_of
from .nodes import Array, Literal, Node, NotANumber, Number, Object, Text
from .rules import LISTED, MAX_LEVELS, PATH_BYTES, RULES, Options
from .spell import spell_text, without_surrogates
from .values import node_of

WriteMember = Callable[[str, Node, str], str]  # takes a name, its value and the value's path


class Writer:
    """Writes one event, and collects the findings."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.max_string, self.unit = options.limit("max_string"), options.limit("truncate_unit")
        self.findings: list[tuple[str, str, str]] = []  # rule, action, field
        self.truncated: list[tuple[str, int, str]] = []  # path, length, advice
        self.more_findings: Counter[tuple[str, str, str]] = Counter()  # those that are not listed
        self.more_truncated = 0
        self.path_bytes = 0
        self.is_past_levels = False

    def node_of(self, value: Any) -> Node:
        return node_of(value, self.options.default)

    def find(self, rule: str, field: str) -> None:
        action = self.options.action(rule)
        if action != "off":
            self.add_finding(rule, action, field)

    def add_finding(self, rule: str, action: str, field: str) -> None:
        count = sum(found[0] == rule for found in self.findings)
        if count == 0 or (count < LISTED and self.path_bytes <= PATH_BYTES):
            self.findings.append((rule, action, field))
            self.path_bytes += len(field.encode())
        else:
            self.more_findings[rule, action, ""] += 1

    def add_truncated(self, path: str, length: int, advice: str) -> None:
        if len(self.truncated) < LISTED and self.path_bytes <= PATH_BYTES:
            self.truncated.append((path, length, advice))
            self.path_bytes += len(path.encode())
        else:
            self.more_truncated += 1

    def listed_truncated(self) -> list[tuple[str, int, str]]:
        more = [(f"(and {self.more_truncated} more)", 0, "text")] if self.more_truncated else []
        return self.truncated + more

    def ordered_findings(self) -> list[tuple[str, str, str]]:
        """Return the findings in the order of the rules, and one for those of a rule that are not listed."""
        return sorted([*self.findings, *self.more_findings], key=lambda finding: RULES.index(finding[0]))

    def rejecting_findings(self) -> list[tuple[str, str, str]]:
        return [finding for finding in self.ordered_findings() if finding[1] == "reject"]

    # --- values ---

    def value(self, node: Node, path: str, *, depth: int, level: int) -> str:
        """Write any value. `depth` counts the objects around it inside a property, `level` the objects and lists."""
        if isinstance(node, Text):
            return self.text(node, path)
        if isinstance(node, Number | Literal):
            return node.spelled
        if isinstance(node, Array):
            return self.array(node, path, depth, level)
        if isinstance(node, Object):
            return self.object(node, path, depth + 1, level)
        # Choice: a value that can't be written is null if the rule does not reject.
        self.find("not-a-number" if isinstance(node, NotANumber) else "unsupported-type", path)
        return "null"

    def array(self, node: Array, path: str, depth: int, level: int) -> str:
        if self.skips(path, level):
            return "null"
        written = [
            self.value(self.node_of(element), f"{path}[{position}]", depth=depth, level=level + 1)
            for position, element in enumerate(node.elements)
        ]
        if len(written) > self.options.limit("max_elements"):
            self.find("too-many-elements", path)
        return "[" + ",".join(written) + "]"

    def object(self, node: Object, path: str, depth: int, level: int) -> str:
        if self.skips(path, level):
            return "null"
        if depth == self.options.limit("max_depth") + 1:
            # If the rule rejects, the object is not inspected. Else nothing inside it is reported as too deep again.
            self.find("too-deep", path)
            if self.options.action("too-deep") == "reject":
                return "null"
        written = self.members(
            node, path, lambda _, value, inner: self.value(value, inner, depth=depth, level=level + 1)
        )
        if len(written) > self.options.limit("max_keys"):
            self.find("too-many-keys", path)
        return "{" + ",".join(written) + "}"

    def skips(self, path: str, level: int) -> bool:
        """Return whether an object or list is skipped: the first one deeper than 64 levels, and all that follow it.

        Choice: the following ones are skipped because a list that holds itself twice would be walked 2**64 times.
        """
        if level > MAX_LEVELS and not self.is_past_levels:
            self.add_finding("too-deep", "reject", path)  # independent of the rule's action
            self.is_past_levels = True
        return self.is_past_levels

    def wrong_type(self, rule: str, node: Node, path: str, *, depth: int = 0, level: int = 1) -> str:
        """Write a value of a type that is not allowed here.

        If the rule rejects, only the characters of a text are inspected. Else it is written like any other value.
        """
        self.find(rule, path)
        if self.options.action(rule) == "reject":
            if isinstance(node, Text) and without_surrogates(node.value) != node.value:
                self.find("invalid-unicode", path)
            return "null"
        return self.value(node, path, depth=depth, level=level)

    # --- members ---

    def members(self, node: Object, path: str, write: WriteMember, *, plain: tuple[str, ...] | None = ()) -> list[str]:
        """Write the members. The long texts of `plain` names (None: of all names) are cut, whatever the options."""
        written: list[str] = []
        names: list[str] = []
        for name, value in node.members:
            if not isinstance(name, Text):
                self.find("unsupported-type", path)  # if the rule does not reject, the member is left out
                continue
            if name.value in node.repeated:
                self.find("duplicate-key", join(path, self.as_written(name)))
            node_of_value = self.node_of(value)
            may_convert = plain is not None and name.value not in plain
            for new, member in self.converted(name, node_of_value, path) if may_convert else [(name, node_of_value)]:
                names.append(self.as_written(new))
                inner = join(path, self.as_written(new))
                written.append(f"{self.name(new, inner)}:{write(new.value, member, inner)}")
        for position, shown in enumerate(names):  # after the members, as a collision is found at the object's end
            if shown in names[:position]:
                self.find("key-collision", join(path, shown))
        return written

    def as_written(self, text: Text) -> str:
        """Return a text as it is written, in the event and in a path."""
        return self.cut(without_surrogates(text.value))

    def name(self, name: Text, path: str) -> str:
        clean = without_surrogates(name.value)
        if clean != name.value:
            self.find("invalid-unicode", path)
        if self.is_long(clean):
            self.add_truncated(path, length_of(clean, self.unit), "text")
            self.find("key-truncated", path)
        return spelled(name, self.cut(clean))

    def converted(self, name: Text, value: Node, path: str) -> Members:
        """Return the members that replace one with a long text, as the `on_long_...` options ask, else the member.

        Choice: long texts among the new members are cut, not converted again. Choice: the conversion is reported as a
        truncation, as part of the text is lost. Choice: JSON nested deeper than 64 levels is cut.
        """
        text = without_surrogates(value.value) if isinstance(value, Text) else ""
        if not self.is_long(text):
            return [(name, value)]
        how = {f"on_{kind}": getattr(self.options, f"on_long_{kind}") for kind in ("url", "json", "text")}
        members = convert(without_surrogates(name.value), text, **how)
        if members is None:
            return [(name, value)]
        self.add_truncated(join(path, self.as_written(name)), length_of(text, self.unit), advise(text))
        return members

    # --- texts ---

    def text(self, text: Text, path: str) -> str:
        clean = without_surrogates(text.value)
        if clean != text.value:
            self.find("invalid-unicode", path)
        if self.is_long(clean):
            self.add_truncated(path, length_of(clean, self.unit), advise(clean))
        return spelled(text, self.cut(clean))

    def is_long(self, text: str) -> bool:
        return length_of(text, self.unit) > int(self.max_string)

    def cut(self, text: str) -> str:
        return cut(text, self.max_string, self.unit)


def spelled(text: Text, written: str) -> str:
    """Return the text's own spelling if the text is unchanged, else the spelling of the whole text by `spell_text`."""
    if written == text.value and text.spelled is not None:
        return text.spelled
    return spell_text(written)


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
