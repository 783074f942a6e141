"""The parcels that one caller has in a client's pool: an import's, or those of a spool that is drained."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mixpress.send.job import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.batch import Outgoing, Verdicts
    from mixpress.client.engine import Engine
    from mixpress.send.backoff import Halt

TICK = 0.2
"""Seconds between two calls of `tick` while the caller's thread has to wait."""
GRACE = 1.0
"""Seconds for threads to end that have nothing to do any more."""


class Convoy:
    """Parcels of one `halt` on their way, at most twice as many as the engine has threads: that bounds the memory.

    `tick` is called in the caller's thread now and then while it waits.
    """

    def __init__(self, engine: Engine, halt: Halt, tick: Callable[[], None]) -> None:
        self._engine = engine
        self._halt = halt
        self._tick = tick
        self._on_way = 0
        self._most = 2 * engine.settings.concurrency
        self._settled = threading.Condition()

    def put(self, batch: Outgoing, account: Verdicts, done: Callable[[], object] | None = None) -> None:
        """Send a batch on its way, when there is room for it; `done` is called when its events have their verdicts."""
        self._wait(self._most - 1)
        with self._settled:
            self._on_way += 1
        self._engine.pool.put(Parcel(batch, account, self._halt, lambda _: self._done(done)))

    def finish(self) -> None:
        """Wait until every parcel is done, and the threads without work have ended."""
        self._wait(0)
        self._engine.pool.rest(GRACE)

    def abandon(self) -> None:
        """Give up what waits, cut off what is under way, and wait for both to be entered."""
        self._halt.stop(None)
        for parcel in self._engine.pool.withdraw(self._halt):
            parcel.account.undeliver(parcel.batch, self._halt.reason)
            parcel.done(parcel)
        self._engine.hang_up()
        if not self._engine.pool.forked:
            self.finish()

    def _wait(self, most: int) -> None:
        """Wait until no more parcels are on their way than that."""
        while True:
            with self._settled:
                if self._on_way <= most:
                    return
                self._settled.wait(TICK)
            if self._engine.pool.forked:
                raise RuntimeError("the process was forked by what this call runs; the parent goes on with it")
            self._tick()

    def _done(self, then: Callable[[], object] | None) -> None:
        try:
            if then:
                then()
        finally:
            with self._settled:
                self._on_way -= 1
                self._settled.notify_all()
