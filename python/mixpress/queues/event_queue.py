"""Tracked events, from the call to their verdict: checked and written at once, packed when a batch is full or due."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mixpress.errors import QueueFull
from mixpress.report.builder import Ledger
from mixpress.report.verdicts import Account
from mixpress.send.backoff import Halt
from mixpress.send.job import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress._core import Encoder, Rejection
    from mixpress.clock import Clock
    from mixpress.log import RepeatLog
    from mixpress.report.report import Failure, Report
    from mixpress.report.stats import Stats, Totals
    from mixpress.send.workers import Pool

OnFull = Literal["block", "raise", "drop"]

LOOK = 0.2
"""Seconds between two looks at what nobody tells of, for a thread that waits."""


@dataclass(frozen=True)
class Terms:
    """How much may wait, for how long, and what a full queue does.

    `events` and `bytes` bound what has no verdict yet; the bytes are those of the bodies, before gzip as long as a
    batch waits for that, beside one batch that is open. `linger` is how many seconds an event waits for others.
    """

    events: int
    bytes: int
    linger: float
    on_full: OnFull
    block_timeout: float | None


class Intake:
    """Where `track` leaves its events. Any thread may call it, also from within a call that it makes itself.

    `open_account` makes an account for each batch. Outside of every lock, `tell` is called with the report on each,
    and `tell_failure` with each event that breaks a rule.
    """

    spooled = False
    """Whether its events outlive the process."""

    def __init__(
        self,
        encoder: Encoder,
        pool: Pool,
        clock: Clock,
        terms: Terms,
        open_account: Callable[[], Account],
        new_ledger: Callable[[], Ledger],
        tell: Callable[[Report], None],
        tell_failure: Callable[[Failure], None],
        totals: Totals,
        log: RepeatLog,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._terms = terms
        self._open_account = open_account
        self._new_ledger = new_ledger
        self._tell = tell
        self._tell_failure = tell_failure
        self._totals = totals
        self._log = log
        self._lock = threading.RLock()
        self._news = threading.Event()
        self._builder = encoder.builder()
        self._writing = False
        self._aside: deque[object] = deque()
        self._unpacked = 0
        self._unsettled = 0
        self._held = 0
        self._oldest = 0.0
        self._on_way: dict[Parcel, tuple[Account, float]] = {}
        self._raw: set[Parcel] = set()
        self._rejected = open_account()
        self._rejections = 0
        self._failures: deque[Failure] = deque()
        self._ledger = new_ledger()
        self._since = clock.monotonic()

    def add(self, event: object, *, wait: bool = True) -> Rejection | None:
        """Take an event, or say what is wrong with it.

        A full queue does as the terms say; where they say to wait and `wait` is false, it raises `QueueFull`.
        """
        rejection = self._add(event, wait=wait)
        if self._failures:
            self._tell_failures()
        return rejection

    def _add(self, event: object, *, wait: bool) -> Rejection | None:
        ends: float | None = None
        while True:
            with self._lock:
                if self._writing:  # the event's own code, a signal handler or a __del__ tracks an event
                    self._aside.append(event)
                    return None
                if not self._full():
                    return self._write(event)
                if self._terms.on_full == "drop":
                    break
                if self._terms.on_full == "raise" or not wait or self._pool.inside():
                    raise QueueFull(f"{self._unsettled} events wait already, of {self._held} bytes")
                self._pack()
                self._news.clear()
            if ends is None and self._terms.block_timeout is not None:
                ends = self._clock.monotonic() + self._terms.block_timeout
            if not self._wait(ends):
                raise QueueFull(f"no room in {self._terms.block_timeout} s: {self._unsettled} events wait already")
        self._drop()
        return None

    def _drop(self) -> None:
        """Not under the lock: a log's handler may take its time."""
        self._totals.add(accepted=1, dropped=1)
        reason = "an event was dropped, as the queue is full"
        self._log.tell(logging.WARNING, reason, "%s: %d wait already", reason, self._unsettled)

    def wait_for_room(self, cancelled: threading.Event) -> None:
        """Wait until a full queue has room, or it was cancelled."""
        while not cancelled.is_set():
            with self._lock:
                if not self._full():
                    return
                self._pack()
                self._news.clear()
            self._wait(None)

    def tend(self) -> float | None:
        """Pack the open batch if it is due; the seconds until it is, None where there is none."""
        with self._lock:
            if not self._unpacked or self._writing:
                return None
            left = self._oldest + self._terms.linger - self._clock.monotonic()
            if left > 0:
                return left
            self._pack()
            return None

    closed = False

    def start(self) -> None:
        """Do what need not wait for an event."""

    def stop(self) -> None:
        """Put no more batches on their way, where others than the callers do that."""

    def close(self) -> int:
        """Take no more, where events outlive this; how many are left then."""
        return 0

    def pack(self) -> None:
        """Pack the open batch."""
        with self._lock:
            self._pack()

    def drain(self, ends: float | None, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Wait until all that was added before has its verdict; False where that was not so in time."""
        with self._lock:
            self._pack()
            wanted = list(self._on_way)
        while True:
            with self._lock:
                self._news.clear()
                wanted = [parcel for parcel in wanted if parcel in self._on_way]
            if not wanted:
                return True
            if give_up() or not self._wait(ends):
                return False

    def report(self) -> Report:
        """What was settled since the last report."""
        with self._lock:
            now = self._clock.monotonic()
            ledger, self._ledger = self._ledger, self._new_ledger()
            rejected, self._rejected = self._rejected, self._open_account()
            rejections, self._rejections = self._rejections, 0
            since, self._since = self._since, now
            pending = self._unsettled
        ledger.add(rejected.close(rejections, 0.0, ""))
        return ledger.report(pending=pending, elapsed=now - since)

    def stats(self) -> Stats:
        """What became of all events of the client, those in the open batch included."""
        with self._lock:
            return self._totals.stats(self._unpacked)

    @property
    def unsettled(self) -> int:
        """Events without a verdict."""
        return self._unsettled

    def _full(self) -> bool:
        if self._held >= self._terms.bytes:
            for parcel in list(self._raw):
                self._gzip(parcel)
        return self._unsettled >= self._terms.events or self._held >= self._terms.bytes

    def _write(self, event: object) -> Rejection | None:
        self._writing = True
        try:
            rejection = self._builder.add(event)
        finally:
            self._writing = False
        if rejection is None:
            self._unsettled += 1
            self._unpacked += 1
            if self._unpacked == 1:
                self._open()
        else:
            self._rejections += 1
            self._failures.append(self._rejected.reject(rejection, event))
        if self._builder.full:
            self._pack()
        if self._aside:
            self._catch_up()
        return rejection

    def _catch_up(self) -> None:
        """Write what was tracked while something was written."""
        while self._aside:
            self._write(self._aside.popleft())

    def _tell_failures(self) -> None:
        """Outside of the lock; another thread may tell them at the same time."""
        with suppress(IndexError):
            while True:
                self._tell_failure(self._failures.popleft())

    def _open(self) -> None:
        """Have somebody look after the first event of a batch."""
        self._oldest = self._clock.monotonic()
        self._pool.nudge()

    def _pack(self) -> None:
        """The open batch goes on its way. What did not fit into it is the first of the next one.

        Its gzip takes milliseconds, and so is left to the thread that takes it. Where none is free it is done here:
        what has to wait would take some ten times the memory.
        """
        if not self._unpacked or self._writing:
            return
        account = self._open_account()
        truncated, warnings = self._builder.truncated, self._builder.warnings
        self._writing = True
        try:
            batch = self._builder.finish()
            parcel = Parcel(batch, account, Halt("given up"), self._settled, patient=True, taken=self._gzip)
            account.packed(batch, truncated, warnings)
            self._on_way[parcel] = account, self._clock.monotonic()
            self._held += batch.raw_size
            self._raw.add(parcel)
            self._unpacked -= batch.count
            if not self._pool.has_hands():
                self._gzip(parcel)
            self._pool.put(parcel)
        finally:
            self._writing = False
        if self._unpacked:
            self._open()
        self._catch_up()

    def _gzip(self, parcel: Parcel) -> None:
        """A thread of the pool calls it without the lock. Two may do it at the same time, and the first counts."""
        size = len(parcel.batch.body)
        with self._lock:
            if parcel in self._raw:
                self._raw.remove(parcel)
                self._held += size - parcel.batch.raw_size

    def _settled(self, parcel: Parcel) -> None:
        """Every event of a batch has its verdict. Who waits for that is told when the callbacks have been."""
        account, since = self._on_way[parcel]
        report = account.close(parcel.batch.count, self._clock.monotonic() - since, parcel.halt.reason)
        try:
            self._tell(report)
        finally:
            with self._lock:
                del self._on_way[parcel]
                self._ledger.add(report)
                self._unsettled -= parcel.batch.count
                self._held -= self._size(parcel)
                self._raw.discard(parcel)
            self._news.set()

    def _size(self, parcel: Parcel) -> int:
        """What it counts for in what is held. One that was given up need not be gzipped any more."""
        return parcel.batch.raw_size if parcel in self._raw else len(parcel.batch.body)

    def _wait(self, ends: float | None) -> bool:
        """Wait for news; False where the time is over."""
        if self._pool.forked:
            raise RuntimeError("the process was forked by the code that this call runs; the child has a client anew")
        if ends is None:
            self._news.wait(LOOK)
            return True
        left = ends - self._clock.monotonic()
        if left <= 0:
            return False
        self._clock.wait(self._news, min(left, LOOK))
        return True
