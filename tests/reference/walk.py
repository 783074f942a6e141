"""Validate one event: its name, `properties`, the time and the ids, in the order of the event."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from .derive import TooDeep, derived_id
from .long_text import BLANK
from .nodes import Node, Number, Object, Text
from .rules import DISALLOWED_IDS, FUTURE_TOLERANCE_MS, OLDEST_IMPORT_MS, TRACK_WINDOW_MS, Options
from .spell import spell_integer, without_surrogates
from .values import milliseconds_of
from .write import Writer

# The properties that have rules, and the prefix of those rules.
RULES_FOR = {"time": "time", "distinct_id": "distinct-id", "$insert_id": "insert-id", "token": "token"}


class Walk(Writer):
    """One event: writes it, and collects the rules that it breaks."""

    def __init__(self, event: Any, options: Options) -> None:
        super().__init__(options)
        self.insert_id: str | None = None
        self.json = self.event(self.node_of(event))
        # Choice: the size of an event that is rejected anyway is not checked, as not all of it was written.
        if not self.rejecting_findings() and len(self.json.encode()) > options.limit("max_event_bytes"):
            self.find("event-too-large", "")

    def event(self, node: Node) -> str:
        if not isinstance(node, Object):
            self.find("event-not-object", "")
            return ""
        self.event_node = node
        written = self.members(node, "", self.event_field, plain=None)
        for name in ("event", "properties"):
            if not node.has(name):
                self.find(f"{name}-missing", name)
        return "{" + ",".join(written) + "}"

    def event_field(self, name: str, node: Node, path: str) -> str:
        if name == "event":
            return self.event_name(node, path)
        if name == "properties":
            return self.properties(node, path)
        self.find("unknown-field", path)
        return self.value(node, path, depth=-1, level=0)

    def event_name(self, node: Node, path: str) -> str:
        if not isinstance(node, Text):
            return self.wrong_type("event-type", node, path, depth=-1, level=0)
        if BLANK.fullmatch(node.value):
            self.find("event-blank", path)
        return self.text(node, path)

    def wrong_type(self, rule: str, node: Node, path: str, *, depth: int = 0, level: int = 1) -> str:
        """Write a value of a type that is not allowed here.

        If the rule rejects, the value is not inspected. Else it is written like any other value.
        """
        self.find(rule, path)
        if self.options.action(rule) == "reject":
            return "null"
        return self.value(node, path, depth=depth, level=level)

    def properties(self, node: Node, path: str) -> str:
        """Write `properties`. If they are not an object, no property is reported as missing."""
        if not isinstance(node, Object):
            return self.wrong_type("properties-type", node, path, depth=-1, level=0)
        if self.skips(path, level=0):
            return "null"
        has_own_id = node.has("$insert_id")
        node = Object(node.members + self.additions(node), node.repeated)
        written = self.members(node, path, self.property, plain=tuple(RULES_FOR))
        if not has_own_id:
            self.insert_id = None
        if len(written) > self.options.limit("max_properties"):
            self.find("too-many-properties", path)
        for name, rule in RULES_FOR.items():
            if not node.has(name):
                self.find(f"{rule}-missing", f"{path}.{name}")
        return "{" + ",".join(written) + "}"

    def additions(self, node: Object) -> list[tuple[Text, Text]]:
        """Return the members that the encoder adds. They are checked and counted like any other member."""
        added = []
        if self.options.token is not None and not node.has("token"):
            added.append((Text("token"), Text(self.options.token)))
        if self.options.insert_id == "derive" and not node.has("$insert_id"):
            with suppress(TooDeep):  # the event is rejected for its depth anyway
                added.append((Text("$insert_id"), Text(derived_id(self.event_node, self.node_of))))
        return added

    def property(self, name: str, node: Node, path: str) -> str:
        if name == "time":
            return self.time(node, path)
        if name == "distinct_id":
            return self.distinct_id(node, path)
        if name == "$insert_id":
            return self.own_insert_id(node, path)
        return self.value(node, path, depth=0, level=1)

    def time(self, node: Node, path: str) -> str:
        """Write an integer as given, any other time as integer milliseconds."""
        milliseconds = milliseconds_of(node)
        if milliseconds is None:
            return self.wrong_type("time-type", node, path)
        now = self.options.now
        if milliseconds < (now - TRACK_WINDOW_MS if self.options.endpoint == "track" else OLDEST_IMPORT_MS):
            self.find("time-too-old", path)
        if milliseconds > now + FUTURE_TOLERANCE_MS:
            self.find("time-in-future", path)
        return node.spelled if isinstance(node, Number) and node.is_integer else spell_integer(milliseconds)

    def distinct_id(self, node: Node, path: str) -> str:
        if not isinstance(node, Text):
            return self.wrong_type("distinct-id-type", node, path)
        if is_disallowed(node.value):
            self.find("distinct-id-disallowed", path)
        return self.text(node, path)

    def own_insert_id(self, node: Node, path: str) -> str:
        if not isinstance(node, Text):
            return self.wrong_type("insert-id-type", node, path)
        if len(without_surrogates(node.value).encode()) > self.options.limit("max_insert_id_bytes"):
            self.find("insert-id-too-long", path)
        if not re.fullmatch("[A-Za-z0-9-]+", node.value):
            self.find("insert-id-charset", path)
        if is_disallowed(node.value):
            self.find("insert-id-disallowed", path)
        self.insert_id = self.as_written(node)
        return self.text(node, path)


def is_disallowed(identifier: str) -> bool:
    """Return whether an id is a disallowed placeholder. Only the case of A to Z is ignored: the list is ASCII."""
    return identifier.isascii() and identifier.lower() in DISALLOWED_IDS
