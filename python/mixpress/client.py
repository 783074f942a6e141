"""`Client`: events in, a verdict for each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import urlencode

from mixpress._core import Encoder, __version__
from mixpress.address import is_loopback, server_url
from mixpress.auth import Auth, ProjectSecret, ProjectToken, ServiceAccount
from mixpress.clock import Clock
from mixpress.dead_letter import DeadLetter
from mixpress.retry import RetryPolicy
from mixpress.run import Import
from mixpress.send import Sender
from mixpress.transport import Urllib3Transport

if TYPE_CHECKING:
    import os

    from typing_extensions import Self

    from mixpress.address import Region
    from mixpress.report import Failure, Progress, Report
    from mixpress.spool import Spool
    from mixpress.transport import Transport

Endpoint = Literal["import", "track"]


logger = logging.getLogger("mixpress")

_HEADERS = {"User-Agent": f"mixpress/{__version__}", "Accept-Encoding": "gzip"}


class Client:
    """Sends events to one project.

        with Client(ServiceAccount("user", "secret", project_id="123"), region="eu") as client:
            report = client.import_events(events)

    `auth`: `ServiceAccount`, `ProjectToken` or `ProjectSecret`; /track takes a `ProjectToken` alone.
    `region`: where the project lives, `"us"` (the default), `"eu"` or `"in"`; or `base_url`: another server,
        such as an emulator or a proxy, without the endpoint's path.
    `endpoint`: `"import"`, or `"track"`, which confirms a batch and not each event.
    `strict`: /import checks each event and says which it refuses. Without it, it confirms the batch alone.
    `ip`: take the sender's address for the location of events that have no `ip` property.
    `encoder`: one with other limits or another format, made for the same endpoint.
    `concurrency`: requests under way at once; the documents recommend 10 to 20.
    `retry`: how often and after what waits a batch is sent again.
    `dead_letter`: a file to which every event that is not imported is appended, with the reason.
    `transport`: what carries the requests, urllib3 by default; one that is handed in is not closed here.
    `clock`: time and chance, for tests.

    A client may be used from several threads.
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
        encoder: Encoder | None = None,
        concurrency: int = 10,
        retry: RetryPolicy | None = None,
        dead_letter: str | os.PathLike[str] | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        _check(auth, endpoint, concurrency)
        self._concurrency = concurrency
        self._encoder = _encoder(auth, endpoint, encoder)
        self._dead_letter = dead_letter
        self._clock = clock or Clock()
        self._own_transport = Urllib3Transport(concurrency) if transport is None else None
        server = server_url(region, base_url)
        if server.startswith("http:") and not is_loopback(server):
            logger.warning("%s is plain http: whoever is on the way can read the credentials", server)
        query = {**_options(endpoint, strict=strict, ip=ip), **auth.query()}
        self._sender = Sender(
            f"{server}/{endpoint}?{urlencode(query)}",
            {**_HEADERS, **({} if endpoint == "track" else auth.headers())},
            auth.hide,
            transport=cast("Transport", transport or self._own_transport),
            policy=retry or RetryPolicy(),
            clock=self._clock,
        )

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
        nothing: what it did not confirm is undelivered.
        """
        return self._import(events, on_progress)

    def close(self) -> None:
        """Close the connections. An import that another thread is at ends with its events undelivered."""
        if self._own_transport:
            self._own_transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _import(
        self,
        events: Iterable[object],
        on_progress: Callable[[Progress], object] | None = None,
        explain: Callable[[Failure], Failure] | None = None,
    ) -> Report:
        """`import_events`, for a source that knows better why an event was rejected."""
        if isinstance(events, Mapping | str | bytes | bytearray):
            raise TypeError(f"events is one {type(events).__name__}, not an iterable of them: put it in a list")
        with self._open_dead_letter() as dead_letter:
            return Import(
                iter(events),
                encoder=self._encoder,
                sender=self._sender,
                concurrency=self._concurrency,
                clock=self._clock,
                hang_up=self.close,
                dead_letter=dead_letter,
                on_progress=on_progress,
                explain=explain,
            ).run()

    def _drain(
        self,
        spool: Spool,
        on_progress: Callable[[Progress], object] | None = None,
        *,
        failed: bool = False,
    ) -> Report:
        """Deliver what no other process has in a spool; see `Drain`."""
        from mixpress.spool.drain import Drain  # noqa: PLC0415 - some Pythons are built without SQLite

        with self._open_dead_letter() as dead_letter:
            return Drain(
                spool,
                sender=self._sender,
                concurrency=self._concurrency,
                clock=self._clock,
                hang_up=self.close,
                dead_letter=dead_letter,
                on_progress=on_progress,
                failed=failed,
            ).run()

    def _open_dead_letter(self) -> AbstractContextManager[DeadLetter | None]:
        return nullcontext() if self._dead_letter is None else closing(DeadLetter(self._dead_letter))


def _check(auth: object, endpoint: object, concurrency: object) -> None:
    if not isinstance(auth, ServiceAccount | ProjectToken | ProjectSecret):
        raise TypeError(f"auth must be a ServiceAccount, ProjectToken or ProjectSecret, and is a {type(auth).__name__}")
    if endpoint not in ("import", "track"):
        raise ValueError(f'endpoint must be "import" or "track", and is {endpoint!r}')
    if endpoint == "track" and not isinstance(auth, ProjectToken):
        raise ValueError(f"/track takes a ProjectToken, and auth is a {type(auth).__name__}")
    if not isinstance(concurrency, int) or concurrency < 1:
        raise ValueError(f"concurrency must be a whole number from 1 on, and is {concurrency!r}")


def _encoder(auth: Auth, endpoint: Endpoint, encoder: Encoder | None) -> Encoder:
    if encoder is None:
        token = auth.token if endpoint == "track" and isinstance(auth, ProjectToken) else None
        return Encoder(endpoint, token=token)
    if encoder.endpoint != endpoint:
        raise ValueError(f"the encoder is made for /{encoder.endpoint}, and the client for /{endpoint}")
    return encoder


def _options(endpoint: Endpoint, *, strict: bool, ip: bool) -> dict[str, str]:
    """`verbose` makes an answer that is not strict say what was wrong, instead of a bare 0."""
    answer = "strict" if endpoint == "import" and strict else "verbose"
    return {answer: "1", "ip": "1" if ip else "0"}
