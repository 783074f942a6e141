"""Answer a request: check credentials, read the events, validate and store them, build the reply."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mixpress.emulator import replies
from mixpress.emulator.accept import Row, accept_event
from mixpress.emulator.checks import (
    MAX_EVENT_BYTES,
    MAX_EVENTS,
    Problem,
    Rules,
    check_event,
    check_text,
    import_rules,
    track_rules,
)
from mixpress.emulator.payload import Payload, TooLarge, Unreadable, is_form, read_payload
from mixpress.emulator.request import is_known_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mixpress.emulator.replies import FailedRecord, Reply
    from mixpress.emulator.request import Credentials, Request
    from mixpress.emulator.store import Store

PARAMETERS = {"/import": {"strict", "verbose"}, "/track": {"ip", "verbose", "img", "callback"}}
"""Parameters of each endpoint, in the query or a form; others are ignored."""

TRACK = PARAMETERS["/track"]

_FAULT = Problem("", "the event is refused by a fault of the emulator")


@dataclass(frozen=True)
class Ingest:
    """The two endpoints, without the HTTP server."""

    store: Store
    now: Callable[[], float]
    """Seconds since the epoch."""
    max_depth: int
    max_body_bytes: int
    credentials: Credentials | None = None

    def answer(self, request: Request, refuse: Collection[int] = ()) -> tuple[Reply, int]:  # noqa: PLR0911 - one each
        """Store the accepted events; return the reply and the number of events in the request.

        The events at the positions in `refuse` fail, whatever their contents.
        """
        make_error = replies.error if request.path == "/import" else replies.track_error
        denied = request.denied if request.path == "/import" else None
        if denied is not None and not is_form(request):
            return replies.unauthorized(denied), 0
        try:
            payload = read_payload(request, self.max_body_bytes)
        except Unreadable as problem:
            if denied is not None:
                return replies.unauthorized(denied), 0
            return self._unreadable(request, problem), 0
        except TooLarge:
            return replies.too_large(self.max_body_bytes), 0
        if denied is not None and not is_known_key(payload.params.get("api_key"), self.credentials):
            return replies.unauthorized(denied), 0
        given = {**payload.params, **request.query}
        params = {name: value for name, value in given.items() if name in PARAMETERS[request.path]}
        refusal = refuse_whole(payload, params)
        if refusal is not None:
            return make_error(400, refusal), len(payload.events)
        try:
            return self._store(request, payload, params, refuse), len(payload.events)
        except sqlite3.Error as error:
            return replies.not_stored(f"the emulator could not store the events: {error}"), len(payload.events)

    def _unreadable(self, request: Request, problem: Unreadable) -> Reply:
        """Return the reply to a body without readable events: the documents have no 400 for /track, but `0`."""
        if request.path == "/import":
            return replies.error(problem.status, problem.sentence)
        params = {name: value for name, value in {**problem.params, **request.query}.items() if name in TRACK}
        refusal = _refuse_callback(params)
        if problem.status != 400 or refusal is not None:
            return replies.track_error(problem.status, refusal or problem.sentence)
        return replies.received(problem.sentence, params)

    def _store(self, request: Request, payload: Payload, params: dict[str, str], refuse: Collection[int]) -> Reply:
        rules = self._rules(request.path, params)
        address = request.address if params.get("ip") == "1" else None
        rows, failed = sort_events(payload, rules, address, refuse)
        self.store.add(request.path, rows)
        if rules.strict:
            return replies.some_failed(len(rows), failed) if failed else replies.imported(len(rows))
        problem = failed[0]["message"] if failed else "no data objects in the body"
        return replies.received(None if rows else problem, params)

    def _rules(self, path: str, params: dict[str, str]) -> Rules:
        now_ms = int(self.now() * 1000)
        if path == "/track":
            return track_rules(now_ms, max_depth=self.max_depth)
        return import_rules(now_ms, strict=params.get("strict") == "1", max_depth=self.max_depth)


def refuse_whole(payload: Payload, params: dict[str, str]) -> str | None:
    """Return why a readable request is refused as a whole, or None."""
    if len(payload.events) > MAX_EVENTS:
        return f"the request must have at most {MAX_EVENTS} events, got {len(payload.events)}"
    return _refuse_callback(params)


def _refuse_callback(params: dict[str, str]) -> str | None:
    if "callback" in params and not replies.is_function_name(params["callback"]):
        return "'callback' is invalid: must be the name of a JavaScript function"
    return None


def sort_events(
    payload: Payload, rules: Rules, address: str | None, refuse: Collection[int]
) -> tuple[list[Row], list[FailedRecord]]:
    """Return the accepted events in stored form, and a record of each refused one."""
    rows: list[Row] = []
    failed: list[FailedRecord] = []
    for index, event in enumerate(payload.events):
        problem = _find_problem(event, payload, rules) or (_FAULT if index in refuse else None)
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
    if problem is None and payload.size >= MAX_EVENT_BYTES and len(orjson.dumps(event)) >= MAX_EVENT_BYTES:
        return Problem("", f"the event is invalid: must be smaller than {MAX_EVENT_BYTES} bytes of JSON")
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
