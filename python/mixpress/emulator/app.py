"""The ASGI application: the endpoints of `METHODS`, 404 and 405 for anything else."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import Route

from mixpress.emulator import replies
from mixpress.emulator.auth import check_credentials, is_service_account, project_of
from mixpress.emulator.cors import ALLOWED_ORIGINS, OPEN_PATHS, preflight_routes
from mixpress.emulator.faults.fault import Fault
from mixpress.emulator.faults.plan import FaultPlan
from mixpress.emulator.ingest import Answer
from mixpress.emulator.lookup.answer import PATH as LOOKUP
from mixpress.emulator.lookup.answer import is_lookup
from mixpress.emulator.lookup.check import MAX_BYTES as MAX_LOOKUP_BYTES
from mixpress.emulator.payload import ACCEPTED, MAX_FORM_GROWTH
from mixpress.emulator.replies import Reply
from mixpress.emulator.request import LoggedRequest, Request, cut, cut_all, hide_credentials
from mixpress.emulator.shown import cut as cut_to_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from concurrent.futures import Executor

    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from mixpress.emulator.auth import Credentials
    from mixpress.emulator.control.webhook import Webhook
    from mixpress.emulator.faults.faults import Faults
    from mixpress.emulator.ingest import Ingest
    from mixpress.emulator.log import RequestLog

    Answerer = Callable[[Request, Collection[int], int | None], Answer]
    Override = Fault | tuple[int, Mapping[str, str], bytes] | None
    Before = Callable[[Request], Override]
    Foreign = Callable[[str, str, Mapping[str, str]], str | None]

_Result = TypeVar("_Result")
NO_REPLY = Reply(0, {}, b"")
"""Of a request whose connection is reset."""

METHODS = {
    "/import": ("POST",),
    "/track": ("GET", "POST", "OPTIONS"),
    "/engage": ("POST", "OPTIONS"),
    "/groups": ("POST", "OPTIONS"),
    LOOKUP: ("GET",),
    f"{LOOKUP}/{{id}}": ("PUT",),
}
"""The methods of each endpoint; GET is for pixels and clients that send one event in a URL, OPTIONS for CORS."""

ENDPOINTS = "POST /import, GET and POST /track, POST /engage and POST /groups, GET and PUT /lookup-tables"

_MAX_DISCARDED = 100_000_000  # bytes of a body beyond its limit: an endless one is cut off
_CLOSE = {"Connection": "close"}

_logger = logging.getLogger("mixpress.emulator")


class HttpHandler:
    """Reads each request, answers it on a worker thread, logs it and sends the reply."""

    def __init__(
        self,
        ingest: Ingest,
        executor: Executor,
        log: RequestLog,
        credentials: Credentials | None,
        before: Before | None,
        faults: Faults,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        webhook: Webhook | None = None,
        foreign: Foreign | None = None,
        answerers: Mapping[str, Answerer] | None = None,
    ) -> None:
        """`foreign` returns why a request, by its method, path and headers, is one of another site's page, or None.

        `answerers` answer the requests to their paths; `ingest` answers the others.
        """
        self._answerers = answerers or {}
        self._ingest = ingest
        self._executor = executor
        self._log = log
        self._credentials = credentials
        self._before = before
        self._webhook = webhook
        self._foreign = foreign or (lambda _method, _path, _headers: None)
        self._sleep = sleep or asyncio.sleep
        self._max_body_bytes = ingest.limits.max_body_bytes
        self._max_wire_bytes = self._max_body_bytes * MAX_FORM_GROWTH
        self.plan = FaultPlan(faults, ingest.now, self._max_body_bytes)
        self.restart()

    def restart(self) -> None:
        """Restart the request numbers and the sequence of faults."""
        self._numbers = itertools.count(1)
        self.plan.restart()

    def app(self, others: Sequence[BaseRoute] = ()) -> Starlette:
        """Return the ASGI application: the endpoints, and the routes of `others`."""
        # Browser SDKs send to /track/.
        lookups = () if LOOKUP not in self._answerers else (LOOKUP, f"{LOOKUP}/{{id}}")
        paths = [*ACCEPTED, *(f"{path}/" for path in sorted(OPEN_PATHS)), *lookups]
        routes = [Route(path, self._handle, methods=METHODS[path.removesuffix("/")]) for path in paths]
        for route in routes:
            route.methods = set(METHODS[route.path.removesuffix("/")])  # without the HEAD that Starlette adds to GET
        app = Starlette(
            routes=[*preflight_routes(), *routes, *others], exception_handlers={HTTPException: self._handle_error}
        )
        app.router.redirect_slashes = False
        return app

    async def _handle(self, http: HTTPRequest) -> Response:
        try:
            limit = self._limit_of(http)
            body, size = await _read_body(http, limit)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # the client has disconnected and will not read it
        began = time.perf_counter()
        refusal = None if is_open(http) else self._refuse_foreign(http)
        if refusal is not None:
            return refusal
        request = self._to_request(http, body)
        headers: Mapping[str, str] = {}
        if size > limit:
            most = MAX_LOOKUP_BYTES if is_lookup(request.path) else self._max_body_bytes
            answer, fault = Answer(replies.too_large(most), error="the body is too large"), Fault()
            headers = _CLOSE if size > limit + _MAX_DISCARDED else {}
        elif {"content-length", "transfer-encoding"} <= request.headers.keys():
            answer, fault = to_refusal(request, "the body has both a Content-Length and a Transfer-Encoding"), Fault()
            headers = _CLOSE
        else:
            answer, fault = await self._answer(request, http.headers.getlist("prefer"))
            headers = _CLOSE if is_unreadable(request, answer) else {}
        self._enter(request, answer, fault, size, time.perf_counter() - began)
        if request.path in OPEN_PATHS:
            headers = {**headers, **ALLOWED_ORIGINS}
        if fault.silent or fault.reset:
            return _NoAnswer(reset=fault.reset)
        return to_response(answer.reply, headers)

    async def _answer(self, request: Request, prefer: Sequence[str]) -> tuple[Answer, Fault]:
        """Return the answer, and the fault applied to the request."""
        try:
            preference = self.plan.preferred(prefer) if prefer else None
        except ValueError as error:
            return to_refusal(request, f"header Prefer: {error}"), Fault()
        try:
            fault = self.plan.next() if preference is None else preference.fault
            own = None if self._before is None else to_fault(await self._in_thread(self._before, request))
            answer, fault = await self._apply(own or fault, request)
        except Exception:  # the client must get an answer even if the emulator fails
            _logger.exception("%s %s failed", request.method, request.path)
            return Answer(replies.failed_itself(), error="the emulator failed"), Fault()
        if preference is not None and own is None:
            headers = {**answer.reply.headers, "Preference-Applied": preference.applied}
            answer = replace(answer, reply=answer.reply._replace(headers=headers))
        return answer, fault

    async def _apply(self, fault: Fault, request: Request) -> tuple[Answer, Fault]:
        if fault.delay:
            await self._sleep(fault.delay)
        if fault.reset:
            return Answer(NO_REPLY), fault
        if fault.reply is not None:
            own = fault.track_reply if request.path in OPEN_PATHS else None
            return Answer(own or fault.reply), fault
        answer = await self._in_thread(self._answerer(request.path), request, fault.refuse, fault.max_bytes)
        if fault.max_bytes is not None and answer.reply == replies.too_large(fault.max_bytes):
            names = [fault.name, self.plan.name_of_limit(fault.max_bytes)]
            fault = replace(fault, name=",".join(filter(None, names)))
        return answer, fault

    def _answerer(self, path: str) -> Answerer:
        return self._answerers.get(LOOKUP if is_lookup(path) else path, self._ingest.answer)

    async def _in_thread(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _to_request(self, http: HTTPRequest, body: bytes) -> Request:
        query = dict(http.query_params)
        authorization = http.headers.get("authorization", "")
        denied = check_credentials(authorization, query, self._credentials)
        project = project_of(authorization, query)
        query.pop("api_key", None)
        return Request(
            number=next(self._numbers),
            method=http.method,
            path=http.scope["path"].removesuffix("/"),
            query=query,
            headers=hide_credentials(http.headers),
            body=body,
            address=http.client.host if http.client else "",
            denied=denied,
            received=int(self._ingest.now() * 1000),
            project=project,
            is_service_account=is_service_account(authorization),
        )

    def _limit_of(self, http: HTTPRequest) -> int:
        """Return the most bytes of a body that are read."""
        return MAX_LOOKUP_BYTES if is_lookup(http.scope["path"]) else self._max_wire_bytes

    def _refuse_foreign(self, http: HTTPRequest) -> Response | None:
        """Return a 403 for a request of another site's page, or None.

        It is not entered in the log: a page could replace all entries by its own.
        """
        why = self._foreign(http.method, http.scope["path"], http.headers)
        if why is None:
            return None
        _logger.info("%s %s 403  %s", cut_to_line(http.method), cut_to_line(http.scope["path"]), why)
        return to_response(replies.error(HTTPStatus.FORBIDDEN, why))

    async def _handle_error(self, http: HTTPRequest, error: Exception) -> Response:
        refusal = self._refuse_foreign(http)
        if refusal is not None:
            return refusal
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
        path = http.scope["path"]
        sentence = f"no endpoint {http.method} {path}: the emulator has {ENDPOINTS}"
        allowed = ", ".join(methods_of(path))
        headers = {"Allow": allowed} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        request = Request(0, http.method, path, {}, {}, b"", "", received=int(self._ingest.now() * 1000))
        answer = Answer(replies.error(status, sentence, headers), error=sentence)
        self._enter(request, answer, Fault(), 0, 0.0)
        return to_response(answer.reply)

    def _enter(self, request: Request, answer: Answer, fault: Fault, size: int, seconds: float) -> None:
        """Log a request."""
        status = 0 if fault.silent or fault.reset else answer.reply.status
        encoding = request.headers.get("content-encoding", "")
        logged = LoggedRequest(
            method=cut(request.method),
            path=cut(request.path),
            status=status,
            events=answer.events,
            body_bytes=size,
            content_encoding=cut(encoding),
            fault=cut(fault.name),
            number=request.number,
            received=request.received,
            imported=answer.imported,
            refused=len(answer.refused),
            unpacked_bytes=answer.unpacked_bytes,
            seconds=seconds,
            query=cut_all(hide_credentials({name: value for name, value in request.query.items() if name != "data"})),
            headers=cut_all(request.headers),
            error=cut(answer.error),
            ignored=answer.ignored,
        )
        self._log.add(logged, answer.refused)
        if self._webhook is not None and answer.events and request.path not in self._answerers:
            self._webhook.put(logged, answer.rows, answer.refused)
        suffix = f"  fault: {cut_to_line(fault.name)}" if fault.name else ""
        _logger.info(
            "%s %s %s  events: %d  bytes: %d%s",
            cut_to_line(request.method),
            cut_to_line(request.path),
            status or "-",
            answer.events,
            size,
            suffix,
        )


def methods_of(path: str) -> Sequence[str]:
    """Return the methods that a path has; none for a path that is no endpoint."""
    found = METHODS.get(path.removesuffix("/"))
    return found or (METHODS[f"{LOOKUP}/{{id}}"] if is_lookup(path) else ())


def is_open(http: HTTPRequest) -> bool:
    """Return whether a request is for an endpoint that any page may use."""
    path: str = http.scope["path"]
    return path.removesuffix("/") in OPEN_PATHS


def to_response(reply: Reply, more: Mapping[str, str] | None = None) -> Response:
    """Return a reply as Starlette's, with more headers that it may replace."""
    return Response(reply.body, reply.status, {**(more or {}), **reply.headers})


def to_refusal(request: Request, sentence: str) -> Answer:
    """Return a 400 for a request that is refused before its body is read."""
    make_error = replies.track_error if request.path in OPEN_PATHS else replies.error
    return Answer(make_error(HTTPStatus.BAD_REQUEST, sentence), error=sentence)


def is_unreadable(request: Request, answer: Answer) -> bool:
    """Return whether the body was no events. If its length was wrong, what follows is the rest, not a request."""
    read = answer.unpacked_bytes or not request.body
    return bool(answer.error) and not read and answer.reply.status in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}


def to_fault(override: Override) -> Fault | None:
    """Return the result of `before` as a fault."""
    return override if override is None or isinstance(override, Fault) else Fault(Reply(*override))


class _NoAnswer(Response):
    """Closes the connection instead of answering, with a RST if `reset`."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        scope["app"].state.abort_connection(scope["client"], reset=self._reset)
        while (await receive())["type"] != "http.disconnect":
            pass  # uvicorn sends a 500 if the application returns while the client is connected


async def _read_body(http: HTTPRequest, limit: int) -> tuple[bytes, int]:
    """Return a body and its size.

    A body over the limit is read to its end and discarded: a sender that is cut off does not read the reply. One that
    is much larger is not read further.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in http.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size > limit + _MAX_DISCARDED:
            break
    return b"".join(chunks), size
