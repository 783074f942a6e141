"""Local servers, each in its own process, which count the events that they receive."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs

from mixpress.emulator import Emulator

DELAY = 0.05
"""Seconds after which the counting server replies."""
REPLY = b'{"code": 200, "status": 1, "error": null}'
"""A success for every client."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(REPLY), REPLY)
EVENTS_UNDER = {
    "/import": "",
    "/track": "",
    "/engage": "",
    "/batch/": "batch",
    "/v1/batch": "batch",
    "/2/httpapi": "events",
    "/com.snowplowanalytics.snowplow/tp2": "data",
}
"""The name of the list of events in a body, by path; empty if the body is the list."""

Serve = Callable[[Connection], None]


class Server:
    """A server in another process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.url: str = connection.recv()

    def count(self) -> int:
        """Return how many events it has received."""
        self._connection.send("count")
        seen: int | str = self._connection.recv()
        if isinstance(seen, str):
            raise SystemExit(seen)
        return seen


@contextmanager
def running(serve: Serve) -> Iterator[Server]:
    """Run one of the servers below."""
    context = multiprocessing.get_context("spawn")
    connection, other_end = context.Pipe()
    process = context.Process(target=serve, args=(other_end,), daemon=True)
    process.start()
    try:
        yield Server(connection)
    finally:
        connection.send("end")
        process.join()


def emulator(connection: Connection) -> None:
    """Serve the emulator, which checks and stores every event."""
    with Emulator(rate_limit=None) as server:
        connection.send(server.url)
        while connection.recv() != "end":
            connection.send(server.count())


def sink(connection: Connection) -> None:
    """Serve a bare sink, which reads a request and replies 200 without parsing it."""
    listen(connection, lambda _path, _body: None, lambda: 0)


def counting_ids(connection: Connection) -> None:
    """Serve a counter of events that have an id, which does not parse them, and replies at once."""
    lock, seen = threading.Lock(), [0]

    def take(_path: str, body: bytes) -> None:
        count = gzip.decompress(body).count(b'"$insert_id":')
        with lock:
            seen[0] += count

    listen(connection, take, lambda: seen[0])


def counting(connection: Connection) -> None:
    """Serve a counter of events, which knows the protocols of all clients and replies after `DELAY`."""
    tally = Tally()
    listen(connection, tally.take, tally.settled)


class Tally:
    """Counts events as they arrive, even if the sender does not wait for the reply."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = 0
        self._error = ""
        self._last = 0.0

    def take(self, path: str, body: bytes) -> None:
        try:
            count = len(events_in(path, body))
        except (KeyError, ValueError) as error:
            count, self._error = 0, f"a request that is not understood: {path}: {error!r}"
        with self._lock:
            self._seen += count
            self._last = time.monotonic()
        time.sleep(DELAY)

    def settled(self) -> int | str:
        """Return the count once no request has arrived for a while, as those of an ended process may be queued."""
        while time.monotonic() - self._last < 4 * DELAY:
            time.sleep(DELAY)
        return self._error or self._seen


def events_in(path: str, body: bytes) -> list[Any]:
    """Return the events in a request to one of the known paths."""
    name = EVENTS_UNDER[path.partition("?")[0]]
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    content = json.loads(parse_qs(body)[b"data"][0] if body.startswith(b"data=") else body)
    events = content[name] if name else content
    if not isinstance(events, list):
        raise ValueError(f"a list of events was expected, not {type(events).__name__}")
    return events


def listen(connection: Connection, take: Callable[[str, bytes], None], count: Callable[[], int | str]) -> None:
    """Serve until "end" is received, each connection in its own thread."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept() -> None:
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0], take), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    connection.send(f"http://127.0.0.1:{listener.getsockname()[1]}")
    while connection.recv() != "end":
        connection.send(count())


def answer(connection: socket.socket, take: Callable[[str, bytes], None]) -> None:
    """Reply to the requests of a connection until the client closes it."""
    try:
        with connection, connection.makefile("rb", 1 << 18) as stream:
            while line := stream.readline():
                length = 0
                while (header := stream.readline()) not in {b"\r\n", b""}:
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                body = stream.read(length)
                if len(body) == length:
                    take(line.split()[1].decode(), body)
                    connection.sendall(ANSWER)
    except OSError:
        return
