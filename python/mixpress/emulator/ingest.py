"""Answer a request: check credentials, read the events, validate and store them, build the reply."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from mixpress.emulator import finish, identity, replies
from mixpress.emulator.accept import Row, accept_event
from mixpress.emulator.as_json import encode
from mixpress.emulator.auth import digest, is_known_key
from mixpress.emulator.checks import (
    MAX_EVENTS,
    Problem,
    Rules,
    check_event,
    check_text,
    import_rules,
    track_rules,
)
from mixpress.emulator.payload import Payload, TooLarge, Unreadable, is_form, read_payload
from mixpress.emulator.replies import Reply
from mixpress.emulator.request import RefusedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from mixpress.emulator.auth import Credentials
    from mixpress.emulator.hot_shards import HotShards
    from mixpress.emulator.limits import Limits
    from mixpress.emulator.rate_limit import RateLimiter
    from mixpress.emulator.replies import FailedRecord
    from mixpress.emulator.request import Request
    from mixpress.emulator.store.store import Store
    from mixpress.emulator.updates.state import State

PARAMETERS = {"/import": {"strict", "verbose"}, "/track": {"ip", "verbose", "img", "callback"}}
"""Parameters of each endpoint, in the query or a form; others are ignored."""

TRACK = PARAMETERS["/track"]

_FAULT = Problem("", "the event is refused by a fault of the emulator")
_IDENTITY = Problem("event", identity.NOT_ALLOWED)
_BESIDE_IDENTITY = Problem("", "not imported: the request has identity events, which the project does not allow")


@dataclass(frozen=True)
class Answer:
    """The reply to a request, and what became of its events."""

    reply: Reply
    events: int = 0
    """Number of events in the request; 0 if it was not read."""
    imported: int = 0
    refused: list[RefusedEvent] = field(default_factory=list)
    unpacked_bytes: int = 0
    """Size of the JSON; 0 if it was not read."""
    error: str = ""
    """Why the request was refused as a whole."""
    ignored: int = 0
    """Number of accepted events that were not stored, because of their property `$ignore`."""
    rows: Sequence[Row] = ()
    """The accepted events as they were stored."""


@dataclass(frozen=True)
class Ingest:
    """The two endpoints, without the HTTP server."""

    store: Store
    now: Callable[[], float]
    """Seconds since the epoch."""
    limits: Limits
    credentials: Credentials | None
    simplified: bool
    """Whether the project has simplified identity merge."""
    limiter: RateLimiter
    hot_shards: HotShards
    state: State
    _turn: threading.Lock = field(default_factory=threading.Lock)
    """Held while events are read: threads that take turns within it push each other's values out of the cache."""

    def answer(self, request: Request, refuse: Collection[int] = (), max_bytes: int | None = None) -> Answer:
        """Store the accepted events; return the reply and what became of each event.

        The events at the positions in `refuse` fail, whatever their contents. `max_bytes` lowers the limit of the JSON.
        """
        most = self.limits.max_body_bytes
        limit = most if max_bytes is None else min(max_bytes, most)
        denied = request.denied if request.path == "/import" else None
        if denied is not None and not is_form(request):
            return Answer(replies.unauthorized(denied), error=denied)
        try:
            with self._turn:
                payload = read_payload(request, limit)
        except Unreadable as problem:
            if denied is not None:
                return Answer(replies.unauthorized(denied), error=denied)
            return Answer(self._unreadable(request, problem), error=problem.sentence)
        except TooLarge:
            return Answer(replies.too_large(limit), error="the request is too large")
        if denied is not None and not is_known_key(payload.params.get("api_key"), self.credentials):
            return Answer(replies.unauthorized(denied), error=denied)
        return self._answer_payload(request, payload, refuse)

    def clear(self) -> None:
        """Forget what was sent, for rate limits and hot shards."""
        self.limiter.clear()
        self.hot_shards.clear()

    def _answer_payload(self, request: Request, payload: Payload, refuse: Collection[int]) -> Answer:
        given = {**payload.params, **request.query}
        params = {name: value for name, value in given.items() if name in PARAMETERS[request.path]}
        refusal = refuse_whole(payload, params)
        if refusal is not None:
            make_error = replies.error if request.path == "/import" else replies.track_error
            return Answer(make_error(400, refusal), len(payload.events), 0, [], payload.size, refusal)
        if not self.limiter.admit(project_of(request, payload), len(payload.events), payload.size, request.received):
            reply = replies.rate_limited() if request.path == "/import" else replies.track_rate_limited()
            return Answer(reply, len(payload.events), 0, [], payload.size, replies.RATE_LIMITED)
        try:
            return self._store(request, payload, params, dict.fromkeys(refuse, _FAULT))
        except sqlite3.Error as error:
            sentence = f"the emulator could not store the events: {error}"
            return Answer(replies.not_stored(sentence), len(payload.events), 0, [], payload.size, sentence)

    def _unreadable(self, request: Request, problem: Unreadable) -> Reply:
        """Return the reply to a body without readable events: the documents have no 400 for /track, but `0`."""
        if request.path == "/import":
            return replies.error(problem.status, problem.sentence)
        params = {name: value for name, value in {**problem.params, **request.query}.items() if name in TRACK}
        refusal = refuse_callback(params)
        if problem.status != 400 or refusal is not None:
            return replies.track_error(problem.status, refusal or problem.sentence)
        return replies.received(problem.sentence, params)

    def _store(self, request: Request, payload: Payload, params: dict[str, str], refuse: dict[int, Problem]) -> Answer:
        rules = self._rules(request.path, params)
        if self.simplified:
            changing = [index for index, event in payload.odd() if identity.is_identity_event(event)]
            if changing and rules.strict:
                return refuse_identity_events(request, payload, changing)
            refuse |= dict.fromkeys(changing, _IDENTITY)
        address = request.address if params.get("ip") == "1" else None
        derived = identity.derive_ids(payload.odd()) if self.simplified else {}
        rows, failed = sort_events(payload, rules, address, refuse)
        stored = self._finish(rows, failed, payload, derived)
        self.store.add(request.path, stored, request.received, request.number)
        if not self.simplified:
            self.state.merge(identity.find_merges(payload.odd(), {record["index"] for record in failed}))
        if rules.strict:
            reply = replies.some_failed(len(rows), failed) if failed else replies.imported(len(rows))
        else:
            problem = failed[0]["message"] if failed else "no data objects in the body"
            reply = replies.received(None if rows else problem, params)
        refused = [to_refused(request, record, payload.events[record["index"]]) for record in failed]
        ignored = len(rows) - len(stored)
        return Answer(reply, len(payload.events), len(rows), refused, payload.size, ignored=ignored, rows=stored)

    def _finish(
        self, rows: Sequence[Row], failed: list[FailedRecord], payload: Payload, derived: Mapping[int, str]
    ) -> Sequence[Row]:
        """Return the rows to store: with derived ids, without ignored events, cut to bytes, hot shards renamed."""
        if derived or payload.may_ignore:
            indexes = finish.accepted_indexes(len(payload.events), (record["index"] for record in failed))
            if derived:
                rows = finish.set_ids(rows, indexes, derived)
            if payload.may_ignore:
                rows = finish.drop_ignored(rows, indexes, payload.events)
        if self.limits.string_unit == "bytes":
            rows = [finish.cut_to_bytes(row) for row in rows]
        return self.hot_shards.rename(rows)

    def _rules(self, path: str, params: dict[str, str]) -> Rules:
        now_ms = int(self.now() * 1000)
        limits = self.limits
        rules = (
            track_rules(now_ms, max_depth=limits.max_depth)
            if path == "/track"
            else import_rules(now_ms, strict=params.get("strict") == "1", max_depth=limits.max_depth)
        )
        return replace(rules, max_event_bytes=limits.max_event_bytes, simplified=self.simplified)


def project_of(request: Request, payload: Payload) -> str:
    """Return a digest of the request's project: of its query and credentials, or of its first event's token."""
    if request.path == "/import":
        api_key = payload.params.get("api_key", "")
        return request.project or (digest(api_key) if api_key else "")
    event = payload.events[0] if payload.events else None
    properties = event.get("properties") if isinstance(event, dict) else None
    token = properties.get("token") if isinstance(properties, dict) else None
    return digest(token) if isinstance(token, str) and token else ""


def refuse_identity_events(request: Request, payload: Payload, changing: Collection[int]) -> Answer:
    """Refuse a whole request because of the identity events at these positions."""
    reply = replies.some_failed(0, [identity.NOT_ALLOWED] * len(changing))
    refused = [
        to_refused(request, _to_record(index, event, _IDENTITY if index in changing else _BESIDE_IDENTITY), event)
        for index, event in enumerate(payload.events)
    ]
    return Answer(reply, len(payload.events), 0, refused, payload.size, identity.NOT_ALLOWED)


def refuse_whole(payload: Payload, params: dict[str, str]) -> str | None:
    """Return why a readable request is refused as a whole, or None."""
    if len(payload.events) > MAX_EVENTS:
        return f"the request must have at most {MAX_EVENTS} events, got {len(payload.events)}"
    return refuse_callback(params)


def refuse_callback(params: Mapping[str, str]) -> str | None:
    """Return why the parameter `callback` is refused, or None."""
    if "callback" in params and not replies.is_function_name(params["callback"]):
        return "'callback' is invalid: must be the name of a JavaScript function"
    return None


def sort_events(
    payload: Payload, rules: Rules, address: str | None, refuse: Mapping[int, Problem]
) -> tuple[list[Row], list[FailedRecord]]:
    """Return the accepted events in stored form, and a record of each refused one, such as those in `refuse`."""
    rows: list[Row] = []
    failed: list[FailedRecord] = []
    plain = [None] * len(payload.events) if payload.plain is None else payload.plain.rows(rules)
    for index, row in enumerate(plain):
        if row is not None and index not in refuse:
            rows.append(row)
            continue
        event = payload.events[index]
        problem = _find_problem(event, payload, rules) or refuse.get(index)
        if problem is not None:
            failed.append(_to_record(index, event, problem))
        elif isinstance(event, dict):
            rows.append(accept_event(event, rules.now_ms, address))
    return rows, failed


def _find_problem(event: object, payload: Payload, rules: Rules) -> Problem | None:
    problem = None
    if not payload.unicode and isinstance(event, dict):
        problem = check_text(event)
    problem = problem or check_event(event, rules)
    # An event cannot be larger than its body, so most events are never measured.
    limit = rules.max_event_bytes
    if problem is None and payload.size >= limit and len(orjson.dumps(event)) >= limit:
        return Problem("", f"the event is invalid: must be smaller than {limit} bytes of JSON")
    return problem


def _to_record(index: int, event: Any, problem: Problem) -> FailedRecord:
    properties = event.get("properties") if isinstance(event, dict) else None
    insert_id = properties.get("$insert_id") if isinstance(properties, dict) else None
    text = insert_id if isinstance(insert_id, str) else ""
    return {
        "index": index,
        "insert_id": text.encode("utf-8", "replace").decode(),
        "field": problem.field,
        "message": problem.message,
    }


def to_refused(request: Request, record: FailedRecord, event: Any) -> RefusedEvent:
    """Return the entry of a refused event in the log."""
    return RefusedEvent(
        request=request.number,
        received=request.received,
        endpoint=request.path,
        index=record["index"],
        insert_id=record["insert_id"],
        field=record["field"],
        message=record["message"],
        json=encode(event),
    )
