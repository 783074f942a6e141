"""What a client is made of: one sender, its threads, and the events that are tracked. `Client` and `AsyncClient` are
faces of it.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mixpress import process
from mixpress.dead_letter import DeadLetter
from mixpress.errors import ClientClosed, SpoolError
from mixpress.log import RepeatLog
from mixpress.queues.event_queue import Intake, Terms
from mixpress.report.builder import Ledger
from mixpress.report.callbacks import guarded
from mixpress.report.stats import Totals
from mixpress.report.verdicts import Account
from mixpress.send.workers import Pool

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from mixpress._core import Encoder, Rejection
    from mixpress.batch import FailureSink
    from mixpress.clock import Clock
    from mixpress.report.report import Confirms, Failure, Report
    from mixpress.report.stats import Stats
    from mixpress.send.job import Parcel
    from mixpress.send.sender import Sender
    from mixpress.spool import Spool

logger = logging.getLogger("mixpress")

GRACE = 1.0
"""Seconds for threads to end after their requests were cut off."""


@dataclass(frozen=True)
class Settings:
    """What an engine is made with. `make_sender` is called at the first use: a child process needs sockets anew."""

    encoder: Encoder
    make_sender: Callable[[RepeatLog], Sender]
    concurrency: int
    terms: Terms
    clock: Clock
    confirms: Confirms
    token: str | None = field(repr=False)
    dead_letter: str | os.PathLike[str] | None
    on_report: Callable[[Report], object] | None
    on_failure: Callable[[Failure], object] | None
    exit_timeout: float
    open_spool: Callable[[Callable[[], object]], Spool] | None = None
    spool_encoder: Encoder | None = None
    failure_sink: FailureSink | None = None
    """Where tracked events go that were not imported, if there is no dead letter."""


class Engine:
    """Delivers what is tracked, and carries the batches of imports. It costs nothing until it is used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.totals = Totals()
        self._log = RepeatLog(settings.clock)
        self._lock = threading.RLock()
        self._sender: Sender | None = None
        self._dead_letter: DeadLetter | None = None
        self._tell_report = guarded("on_report", settings.on_report)
        self._tell_failure = guarded("on_failure", settings.on_failure)
        self._intake: Intake | None = None
        self._left = 0
        self.pool = Pool(settings.concurrency, self._work, self._tend, settings.clock)
        process.engines.add(self)

    @property
    def sender(self) -> Sender:
        """What carries the requests."""
        if self._sender is None:
            with self._lock:
                self._sender = self._sender or self.settings.make_sender(self._log)
        return self._sender

    @property
    def intake(self) -> Intake:
        """What takes the events that are tracked. `DeadLetterError` where the dead letter can't be opened."""
        if self._intake is None or self._intake.closed:
            with self._lock:
                if self._intake is None or self._intake.closed:
                    self._intake = self._new_intake()
        return self._intake

    def open_spool(self) -> None:
        """Open the client's spool, if it has one, and deliver what others left in it."""
        if self.settings.open_spool is not None:
            self.intake.start()

    def add(self, event: object, *, wait: bool = True) -> Rejection | None:
        """Take an event to be delivered."""
        return self.intake.add(event, wait=wait)

    def drain(self, timeout: float | None, cancelled: threading.Event | None = None) -> bool:
        """Wait until what was tracked has its verdict; False where the time was over before, or it was cancelled."""
        self.refuse_inside("flush")
        if self._intake is None:
            return True
        ends = None if timeout is None else self.settings.clock.monotonic() + timeout
        return self._intake.drain(ends, cancelled.is_set if cancelled else lambda: False)

    def report(self) -> Report:
        """What was settled of the tracked events since the last report."""
        if self._intake is None:
            return Ledger(self.settings.confirms).report(pending=0, elapsed=0.0)
        return self._intake.report()

    def close(self, timeout: float, cancelled: threading.Event | None = None, grace: float = GRACE) -> Report:
        """Deliver for so long at most, give up the rest and whatever import is under way, and end the threads."""
        self.refuse_inside("close")
        ends = self.settings.clock.monotonic() + timeout
        if self._intake is not None:
            try:
                self._intake.drain(ends, lambda: bool(cancelled and cancelled.is_set()) or self._is_in_vain(ends))
            except SpoolError as error:  # what is in the file stays there, and the threads end all the same
                logger.error("%s", error)
            self._intake.stop()
        self._give_up(ClientClosed("the client was closed"))
        self.pool.rest(grace, also_busy=True)
        if self._intake is not None and not self._intake.closed:
            self._left = self._intake.close()
        self._log.tell_rest()
        return self.report()

    def stats(self) -> Stats:
        """What became of all events so far."""
        return self._intake.stats() if self._intake else self.totals.stats(0)

    def open_account(
        self, dead_letter: FailureSink | None, explain: Callable[[Failure], Failure] | None = None
    ) -> Account:
        """An account whose verdicts count for the client."""
        settings = self.settings
        return Account(dead_letter, explain, totals=self.totals, confirms=settings.confirms, token=settings.token)

    @contextmanager
    def importing(self) -> Iterator[DeadLetter | None]:
        """The dead letter for one import, where there is one; at its end, what the log held back is told."""
        path = self.settings.dead_letter
        try:
            with nullcontext() if path is None else closing(DeadLetter(path)) as dead_letter:
                yield dead_letter
        finally:
            self._log.tell_rest()

    def refuse_inside(self, what: str) -> None:
        """A callback on one of the threads can't wait for those threads."""
        if self.pool.inside():
            raise RuntimeError(f"{what} in a callback would wait for itself: let another thread do it")

    def disown(self) -> None:
        """In a child process: the events, the threads and the sockets are the parent's."""
        self.pool.forked = True

    def begin_exit(self) -> None:
        """Send what is open."""
        if self._intake is not None:
            self._intake.pack()

    def end_exit(self, started: float) -> None:
        """Wait until `exit_timeout` seconds after `started`, and say how many events are left then."""
        intake = self._intake
        if intake is None or intake.closed or not (intake.unsettled or intake.spooled):
            self._log.tell_rest()
            return
        left = max(0.0, started + self.settings.exit_timeout - time.monotonic())
        grace = min(GRACE, left / 10)
        before = self.stats().undelivered
        with suppress(RuntimeError):
            self.close(left - grace, grace=grace)
        lost = self.stats().undelivered - before + intake.unsettled
        if lost and not intake.spooled:
            logger.error("%d events were not delivered before the process ended", lost)

    def _new_intake(self) -> Intake:
        settings = self.settings
        if settings.dead_letter is not None:
            self._dead_letter = DeadLetter(settings.dead_letter)
        if settings.open_spool is not None:
            return self._new_spooled_intake(settings.open_spool)
        return Intake(settings.encoder, *self._intake_arguments())

    def _new_spooled_intake(self, open_spool: Callable[[Callable[[], object]], Spool]) -> Intake:
        from mixpress.queues.spooled import SpooledIntake  # noqa: PLC0415 - some Pythons are built without SQLite

        encoder = self.settings.spool_encoder or self.settings.encoder
        intake = SpooledIntake(open_spool, encoder, *self._intake_arguments())
        self.totals.add(accepted=-self._left)  # what the one before left is counted again where it is taken
        self._left = 0
        return intake

    def _intake_arguments(self) -> tuple[Any, ...]:
        settings = self.settings
        return (
            self.pool,
            settings.clock,
            settings.terms,
            lambda: self.open_account(self._dead_letter or settings.failure_sink),
            lambda: Ledger(settings.confirms),
            self._tell,
            self._tell_failure,
            self.totals,
            self._log,
        )

    def _work(self, parcel: Parcel) -> None:
        parcel.taken(parcel)
        self.sender.deliver(parcel)

    def _tend(self) -> float | None:
        return self._intake.tend() if self._intake else None

    def _tell(self, report: Report) -> None:
        for failure in report.failures:
            self._tell_failure(failure)
        self._tell_report(report)

    def _is_in_vain(self, ends: float) -> bool:
        """Whether nothing is under way, and the server wants to be left alone until after the end."""
        passage = self.sender.passage
        left = ends - self.settings.clock.monotonic()
        return not passage.under_way and passage.gate.seconds_left() > left

    def _give_up(self, error: Exception) -> None:
        """What waits, and what is under way, is undelivered."""
        for parcel in self.pool.withdraw():
            parcel.halt.stop(error)
            parcel.account.undeliver(parcel.batch, parcel.halt.reason)
            parcel.done(parcel)
        self.pool.halt(error)
        self.hang_up()

    def hang_up(self) -> None:
        """End the requests that are under way. Not in a child: to shut a socket down does so in the parent too."""
        if self._sender is not None and not self.pool.forked:
            self._sender.hang_up()
