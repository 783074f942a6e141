"""What was asked of the server, and what it answered, as seen from between the client and its connections."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

from mixpress.transport import Request, Response, Urllib3Transport


class WatchedTransport(Urllib3Transport):
    """Tells of each try that no answer came to, also of one that it repeats by itself: where a connection dies that had
    been idle before, the server may have taken the request all the same.
    """

    def __init__(self, connections: int, **timeouts: float) -> None:
        super().__init__(connections, **timeouts)  # type: ignore[arg-type]
        self._told = threading.local()

    def tell(self, unanswered: Callable[[], None]) -> None:
        """Call this at each such try that this thread makes."""
        self._told.unanswered = unanswered

    def _send(self, pools: Any, request: Request, proxy: Any) -> Response:
        return super()._send(_WatchedPools(pools, self._told.unanswered), request, proxy)  # type: ignore[arg-type]


class _WatchedPools:
    def __init__(self, pools: Any, unanswered: Callable[[], None]) -> None:
        self.sockets = pools.sockets
        self._pools = pools
        self._unanswered = unanswered

    def post(self, *arguments: Any) -> Response:
        try:
            return self._pools.post(*arguments)  # type: ignore[no-any-return]
        except Exception:
            self._unanswered()
            raise


class Witness:
    """A transport that notes what each request held and what was answered; None is no answer."""

    def __init__(self, transport: WatchedTransport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self.seen: list[tuple[list[str], int | None]] = []

    def send(self, request: Request) -> Response:
        names = [each["properties"]["$insert_id"] for each in json.loads(gzip.decompress(request.body))]
        self._transport.tell(lambda: self._note(names, None))
        response = self._transport.send(request)
        self._note(names, response.status)
        return response

    def _note(self, names: list[str], status: int | None) -> None:
        with self._lock:
            self.seen.append((names, status))

    def answers(self) -> dict[str, list[int | None]]:
        """Of each event, what was answered to the requests that it was in."""
        by_name: dict[str, list[int | None]] = {}
        with self._lock:
            for names, status in self.seen:
                for name in names:
                    by_name.setdefault(name, []).append(status)
        return by_name
