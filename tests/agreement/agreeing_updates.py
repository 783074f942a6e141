"""The emulator's /engage and /groups without sockets, and the rules of the core by their messages."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from emulator.sender import JSON, NOW
from mixpress import Encoder, Limits
from mixpress.emulator.ingest import Answer
from mixpress.emulator.limits import LimitsName, profile
from mixpress.emulator.rate_limit import RateLimiter
from mixpress.emulator.request import Request
from mixpress.emulator.updates.answer import Updates
from mixpress.emulator.updates.history import History
from mixpress.emulator.updates.state import State

from .agreeing import Messages

UPDATE_RULES_BY_MESSAGE: Messages = [
    (r"an update must be a JSON object with '\$token', an id and one operation", {"event-not-object"}),
    (r"'\$token' must not be (missing|blank)", {"token-missing"}),
    (r"'\$token' is invalid: must be a string", {"field-type"}),
    (r"'\$distinct_id' must not be (missing|blank)", {"distinct-id-missing"}),
    (r"'\$distinct_id' is invalid: must be a string", {"distinct-id-type"}),
    (r"'\$distinct_id' is invalid: '.*' is a disallowed value", {"distinct-id-disallowed"}),
    (r"'\$group_key' must not be (missing|blank)", {"group-key-missing"}),
    (r"'\$group_key' is invalid: must be a string", {"group-key-type"}),
    (r"'\$group_id' must not be (missing|blank)", {"group-id-missing"}),
    (r"'\$group_id' is invalid: must be a string", {"group-id-type"}),
    (r"'.*' is no operation of /\w+: the operations are .*", {"operation-unknown", "unknown-field"}),
    (r"the update has no operation: the operations of .*", {"operation-missing"}),
    (r"the update has \d operations, .*: send one an update", {"operation-repeated"}),
    (r"'\$ip' is invalid: must be an address or \"0\"", {"field-type", "unknown-field"}),
    (r"'\$ignore_time' is invalid: must be true or false", {"field-type", "unknown-field"}),
    (r"'\$ignore_alias' is invalid: must be true or false", {"field-type", "unknown-field"}),
    (r"'\$delete' is invalid: must be a string", {"operation-type"}),
    (r"'\$unset' is invalid: must be a list of names", {"operation-type", "unset-not-a-name"}),
    (r"'\$\w+' is invalid: must be an object of names and values", {"operation-type"}),
    (r"'\$add\..*' is invalid: must be a number", {"add-not-a-number"}),
    (r"'\$union\..*' is invalid: must be a list", {"union-not-a-list"}),
    (r"'\$\w+' is invalid: must have at most 2000 properties, got \d+", {"too-many-profile-properties"}),
    (r"'.*' is invalid: objects must not be nested deeper than \d+", {"too-deep"}),
    (r"'.*' is invalid: must not be nested more than 64 levels deep", {"too-deep"}),
    (r"'.*' is invalid: must have at most 255 keys, got \d+", {"too-many-keys"}),
    (r"'.*' is invalid: must have at most 262144 bytes of JSON, got \d+", {"value-too-large"}),
    (r".* is invalid: string should be valid utf8", {"invalid-unicode"}),
    (r"the update is invalid: must be smaller than \d+ bytes of JSON", {"event-too-large"}),
]


class DirectUpdates:
    """/engage and /groups with no profile, and their clock at NOW."""

    def __init__(self, limits: LimitsName) -> None:
        self.state = State()
        self._updates = Updates(self.state, lambda: NOW, profile(limits), RateLimiter(None), History())

    def send(self, target: str, body: bytes) -> Answer:
        """Post a body to /engage or /groups."""
        return self._updates.answer(Request(1, "POST", target, {}, {"content-type": JSON}, body, "127.0.0.1"))

    def stored(self) -> dict[str, Any] | None:
        """Return the properties of the only profile, or None."""
        profiles = [*self.state.all(groups=False), *self.state.all(groups=True)]
        return profiles[0].properties if profiles else None


class UpdateWay(NamedTuple):
    """An endpoint for updates under one profile of limits."""

    endpoint: Literal["engage", "groups"]
    limits: LimitsName

    @property
    def target(self) -> str:
        return f"/{self.endpoint}"

    @property
    def messages(self) -> Messages:
        return UPDATE_RULES_BY_MESSAGE

    def encoder(self, *, explain: bool = False) -> Encoder:
        limits = Limits.documented() if self.limits == "documented" else Limits.observed()
        return Encoder(self.endpoint, token="tok", limits=limits, now=lambda: NOW, explain=explain)

    def server(self) -> DirectUpdates:
        return DirectUpdates(self.limits)
