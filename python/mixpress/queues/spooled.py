"""Tracked events of a client that has a spool: in the file when `track` returns, and out of it with their verdict.

Two threads of its own keep the file. One does nothing but sync within the promised time: also while batches are made,
and while every other thread waits for a server that does not answer. The other makes batches of what is due, and takes
over what dead processes left.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from mixpress import process
from mixpress.client.drain_run import Delivery
from mixpress.errors import SpoolError
from mixpress.queues.event_queue import Intake
from mixpress.send.backoff import Halt
from mixpress.send.job import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mixpress._core import Rejection
    from mixpress.spool.spool import Spool
    from mixpress.spool.stored import StoredBatch

logger = logging.getLogger("mixpress")

AGAIN = 60.0
"""Seconds until a batch that was given up after every attempt is tried again."""
RECOVER = 5.0
"""Seconds between two looks for what dead processes left."""
IDLE = 3600.0
"""Seconds that the thread which syncs waits for where nothing waits for it: the next event wakes it."""
PAUSE = 1.0
"""Seconds that a file which fails is left alone."""
PATIENCE = 2.0
"""Seconds that each of the two threads has to end in."""


class SpooledIntake(Intake):
    """An `Intake` whose events wait in a file. What bounds the queue bounds what of them is in memory, as batches on
    their way; the rest stays in the file, so it is never full, and `on_full` never comes into it.
    """

    spooled = True

    def __init__(self, open_spool: Callable[[Callable[[], object]], Spool], *arguments: Any) -> None:
        super().__init__(*arguments)
        self._dirty, self._wake = threading.Event(), threading.Event()
        self._filling = threading.RLock()
        self._firsts: dict[Parcel, int] = {}
        self._batches: dict[Parcel, tuple[StoredBatch, Delivery]] = {}
        self._deferred: list[tuple[float, StoredBatch, int]] = []
        self._unentered: deque[tuple[Delivery, int]] = deque()
        """Verdicts that the file did not take, each with the number that `_firsts` had for its batch."""
        self._given = self._packed = self._under_way = 0
        self._looked = float("-inf")
        self._threads: list[threading.Thread] = []
        self.closed = False
        self._stopped = False
        self._spool = open_spool(self._dirty.set)

    def start(self) -> None:
        """Have the file kept, and what others left in it delivered."""
        with self._lock:
            if self._threads or self.closed:
                return
            process.expect_exit()
            for name, work in (("mixpress-sync", self._keep_synced), ("mixpress-spool", self._keep)):
                thread = threading.Thread(target=work, name=name, daemon=True)
                thread.start()
                self._threads.append(thread)

    def pack(self) -> None:
        """Batches of all there is, as far as the bounds allow."""
        if not self.closed:
            self._guarded(lambda: self._fill(self._given))

    def tend(self) -> float | None:
        """Nothing is due in the threads that send: the file has one of its own."""
        return None

    def drain(self, ends: float | None, give_up: Callable[[], bool] = lambda: False) -> bool:
        """As `Intake.drain`, of all that the spool has for this process. What was tried in vain is not waited for."""
        if self.closed:
            return True
        self._spool.sync()
        self._enter_again()
        with self._lock:
            target = self._given
            self._deferred = [(0.0, batch, first) for _, batch, first in self._deferred]
            self._looked = float("-inf")
        while True:
            self._news.clear()
            self._fill(target)
            with self._lock:
                if self._packed >= target and not any(first < target for first in self._firsts.values()):
                    return True
            if give_up() or not self._wait(ends):
                return False

    def stop(self) -> None:
        """Put no more batches on their way: what is given up now stays given up."""
        self._stopped = True
        if self._filling.acquire(timeout=PATIENCE):  # whoever puts one just now has done it then
            self._filling.release()

    def close(self) -> int:
        """Leave the rest in the file, for whoever opens it next; how many events those are."""
        self._stopped = self.closed = True
        self._dirty.set()
        self._wake.set()
        for thread in self._threads:
            if not self._pool.forked:
                thread.join(PATIENCE)
        self._enter_again()
        self._guarded(self._spool.close)
        if self._unentered:
            again = sum(
                delivery.batch.count - sum(part.count for part in delivery.left) for delivery, _ in self._unentered
            )
            logger.warning(
                "%d events that the server has could not be taken out of the spool %s, and will be sent to it again",
                again,
                self._spool.path,
            )
        if self._unsettled:
            logger.warning("%d events stay in the spool %s", self._unsettled, self._spool.path)
        return self._unsettled

    def _full(self) -> bool:
        return False

    def _write(self, event: object) -> Rejection | None:
        self._writing = True  # also while it is stored: a signal handler may track an event in the midst of that
        try:
            rejection = self._builder.add(event)
            self._given += 1
            if rejection is None:
                self._append()
            else:
                self._spool.skip()
                self._rejections += 1
                self._failures.append(self._rejected.reject(rejection, event))
        finally:
            self._writing = False
        while self._aside:
            self._write(self._aside.popleft())
        return rejection

    def _append(self) -> None:
        self._rejected.packed(None, self._builder.truncated, self._builder.warnings)
        try:
            self._spool.append(self._builder.finish().events()[0])
        except BaseException:
            self._spool.skip()
            raise
        self._unsettled += 1
        self._unpacked += 1
        if self._unpacked == 1:
            self._oldest = self._clock.monotonic()
            self._wake.set()
        elif self._spool.is_full and not self._crowded():
            self._wake.set()
        if not self._threads:
            self.start()

    def _keep_synced(self) -> None:
        while not self.closed:
            self._dirty.clear()
            due: float | None = PAUSE
            try:
                due = self._guarded(self._spool.sync_if_due, PAUSE)
            except Exception:
                logger.exception("the spool %s could not be synced", self._spool.path)
            if self._spool.log_is_long:
                self._wake.set()
            self._clock.wait(self._dirty, IDLE if due is None else due)

    def _keep(self) -> None:
        while not self.closed:
            self._wake.clear()
            due = PAUSE
            try:
                due = self._guarded(self._look_after, PAUSE)
            except Exception:
                logger.exception("the spool %s could not be looked after", self._spool.path)
            self._clock.wait(self._wake, due)

    def _look_after(self) -> float:
        """What is due; the seconds until more is."""
        wants = [self._spool.renew(), RECOVER]
        with self._lock:
            left = self._oldest + self._terms.linger - self._clock.monotonic()
            target = self._given if self._unpacked and left <= 0 else 0
        self._fill(target)
        if self._unentered:
            wants.append(PAUSE)
        if self._unpacked and not self._crowded():
            wants.append(max(0.0, self._oldest + self._terms.linger - self._clock.monotonic()))
        return min(wants)

    def _fill(self, target: int) -> None:
        """Put batches on their way: own events up to a number, full batches, what is due again, what nobody has."""
        with self._filling:
            self._enter_again()
            if not self._stopped:
                self._put_deferred()
            while not self._stopped and not self._crowded() and (self._packed < target or self._spool.is_full):
                batch = self._spool.pack()
                with self._lock:
                    self._oldest = self._clock.monotonic()
                    if batch is None:
                        self._packed = max(self._packed, target)
                        self._count_out()
                        break
                    self._packed = batch.indexes[-1] + 1
                    self._unpacked -= batch.count
                    self._put(batch, batch.indexes[0], new=True)
            self._recover()

    def _count_out(self) -> None:
        """Of what should be there and is not: another process took it over, as this one was not heard of for too long,
        and has it in its counts now; or it could not be read, and is in quarantine. Within the lock.
        """
        gone = self._unpacked - self._spool.waiting[0]
        if gone:
            self._unpacked -= gone
            self._unsettled -= gone
            logger.warning(
                "%d events of the spool %s went to another process, or to quarantine", gone, self._spool.path
            )

    def _recover(self) -> None:
        now = self._clock.monotonic()
        if now < self._looked + RECOVER:
            return
        while not self._stopped and not self._crowded():
            batch = self._spool.take()
            if batch is None:
                self._looked = now
                return
            with self._lock:
                self._unsettled += batch.count
                self._put(batch, -1, new=True)

    def _put_deferred(self) -> None:
        now = self._clock.monotonic()
        with self._lock:
            due = [one for one in self._deferred if one[0] <= now]
            self._deferred = [one for one in self._deferred if one[0] > now]
            for _, batch, first in due:
                self._held -= len(batch.body)
                self._put(batch, first, new=False)

    def _crowded(self) -> bool:
        """Whether memory has as much as it may."""
        return self._under_way >= self._terms.events or self._held >= self._terms.bytes

    def _put(self, batch: StoredBatch, first: int, *, new: bool) -> None:
        account = self._open_account()
        if new:
            account.packed(batch, (), ())
        delivery = Delivery(self._spool, batch, account, final=False)
        parcel = Parcel(batch, delivery, Halt("given up"), self._settled, patient=True)
        self._on_way[parcel] = account, self._clock.monotonic()
        self._firsts[parcel] = first
        self._batches[parcel] = batch, delivery
        self._held += len(batch.body)
        self._under_way += batch.count
        self._pool.put(parcel)

    def _settled(self, parcel: Parcel) -> None:
        """Every event of a batch has its verdict, or stays in the file and is tried again."""
        (account, since), (batch, delivery) = self._on_way[parcel], self._batches[parcel]
        is_entered = self._guarded(delivery.enter) is not None
        settled = batch.count - sum(part.count for part in delivery.left)
        now = self._clock.monotonic()
        try:
            report = account.close(settled, now - since, parcel.halt.reason)
            if settled:
                self._tell(report)
        finally:
            self._leave(parcel, delivery, settled, is_entered=is_entered)
            with self._lock:
                self._ledger.add(report)
            self._news.set()
            self._wake.set()

    def _leave(self, parcel: Parcel, delivery: Delivery, settled: int, *, is_entered: bool) -> None:
        with self._lock:
            first = self._firsts.pop(parcel)
            del self._on_way[parcel], self._batches[parcel]
            self._unsettled -= settled
            self._under_way -= parcel.batch.count
            if is_entered:
                self._defer(delivery, first)
            else:
                self._unentered.append((delivery, first))

    def _defer(self, delivery: Delivery, first: int) -> None:
        """What no answer came for is tried again later; the rest is out of memory. Within the lock."""
        due = self._clock.monotonic() + AGAIN
        self._held += sum(len(part.body) for part in delivery.left) - len(delivery.batch.body)
        self._deferred += [(due, part, first) for part in delivery.left]

    def _enter_again(self) -> None:
        """Enter the verdicts that the file did not take when they came. They are known and counted: what has one is
        not sent again, and what has none waits for its row.
        """
        with self._filling:
            while self._unentered:
                delivery, first = self._unentered[0]
                before = sum(part.count for part in delivery.left)
                if self._guarded(delivery.enter) is None:
                    return
                gone = before - sum(part.count for part in delivery.left)
                with self._lock:
                    self._unentered.popleft()
                    self._defer(delivery, first)
                    self._unsettled -= gone  # another process took the batch over, and counts what had no verdict
                    self._totals.add(accepted=-gone)

    def _guarded(self, step: Callable[[], Any], otherwise: Any = None) -> Any:
        """A file that fails is told of, and tried again."""
        try:
            return step()
        except SpoolError as error:
            self._log.tell(logging.ERROR, str(error), "%s", error)
        except ValueError:  # it was closed meanwhile
            if not self.closed:
                raise
        return otherwise
