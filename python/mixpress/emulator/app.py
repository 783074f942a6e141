"""The HTTP side: two routes, and 404 and 405 for the rest."""

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
from mixpress.emulator.request import Credentials, LoggedRequest, Request, deny

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from starlette.types import Receive, Scope, Send

    from mixpress.emulator.faults import Faults
    from mixpress.emulator.ingest import Intake

    Instead = Fault | tuple[int, Mapping[str, str], bytes] | None
    Before = Callable[[Request], Instead]

_Given = TypeVar("_Given")
_LOG_LENGTH = 10_000  # requests remembered, so that an emulator can run for weeks
_logger = logging.getLogger("mixpress.emulator")


class Front:
    """Reads each request, has it answered on a thread of its own, logs it and sends the reply."""

    def __init__(
        self,
        intake: Intake,
        executor: Executor,
        credentials: Credentials | None,
        before: Before | None,
        faults: Faults,
    ) -> None:
        self._intake = intake
        self._executor = executor
        self._credentials = credentials
        self._before = before
        self._faults = faults
        self._max_wire_bytes = intake.max_body_bytes * MAX_FORM_GROWTH
        self.forget()

    def forget(self) -> None:
        """Empty the log, number the requests from 1 again, and begin the faults anew."""
        self.log: deque[LoggedRequest] = deque(maxlen=_LOG_LENGTH)
        self._numbers = itertools.count(1)
        self.fail(self._faults)

    def fail(self, faults: Faults) -> None:
        """Let requests fail like this from now on; a request that is under way keeps its fault."""
        self._faults = faults
        self._next_fault = faults.sequence()

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [Route(path, self._take, methods=["POST"]) for path in ACCEPTED]
        app = Starlette(routes=routes, exception_handlers={HTTPException: self._refuse})
        app.router.redirect_slashes = False
        return app

    async def _take(self, http: HTTPRequest) -> Response:
        try:
            body, size = await _read_body(http, self._max_wire_bytes)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
        if size > self._max_wire_bytes:
            return self._send(http, size, replies.too_large(self._intake.max_body_bytes), 0)
        request = self._describe(http, body)
        reply, events, fault = await self._answer(request)
        return self._send(http, size, reply, events, fault)

    async def _answer(self, request: Request) -> tuple[Reply, int, Fault]:
        """The reply, how many events the request had, and what was done to it on the way."""
        fault = next(self._next_fault)
        try:
            if self._before is not None:
                fault = to_fault(await self._on_a_thread(self._before, request)) or fault
            await asyncio.sleep(fault.delay)
            if fault.reply is not None:
                return fault.reply, 0, fault
            return (*await self._on_a_thread(self._intake.answer, request, fault.refuse), fault)
        except Exception:  # the client is answered whatever happens here
            _logger.exception("%s %s failed", request.method, request.path)
            return replies.failed_itself(), 0, Fault()

    async def _on_a_thread(self, function: Callable[..., _Given], *arguments: object) -> _Given:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _describe(self, http: HTTPRequest, body: bytes) -> Request:
        query = dict(http.query_params)
        headers = dict(http.headers)
        authorization = headers.pop("authorization", "")
        return Request(
            number=next(self._numbers),
            method=http.method,
            path=http.url.path,
            query=query,
            headers=headers,
            body=body,
            address=http.client.host if http.client else "",
            denied=deny(authorization, query, self._credentials),
        )

    async def _refuse(self, http: HTTPRequest, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
        there_is = " and ".join(f"POST {path}" for path in ACCEPTED)
        sentence = f"there is no {http.method} {http.url.path} here: there is {there_is}"
        headers = {"Allow": "POST"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        return self._send(http, 0, replies.error(status, sentence, headers), 0)

    def _send(self, http: HTTPRequest, size: int, reply: Reply, events: int, fault: Fault | None = None) -> Response:
        fault = fault or Fault()
        encoding = http.headers.get("content-encoding", "")
        path = http.url.path
        status = 0 if fault.silent else reply.status
        self.log.append(LoggedRequest(http.method, path, status, events, size, encoding, fault.name))
        told = f"  fault: {fault.name}" if fault.name else ""
        _logger.info("%s %s %s  events: %d  bytes: %d%s", http.method, path, status or "-", events, size, told)
        return _NoAnswer() if fault.silent else Response(reply.body, reply.status, dict(reply.headers))


def to_fault(instead: Instead) -> Fault | None:
    """What `before` has returned, as a fault."""
    return instead if instead is None or isinstance(instead, Fault) else Fault(Reply(*instead))


class _NoAnswer(Response):
    """Closes the connection in the place of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        scope["app"].state.hang_up(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            pass  # the server answers for an application that ends while somebody is there


async def _read_body(http: HTTPRequest, limit: int) -> tuple[bytes, int]:
    """A body and its size.

    One over the limit is read to its end and thrown away: a sender that is cut off does not read the reply.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in http.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
    return b"".join(chunks), size
