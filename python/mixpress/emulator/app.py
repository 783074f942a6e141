"""The ASGI application: POST /import, POST and GET /track, 404 and 405 for anything else."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import Route

from mixpress.emulator import replies
from mixpress.emulator.faults import Fault
from mixpress.emulator.payload import ACCEPTED, MAX_FORM_GROWTH
from mixpress.emulator.replies import Reply
from mixpress.emulator.request import Credentials, LoggedRequest, Request, check_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from starlette.types import Receive, Scope, Send

    from mixpress.emulator.faults import Faults
    from mixpress.emulator.ingest import Ingest

    Override = Fault | tuple[int, Mapping[str, str], bytes] | None
    Before = Callable[[Request], Override]

_Result = TypeVar("_Result")
METHODS = {"/import": ("POST",), "/track": ("GET", "POST")}
"""The methods of each endpoint; GET is for pixels and for the clients that send one event in a URL."""

_LOG_LENGTH = 10_000  # bounds the memory of an emulator that runs for weeks
_logger = logging.getLogger("mixpress.emulator")


class HttpHandler:
    """Reads each request, answers it on a worker thread, logs it and sends the reply."""

    def __init__(
        self,
        ingest: Ingest,
        executor: Executor,
        credentials: Credentials | None,
        before: Before | None,
        faults: Faults,
    ) -> None:
        self._ingest = ingest
        self._executor = executor
        self._credentials = credentials
        self._before = before
        self._faults = faults
        self._max_wire_bytes = ingest.max_body_bytes * MAX_FORM_GROWTH
        self.clear()

    def clear(self) -> None:
        """Empty the log, and restart the request numbers and the sequence of faults."""
        self.log: deque[LoggedRequest] = deque(maxlen=_LOG_LENGTH)
        self._numbers = itertools.count(1)
        self.set_faults(self._faults)

    def set_faults(self, faults: Faults) -> None:
        """Apply these faults to requests from now on; a request in progress keeps its fault."""
        self._faults = faults
        self._next_fault = faults.sequence()

    def app(self) -> Starlette:
        """Return the ASGI application."""
        routes = [Route(path, self._handle, methods=METHODS[path]) for path in ACCEPTED]
        for route in routes:
            route.methods = set(METHODS[route.path])  # without the HEAD that Starlette adds to GET
        app = Starlette(routes=routes, exception_handlers={HTTPException: self._handle_error})
        app.router.redirect_slashes = False
        return app

    async def _handle(self, http: HTTPRequest) -> Response:
        try:
            body, size = await _read_body(http, self._max_wire_bytes)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # the client has disconnected and will not read it
        if size > self._max_wire_bytes:
            return self._send(http, size, replies.too_large(self._ingest.max_body_bytes), 0)
        request = self._to_request(http, body)
        reply, events, fault = await self._answer(request)
        return self._send(http, size, reply, events, fault)

    async def _answer(self, request: Request) -> tuple[Reply, int, Fault]:
        """Return the reply, the number of events in the request, and the fault applied to it."""
        fault = next(self._next_fault)
        try:
            if self._before is not None:
                fault = to_fault(await self._in_thread(self._before, request)) or fault
            await asyncio.sleep(fault.delay)
            if fault.reply is not None:
                own = fault.track_reply if request.path == "/track" else None
                return own or fault.reply, 0, fault
            return (*await self._in_thread(self._ingest.answer, request, fault.refuse), fault)
        except Exception:  # the client must get an answer even if the emulator fails
            _logger.exception("%s %s failed", request.method, request.path)
            return replies.failed_itself(), 0, Fault()

    async def _in_thread(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _to_request(self, http: HTTPRequest, body: bytes) -> Request:
        query = dict(http.query_params)
        headers = dict(http.headers)
        authorization = headers.pop("authorization", "")
        denied = check_credentials(authorization, query, self._credentials)
        query.pop("api_key", None)
        return Request(
            number=next(self._numbers),
            method=http.method,
            path=http.url.path,
            query=query,
            headers=headers,
            body=body,
            address=http.client.host if http.client else "",
            denied=denied,
        )

    async def _handle_error(self, http: HTTPRequest, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
        endpoints = " and ".join(f"POST {path}" for path in ACCEPTED)
        sentence = f"no endpoint {http.method} {http.url.path}: the emulator has {endpoints}"
        allowed = ", ".join(METHODS.get(http.url.path, ()))
        headers = {"Allow": allowed} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        return self._send(http, 0, replies.error(status, sentence, headers), 0)

    def _send(self, http: HTTPRequest, size: int, reply: Reply, events: int, fault: Fault | None = None) -> Response:
        fault = fault or Fault()
        encoding = http.headers.get("content-encoding", "")
        path = http.url.path
        status = 0 if fault.silent else reply.status
        self.log.append(LoggedRequest(http.method, path, status, events, size, encoding, fault.name))
        suffix = f"  fault: {fault.name}" if fault.name else ""
        _logger.info("%s %s %s  events: %d  bytes: %d%s", http.method, path, status or "-", events, size, suffix)
        return _NoAnswer() if fault.silent else Response(reply.body, reply.status, dict(reply.headers))


def to_fault(override: Override) -> Fault | None:
    """Return the result of `before` as a fault."""
    return override if override is None or isinstance(override, Fault) else Fault(Reply(*override))


class _NoAnswer(Response):
    """Closes the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        scope["app"].state.abort_connection(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            pass  # uvicorn sends a 500 if the application returns while the client is connected


async def _read_body(http: HTTPRequest, limit: int) -> tuple[bytes, int]:
    """Return a body and its size.

    A body over the limit is read to its end and discarded: a sender that is cut off does not read the reply.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in http.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
    return b"".join(chunks), size
