"""`Client`: sends events, and returns a verdict for each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Optional

from mixpress._core import Rejection
from mixpress.auth import Auth, ProjectToken
from mixpress.client.engines import Engines
from mixpress.client.file_import import import_files, import_table
from mixpress.client.file_options import FileOptions, MaxErrors
from mixpress.client.import_run import import_events, refuse_one
from mixpress.client.lookup_tables import LookupTables
from mixpress.client.options import (
    DOCUMENTED,
    Options,
    check_arguments,
    choose_encoder,
    choose_server,
    choose_token,
    event_encoder,
    options_of_updates,
    spool_options,
)
from mixpress.client.shared import SharedCalls
from mixpress.client.update_run import import_updates
from mixpress.clock import Clock
from mixpress.queues.event import complete, compose
from mixpress.queues.event_queue import QueueLimits
from mixpress.retry import RetryPolicy
from mixpress.send.request import RequestTemplate

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from collections.abc import Mapping as Members
    from datetime import datetime

    from typing_extensions import Self

    from mixpress._core import Encoder
    from mixpress.address import Region
    from mixpress.client.engine import Engine
    from mixpress.client.file_import import Paths
    from mixpress.client.options import Edition, Identity
    from mixpress.files.formats import Format
    from mixpress.files.mapping import Mapping
    from mixpress.lease.lease import Lease
    from mixpress.queues.event_queue import OnFull
    from mixpress.report.report import Failure, Progress, Report
    from mixpress.report.stats import Stats
    from mixpress.send.rate_limit import RateLimit
    from mixpress.send.request import Endpoint
    from mixpress.transport.interface import Transport


class Client(SharedCalls[Optional[Rejection]]):  # noqa: UP045 - `|` of types of the core needs no import of typing
    """Sends events to one project.

        with Client(ServiceAccount("user", "secret", project_id="123"), region="eu") as client:
            report = client.import_events(events)
            client.track("Signed Up", "user-1", {"plan": "pro"})

    `auth`: a `ServiceAccount`, `ProjectToken` or `ProjectSecret`; /track accepts a `ProjectToken` alone.
    `region`: where the project is hosted, `"us"` (the default), `"eu"` or `"in"`; or `base_url`: the URL of another
        server, such as an emulator or a proxy, without the path of the endpoint.
    `endpoint`: `"import"`, or `"track"`, which confirms a batch instead of each event.
    `strict`: ask /import to validate each event and report the refused ones. Without it, /import confirms the batch.
    `ip`: use the sender's address as the location of events without the property `ip`, and of profiles.
    `edition`: 2022 for a server with the /track of that year: forms of 50 events, uncompressed.
    `encoder`: an encoder with other limits or another format, for the same endpoint. `/track` also accepts
        `Encoder("track", format="form", token=...)`.
    `concurrency`: the most requests under way at once; the documents recommend 10 to 20. After trouble there is one,
        then more as the server's answers and their latency allow.
    `retry`: how often and after what waits a batch is sent again.
    `retry_unsafe`: send a batch with `$add` or `$append` again even if the server may have taken it, so that these may
        count twice. By default its updates are undelivered then.
    `rate_limit`: events and uncompressed bytes in any minute, for each endpoint; a `Lease` to share them with other
        processes; None for no limit.
    `token`: the token of the project, for updates of profiles, if `auth` is not a `ProjectToken`.
    `identity`: how the project joins the ids of a user: `"simplified"` or `"original"`, by which events are validated
        and identity events are refused; None if it is not known.
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
        retry_unsafe: bool = False,
        rate_limit: RateLimit | Lease | None = DOCUMENTED,
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
        token: str | ProjectToken | None = None,
        identity: Identity | None = None,
    ) -> None:
        queue = QueueLimits(queue_size, queue_bytes, linger, on_full, block_timeout)
        check_arguments(auth, endpoint, concurrency, queue, exit_timeout, rate_limit)
        server = choose_server(region, base_url)
        chosen = choose_encoder(auth, endpoint, edition, encoder, identity)
        singles = encoder or event_encoder(auth, endpoint, identity)
        hide, project_token = choose_token(auth, token)
        options = Options(
            encoder=chosen,
            template=RequestTemplate.for_endpoint(server, auth, endpoint, strict=strict, ip=ip),
            hide=hide,
            derive_key=auth.derive_key,
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
            spool=spool_options(spool, f"{server}/{endpoint}", auth, batches=chosen, events=singles),
            exit_timeout=exit_timeout,
            retry_unsafe=retry_unsafe,
        )
        self._clock, self._lookup_tables = options.clock, LookupTables(partial(getattr, self, "engine"), server, auth)
        updates = partial(options_of_updates, options, server, project_token, strict=strict, ip=ip)
        self._engines = Engines(options, partial(updates, limits=encoder.limits if encoder else None))
        self._engines.open()

    def _take(self, engine: Engine, event: object) -> Rejection | None:
        return engine.queue.add(event)

    @property
    def lookup_tables(self) -> LookupTables:
        """The project's lookup tables: `client.lookup_tables.list()`, `client.lookup_tables.replace(id, source)`."""
        return self._lookup_tables

    def track(
        self,
        event: str,
        distinct_id: str | None = None,
        properties: Members[str, object] | None = None,
        *,
        time: float | datetime | None = None,
        insert_id: str | None = None,
    ) -> Rejection | None:
        """Queue an event, to be sent in the background. Takes a few microseconds, whatever the network does.

        Without an argument or a property for them, `time` is now and `$insert_id` is a random UUID. Without a
        `distinct_id`, the properties must have it, or a `$device_id` or `$user_id` unless the project has the original
        identity management. The event is checked and written during this call: the rejection is returned, and the dict
        may be changed afterwards.

        Raises `QueueFull` if there is no room and `on_full` says so, and `DeadLetterError` if the dead letter cannot be
        opened at the first event. Network errors are reported by `flush`, `stats` and the callbacks.
        """
        return self.engine.queue.add(compose(self._clock.time(), event, distinct_id, properties, time, insert_id))

    def track_many(self, events: Iterable[object]) -> dict[int, Rejection]:
        """Queue whole events, in the form of `import_events`; a missing `time` or `$insert_id` is added as in `track`.

        Returns the rejections by the event's position. `QueueFull` ends it early, as it would end a loop over `track`.
        """
        refuse_one(events)
        engine = self.engine
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
        return self._engines.flush(timeout)

    def stats(self) -> Stats:
        """Return what became of all events, tracked and imported, since the client was made."""
        return self._engines.stats()

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
        return import_events(self.engine, events, on_progress)

    def import_profiles(
        self, updates: Iterable[object], on_progress: Callable[[Progress], object] | None = None
    ) -> Report:
        """Validate, pack and send updates of user profiles; return what became of each.

        An update is an object of the API's documents: `{"$distinct_id": "user-1", "$set": {"plan": "pro"}}`, with one
        operation. `$token` is added, and `$ip: "0"` and `$ignore_time: true` if it has no other, so that neither the
        location nor `$last_seen` changes. Those of one profile arrive in their order. The updates that were queued
        before are sent first. The rest is as for `import_events`.

        Raises what `import_events` does, and `ValueError` if the client has no project token.
        """
        return import_updates(self._engines.updates("engage"), updates, on_progress)

    def import_groups(
        self, updates: Iterable[object], on_progress: Callable[[Progress], object] | None = None
    ) -> Report:
        """Do the same as `import_profiles` for profiles of groups.

        An update names its group by `$group_key` and `$group_id`:
        `{"$group_key": "company", "$group_id": "acme", "$set": {"seats": 20}}`.
        """
        return import_updates(self._engines.updates("groups"), updates, on_progress)

    def import_files(
        self,
        paths: Paths,
        *,
        mapping: Mapping | None = None,
        format: Format | None = None,
        state: str | os.PathLike[str] | None = None,
        dead_letter: str | os.PathLike[str] | None = None,
        on_progress: Callable[[Progress], object] | None = None,
        max_errors: int | str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
    ) -> Report:
        """Import the events, or updates of profiles, of files; return what became of each.

        `paths`: one or several files, folders or patterns; `"-"` is the standard input.
        `mapping`: how records become events, if they do not have the names of the API; with `profiles=True` or
            `groups="company"`, updates of profiles. Those of one profile arrive in the order of the records.
        `format`: the format of the files, if it can't be recognised by their first bytes.
        `state`: a file that records which events have their verdict. The same call later goes on where this one ended,
            whatever ended it.
        `dead_letter`: a file to which each failed event is appended as it was read, with its reason and place, instead
            of the client's.
        `on_progress`: called in this thread, for each batch and several times a second while it waits.
        `max_errors`: end the import early once more events failed: a number, or a share such as `"2%"`, of which the
            first 1000 events are no measure.
        `limit`: read so many events.
        `dry_run`: do everything but send. The report's `imported` events would have been sent.

        A failure in the report has its `place`. A file that can't be read to its end is in the report's `damaged`, and
        the others are read. Raises what `import_events` does, `StateError` if the state file can't be used, and
        `ValueError` for updates if the client has no project token. With a state, an import of updates ends with
        `ImportInterrupted` at the first batch without an answer, so that no later update overtakes it. A batch with
        `$add` or `$append` that the server may have taken is undelivered, and the same call does not send it again.
        """
        options = FileOptions(state, dead_letter, MaxErrors.of(max_errors), dry_run, limit)
        return import_files(self.engine_of(mapping), paths, mapping, format, options, on_progress)

    def import_table(
        self,
        table: Any,
        *,
        mapping: Mapping | None = None,
        dead_letter: str | os.PathLike[str] | None = None,
        on_progress: Callable[[Progress], object] | None = None,
        max_errors: int | str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
    ) -> Report:
        """Import the rows of a table; return what became of each.

        `table`: an object with `__arrow_c_stream__`: a pyarrow Table or RecordBatchReader, a Polars or pandas
            DataFrame, a DuckDB relation; or a dataset or scanner of pyarrow. It is read as it is sent, and no value
            becomes a Python object. The labels of a pandas index without a name are left out.

        The other arguments are those of `import_files`. Needs `pip install 'mixpress[parquet]'`.

        Raises what `import_files` does, `TypeError` for an object without rows of Arrow, which says what to pass
        instead, and `ValueError` if the library cannot give its table to Arrow, such as for a column of mixed types.
        If reading fails later, the rows before it are imported, and the report's `damaged` says why.
        """
        options = FileOptions(None, dead_letter, MaxErrors.of(max_errors), dry_run, limit)
        return import_table(self.engine_of(mapping), table, mapping, options, on_progress)

    def close(self, timeout: float = 10.0) -> Report:
        """Flush for up to `timeout` seconds, give up the rest (or leave it in the spool), and disconnect.

        Returns at once if no event waits. An import in another thread ends with `ClientClosed`. The client can be used
        again.
        """
        return self._engines.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
