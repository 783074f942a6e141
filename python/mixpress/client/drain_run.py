"""Delivering what is in a spool, until nothing is left that could be delivered now."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mixpress.client.run import Convoy
from mixpress.errors import MixpressError, SpoolError
from mixpress.send.backoff import Halt
from mixpress.spool.stored import StoredBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mixpress.batch import Outgoing
    from mixpress.client.engine import Engine
    from mixpress.dead_letter import DeadLetter
    from mixpress.report.report import Failure, Progress, Report
    from mixpress.report.verdicts import Account
    from mixpress.spool.spool import Spool


Result = TypeVar("Result")


class Delivery:
    """One batch on its way: an account for `Sender.deliver` that also enters in the file what became of it.

    A batch that the sender splits comes back in parts. Those that are delivered are gone from the file; of the rest
    the file keeps what it must, leased to this process until the spool is told to `release`. `final`: whether it is a
    verdict that no answer came; where the events are tried again, it is none.
    """

    def __init__(self, spool: Spool, batch: StoredBatch, account: Account, *, final: bool = True) -> None:
        self._spool = spool
        self.batch = batch
        self._account = account
        self._final = final
        self._requests = 0
        self._settled = 0
        self.left: list[StoredBatch] = []
        """What no answer came for."""

    def sent(self, batch: Outgoing, attempt: int) -> None:
        """As `Account.sent`."""
        self._requests += 1
        self._account.sent(batch, attempt)

    def throttled(self) -> None:
        """As `Account.throttled`."""
        self._account.throttled()

    def settle(self, batch: Outgoing, failures: Sequence[Failure] = ()) -> None:
        """As `Account.settle`."""
        self._settled += batch.count
        self._account.settle(batch, failures)

    def undeliver(self, batch: Outgoing, reason: str) -> None:
        """As `Account.undeliver`; the events stay in the file."""
        assert isinstance(batch, StoredBatch), "a stored batch, or a part of one"
        self.left.append(batch)
        if self._final:
            self._account.undeliver(batch, reason)

    def enter(self) -> list[StoredBatch]:
        """Enter it in the file, when every part was dealt with; what stays in it. May raise `SpoolError`."""
        if not self._settled:
            self.left = [self.batch]  # also where a bug of ours kept it from being sent
        if not self.left:
            self._spool.settle(self.batch)
        elif not self._settled:
            self._spool.retry(self.batch, attempts=self._requests, keep=True)
        else:
            attempts = self.batch.attempts + self._requests
            parts = [replace(part, attempts=attempts) for part in self.left]
            self.left = self._spool.replace(self.batch, parts)
        return self.left


class RefusedOnly:
    """A dead letter that leaves out what is undelivered: that stays in the spool."""

    def __init__(self, dead_letter: DeadLetter) -> None:
        self._dead_letter = dead_letter

    def write(self, failure: Failure, event: object) -> bool:
        """Append one line, for an event that the server refused."""
        return failure.kind == "undelivered" or self._dead_letter.write(failure, event)


class Drain:
    """A run over a spool: every free batch is taken, in the caller's thread, and sent by the engine's.

    What is undelivered stays in the file, and is not taken again in the same run. `failed`: also what was given up
    before. The indexes of the report count the events in the order in which they are taken.
    """

    def __init__(
        self,
        spool: Spool,
        engine: Engine,
        *,
        dead_letter: DeadLetter | None = None,
        on_progress: Callable[[Progress], object] | None = None,
        failed: bool = False,
    ) -> None:
        engine.refuse_inside("draining a spool")
        self._spool = spool
        self._engine = engine
        self._clock = engine.settings.clock
        self._dead_letter = dead_letter
        self._on_progress = on_progress
        self._failed = failed
        self._account = engine.open_account(RefusedOnly(dead_letter) if dead_letter else None)
        self._halt = Halt("the delivery stopped")
        self._convoy = Convoy(engine, self._halt, self._tick)
        self._total = 0
        self._started = self._clock.monotonic()

    def run(self) -> Report:
        """Deliver what there is. Raises `AuthError`, `TransportError`, `DeadLetterError` and `SpoolError`, each with a
        `.report` on the events taken until then.
        """
        try:
            self._feed()
            self._convoy.finish()
            self._tick()
        except BaseException:
            self._on_progress = None
            self._convoy.abandon()
            raise
        finally:
            with suppress(SpoolError):
                self._spool.release()
        report = self._account.close(self._total, self._clock.monotonic() - self._started, self._halt.reason)
        self._raise(report)
        return report

    def _feed(self) -> None:
        while not self._halt.is_set():
            batch = self._guarded(lambda: self._spool.take(early=True, failed=self._failed))
            if batch is None:
                return
            batch = replace(batch, indexes=range(self._total, self._total + batch.count))
            self._total += batch.count
            self._account.packed(batch, (), ())
            delivery = Delivery(self._spool, batch, self._account)
            self._convoy.put(batch, delivery, partial(self._guarded, delivery.enter))
            self._tick()

    def _guarded(self, step: Callable[[], Result]) -> Result | None:
        """A file that fails halts it all."""
        try:
            return step()
        except SpoolError as error:
            self._halt.stop(error)
            return None

    def _tick(self) -> None:
        self._guarded(self._spool.tend)
        if self._on_progress:
            self._on_progress(self._account.progress(self._total, self._engine.sender.gate.paused()))

    def _raise(self, report: Report) -> None:
        error: Exception | None = self._halt.error
        if error is None and self._dead_letter:
            error = self._dead_letter.error(report)
        if error is None:
            return
        if isinstance(error, MixpressError):
            error.report = report
        raise error
