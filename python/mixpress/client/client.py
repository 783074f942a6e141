"""`Client`: sends events, and returns a verdict for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.auth import Auth, ProjectToken
from mixpress.client.engine import EngineHolder
from mixpress.client.import_run import import_events, refuse_one
from mixpress.client.options import (
    DOCUMENTED,
    Options,
    check_arguments,
    choose_encoder,
    choose_server,
    event_encoder,
    spool_options,
)
from mixpress.clock import Clock
from mixpress.queues.event import complete, compose
from mixpress.queues.event_queue import QueueLimits
from mixpress.retry import RetryPolicy
from mixpress.send.request import RequestTemplate

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from typing_extensions import Self

    from mixpress._core import Encoder, Rejection
    from mixpress.address import Region
    from mixpress.client.engine import Engine
    from mixpress.client.options import Edition
    from mixpress.queues.event_queue import OnFull
    from mixpress.report.report import Failure, Progress, Report
    from mixpress.report.stats import Stats
    from mixpress.send.rate_limit import RateLimit
    from mixpress.send.request import Endpoint
    from mixpress.transport.interface import Transport


class Client:
    """Sends events to one project.

        with Client(ServiceAccount("user", "secret", project_id="123"), region="eu") as client:
            report = client.import_events(events)
            client.track("Signed Up", "user-1", {"plan": "pro"})

    `auth`: a `ServiceAccount`, `ProjectToken` or `ProjectSecret`; /track accepts a `ProjectToken` alone.
    `region`: where the project is hosted, `"us"` (the default), `"eu"` or `"in"`; or `base_url`: the URL of another
        server, such as an emulator or a proxy, without the path of the endpoint.
    `endpoint`: `"import"`, or `"track"`, which confirms a batch instead of each event.
    `strict`: ask /import to validate each event and report the refused ones. Without it, /import confirms the batch.
    `ip`: use the sender's address as the location of events without the property `ip`.
    `edition`: 2022 for a server with the /track of that year: forms of 50 events, uncompressed.
    `encoder`: an encoder with other limits or another format, for the same endpoint. `/track` also accepts
        `Encoder("track", format="form", token=...)`.
    `concurrency`: the most requests under way at once; the documents recommend 10 to 20. After trouble there is one,
        then more as the server's answers and their latency allow.
    `retry`: how often and after what waits a batch is sent again.
    `rate_limit`: events and uncompressed bytes in any minute; None for no limit.
    `dead_letter`: a file to which every event that is not imported is appended, with the reason.
    `transport`: what sends the requests, urllib3 by default. A transport that you pass is not closed by the client, and
        a forked child uses it unchanged.
    `clock`: time and randomness, for tests.

    For tracked events:

    `queue_size`, `queue_bytes`: the most events, and bytes of packed batches, without a verdict.
    `on_full`: what `track` does with a full queue: `"block"` for `block_timeout` seconds (None: without limit) and then
        raise `QueueFull`, `"raise"` it at once, or `"drop"` the event, which `stats()` counts.
    `linger`: seconds after which a batch is sent that is not full.
    `on_report`: called with the `Report` on each batch, on a thread of the client.
    `on_failure`: called with each `Failure`: by `track` itself for an event that breaks a rule, otherwise on a thread
        of the client. The first exception in either callback is logged; all are ignored.
    `spool`: a file that keeps tracked events until they have their verdict, even if the process dies. A client also
        delivers what dead processes left in it. With a spool, the two bounds count what is in memory, and the rest
        waits in the file: the queue is never full, and `on_full` does not apply.
    `exit_timeout`: seconds that the exit of the process waits for what is left, over all clients.

    A client is thread-safe. In a forked child it has no events: the parent delivers those from before the fork.
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
        queue = QueueLimits(queue_size, queue_bytes, linger, on_full, block_timeout)
        check_arguments(auth, endpoint, concurrency, queue, exit_timeout)
        server = choose_server(region, base_url)
        chosen = choose_encoder(auth, endpoint, edition, encoder)
        options = Options(
            encoder=chosen,
            template=RequestTemplate.for_endpoint(server, auth, endpoint, strict=strict, ip=ip),
            hide=auth.hide,
            confirms="events" if endpoint == "import" and strict else "batches",
            clock=clock or Clock(),
            queue=queue,
            token=auth.token if isinstance(auth, ProjectToken) else None,
            transport=transport,
            concurrency=concurrency,
            retry=retry or RetryPolicy(),
            rate_limit=rate_limit,
            dead_letter=dead_letter,
            on_report=on_report,
            on_failure=on_failure,
            spool=None
            if spool is None
            else spool_options(
                spool, f"{server}/{endpoint}", auth, batches=chosen, events=encoder or event_encoder(auth, endpoint)
            ),
            exit_timeout=exit_timeout,
        )
        self._clock = options.clock
        self._holder = EngineHolder(options)
        self._holder.engine.open()

    @property
    def engine(self) -> Engine:
        """The engine behind the client, for mixpress's own adapters and commands. Its methods may change."""
        return self._holder.engine

    def track(
        self,
        event: str,
        distinct_id: str,
        properties: Mapping[str, object] | None = None,
        *,
        time: float | datetime | None = None,
        insert_id: str | None = None,
    ) -> Rejection | None:
        """Queue an event, to be sent in the background. Takes a few microseconds, whatever the network does.

        Without an argument or a property for them, `time` is now and `$insert_id` is a random UUID. The event is
        checked and written during this call: the rejection is returned, and the dict may be changed afterwards.

        Raises `QueueFull` if there is no room and `on_full` says so, and `DeadLetterError` if the dead letter cannot be
        opened at the first event. Network errors are reported by `flush`, `stats` and the callbacks.
        """
        return self._holder.engine.queue.add(
            compose(self._clock.time(), event, distinct_id, properties, time, insert_id)
        )

    def track_many(self, events: Iterable[object]) -> dict[int, Rejection]:
        """Queue whole events, in the form of `import_events`; a missing `time` or `$insert_id` is added as in `track`.

        Returns the rejections by the event's position. `QueueFull` ends it early, as it would end a loop over `track`.
        """
        refuse_one(events)
        engine = self._holder.engine
        rejections: dict[int, Rejection] = {}
        for place, event in enumerate(events):
            rejection = engine.queue.add(complete(self._clock.time(), event))
            if rejection is not None:
                rejections[place] = rejection
        return rejections

    def flush(self, timeout: float | None = None) -> Report:
        """Send what is queued, and wait up to `timeout` seconds until every event tracked before has its verdict.

        The report covers the events that got their verdict since the flush before, including those that broke a rule.
        Events that are not settled in time are counted in its `pending`, and their delivery goes on. Raises
        `SpoolError` if the spool cannot be synced or written to; the next report then has what was settled.
        """
        return self._holder.engine.flush(timeout)

    def stats(self) -> Stats:
        """Return what became of all events, tracked and imported, since the client was made."""
        return self._holder.engine.stats()

    def import_events(
        self, events: Iterable[object], on_progress: Callable[[Progress], object] | None = None
    ) -> Report:
        """Validate, pack and send events; return what became of each.

        `events` is any iterable. It is read in this thread, at most about `concurrency` times two batches ahead of
        what the server has confirmed. A bad event is a failure in the report, and the others go on. `on_progress` is
        called in this thread, for each batch and several times a second while it waits.

        Raises, each with a `.report` on the events read until then: `AuthError` (the unsent events are undelivered),
        `ImportInterrupted` if the iterable raises, after the events before that are delivered, `TransportError` if no
        server was ever reached or its certificate is not trusted, `DeadLetterError` if a failure could not be written,
        `ClientClosed` if another thread closes the client. A server that stops answering raises nothing: the events
        that it did not confirm are undelivered.
        """
        return import_events(self._holder.engine, events, on_progress)

    def close(self, timeout: float = 10.0) -> Report:
        """Flush for up to `timeout` seconds, give up the rest (or leave it in the spool), and disconnect.

        Returns at once if no event waits. An import in another thread ends with `ClientClosed`. The client can be used
        again.
        """
        return self._holder.engine.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
