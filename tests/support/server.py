"""Transports that reply like a server, without one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mixpress.transport import Request, Response
from support.events import ids, sent
from support.replies import Answer, ok

Handler = Callable[[Request], Answer]


class FakeServer:
    """A transport that gives these replies in turn, and then the last one again."""

    def __init__(self, *answers: Answer | Handler) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers) or [ok()]
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        with self._lock:
            self.requests.append(request)
            given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        reply = given(request) if callable(given) else given
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def imported(self) -> list[str]:
        """The ids of the events in all requests, in order."""
        return [name for request in self.requests for name in ids(request)]


class Hung:
    """A handler that does not reply until `go` is set."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    def __call__(self, _request: Request) -> Response:
        self.asked.set()
        assert self.go.wait(20)
        return ok()


def sent_all(server: FakeServer) -> list[dict[str, Any]]:
    """Return the events in all requests, in order."""
    return [one for request in server.requests for one in sent(request)]
