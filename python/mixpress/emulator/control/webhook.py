"""Send each batch that arrived to another server, without ever delaying its reply."""

from __future__ import annotations

import http.client
import logging
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from mixpress.emulator.control.listing import refused_to_json, request_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.emulator.accept import Row
    from mixpress.emulator.request import LoggedRequest, RefusedEvent

_MAX_BATCHES = 1000
_MAX_BYTES = 64_000_000  # of the JSON of the batches that wait
_TIMEOUT = 5.0  # seconds, for a connection and for each part of the reply
_LAST_SECONDS = 1.0  # for what waits when the emulator stops
_MAX_REPLY = 65_536  # bytes that are read of a reply; the rest does not matter

_logger = logging.getLogger("mixpress.emulator")


class Batch(NamedTuple):
    """A request with its events."""

    request: LoggedRequest
    rows: Sequence[Row]
    refused: Sequence[RefusedEvent]

    def to_json(self) -> bytes:
        """Return the body for the other server."""
        events = [
            {
                "endpoint": self.request.path,
                "request": self.request.number,
                "received": self.request.received,
                "event": row.event,
                "properties": orjson.Fragment(row.properties),
            }
            for row in self.rows
        ]
        refused = [refused_to_json(each) for each in self.refused]
        return orjson.dumps({"request": request_to_json(self.request), "events": events, "refused": refused})


class Webhook:
    """Posts batches to one URL, in order, on a separate thread; ValueError if it is no http or https URL.

    Up to 1000 batches and 64 MB wait; then the oldest is dropped and counted. A batch that fails is not sent again. The
    first failure in a row is logged. Redirects and proxies are not followed.
    """

    def __init__(self, url: str) -> None:
        self._target = to_target(url)
        self._lock = threading.Condition()
        self._waiting: deque[Batch] = deque()
        self._waiting_bytes = 0
        self._connection: http.client.HTTPConnection | None = None
        self._stopping = self._aborted = False
        self._has_failed = False
        self.dropped = 0
        """Number of batches that were not sent because too many waited, or the emulator stopped."""
        self._thread = threading.Thread(target=self._work, name="mixpress-emulator-webhook", daemon=True)
        self._thread.start()

    def put(self, request: LoggedRequest, rows: Sequence[Row], refused: Sequence[RefusedEvent]) -> None:
        """Send a batch soon. Any thread may call it; it returns at once."""
        with self._lock:
            self._waiting.append(Batch(request, rows, refused))
            self._waiting_bytes += request.unpacked_bytes
            while len(self._waiting) > _MAX_BATCHES or (self._waiting_bytes > _MAX_BYTES and len(self._waiting) > 1):
                self._take()
                self.dropped += 1
            self._lock.notify()

    def close(self) -> None:
        """Send what waits for up to a second, then end the thread, also within a request."""
        with self._lock:
            self._stopping = True
            self._lock.notify()
        if sys.is_finalizing():  # daemon threads stand still
            return
        self._thread.join(_LAST_SECONDS)
        with self._lock:
            self._aborted = True
            self.dropped += len(self._waiting)
            self._waiting.clear()
            connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(_LAST_SECONDS)

    def _take(self) -> Batch:
        batch = self._waiting.popleft()
        self._waiting_bytes -= batch.request.unpacked_bytes
        return batch

    def _next(self) -> Batch | None:
        with self._lock:
            while not self._waiting:
                if self._stopping:
                    return None
                self._lock.wait()
            return self._take()

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._send(batch.to_json())
            except Exception as error:  # noqa: BLE001 - it must not end the thread
                self._report(error)
            else:
                self._has_failed = False

    def _send(self, body: bytes) -> None:
        connection = self._target.connect()
        try:
            with self._lock:
                self._connection = connection
            connection.request("POST", self._target.path, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            reply.read(_MAX_REPLY)
            if not 200 <= reply.status < 300:
                raise OSError(f"it answered {reply.status}")
        finally:
            with self._lock:
                self._connection = None
            connection.close()

    def _report(self, error: Exception) -> None:
        if not self._has_failed and not self._aborted:
            # Not the URL: its path or query may be the secret that lets others post there.
            _logger.warning(
                "the webhook at %s failed: %s; further failures are not logged until it succeeds",
                self._target.name,
                error if isinstance(error, OSError) else type(error).__name__,
            )
        self._has_failed = True


class Target(NamedTuple):
    """Where batches are sent."""

    scheme: str
    host: str
    port: int | None
    path: str
    """With the query."""

    @property
    def name(self) -> str:
        """The scheme and host, for messages."""
        return f"{self.scheme}://{self.host}"

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that is opened by its first request."""
        kind: Any = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        connection: http.client.HTTPConnection = kind(self.host, self.port, timeout=_TIMEOUT)
        return connection


def to_target(url: str) -> Target:
    """Return the parts of a webhook's URL; a ValueError does not quote it, as it may be a secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, TypeError, AttributeError):
        raise ValueError("webhook must be a valid http or https URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("webhook must be an http or https URL, such as http://127.0.0.1:9000/events")
    if parts.username is not None or parts.password is not None:
        raise ValueError("webhook must be a URL without a user name and password")
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ValueError("webhook must be a URL of ASCII characters; encode others with %")
    return Target(parts.scheme, parts.hostname, port, path)
