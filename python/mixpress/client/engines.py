"""`Engines`: one engine for each endpoint that a client sends to. Those of updates are made when they are first used.

Each has its own queue, workers, backoff and rate limit: a server that refuses updates for a while does not hold up the
events.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from operator import methodcaller
from typing import TYPE_CHECKING

from mixpress.client.engine import EngineHolder
from mixpress.client.options import spool_of_updates
from mixpress.report.stats import added

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from mixpress.client.engine import Engine
    from mixpress.client.options import Options
    from mixpress.files.mapping import Mapping
    from mixpress.report.report import Report
    from mixpress.report.stats import Stats
    from mixpress.send.request import UpdateEndpoint

REPORT = methodcaller("report")
ENDPOINTS: tuple[UpdateEndpoint, ...] = ("engage", "groups")


class Engines:
    """The engines of one client. `updates` returns the options for an endpoint of updates; it may raise `ValueError`
    if the client can't send them.
    """

    def __init__(self, events: Options, updates: Callable[[UpdateEndpoint], Options]) -> None:
        self._events = EngineHolder(events)
        self._options = updates
        self._updates: dict[str, EngineHolder] = {}
        self._untold: deque[Report] = deque()
        """Reports of engines from calls that an exception ended, a Ctrl-C for instance."""

    def open(self) -> None:
        """Open the engine of the events, and those of updates that dead processes left in the spool. `ValueError` if
        the client has no project token for these.
        """
        left = [endpoint for endpoint in ENDPOINTS if self._is_left(endpoint)]
        self.events.open()
        for endpoint in left:
            self.updates(endpoint)

    def _is_left(self, endpoint: UpdateEndpoint) -> bool:
        """Return whether there is a spool of updates that the client can deliver. `ValueError` if it can't, and the
        spool holds some.
        """
        spool = self.events.options.spool
        if spool is None or not os.path.exists(path := spool_of_updates(spool.path, endpoint)):
            return False
        try:
            self._options(endpoint)
        except ValueError as error:
            from mixpress.spool.show import is_empty  # noqa: PLC0415 - some Pythons are built without SQLite

            if not is_empty(path):
                raise ValueError(f"the spool {path} holds updates: {error}") from error
            return False
        return True

    @property
    def events(self) -> Engine:
        """The engine of the events, in this process."""
        return self._events.engine

    def updates(self, endpoint: UpdateEndpoint) -> Engine:
        """Return the engine of an endpoint of updates. Raises `ValueError` if the client has no project token."""
        return self.holder(endpoint).engine

    def holder(self, endpoint: UpdateEndpoint) -> EngineHolder:
        """Return what has the engine of an endpoint of updates, in every process. Raises `ValueError` as `updates`."""
        holder = self._updates.get(endpoint)
        if holder is None:
            made = EngineHolder(self._options(endpoint))
            holder = self._updates.setdefault(endpoint, made)  # without a lock: a fork can't find it taken
            holder.engine.open()
        return holder

    def of_mapping(self, mapping: Mapping | None) -> Engine:
        """Return the engine for what a mapping makes of records. Raises `ValueError` as `updates` does."""
        endpoint = None if mapping is None else mapping.endpoint
        return self.events if endpoint is None else self.updates(endpoint)

    def all(self) -> list[Engine]:
        """Return the engines that were made."""
        return [self.events, *(holder.engine for holder in list(self._updates.values()))]

    def flush(self, timeout: float | None) -> Report:
        """Implement `Client.flush`."""
        self.wait_settled(timeout)
        return self.report()

    def wait_settled(self, timeout: float | None, cancelled: threading.Event | None = None) -> bool:
        """Wait until everything queued has its verdict. Return False after `timeout`, or if `cancelled` is set."""
        engines, left = self.all(), self._countdown(timeout)
        for engine in engines:
            engine.workers.refuse_worker("flush")
        self._pack(engines)
        settled = [engine.wait_settled(left(), cancelled) for engine in engines]
        return all(settled)

    def report(self) -> Report:
        """Return what was settled since the last report."""
        engines = self.all()
        if len(engines) == 1:
            return self.events.report()
        with self._collected() as reports:
            reports.extend(map(REPORT, engines))
            return self._sum(reports)

    def close(self, timeout: float, cancelled: threading.Event | None = None) -> Report:
        """Implement `Client.close`."""
        engines, left = self.all(), self._countdown(timeout)
        for engine in engines:
            engine.workers.refuse_worker("close")
        self._pack(engines)
        if len(engines) == 1:
            return self.events.close(timeout, cancelled)
        with self._collected() as reports, ExitStack() as closing:
            for engine in reversed(engines):  # each engine is closed, whatever another one raises
                closing.callback(lambda one: reports.append(one.close(left() or 0.0, cancelled)), engine)
            closing.close()
            return self._sum(reports)

    def stats(self) -> Stats:
        """Return what became of all events and updates so far."""
        return added([engine.stats() for engine in self.all()])

    def _countdown(self, timeout: float | None) -> Callable[[], float | None]:
        """Return a function that returns the seconds that are left of `timeout`."""
        clock = self.events.clock
        ends = None if timeout is None else clock.monotonic() + timeout
        return lambda: None if ends is None else max(0.0, ends - clock.monotonic())

    def _pack(self, engines: list[Engine]) -> None:
        """Let each engine send what it has while another one is waited for. One with a spool does not: what would be
        sent in vain here would be sent once more by its flush.
        """
        if len(engines) > 1 and self.events.options.spool is None:
            for engine in engines:
                engine.pack()

    @contextmanager
    def _collected(self) -> Iterator[list[Report]]:
        """Yield a list for the reports of the engines. If an exception comes, the next list starts with them."""
        reports: list[Report] = []
        try:
            with suppress(IndexError):
                while True:
                    reports.append(self._untold.popleft())
            yield reports
        except BaseException:
            self._untold.extend(reports)
            raise

    def _sum(self, reports: list[Report]) -> Report:
        """Return the sum of reports, of which the last ones are those of the engines now."""
        builder = self.events.reporter.builder()
        for report in reports:
            builder.add_report(report)
        last = reports[-len(self.all()) :]
        pending, elapsed = sum(report.pending for report in last), max(report.elapsed for report in last)
        return builder.report(pending=pending, elapsed=elapsed)
