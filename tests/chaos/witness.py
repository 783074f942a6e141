"""Transports between the client and its connections that record each request and its reply."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mixpress import TransportError
from mixpress.transport import Request, Response, Urllib3Transport

from .update import LATE, LOST, PARTLY, UNSAFE, Seen, Status, number_in, profile_in


class WatchedTransport(Urllib3Transport):
    """Reports each attempt without a reply, also one that the transport repeats itself: when an idle connection breaks,
    the server may have handled the request.
    """

    def __init__(self, connections: int, **timeouts: float) -> None:
        super().__init__(connections, **timeouts)  # type: ignore[arg-type]
        self._callbacks = threading.local()

    def on_unanswered(self, callback: Callable[[], None]) -> None:
        """Call this for each attempt of this thread without a reply."""
        self._callbacks.unanswered = callback

    def _send(self, pools: Any, *rest: Any) -> Response:
        return super()._send(_WatchedPools(pools, self._callbacks.unanswered), *rest)  # type: ignore[arg-type]


class _WatchedPools:
    def __init__(self, pools: Any, unanswered: Callable[[], None]) -> None:
        self.sockets = pools.sockets
        self._pools = pools
        self._unanswered = unanswered

    def send(self, *arguments: Any) -> Response:
        try:
            return self._pools.send(*arguments)  # type: ignore[no-any-return]
        except Exception:
            self._unanswered()
            raise


class Witness:
    """A transport that records the events of each request and the status of its reply, None without a reply."""

    def __init__(self, transport: WatchedTransport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self.seen: list[tuple[list[str], int | None]] = []

    def send(self, request: Request) -> Response:
        names = [each["properties"]["$insert_id"] for each in json.loads(gzip.decompress(request.body))]
        self._transport.on_unanswered(lambda: self._note(names, None))
        response = self._transport.send(request)
        self._note(names, response.status)
        return response

    def _note(self, names: list[str], status: int | None) -> None:
        with self._lock:
            self.seen.append((names, status))

    def answers(self) -> dict[str, list[int | None]]:
        """Return the statuses of the replies to the requests of each event."""
        by_name: dict[str, list[int | None]] = {}
        with self._lock:
            for names, status in self.seen:
                for name in names:
                    by_name.setdefault(name, []).append(status)
        return by_name


def _is_searched(response: Response, count: int) -> bool:
    """Return whether the server took a part of some updates and refused at most 8 of them."""
    body = json.loads(response.body) if response.status == 200 else None
    taken = body.get("num_good_events") if isinstance(body, dict) else None
    return isinstance(taken, int) and 0 < taken < count <= taken + 8


class UpdateWitness:
    """A transport that records the updates of each request, and the status of its reply or how it failed."""

    def __init__(self, transport: WatchedTransport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self.seen: list[Seen] = []
        self.met: list[str] = []
        """Profiles that were in two requests at once."""

    def send(self, request: Request) -> Response:
        updates = json.loads(request.body)
        pairs = tuple((profile_in(update), number_in(update)) for update in updates)
        unsafe = frozenset(number_in(update) for update in updates if UNSAFE & update.keys())
        lost = 0

        def unanswered() -> None:
            nonlocal lost
            lost += 1

        self._transport.on_unanswered(unanswered)
        status: Status = LOST
        with self._noted({profile for profile, _ in pairs}):
            try:
                response = self._transport.send(request)
                status = PARTLY if not unsafe and _is_searched(response, len(pairs)) else response.status
            except TransportError as error:
                lost -= 1
                status = LATE if error.kind == "timeout" else LOST
                raise
            finally:
                with self._lock:
                    self.seen += [Seen(pairs, unsafe, LOST)] * lost + [Seen(pairs, unsafe, status)]
        return response

    @contextmanager
    def _noted(self, profiles: set[str]) -> Iterator[None]:
        with self._lock:
            self.met += [profile for profile in profiles if self._under_way[profile]]
            self._under_way.update(profiles)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.subtract(profiles)

    def answers(self) -> dict[int, list[Status]]:
        """Return how the requests of each update ended."""
        by_number: dict[int, list[Status]] = {}
        with self._lock:
            for updates, _, status in self.seen:
                for _, number in updates:
                    by_number.setdefault(number, []).append(status)
        return by_number
