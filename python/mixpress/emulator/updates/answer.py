"""Answer POST /engage and POST /groups: read the updates, validate and apply them, build the reply."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mixpress.emulator import replies
from mixpress.emulator.accept import truncate
from mixpress.emulator.as_json import encode
from mixpress.emulator.auth import digest
from mixpress.emulator.checks import Problem, check_text
from mixpress.emulator.finish import cut_value
from mixpress.emulator.ingest import Answer, refuse_callback
from mixpress.emulator.payload import TooLarge, Unreadable, read_payload
from mixpress.emulator.request import RefusedEvent
from mixpress.emulator.updates.checks import (
    ENGAGE,
    GROUPS,
    MAX_UPDATES,
    NO_ADDRESS,
    UpdateRules,
    check_update,
    operation_of,
)
from mixpress.emulator.updates.history import AcceptedUpdate, without_token
from mixpress.emulator.updates.profile import USER
from mixpress.emulator.updates.state import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from mixpress.emulator.limits import Limits
    from mixpress.emulator.payload import Payload
    from mixpress.emulator.rate_limit import RateLimiter
    from mixpress.emulator.replies import Reply
    from mixpress.emulator.request import Request
    from mixpress.emulator.updates.checks import Update
    from mixpress.emulator.updates.history import History
    from mixpress.emulator.updates.state import State

PARAMETERS = {ENGAGE: {"ip", "strict", "verbose", "img", "callback"}, GROUPS: {"strict", "verbose", "img"}}
"""Parameters of each endpoint, in the query or a form; others are ignored."""

_FAULT = Problem("", "the update is refused by a fault of the emulator")


@dataclass(frozen=True)
class Updates:
    """The two endpoints of profiles, without the HTTP server."""

    state: State
    now: Callable[[], float]
    """Seconds since the epoch."""
    limits: Limits
    limiter: RateLimiter
    history: History

    def answer(self, request: Request, refuse: Collection[int] = (), max_bytes: int | None = None) -> Answer:
        """Apply the valid updates; return the reply and what became of each update.

        The updates at the positions in `refuse` fail, whatever their contents. `max_bytes` lowers the limit of the
        JSON.
        """
        limit = self.limits.max_body_bytes if max_bytes is None else min(max_bytes, self.limits.max_body_bytes)
        refusal = self._refuse_encoding(request)
        if refusal is not None:
            return Answer(replies.track_error(400, refusal), error=refusal)
        try:
            payload = read_payload(request, limit)
        except Unreadable as problem:
            return Answer(_unreadable(request, problem), error=problem.sentence)
        except TooLarge:
            return Answer(replies.too_large(limit), error="the request is too large")
        return self._answer_payload(request, payload, refuse)

    def _refuse_encoding(self, request: Request) -> str | None:
        if self.limits.gzip_updates or "gzip" not in request.headers.get("content-encoding", "").lower():
            return None
        return f"{request.path} does not support Content-Encoding: gzip; send the body uncompressed"

    def _answer_payload(self, request: Request, payload: Payload, refuse: Collection[int]) -> Answer:
        count = len(payload.events)
        params = _parameters(request, payload.params)
        refusal = _refuse_whole(count, params)
        if refusal is not None:
            return Answer(replies.track_error(400, refusal), count, 0, [], payload.size, refusal)
        if not self.limiter.admit(_project_of(payload), count, payload.size, request.received):
            return Answer(replies.track_rate_limited(), count, 0, [], payload.size, replies.RATE_LIMITED)
        try:
            return self._apply(request, payload, params, dict.fromkeys(refuse, _FAULT))
        except sqlite3.Error as error:
            sentence = f"the emulator could not store the profiles: {error}"
            return Answer(replies.not_stored(sentence), count, 0, [], payload.size, sentence)

    def _apply(
        self, request: Request, payload: Payload, params: Mapping[str, str], refuse: Mapping[int, Problem]
    ) -> Answer:
        rules = UpdateRules(request.path, self.limits.max_depth, self.limits.max_event_bytes)
        problems: dict[int, Problem] = {}
        changes: dict[int, Change] = {}
        for index, update in enumerate(payload.events):
            problem = _find_problem(update, payload, rules) or refuse.get(index)
            if problem is None:
                changes[index] = self._to_change(update, request, params)
            else:
                problems[index] = problem
        applied = self.state.apply(list(changes.values()), int(self.now() * 1000))
        problems |= {index: each for index, each in zip(changes, applied, strict=True) if each is not None}
        refused = [_to_refused(request, index, problems[index], payload.events[index]) for index in sorted(problems)]
        self.history.add(
            [
                AcceptedUpdate(change.key, request.number, request.received, without_token(payload.events[index]))
                for index, change in changes.items()
                if index not in problems
            ]
        )
        good = len(payload.events) - len(refused)
        reply = _reply(good, refused[0].message if refused else "no data objects in the body", params)
        return Answer(reply, len(payload.events), good, refused, payload.size)

    def _to_change(self, update: Update, request: Request, params: Mapping[str, str]) -> Change:
        operation = operation_of(update, request.path)
        group_key = USER if request.path == ENGAGE else update["$group_key"]
        profile_id = update["$distinct_id"] if request.path == ENGAGE else update["$group_id"]
        cut = cut_value if self.limits.string_unit == "bytes" else truncate
        return Change(
            (cut(group_key), cut(profile_id)),
            operation,
            cut(update[operation]),
            _address(update, request, params),
            update.get("$ignore_time", False),
            update.get("$ignore_alias", False),
        )


def _address(update: Update, request: Request, params: Mapping[str, str]) -> str | None:
    """Return the address that gives the profile its location: its `$ip`, or that of the request."""
    address = update.get("$ip")
    if address is None:
        return None if params.get("ip") == "0" else request.address
    return None if address in NO_ADDRESS or not address else str(address)


def _parameters(request: Request, form: Mapping[str, str]) -> dict[str, str]:
    given = {**form, **request.query}
    return {name: value for name, value in given.items() if name in PARAMETERS[request.path]}


def _refuse_whole(count: int, params: dict[str, str]) -> str | None:
    """Return why a readable request is refused as a whole, or None."""
    if count > MAX_UPDATES:
        return f"the request must have at most {MAX_UPDATES} updates, got {count}"
    return refuse_callback(params)


def _unreadable(request: Request, problem: Unreadable) -> Reply:
    """Return the reply to a body without readable updates: the documents have no 400 for it, but `0`."""
    if problem.status != 400:
        return replies.track_error(problem.status, problem.sentence)
    params = _parameters(request, problem.params)
    refusal = refuse_callback(params)
    return replies.track_error(400, refusal) if refusal is not None else _reply(0, problem.sentence, params)


def _reply(good: int, problem: str, params: Mapping[str, str]) -> Reply:
    return replies.received(None if good else problem, params, good if params.get("strict") == "1" else None)


def _find_problem(update: object, payload: Payload, rules: UpdateRules) -> Problem | None:
    if not payload.unicode and isinstance(update, dict):
        problem = check_text(update)
        if problem is not None:
            return problem
    problem = check_update(update, rules)
    limit = rules.max_update_bytes
    # An update cannot be larger than its body, so most updates are never measured.
    if problem is None and payload.size >= limit and len(orjson.dumps(update)) >= limit:
        return Problem("", f"the update is invalid: must be smaller than {limit} bytes of JSON")
    return problem


def _project_of(payload: Payload) -> str:
    """Return a digest of the first update's token."""
    first = payload.events[0] if payload.events else None
    token = first.get("$token") if isinstance(first, dict) else None
    return digest(token) if isinstance(token, str) and token else ""


def _to_refused(request: Request, index: int, problem: Problem, update: Any) -> RefusedEvent:
    return RefusedEvent(
        request=request.number,
        received=request.received,
        endpoint=request.path,
        index=index,
        insert_id="",
        field=problem.field,
        message=problem.message,
        json=encode(update),
    )
