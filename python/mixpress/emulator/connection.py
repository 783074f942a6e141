"""A connection: uvicorn's, with bounds on the size of a request's head and on the time until a request is complete."""

from __future__ import annotations

import logging
import socket
import struct
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

MAX_HEAD_BYTES = 65_536
"""Of the request line and all headers. Requests in larger pieces of the network may have up to twice as much."""

_LINGER_SECONDS = 10.0  # for the sender to read why its request is refused
_MAX_DISCARDED = 64_000_000  # bytes read meanwhile
_SENTENCES = {
    400: "the request is not valid HTTP",
    414: f"the URL must have at most {MAX_HEAD_BYTES} bytes",
    431: f"the headers must have at most {MAX_HEAD_BYTES} bytes together",
    501: "Transfer-Encoding must be chunked or absent",
}

_logger = logging.getLogger("mixpress.emulator")


@dataclass(frozen=True)
class ConnectionLimits:
    """What a client may use."""

    request_seconds: float = 60.0
    """From the first byte of a request, or the start of a connection, to the request's last byte."""
    connections: int = 1000
    """Beyond it, the connection that has waited longest for a request, or for the rest of one, is closed."""


class Waiting:
    """The connections of a server that wait for a request or for the rest of one, in the order of their waiting."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._connections: dict[Connection, None] = {}

    def add(self, connection: Connection) -> None:
        """Add a connection that begins to wait."""
        self._connections[connection] = None

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has ended, or whose request is complete."""
        self._connections.pop(connection, None)

    def make_room(self, open_connections: int) -> None:
        """Close the one that has waited longest, if too many are open."""
        if open_connections > self.limits.connections and self._connections:
            oldest = next(iter(self._connections))
            self.remove(oldest)
            oldest.transport.abort()

    def abort_incomplete(self) -> None:
        """Close those without a complete request."""
        for connection in list(self._connections):
            if connection.is_incomplete():
                connection.transport.abort()


class Connection(H11Protocol):
    """Reads requests, runs the application and sends its replies."""

    def __init__(self, waiting: Waiting, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._waiting = waiting
        self._deadline: asyncio.TimerHandle | None = None
        self._half_closed = False
        self._discarded: int | None = None
        """Bytes read since the request was refused; None if it was not."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._waiting.make_room(len(self.connections))
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the waiting."""
        self._end_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process the next bytes; those after a refusal are discarded."""
        while len(data) > MAX_HEAD_BYTES and self.conn.their_state is h11.IDLE and self._discarded is None:
            super().data_received(data[:MAX_HEAD_BYTES])
            data = data[MAX_HEAD_BYTES:]
        if self._discarded is None:
            super().data_received(data)
            return
        self._discarded += len(data)
        if self._discarded > _MAX_DISCARDED:
            self.transport.abort()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection of a client that sends no more, if it waits for a reply."""
        self._half_closed = True
        return self._discarded is None and self._is_answering() and not self.is_streaming()

    def handle_events(self) -> None:
        """Process the requests that were received."""
        super().handle_events()
        if self._discarded is not None:
            return
        state = self.conn.their_state
        if state is h11.SEND_BODY or (state is h11.IDLE and self.conn.trailing_data[0]):
            if self._deadline is None:
                self._await_request()
        elif state is not h11.IDLE:
            self._end_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn closes the connection if none comes."""
        self._waiting.add(self)
        super().on_response_complete()
        if self._half_closed and self._discarded is None and not self._is_answering():
            self.transport.close()

    def is_incomplete(self) -> bool:
        """Return whether its first request, or the rest of one, is awaited."""
        return self._deadline is not None

    def _is_answering(self) -> bool:
        """Return whether a request is complete and its reply is not."""
        complete = self.conn.their_state not in {h11.IDLE, h11.SEND_BODY, h11.ERROR}
        return complete and self.cycle is not None and not self.cycle.response_complete

    def is_streaming(self) -> bool:
        """Return whether a part of a reply has been sent."""
        return self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete

    def reset(self) -> None:
        """Reset the connection: the client gets a RST, not a FIN."""
        connected = self.transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Refuse what is not HTTP, or too large; uvicorn calls it while it handles the error."""
        status = getattr(sys.exc_info()[1], "error_status_hint", 400)
        if status == 431 and self.cycle is not None and not self.cycle.response_complete:
            status = 400  # a chunk's head
        elif status == 431 and b"\n" not in self.conn.trailing_data[0]:
            status = 414
        self._refuse(status, _SENTENCES.get(status, _SENTENCES[400]))

    def _await_request(self) -> None:
        self._waiting.add(self)
        self._deadline = self.loop.call_later(self._waiting.limits.request_seconds, self._expire)

    def _end_waiting(self) -> None:
        self._waiting.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.transport.abort()  # it never sent a byte
            return
        seconds = self._waiting.limits.request_seconds
        self._refuse(408, f"the request was not complete within {seconds:g} s: is its Content-Length too large?")

    def _refuse(self, status: int, sentence: str) -> None:
        """Reply, and close the connection after the sender had time to read the reply."""
        self._end_waiting()
        _logger.info("a connection was closed with %d: %s", status, sentence)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.is_closing() or self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()
            return
        body = sentence.encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        response = h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        # Closed now, with bytes of the sender unread, it would be reset, and the reply lost.
        self._discarded = 0
        self.transport.write_eof()
        self.flow.resume_reading()
        self._deadline = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
