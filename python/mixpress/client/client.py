"""`Client`: events in, a verdict for each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from mixpress import process
from mixpress.address import is_loopback, server_url
from mixpress.auth import Auth, ProjectToken
from mixpress.client.engine import Engine, Settings
from mixpress.client.import_run import Import
from mixpress.client.options import (
    Edition,
    check_numbers,
    check_on_full,
    check_seconds,
    layout_of,
    make_encoder,
    make_event_encoder,
)
from mixpress.clock import Clock
from mixpress.queues.event import complete, compose
from mixpress.queues.event_queue import OnFull, Terms
from mixpress.retry import RetryPolicy
from mixpress.send.rate_limit import RateLimit
from mixpress.send.request import Endpoint, Envelope, check_auth
from mixpress.send.sender import Sender
from mixpress.transport import Urllib3Transport

if TYPE_CHECKING:
    import os
    from datetime import datetime

    from typing_extensions import Self

    from mixpress._core import Encoder, Rejection
    from mixpress.address import Region
    from mixpress.batch import FailureSink
    from mixpress.log import RepeatLog
    from mixpress.report.report import Failure, Progress, Report
    from mixpress.report.stats import Stats
    from mixpress.spool import Spool
    from mixpress.transport import Transport

logger = logging.getLogger("mixpress")

DOCUMENTED = RateLimit.documented()


class Client:
    """Sends events to one project.

        with Client(ServiceAccount("user", "secret", project_id="123"), region="eu") as client:
            report = client.import_events(events)
            client.track("Signed Up", "user-1", {"plan": "pro"})

    `auth`: `ServiceAccount`, `ProjectToken` or `ProjectSecret`; /track takes a `ProjectToken` alone.
    `region`: where the project lives, `"us"` (the default), `"eu"` or `"in"`; or `base_url`: another server,
        such as an emulator or a proxy, without the endpoint's path.
    `endpoint`: `"import"`, or `"track"`, which confirms a batch and not each event.
    `strict`: /import checks each event and says which it refuses. Without it, it confirms the batch alone.
    `ip`: take the sender's address for the location of events that have no `ip` property.
    `edition`: 2022 for a server that speaks /track as it was then: forms of 50 events, uncompressed.
    `encoder`: one with other limits or another format, made for the same endpoint. `/track` takes
        `Encoder("track", format="form", token=...)` too.
    `concurrency`: requests under way at once, at most; the documents recommend 10 to 20. After trouble there is
        one, and then more as the server's answers and their latency allow.
    `retry`: how often and after what waits a batch is sent again.
    `rate_limit`: events and uncompressed bytes in any minute; None is no limit.
    `dead_letter`: a file to which every event that is not imported is appended, with the reason.
    `transport`: what carries the requests, urllib3 by default; one that is handed in is not closed here, and a
        forked child uses it as it is.
    `clock`: time and chance, for tests.

    For events that are tracked:

    `queue_size`, `queue_bytes`: how many events, and how many bytes of packed batches, may be without a verdict.
    `on_full`: what `track` does then: `"block"` for `block_timeout` seconds (None: for ever) and raise `QueueFull`,
        `"raise"` it at once, or `"drop"` the event, which `stats()` counts.
    `linger`: seconds after which a batch leaves that is not full.
    `on_report`: called with the `Report` on each batch, on a thread of the client.
    `on_failure`: called with each `Failure`: of an event that breaks a rule by `track` itself, otherwise on a thread of
        the client. What the two raise is logged once, and has no other effect.
    `spool`: a file that tracked events are kept in until they have their verdict, whatever happens to the process. A
        client delivers also what dead processes left in it. The two bounds of the queue count what is in memory then,
        and the rest waits in the file: it is never full, and `on_full` never comes into it.
    `exit_timeout`: seconds that the end of the process waits for what is still there, over all clients.

    A client may be used from several threads. A forked child has it with no event in it: those of the parent are
    delivered by the parent.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        region: Region | None = None,
        base_url: str | None = None,
        endpoint: Endpoint = "import",
        strict: bool = True,
        ip: bool = False,
        edition: Edition | None = None,
        encoder: Encoder | None = None,
        concurrency: int = 10,
        retry: RetryPolicy | None = None,
        rate_limit: RateLimit | None = DOCUMENTED,
        queue_size: int = 100_000,
        queue_bytes: int = 64_000_000,
        on_full: OnFull = "block",
        block_timeout: float | None = None,
        linger: float = 1.0,
        on_report: Callable[[Report], object] | None = None,
        on_failure: Callable[[Failure], object] | None = None,
        spool: str | os.PathLike[str] | None = None,
        exit_timeout: float = 10.0,
        dead_letter: str | os.PathLike[str] | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_auth(auth, endpoint)
        check_numbers(concurrency=concurrency, queue_size=queue_size, queue_bytes=queue_bytes)
        check_seconds(linger=linger, exit_timeout=exit_timeout, block_timeout=block_timeout or 0)
        check_on_full(on_full)
        server = server_url(region, base_url)
        if server.startswith("http:") and not is_loopback(server):
            logger.warning("%s is plain http: whoever is on the way can read the credentials", server)
        clock = clock or Clock()

        def make_sender(log: RepeatLog) -> Sender:
            carrier = Urllib3Transport(concurrency) if transport is None else transport
            return Sender(
                Envelope.to(server, auth, endpoint, strict=strict, ip=ip),
                auth.hide,
                transport=carrier,
                policy=retry or RetryPolicy(),
                clock=clock,
                concurrency=concurrency,
                rate_limit=rate_limit,
                log=log,
                hang_up=carrier.close if isinstance(carrier, Urllib3Transport) and transport is None else _do_nothing,
            )

        own = make_encoder(auth, endpoint, edition, encoder)

        def open_spool(on_dirty: Callable[[], object]) -> Spool:
            from mixpress.spool import Destination, Spool  # noqa: PLC0415 - some Pythons are built without SQLite

            assert spool is not None, "there is a path"
            return Spool(
                spool,
                destination=Destination.of(f"{server}/{endpoint}", auth),
                layout=layout_of(own),
                max_events=own.limits.max_batch_events,
                max_bytes=own.limits.max_batch_bytes,
                clock=clock,
                on_dirty=on_dirty,
            )

        self._settings = Settings(
            encoder=own,
            make_sender=make_sender,
            concurrency=concurrency,
            terms=Terms(queue_size, queue_bytes, linger, on_full, block_timeout),
            clock=clock,
            confirms="events" if endpoint == "import" and strict else "batches",
            token=auth.token if isinstance(auth, ProjectToken) else None,
            dead_letter=dead_letter,
            on_report=on_report,
            on_failure=on_failure,
            exit_timeout=exit_timeout,
            open_spool=None if spool is None else open_spool,
            spool_encoder=None if spool is None else self._event_encoder(auth, endpoint, encoder),
            failure_sink=self._failure_sink(),
        )
        self._clock = clock
        self._engine = Engine(self._settings)
        self._engine.sender  # noqa: B018 - what is wrong with the transport is to be known now
        process.clients.add(self)
        self._engine.open_spool()

    def track(
        self,
        event: str,
        distinct_id: str,
        properties: Mapping[str, object] | None = None,
        *,
        time: float | datetime | None = None,
        insert_id: str | None = None,
    ) -> Rejection | None:
        """Queue an event, to be sent in the background; in some microseconds, whatever the network does.

        Its `time` is now, and its `$insert_id` a random UUID, if neither an argument nor `properties` say otherwise.
        It is checked and written at this call: what breaks a rule is returned, and the dict may be changed afterwards.

        Raises `QueueFull` where there is no room and `on_full` says so, and `DeadLetterError` where a dead letter can't
        be opened at the first event. The network's troubles are in `flush`, `stats` and the callbacks.
        """
        return self._engine.add(compose(self._clock.time(), event, distinct_id, properties, time, insert_id))

    def track_many(self, events: Iterable[object]) -> dict[int, Rejection]:
        """Queue whole events, as `import_events` takes them; a missing `time` or `$insert_id` is added as by `track`.

        The rejections by the event's position. `QueueFull` ends it in the middle, as it would a loop over `track`.
        """
        refuse_one(events)
        found = ((place, self._engine.add(complete(self._clock.time(), event))) for place, event in enumerate(events))
        return {place: rejection for place, rejection in found if rejection is not None}

    def flush(self, timeout: float | None = None) -> Report:
        """Send what is queued, and wait until every event that was tracked before has its verdict; at most `timeout`
        seconds.

        The report is on the events that got their verdict since the flush before, those that broke a rule included.
        What is not settled in time is counted in its `pending`, and goes on. Raises `SpoolError` where the spool can't
        be synced or written to; what was settled is then in the report of the next one.
        """
        engine = self._engine
        engine.drain(timeout)
        return engine.report()

    def stats(self) -> Stats:
        """What became of all events, tracked and imported, since the client was made."""
        return self._engine.stats()

    def import_events(
        self, events: Iterable[object], on_progress: Callable[[Progress], object] | None = None
    ) -> Report:
        """Validate, pack and send events, and say of each what became of it.

        `events` is any iterable; it is read in this thread, and never more than about `concurrency` times
        two batches ahead of what the server has confirmed. An event that is wrong is a failure in the
        report, and the others go on. `on_progress` is called in this thread, for each batch and several
        times a second while it waits.

        Raises, each with a `.report` on the events read until then: `AuthError` (the unsent count as
        undelivered), `ImportInterrupted` where the iterable raises, after what it gave is delivered,
        `TransportError` where no server was ever reached or its certificate is not trusted,
        `DeadLetterError` where not every failure could be written. A server that stops answering raises
        nothing: what it did not confirm is undelivered. `ClientClosed` where another thread closes the client.
        """
        return self._import(events, on_progress)

    def close(self, timeout: float = 10.0) -> Report:
        """Flush for `timeout` seconds at most, give up what is left then (or leave it in the spool), and disconnect.

        Where no event waits it takes no time. An import that another thread is at ends. The client can be used again.
        """
        return self._engine.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _offer(
        self, event: str, distinct_id: str, properties: Mapping[str, object], *, time: float | None = None
    ) -> Rejection | None:
        """`track`, for who can't wait: where `on_full` says to, it raises `QueueFull`."""
        return self._engine.add(compose(self._clock.time(), event, distinct_id, properties, time, None), wait=False)

    def _import(
        self,
        events: Iterable[object],
        on_progress: Callable[[Progress], object] | None = None,
        explain: Callable[[Failure], Failure] | None = None,
        on_start: Callable[[Import], object] | None = None,
    ) -> Report:
        """`import_events`, for a source that knows better why an event was rejected, or a caller that may stop it."""
        refuse_one(events)
        engine = self._engine
        with engine.importing() as dead_letter:
            run = Import(iter(events), engine, dead_letter=dead_letter, on_progress=on_progress, explain=explain)
            if on_start:
                on_start(run)
            return run.run()

    def _drain(
        self,
        spool: Spool,
        on_progress: Callable[[Progress], object] | None = None,
        *,
        failed: bool = False,
    ) -> Report:
        """Deliver what no other process has in a spool; see `Drain`."""
        from mixpress.client.drain_run import Drain  # noqa: PLC0415 - some Pythons are built without SQLite

        engine = self._engine
        with engine.importing() as dead_letter:
            return Drain(spool, engine, dead_letter=dead_letter, on_progress=on_progress, failed=failed).run()

    def _failure_sink(self) -> FailureSink | None:
        """For a client that hands failed events on by itself, and has no dead letter."""
        return None

    def _event_encoder(self, auth: Auth, endpoint: Endpoint, encoder: Encoder | None) -> Encoder | None:
        """What writes each event into a spool; None where the encoder that was given does."""
        return None if encoder else make_event_encoder(auth, endpoint)

    def _renew(self) -> None:
        """In a forked child: begin with nothing that is the parent's."""
        self._engine = Engine(self._settings)


def _do_nothing() -> None:
    pass


def refuse_one(events: object) -> None:
    """`TypeError` for what is an event, or text, and not many of them."""
    if isinstance(events, Mapping | str | bytes | bytearray):
        raise TypeError(f"events is one {type(events).__name__}, not an iterable of them: put it in a list")
