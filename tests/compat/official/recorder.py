"""A local server that records its requests, for endpoints that the emulator does not have."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from support.listener import Listener, http, read_request

TAKEN = http("200 OK", b'{"error":null,"status":1}')
BUSY = http("503 Service Unavailable", b"upstream connect error")


class Recorded(NamedTuple):
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def messages(self) -> Any:
        return json.loads(self.body)


class Recorder:
    """Answers with the given replies in turn, and with the last one from then on."""

    def __init__(self, *replies: bytes) -> None:
        self.requests: list[Recorded] = []
        self.hold = threading.Event()
        self.hold.set()
        self.asked = threading.Event()
        self._replies = list(replies) or [TAKEN]
        self.url = ""

    def __call__(self, connection: socket.socket) -> None:
        while True:
            head, _, body = read_request(connection).partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self.requests.append(Recorded(first.split()[1], headers, body))
            self.asked.set()
            self.hold.wait(20)
            connection.sendall(self._replies.pop(0) if len(self._replies) > 1 else self._replies[0])

    @property
    def urls(self) -> dict[str, str]:
        paths = {"events": "track", "people": "engage", "groups": "groups", "import": "import"}
        return {f"{name}_url": f"{self.url}/{path}" for name, path in paths.items()}


@contextmanager
def recording(*replies: bytes) -> Iterator[Recorder]:
    recorder = Recorder(*replies)
    listener = Listener(recorder)
    recorder.url = listener.url().removesuffix("/import")
    try:
        yield recorder
    finally:
        listener.close()
