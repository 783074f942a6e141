"""The rules in their order, the limits, the options and the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The rejection of an event names the first rule in this list that the event breaks and, of several places that break
# that rule, the first in the order of the event. A finding about an object or a list as a whole (too many members,
# names that collide) is placed at its end.
RULES = (
    "invalid-json", "event-not-object",
    "event-missing", "event-type", "event-blank",
    "properties-missing", "properties-type", "unknown-field", "field-type",
    "operation-unknown", "operation-missing", "operation-repeated", "operation-type",
    "add-not-a-number", "union-not-a-list", "unset-not-a-name",
    "time-missing", "time-type", "time-too-old", "time-in-future",
    "distinct-id-missing", "distinct-id-type", "distinct-id-disallowed",
    "device-id-type", "user-id-type", "identity-missing", "device-id-disallowed", "user-id-disallowed",
    "device-id-prefix", "identity-event", "identity-members",
    "group-key-missing", "group-key-type", "group-id-missing", "group-id-type",
    "insert-id-missing", "insert-id-type", "insert-id-too-long", "insert-id-charset", "insert-id-disallowed",
    "token-missing",
    "too-many-properties", "too-many-profile-properties", "too-many-keys", "too-many-elements", "too-deep",
    "value-too-large",
    "unsupported-type", "not-a-number", "invalid-unicode", "duplicate-key", "key-truncated", "key-collision",
    "event-too-large",
)  # fmt: skip

DEFAULT_ACTIONS = dict.fromkeys(RULES, "reject") | dict.fromkeys(
    ("time-in-future", "device-id-prefix", "not-a-number", "invalid-unicode", "duplicate-key", "key-truncated"), "warn"
)

UPDATES = ("engage", "groups")

# The endpoints for which a rule is checked, if not for all.
ENDPOINTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((
        "event-missing", "event-type", "event-blank", "properties-missing", "properties-type",
        "time-missing", "time-type", "time-too-old", "time-in-future",
        "device-id-type", "user-id-type", "identity-missing", "device-id-disallowed", "user-id-disallowed",
        "device-id-prefix", "identity-event", "identity-members",
        "insert-id-missing", "insert-id-type", "insert-id-too-long", "insert-id-charset", "insert-id-disallowed",
        "too-many-properties",
    ), ("import", "track")),
    **dict.fromkeys((
        "field-type", "operation-unknown", "operation-missing", "operation-repeated", "operation-type",
        "union-not-a-list", "unset-not-a-name", "too-many-profile-properties", "value-too-large",
    ), UPDATES),
    **dict.fromkeys(("group-key-missing", "group-key-type", "group-id-missing", "group-id-type"), ("groups",)),
    **dict.fromkeys((
        "distinct-id-missing", "distinct-id-type", "distinct-id-disallowed",
    ), ("import", "track", "engage")),
    "add-not-a-number": ("engage",),
    "token-missing": ("track", *UPDATES),
}  # fmt: skip

# Each number is the largest allowed one.
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
    "max_profile_properties": 2000,
    "max_value_bytes": 262_144,
}

# The limits and the actions that a profile changes.
PROFILES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "documented": ({}, {}),
    "observed": ({"truncate_unit": "bytes", "max_depth": 10}, {"time-in-future": "reject"}),
}

LISTED = 100  # findings of one rule that an event lists, and truncations; those beyond are counted
PATH_BYTES = 1 << 16  # of all paths that an event lists; past them it lists only the first finding of each further rule
MAX_LEVELS = 64  # of objects and lists inside `properties`, independent of the limits
FIRST_MILLISECONDS = 31_536_000_000  # a `time` is in milliseconds from this number on, else in seconds
OLDEST_IMPORT_MS = 31_536_000_000  # 1971-01-01
TRACK_WINDOW_MS = 5 * 86_400_000
FUTURE_TOLERANCE_MS = 3_600_000

DISALLOWED_IDS = frozenset({
    "00000000-0000-0000-0000-000000000000",
    "anon", "anonymous", "undefined", "unknown", "nil", "<nil>", "none", "null",
    "n/a", "na", "0", "-1", "true", "false", "[]", "{}",
})  # fmt: skip


def is_disallowed(identifier: str) -> bool:
    """Return whether an id is a disallowed placeholder. Only the case of A to Z is ignored: the list is ASCII."""
    return identifier.isascii() and identifier.lower() in DISALLOWED_IDS


@dataclass(frozen=True)
class Rejection:
    """A broken rule: of a rejected event or, among the warnings, of an accepted one."""

    index: int
    insert_id: str | None  # as written; None if the event has none, or one that is not a text
    field: str
    rule: str


@dataclass(frozen=True)
class Truncation:
    """A text that was not written whole."""

    index: int
    path: str
    length: int  # before the cut, in the unit of the limit
    advice: str


@dataclass(frozen=True)
class Options:
    """How to encode. `now` is in milliseconds since the epoch; `limits` and `rules` override single defaults."""

    endpoint: str = "import"
    format: str = "json"
    token: str | None = None
    insert_id: str = "require"
    insert_id_from: tuple[str, ...] | None = None
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
    group_key: str | None = None
    ip: bool | None = None
    ignore_time: bool | None = None
    identity: str | None = None

    def limit(self, name: str) -> Any:
        """Return a limit: the caller's, else the profile's, else the documented one."""
        return {**LIMITS, **PROFILES[self.profile][0], **self.limits}[name]

    def action(self, rule: str) -> str:
        """Return what a broken rule causes: "reject", "warn" or "off"."""
        if rule in ("invalid-json", "event-not-object"):
            return "reject"  # there is nothing to write
        if rule in ENDPOINTS and self.endpoint not in ENDPOINTS[rule]:
            return "off"
        by_endpoint = {"distinct-id-missing": "off"} if self.endpoint == "track" else {}
        if self.endpoint in UPDATES:
            # Choice: the documents limit the lists of a profile by their bytes, and not by their elements.
            by_endpoint = {"too-many-elements": "off"}
        return {**DEFAULT_ACTIONS, **PROFILES[self.profile][1], **by_endpoint, **self.rules}[rule]
