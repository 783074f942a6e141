"""`Engine`: one sender, its workers and the queue of tracked events, behind both `Client` and `AsyncClient`."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - a fork during an import in a sending thread leaves its lock taken
import logging
import threading
import traceback
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from mixpress import process
from mixpress._core import bracket, together
from mixpress.clock import REAL
from mixpress.dead_letter import DeadLetter
from mixpress.errors import ClientClosed, SpoolError
from mixpress.flag import Flag
from mixpress.log import RepeatLog
from mixpress.queues.memory import MemoryQueue
from mixpress.report.reporter import Reporter
from mixpress.send.limiter import LimitUse
from mixpress.send.rate_limit import RateLimit
from mixpress.send.repeatable import is_repeatable
from mixpress.send.sender import Sender
from mixpress.send.workers import WorkerPool
from mixpress.transport import Urllib3Transport

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from mixpress.batch import SendableBatch
    from mixpress.client.options import Options, SpoolOptions
    from mixpress.queues.event_queue import EventQueue
    from mixpress.report.report import Report
    from mixpress.report.stats import Stats
    from mixpress.send.job import Job
    from mixpress.send.limiter import Limit
    from mixpress.transport import Transport

logger = logging.getLogger("mixpress")

# Python 3.15 imports a module at the first traceback that is logged, which would be in a sending thread.
traceback.format_exception_only(ValueError())

GRACE = 1.0
"""Seconds for workers to exit after their requests were cut off."""


class Engine:
    """Delivers tracked events, and the batches of imports. Its parts are made when they are first used."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = options.clock
        self.reporter = Reporter(
            confirms=options.confirms,
            token=options.token,
            failure_sink=options.failure_sink,
            on_report=options.on_report,
            on_failure=options.on_failure,
            endpoint=options.endpoint,
        )
        self.workers = WorkerPool(
            options.concurrency, self._work, self._tend, options.clock, ordered=options.endpoint is not None
        )
        self.calls: set[threading.Event] = set()
        """Set when the client is closed: each ends the waits of a call that no worker carries out."""
        self._log = RepeatLog(options.clock)
        self._lock = threading.RLock()
        self._locked = bracket(self._lock.acquire, self._lock.release)
        self._sender: Sender | None = None
        self._queue: EventQueue | None = None
        process.engines.add(self)

    @property
    def sender(self) -> Sender:
        """The sender. It is made when it is first used: a forked child needs separate sockets."""
        if self._sender is None:
            return self._locked(self._first_sender)
        return self._sender

    def _first_sender(self) -> Sender:
        if self._sender is None:
            made = self._make_sender()
            self._sender = self._sender or made  # a `__del__` may have made one meanwhile
        return self._sender

    @property
    def queue(self) -> EventQueue:
        """The queue of tracked events. `DeadLetterError` or `SpoolError` if it cannot be opened."""
        if self._queue is None or self._queue.closed:
            return self._locked(self._open_queue)
        return self._queue

    def _open_queue(self) -> EventQueue:
        if self._queue is None or self._queue.closed:
            left = self._queue.counted if self._queue else 0  # counted again when the new queue recovers them
            queue = self._make_queue()
            queue.on_late = self._send_late
            if self._queue is not None and not self._queue.closed:  # a `__del__` tracked an event meanwhile
                queue.close()
                return self._queue
            together(partial(self.reporter.totals.append, {"accepted": -left}), partial(setattr, self, "_queue", queue))
            return queue
        return self._queue

    def open(self) -> None:
        """Make the sender, which may raise, and open the spool, if there is one: its abandoned events are delivered."""
        self.sender  # noqa: B018 - made by being read
        if self.options.spool is not None:
            self.queue.start()

    def wait_settled(self, timeout: float | None, cancelled: threading.Event | None = None) -> bool:
        """Wait until every tracked event has its verdict. Return False after `timeout`, or if `cancelled` is set."""
        self.workers.refuse_worker("flush")
        if self._queue is None:
            return True
        ends = None if timeout is None else self.clock.monotonic() + timeout
        return self._queue.wait_settled(ends, cancelled.is_set if cancelled else None)

    def report(self) -> Report:
        """Return what was settled of the tracked events since the last report."""
        if self._queue is None:
            return self.reporter.builder().report(elapsed=0.0)
        return self._queue.report()

    def flush(self, timeout: float | None) -> Report:
        """Implement `Client.flush`."""
        self.wait_settled(timeout)
        return self.report()

    def close(self, timeout: float, cancelled: threading.Event | None = None, grace: float = GRACE) -> Report:
        """Deliver for up to `timeout` seconds, give up the rest and all imports, and end the workers."""
        self.workers.refuse_worker("close")
        ends = self.clock.monotonic() + timeout

        def give_up() -> bool:
            return bool(cancelled and cancelled.is_set()) or self._is_waiting_in_vain(ends)

        queue = self._queue
        if queue is not None:
            try:
                queue.wait_settled(ends, give_up)
            except SpoolError as error:  # what is in the file stays there, and the workers must end all the same
                logger.error("%s", error)
        try:
            self._end(queue, grace)
        except BaseException:  # a Ctrl-C must not leave the client half closed: its spool would take no more batches
            self._end(queue, 0.0)
            raise
        return self.report()

    def _end(self, queue: EventQueue | None, grace: float) -> None:
        """End the workers and close a queue. A second call completes what a first one was kept from."""
        if queue is not None:
            queue.stop()
        self._give_up(ClientClosed("the client was closed"))
        self.workers.join_idle(grace, also_busy=True)
        self._give_back()
        if queue is not None:
            queue.close()
        self._log.tell_rest()

    def stats(self) -> Stats:
        """Return what became of all events so far."""
        return self._queue.stats() if self._queue else self.reporter.totals.stats(0)

    @contextmanager
    def running(
        self, dead_letter: str | os.PathLike[str] | None = None, members: Mapping[str, object] | None = None
    ) -> Iterator[DeadLetter | None]:
        """Open the dead letter for one run: this one, or the client's if it has one. Its lines have these members, too.
        Log suppressed messages at its end.
        """
        path = self.options.dead_letter if dead_letter is None else dead_letter
        try:
            with nullcontext() if path is None else closing(self._dead_letter(path, members)) as opened:
                yield opened
        finally:
            self._log.tell_rest()

    def disown(self) -> None:
        """Mark the workers as the parent's. Called in a forked child, where events and sockets are the parent's too."""
        self.workers.forked = True
        if self._sender is not None:
            self._sender.disown()

    def pack(self) -> None:
        """Send the open batch."""
        if self._queue is not None:
            self._queue.pack()

    def send_queued(self) -> None:
        """Let what is queued be sent before what is put into the pool from now on. A spool has one batch of updates in
        the pool at a time, so this waits until the others are delivered or given up.
        """
        if self.options.spool is None:
            self.pack()
        else:
            self.wait_settled(None)

    def start_exit(self) -> None:
        """Send what waits."""
        self.pack()

    def finish_exit(self, started: float) -> None:
        """Wait until `exit_timeout` seconds after `started`, and log how many events are left then."""
        queue = self._queue
        if queue is None or queue.closed or not (queue.unsettled or queue.is_durable):
            self._log.tell_rest()
            self._hang_up()
            self._give_back()
            return
        left = max(0.0, started + self.options.exit_timeout - REAL.monotonic())
        grace = min(GRACE, left / 10)
        before = self.stats().undelivered
        with suppress(RuntimeError):
            self.close(left - grace, grace=grace)
        lost = self.stats().undelivered - before + queue.unsettled
        if lost and not queue.is_durable:
            logger.error("%d %s were not delivered before the process ended", lost, self.options.what)

    def repeatable(self, batch: SendableBatch) -> bool:
        """Return whether the server may take a batch twice: one of events is deduplicated."""
        return self.options.endpoint is None or self.options.retry_unsafe or is_repeatable(batch)

    def _make_sender(self) -> Sender:
        options = self.options
        transport: Transport
        if options.transport is None:
            transport = own = Urllib3Transport(options.concurrency)
            disconnect: Callable[[], object] | None = own.close
        else:
            transport, disconnect = options.transport, None
        limit: Limit = options.rate_limit or RateLimit()
        use = LimitUse(options.encoder.endpoint, options.clock, self._log, options.derive_key)
        return Sender(
            options.template,
            options.hide,
            transport=transport,
            disconnect=disconnect,
            policy=options.retry,
            clock=options.clock,
            concurrency=options.concurrency,
            limiter=limit.limiter(use),
            log=self._log,
            repeatable=self.repeatable,
            what=options.what,
        )

    def _make_queue(self) -> EventQueue:
        options = self.options
        if options.dead_letter is not None:
            self.reporter.failure_sink = self._dead_letter(options.dead_letter)
        if options.spool is not None:
            return self._make_spooled_queue(options.spool)
        return MemoryQueue(options.encoder, self.workers, self.reporter, options.queue, options.clock, self._log)

    def _dead_letter(self, path: str | os.PathLike[str], members: Mapping[str, object] | None = None) -> DeadLetter:
        endpoint = self.options.endpoint
        return DeadLetter(path, None if endpoint is None else {"endpoint": endpoint, **(members or {})})

    def _send_late(self) -> None:
        """Deliver what a handler tracked after the exit began. Later there may be no chance, and urllib3 closes its
        connections meanwhile, so each time has new ones."""
        if process.state.ending is not None and not self.workers.is_worker():
            self.start_exit()
            self.finish_exit(process.state.ending)
            self._hang_up()
            self._give_back()

    def _hang_up(self) -> None:
        if self._sender is not None and not self.workers.forked:  # in a child, hanging up would hang up the parent
            self._sender.hang_up()

    def _give_back(self) -> None:
        if self._sender is not None and not self.workers.forked:
            self._sender.give_back()

    def _make_spooled_queue(self, options: SpoolOptions) -> EventQueue:
        from mixpress.queues.spooled import SpooledQueue  # noqa: PLC0415 - some Pythons are built without SQLite
        from mixpress.spool.spool import Spool  # noqa: PLC0415 - as above

        dirty = Flag()
        spool = Spool(
            options.path,
            destination=options.destination,
            layout=options.layout,
            max_events=options.max_events,
            max_bytes=options.max_bytes,
            clock=self.clock,
            on_dirty=dirty.set,
        )
        parts = (spool, dirty, options.encoder, self.workers, self.reporter, self.options.queue, self.clock, self._log)
        if self.options.endpoint is None:
            return SpooledQueue(*parts)
        from mixpress.queues.spooled_updates import SpooledUpdates  # noqa: PLC0415 - as above

        return SpooledUpdates(*parts, repeatable=self.repeatable)

    def _work(self, job: Job) -> None:
        job.prepare()
        self.sender.deliver(job)

    def _tend(self) -> float | None:
        return self._queue.tend() if self._queue else None

    def _is_waiting_in_vain(self, ends: float) -> bool:
        """Return whether no request is under way and the server asked for a pause beyond `ends`."""
        throttle = self.sender.throttle
        return not throttle.in_flight and throttle.backoff.seconds_left() > ends - self.clock.monotonic()

    def _give_up(self, error: Exception) -> None:
        """Cancel every job. The events without a verdict are undelivered."""
        self.workers.cancel_all(error)
        for cancelled in [*self.calls]:
            cancelled.set()
        self._hang_up()


class EngineHolder:
    """The engine of a client. A forked child gets a fresh one, and never touches the locks and sockets of the old."""

    def __init__(self, options: Options) -> None:
        self._engine = Engine(options)
        process.clients.add(self)

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        process.notice_fork()
        return self._engine

    def after_fork(self) -> None:
        """Replace the engine, in a forked child."""
        self._engine = Engine(self._engine.options)
