"""Validate one event: its name, `properties`, the time and the ids, in the order of the event."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from .derive import TooDeep, derived_id
from .long_text import BLANK
from .nodes import Literal, Node, Number, Object, Text
from .rules import FUTURE_TOLERANCE_MS, OLDEST_IMPORT_MS, TRACK_WINDOW_MS, Options, is_disallowed
from .spell import spell_integer, without_surrogates
from .values import milliseconds_of
from .write import Writer

# The properties that have rules, and the prefix of those rules.
RULES_FOR = {"time": "time", "distinct_id": "distinct-id", "$insert_id": "insert-id", "token": "token"}

# The other properties that identify a user, and the prefix of their rules. They are cut too, never converted.
OTHER_IDS = {"$device_id": "device-id", "$user_id": "user-id"}

# The events that merge users, and the properties that they need.
IDENTITY_EVENTS = {
    "$identify": ("$identified_id", "$anon_id"),
    "$create_alias": ("distinct_id", "alias"),
    "$merge": ("$distinct_ids",),
}


class Walk(Writer):
    """One event: writes it, and collects the rules that it breaks."""

    def __init__(self, event: Any, options: Options) -> None:
        super().__init__(options)
        self.insert_id: str | None = None
        self.merging: str | None = None  # `$identify`, `$create_alias` or `$merge`
        self.is_identified = False
        self.lacks_identity = False
        self.json = self.event(self.node_of(event))
        # Choice: the size of an event that is rejected anyway is not checked, as not all of it was written.
        if not self.rejecting_findings() and len(self.json.encode()) > options.limit("max_event_bytes"):
            self.find("event-too-large", "")

    def event(self, node: Node) -> str:
        if not isinstance(node, Object):
            self.wrong_type("event-not-object", node, "")
            return ""
        self.event_node = node
        written = self.members(node, "", self.event_field, plain=None)
        for name in ("event", "properties"):
            if not node.has(name):
                self.find(f"{name}-missing", name)
        event = "{" + ",".join(written) + "}"
        self.check_identity(event)
        return event

    def check_identity(self, event: str) -> None:
        """Check who the event belongs to.

        Choice: an event that merges users needs its own members, and no other `distinct_id`.
        """
        is_simplified = self.options.identity == "simplified"
        if self.merging is None:
            if self.lacks_identity:
                rule, name = ("identity-missing", "") if is_simplified else ("distinct-id-missing", ".distinct_id")
                self.find(rule, f"properties{name}")
            return
        if is_simplified or (self.merging == "$merge" and self.options.endpoint == "track"):
            self.find("identity-event", "event")
        for field in wrong_ids(self.merging, event):
            self.find("identity-members", field)

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
        self.merging = node.value if node.value in IDENTITY_EVENTS else None
        if BLANK.fullmatch(node.value):
            self.find("event-blank", path)
        return self.text(node, path)

    def properties(self, node: Node, path: str) -> str:
        """Write `properties`. If they are not an object, no property is reported as missing.

        Choice: of several `properties` each is checked, and the last one says who the event belongs to.
        """
        self.insert_id, self.is_identified, self.lacks_identity = None, False, False
        if not isinstance(node, Object):
            return self.wrong_type("properties-type", node, path, depth=-1, level=0)
        if self.skips(path, level=0):
            return "null"
        has_own_id = node.has("$insert_id")
        node = Object(node.members + self.additions(node), node.repeated)
        written = self.members(node, path, self.property, plain=(*RULES_FOR, *OTHER_IDS))
        if not has_own_id:
            self.insert_id = None
        if len(written) > self.options.limit("max_properties"):
            self.find("too-many-properties", path)
        for name, rule in RULES_FOR.items():
            if not node.has(name) and name != "distinct_id":
                self.find(f"{rule}-missing", f"{path}.{name}")
        self.lacks_identity = not node.has("distinct_id") and not self.is_identified
        return "{" + ",".join(written) + "}"

    def additions(self, node: Object) -> list[tuple[Text, Text]]:
        """Return the members that the encoder adds. They are checked and counted like any other member."""
        added = []
        if self.options.token is not None and not node.has("token"):
            added.append((Text("token"), Text(self.options.token)))
        if self.options.insert_id == "derive" and not node.has("$insert_id"):
            with suppress(TooDeep):  # the event is rejected for its depth anyway
                derived = derived_id(self.event_node, self.node_of, self.options.insert_id_from)
                if derived is not None:
                    added.append((Text("$insert_id"), Text(derived)))
        return added

    def property(self, name: str, node: Node, path: str) -> str:
        if name == "time":
            return self.time(node, path)
        if name == "distinct_id":
            return self.distinct_id(node, path)
        if name == "$insert_id":
            return self.own_insert_id(node, path)
        if name in OTHER_IDS:
            return self.other_id(OTHER_IDS[name], node, path)
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

    def other_id(self, prefix: str, node: Node, path: str) -> str:
        """Write a `$device_id` or `$user_id`. Choice: one with characters identifies as `distinct_id` does.

        Choice: a null one is none, as clients send it of a user without one.
        """
        is_simplified = self.options.identity == "simplified"
        if isinstance(node, Text):
            if node.value and self.options.identity != "original":
                self.is_identified = True
            if is_simplified and is_disallowed(node.value):
                self.find(f"{prefix}-disallowed", path)
            if is_simplified and prefix == "device-id" and node.value.startswith("$device:"):
                self.find("device-id-prefix", path)
        elif is_simplified and not (isinstance(node, Literal) and node.spelled == "null"):
            return self.wrong_type(f"{prefix}-type", node, path)
        return self.value(node, path, depth=0, level=1)

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


def wrong_ids(merging: str, event: str) -> list[str]:
    """Return `properties` if those that are written lack one of the ids, then the places of ids that can't be merged.

    Choice: the ids are looked at as they are written, and only in properties that are an object.
    """
    members = json.loads(event, object_pairs_hook=tuple, parse_int=float)
    objects = [value for name, value in members if name == "properties" and isinstance(value, tuple)]
    found = [(name, value) for pairs in objects for name, value in pairs if name in IDENTITY_EVENTS[merging]]
    ids = found
    if merging == "$merge":
        found = [(name, value) for name, value in found if isinstance(value, list) and len(value) == 2]
        ids = [(f"{name}[{position}]", each) for name, pair in found for position, each in enumerate(pair)]
    lacks = bool(objects) and not {name for name, _ in found} >= set(IDENTITY_EVENTS[merging])
    wrong = [f"properties.{place}" for place, value in ids if not is_id(value)]
    return ["properties"] * lacks + wrong


def is_id(value: Any) -> bool:
    return isinstance(value, str) and value != "" and not is_disallowed(value)
