"""The rules in their fixed order, the numbers, and what is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Of several rules that an event breaks, its rejection names the first of this list; among several places that break the
# same rule, the first in the event's own order. What concerns an object or list as a whole (its count, names that
# collide) is found at its end.
RULES = (
    "invalid-json", "event-not-object",
    "event-missing", "event-type", "event-blank",
    "properties-missing", "properties-type", "unknown-field",
    "time-missing", "time-type", "time-too-old", "time-in-future",
    "distinct-id-missing", "distinct-id-type", "distinct-id-disallowed",
    "insert-id-missing", "insert-id-type", "insert-id-too-long", "insert-id-charset", "insert-id-disallowed",
    "token-missing",
    "too-many-properties", "too-many-keys", "too-many-elements", "too-deep",
    "unsupported-type", "not-a-number", "invalid-unicode", "duplicate-key", "key-truncated", "key-collision",
    "event-too-large",
)  # fmt: skip

DEFAULT_ACTIONS = dict.fromkeys(RULES, "reject") | dict.fromkeys(
    ("time-in-future", "not-a-number", "invalid-unicode", "duplicate-key", "key-truncated"), "warn"
)

# Each number is the largest that passes.
LIMITS: dict[str, Any] = {
    "max_string": 255,
    "truncate_unit": "chars",
    "max_properties": 254,
    "max_keys": 254,
    "max_elements": 254,
    "max_depth": 3,
    "max_event_bytes": 999_999,
    "max_insert_id_bytes": 36,
    "max_batch_events": 2000,
    "max_batch_bytes": 9_500_000,
}

# What a profile changes: numbers, and actions.
PROFILES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "documented": ({}, {}),
    "observed": ({"truncate_unit": "bytes", "max_depth": 10}, {"time-in-future": "reject"}),
}

MAX_LEVELS = 64  # objects and lists inside `properties`, whatever the limits say
FIRST_MILLISECONDS = 31_536_000_000  # a `time` of this and more is milliseconds
OLDEST_IMPORT_MS = 31_536_000_000  # 1971-01-01
TRACK_WINDOW_MS = 5 * 86_400_000
FUTURE_TOLERANCE_MS = 3_600_000

DISALLOWED_IDS = frozenset({
    "00000000-0000-0000-0000-000000000000",
    "anon", "anonymous", "undefined", "unknown", "nil", "<nil>", "none", "null",
    "n/a", "na", "0", "-1", "true", "false", "[]", "{}",
})  # fmt: skip


@dataclass(frozen=True)
class Rejection:
    """A broken rule: of an event that is not sent, or (among the warnings) of one that is."""

    index: int
    insert_id: str | None  # the event's own, as written, where it is text
    field: str
    rule: str


@dataclass(frozen=True)
class Truncation:
    """A text that could not be written whole."""

    index: int
    path: str
    length: int  # before the cut, in the unit of the limit
    advice: str


@dataclass(frozen=True)
class Options:
    """How to encode. `now` is milliseconds since the epoch; `limits` and `rules` change single defaults."""

    endpoint: str = "import"
    format: str = "json"
    token: str | None = None
    insert_id: str = "require"
    profile: str = "documented"
    limits: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    now: int = 1_700_000_000_000
    explain: bool = False
    default: Callable[[Any], Any] | None = None
    on_long_url: str = "cut"
    on_long_json: str = "cut"
    on_long_text: str = "cut"
    form_base64: bool = False

    def limit(self, name: str) -> Any:
        """A number (or the unit): the caller's, else the profile's, else the documents'."""
        return {**LIMITS, **PROFILES[self.profile][0], **self.limits}[name]

    def action(self, rule: str) -> str:
        """What a broken rule does: "reject", "warn" or "off"."""
        if rule in ("invalid-json", "event-not-object"):
            return "reject"  # nothing could be written
        if rule == "token-missing" and self.endpoint != "track":
            return "off"
        by_endpoint = {"distinct-id-missing": "off"} if self.endpoint == "track" else {}
        return {**DEFAULT_ACTIONS, **PROFILES[self.profile][1], **by_endpoint, **self.rules}[rule]
