"""A transport that takes updates of profiles, fails as a test says, and notes the order in which it took them."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from mixpress.transport import Request, Response
from support.replies import RESET, UNREACHED, answer, busy

Fault = Literal["", "429", "503", "503 after", "reset", "reset after", "refused", "413"]
"""How a request fails: before the server takes it, or after."""

FAULTS: tuple[Fault, ...] = ("429", "503", "503 after", "reset", "reset after", "refused", "413")


class ProfileServer:
    """`fault` is called with the updates of each request, and returns how it fails: not at all if it is empty."""

    def __init__(self, fault: Callable[[list[dict[str, Any]]], Fault] = lambda _: "") -> None:
        self.requests: list[Request] = []
        self.taken: list[list[dict[str, Any]]] = []
        """The updates of each request that it took, also if the reply was lost."""
        self.faults: Counter[str] = Counter()
        self.together = 0
        """The most requests under way at once."""
        self.met: list[str] = []
        """Profiles that were in two requests at once."""
        self._fault = fault
        self._under_way: Counter[str] = Counter()
        self._count = 0
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        updates = updates_of(request)
        with self._noted(request, [profile_of(update) for update in updates]):
            os.sched_yield()  # lets another thread send meanwhile
            with self._lock:
                fault = self._fault(updates)
                if fault == "413" and len(updates) == 1:
                    fault = ""
                self.faults[fault] += 1
                if fault in {"", "503 after", "reset after"}:
                    self.taken.append(updates)
            return self._reply(fault, len(updates))

    @contextmanager
    def _noted(self, request: Request, profiles: list[str]) -> Iterator[None]:
        with self._lock:
            self.requests.append(request)
            self._count += 1
            self.together = max(self.together, self._count)
            self.met += [profile for profile in set(profiles) if self._under_way[profile]]
            self._under_way.update(set(profiles))
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                self._under_way.subtract(set(profiles))

    def _reply(self, fault: Fault, count: int) -> Response:
        match fault:
            case "429":
                return busy()
            case "503" | "503 after":
                return answer(503, "upstream connect error")
            case "reset" | "reset after":
                raise RESET
            case "refused":
                raise UNREACHED
            case "413":
                return answer(413, {"error": "too large"})
        return answer(200, {"error": None, "num_good_events": count, "status": 1})

    def numbers(self, profile: str) -> list[int]:
        """Return the number `n` of each update of a profile, in the order in which they were taken."""
        return [number_of(update) for updates in self.taken for update in updates if profile_of(update) == profile]


def updates_of(request: Request) -> list[dict[str, Any]]:
    """Return the updates of a request."""
    assert request.headers["Content-Type"] == "application/json"
    assert "Content-Encoding" not in request.headers
    return json.loads(request.body)  # type: ignore[no-any-return]


def path_of(request: Request) -> str:
    return urlsplit(request.url).path


def profile_of(update: dict[str, Any]) -> str:
    return str(update["$distinct_id"])


def number_of(update: dict[str, Any]) -> int:
    [content] = [update[name] for name in ("$set", "$add") if name in update]
    return int(content["n"])
