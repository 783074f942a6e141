"""The emulator's ingestion without sockets, the core's rules by the emulator's messages, and the comparison of both."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple, Protocol, cast

from hypothesis import event as note

from emulator.sender import JSON, NOW
from mixpress import Encoder, Limits
from mixpress.emulator.accept import Row
from mixpress.emulator.hot_shards import HotShards
from mixpress.emulator.identity import NOT_ALLOWED
from mixpress.emulator.ingest import Answer, Ingest
from mixpress.emulator.limits import LimitsName, profile
from mixpress.emulator.rate_limit import RateLimiter
from mixpress.emulator.request import Request
from mixpress.emulator.store.store import Store
from mixpress.emulator.updates.state import State

MERGED = r"\$anon_id|alias|\$distinct_ids"
Messages = list[tuple[str, set[str]]]

RULES_BY_MESSAGE: Messages = [
    (r"an event must be a JSON object of 'event' and 'properties'", {"event-not-object"}),
    (r"'event' must not be missing or blank", {"event-missing", "event-blank"}),
    (r"'event' is invalid: must be a string", {"event-type"}),
    (r"'properties' must not be missing", {"properties-missing"}),
    (r"'properties' is invalid: must be an object", {"properties-type"}),
    (r"'.*' is invalid: an event has only 'event' and 'properties'", {"unknown-field"}),
    (r"'properties.time' must not be missing", {"time-missing"}),
    (r"'properties.time' is invalid: must be specified as seconds since epoch", {"time-type"}),
    (r"'properties.time' is invalid: must be (after 1971-01-01|within the last 5 days for /track)", {"time-too-old"}),
    (r"'properties.time' is invalid: must not be in the future", {"time-in-future"}),
    (r"'properties.distinct_id' must not be missing", {"distinct-id-missing", "identity-missing"}),
    (r"'properties.distinct_id' is invalid: must be a string", {"distinct-id-type"}),
    (r"'properties.distinct_id' is invalid: '.*' is a disallowed value", {"distinct-id-disallowed"}),
    (r"'\$insert_id' must not be missing", {"insert-id-missing"}),
    (r"'\$insert_id' is invalid: must be a string", {"insert-id-type"}),
    (r"'\$insert_id' is invalid: '.*' is a disallowed value", {"insert-id-disallowed"}),
    (r"'\$insert_id' is invalid: must only contain alphanumeric or hyphen '-' characters", {"insert-id-charset"}),
    (r"'\$insert_id' is invalid: must be at most 36 bytes", {"insert-id-too-long"}),
    (r"'properties.token' must not be missing or blank", {"token-missing"}),
    (r"'properties' is invalid: must have fewer than 255 properties", {"too-many-properties"}),
    (r"'.*' is invalid: must have fewer than 255 keys", {"too-many-keys"}),
    (r"'.*' is invalid: must have fewer than 255 elements", {"too-many-elements"}),
    (r"'.*' is invalid: objects must not be nested deeper than \d+", {"too-deep"}),
    (r"'.*' is invalid: must not be nested more than 64 levels deep", {"too-deep"}),
    (r".* is invalid: string should be valid utf8", {"invalid-unicode"}),
    (r"the event is invalid: must be smaller than \d+ bytes of JSON", {"event-too-large"}),
    (re.escape(NOT_ALLOWED), {"identity-event"}),
    (r"'event' is invalid: \$merge is accepted by /import alone", {"identity-event"}),
    (r"'properties.\S+' is invalid: (must be two distinct_ids|\S+ must have two ids to merge)", {"identity-members"}),
    (rf"'properties.({MERGED})' is invalid: '.*' is a disallowed value", {"identity-members"}),
]
"""The emulator's messages, and the rules of the core that say the same."""


def rules_of(message: str, by_message: Messages = RULES_BY_MESSAGE) -> set[str]:
    """Return the rules of the core that a message of the emulator is about."""
    [rules] = [rules for pattern, rules in by_message if re.fullmatch(pattern, message, re.DOTALL)]
    return set(rules)  # the caller may add to it: the table must stay as it is


class Kept:
    """A store that keeps the rows of the last request."""

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()

    def add(self, endpoint: str, rows: Sequence[Row], *_: object, **__: object) -> None:
        self.rows = rows


class Direct:
    """Ingestion with its clock at NOW. `limits` is the profile."""

    def __init__(self, limits: LimitsName, *, simplified: bool = False) -> None:
        self.kept = Kept()
        self.ingest = Ingest(
            store=cast("Store", self.kept),
            now=lambda: NOW,
            limits=profile(limits),
            credentials=None,
            simplified=simplified,
            limiter=RateLimiter(None),
            hot_shards=HotShards(),
            state=State(),
        )

    def send(self, target: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """Post a body to /import?strict=1, /import or /track, by default JSON."""
        path, _, query = target.partition("?")
        self.kept.rows = ()
        params = dict(pair.split("=") for pair in query.split("&")) if query else {}
        sent = {name.lower(): value for name, value in (headers or {"Content-Type": JSON}).items()}
        return self.ingest.answer(Request(1, "POST", path, params, sent, body, "127.0.0.1"))

    def stored(self) -> list[dict[str, Any]]:
        """Return the events that the last request stored."""
        return [{"event": row.event, "properties": json.loads(row.properties)} for row in self.kept.rows]


def problem_of(answer: Answer) -> str | None:
    """Return the message about the only event of a request, or None if it was accepted."""
    if answer.error:
        return answer.error
    return answer.refused[0].message if answer.refused else None


class Server(Protocol):
    """An endpoint of the emulator that answers one request at a time."""

    def send(self, target: str, body: bytes) -> Answer: ...


class Comparable(Protocol):
    """An encoder, the endpoint of the emulator that it writes for, and the messages of that endpoint."""

    @property
    def target(self) -> str: ...
    @property
    def messages(self) -> Messages: ...
    def encoder(self, *, explain: bool = False) -> Encoder: ...
    def server(self) -> Server: ...


class Way(NamedTuple):
    """An endpoint for events under one profile of limits, in a project with one kind of identity merge."""

    target: str
    limits: LimitsName
    identity: Literal["original", "simplified"] | None = None
    """As the encoder has it. The project is simplified only if the encoder knows it."""

    @property
    def endpoint(self) -> Any:
        return self.target[1:6] if self.target == "/track" else "import"

    @property
    def name(self) -> str:
        return {"/import?strict=1": "strict", "/import": "import", "/track": "track"}[self.target]

    @property
    def messages(self) -> Messages:
        return RULES_BY_MESSAGE

    def encoder(self, *, explain: bool = False) -> Encoder:
        limits = Limits.documented() if self.limits == "documented" else Limits.observed()
        token = "tok" if self.endpoint == "track" else None
        return Encoder(
            self.endpoint,
            token=token,
            limits=limits,
            now=lambda: NOW,
            compression=None,
            explain=explain,
            identity=self.identity,
        )

    def server(self) -> Direct:
        return Direct(self.limits, simplified=self.identity == "simplified")


def to_number(digits: str) -> int | float:
    """An integer beyond 64 bits becomes the nearest double, a listed decision of the emulator."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


SKIPPED = {"too-many-keys", "too-many-elements"}
"""Rules about values that the core does not visit once it has met the 65th level of one."""


def compare_as_it_is(
    way: Comparable, sent: Any, refused_alone: Collection[str], rejected_alone: Collection[str]
) -> None:
    """Send a value to the emulator as it is, and assert that the core rejects what it refuses by the same rule.

    `refused_alone`: rules of values that the core changes. `rejected_alone`: rules that only the core has.
    """
    body = json.dumps([sent], ensure_ascii=True).encode()
    problem = problem_of(way.server().send(way.target, body))
    encoded = way.encoder(explain=True).encode([sent])
    findings = [finding for rejection in encoded.rejected for finding in rejection.findings]
    found = {finding.rule for finding in findings}
    note(f"emulator: {problem is not None}, core: {sorted(found)}")
    if problem is None:
        assert found <= set(rejected_alone), (found, body)
    elif "cannot be read as" in problem:
        assert found or any(warning.rule == "not-a-number" for warning in encoded.warnings), (problem, body)
    else:
        named = rules_of(problem, way.messages)
        if any(finding.message.startswith("more than 64 levels") for finding in findings):
            found |= SKIPPED
        if not encoded.rejected or not named & found:
            assert named & set(refused_alone), (problem, found, body)
