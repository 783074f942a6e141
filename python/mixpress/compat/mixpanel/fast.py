"""What `fast=True` sends with: a `Client` for events, one for imports, and `Updates` for people and groups."""

from __future__ import annotations

import json
import math
import os
import threading
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

from mixpress import process
from mixpress._core import Encoder, Limits
from mixpress.auth import Auth, ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.client import Client
from mixpress.client.engine import Settings
from mixpress.clock import Clock
from mixpress.compat.mixpanel.exception import MixpanelException, not_sent
from mixpress.compat.mixpanel.lost import Lost, raise_for
from mixpress.compat.mixpanel.nan import places_of_nan
from mixpress.compat.mixpanel.updates import Updates, url_of_updates
from mixpress.errors import MixpressError
from mixpress.queues.event import complete
from mixpress.queues.event_queue import OnFull, Terms
from mixpress.retry import RetryPolicy
from mixpress.send.request import HEADERS, Envelope
from mixpress.send.sender import Sender
from mixpress.transport import Urllib3Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress.batch import FailureSink
    from mixpress.log import RepeatLog
    from mixpress.report.report import Failure, Report
    from mixpress.send.rate_limit import RateLimit
    from mixpress.send.request import Endpoint
    from mixpress.transport import Transport

PATHS: Mapping[str, Endpoint] = {"events": "track", "imports": "import"}
"""Where events go: the other endpoints take updates."""


class Options(TypedDict, total=False):
    """What `fast=True` takes besides: the options of `Client` by the same names, and the `limits` of its encoder."""

    limits: Limits
    concurrency: int
    retry: RetryPolicy
    rate_limit: RateLimit | None
    queue_size: int
    queue_bytes: int
    on_full: OnFull
    block_timeout: float | None
    linger: float
    on_report: Callable[[Report], object]
    on_failure: Callable[[Failure], object]
    exit_timeout: float
    transport: Transport
    clock: Clock


def limits_of_the_original() -> Limits:
    """What the original sends and the server may take is sent, so that the server's word counts: a depth of 10, a
    number as `distinct_id`, no `distinct_id` (`$merge` has none), and what `meta` puts beside `properties`.
    """
    left_to_the_server = ("unknown-field", "distinct-id-type", "distinct-id-missing")
    observed = Limits.observed()
    return Limits(
        max_depth=observed.max_depth,
        truncate_unit=observed.truncate_unit,
        rules={"time-in-future": "reject", **dict.fromkeys(left_to_the_server, "warn")},
    )


class Channel(Protocol):
    """What takes the messages of one endpoint and one project."""

    def take(self, record: object) -> None:
        """Queue one."""
        ...

    def flush(self, timeout: float | None) -> Report:
        """Wait until all have their verdict."""
        ...

    def close(self, timeout: float) -> Report:
        """Flush, and end the threads."""
        ...


class Events(Client):
    """A client whose encoders have these limits, and that hands on the events which were not taken."""

    def __init__(self, auth: Auth, endpoint: Endpoint, limits: Limits, lost: Lost, **options: Any) -> None:
        self._lost = lost
        self._limits = limits
        encoder = self._make_encoder(auth, endpoint, "gzip")
        super().__init__(auth, endpoint=endpoint, encoder=encoder, **options)

    def take(self, record: object) -> None:
        """Queue a whole event. What breaks a rule is in the next report."""
        self._engine.add(complete(self._clock.time(), record))

    def _make_encoder(self, auth: Auth, endpoint: Endpoint, compression: Literal["gzip"] | None) -> Encoder:
        token = auth.token if isinstance(auth, ProjectToken) else None
        return Encoder(endpoint, compression=compression, token=token, limits=self._limits)

    def _failure_sink(self) -> FailureSink | None:
        return self._lost

    def _event_encoder(self, auth: Auth, endpoint: Endpoint, encoder: Encoder | None) -> Encoder | None:  # noqa: ARG002
        return self._make_encoder(auth, endpoint, None)  # gzip of one event would be for nothing


class Fast:
    """All that a consumer with `fast=True` has on its way. Any thread may use it."""

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        credentials: Any,
        timeout: Any,
        verify: bool | str,
        spool: str | os.PathLike[str] | None,
        options: Options,
    ) -> None:
        if unknown := options.keys() - Options.__annotations__.keys():
            raise TypeError(f"{', '.join(sorted(unknown))}: no option of fast=True")
        self._urls = urls
        self._servers = {endpoint: _server_of(urls[endpoint], path) for endpoint, path in PATHS.items()}
        self._account = credentials and ServiceAccount(
            credentials.username, credentials.secret, project_id=credentials.project_id
        )
        self._spool = spool
        self._options = options
        self._clock = options.get("clock") or Clock()
        self._own_transport = _make_transport(timeout, verify, options)
        self._transport = options.get("transport") or self._own_transport
        self._channels: dict[tuple[str, str], tuple[Channel, Lost]] = {}
        self._lock = threading.RLock()  # an object's __del__ may send a message while this is held
        process.clients.add(self)

    def take(self, endpoint: str, message: str, secret: str | None = None) -> None:
        """Queue a message, or a JSON array of them."""
        if endpoint not in PATHS and (places := places_of_nan(message)):
            raise not_sent(f"no JSON has a word for NaN or an infinity: {places}", endpoint, message)
        try:
            content = json.loads(message)
        except ValueError as error:
            raise not_sent(f"the message is no JSON: {error}", endpoint, message) from None
        if not isinstance(content, list):
            return self.take_record(endpoint, content, secret)
        for place, record in enumerate(content):
            try:
                self.take_record(endpoint, record, secret)
            except MixpanelException as error:
                error.message = _text(content[place:])  # those before were taken
                raise
        return None

    def take_record(self, endpoint: str, record: Any, secret: str | None = None) -> None:
        """Queue an event or an update that is a dict."""
        key = self._key(endpoint, record, secret)
        channel, _ = self._channels.get((endpoint, key)) or self._open(endpoint, key)
        try:
            channel.take(record)
        except (MixpressError, ValueError) as error:
            raise not_sent(error, endpoint, _text(record)) from error

    def flush(self, timeout: float | None = None) -> None:
        """Wait, `timeout` seconds at most; `MixpanelException` where not everything was taken."""
        ends = math.inf if timeout is None else self._clock.monotonic() + timeout

        def left() -> float | None:
            return None if timeout is None else max(0.0, ends - self._clock.monotonic())

        raise_for([(name, one.flush(left()), lost.take()) for (name, _), (one, lost) in list(self._channels.items())])

    def close(self, timeout: float = 10.0) -> None:
        """Flush for so long, give up the rest, and end the threads. It can be used again."""
        ends = self._clock.monotonic() + timeout
        outcomes = [
            (name, one.close(max(0.0, ends - self._clock.monotonic())), lost.take())
            for (name, _), (one, lost) in list(self._channels.items())
        ]
        for _, lost in list(self._channels.values()):
            lost.close()
        if self._own_transport is not None:
            self._own_transport.close()
        raise_for(outcomes)

    def _key(self, endpoint: str, record: Any, secret: str | None) -> str:
        """Who sends: a project's token, or the secret of an import; empty for the service account."""
        if endpoint == "imports":
            if secret or self._account:
                return "" if self._account else secret or ""
            raise not_sent("/import needs credentials= of the consumer, or an api_secret", endpoint, _text(record))
        holder, name = (record, "$token") if endpoint != "events" else (_member(record, "properties"), "token")
        token = _member(holder, name)
        if not isinstance(token, str) or not token.strip():
            raise not_sent(f"a message to {endpoint} needs {name!r}, the project's token", endpoint, _text(record))
        return token

    def _open(self, endpoint: str, key: str) -> tuple[Channel, Lost]:
        with self._lock:
            if (endpoint, key) not in self._channels:
                self._channels[endpoint, key] = self._make(endpoint, key)
            return self._channels[endpoint, key]

    def _make(self, endpoint: str, key: str) -> tuple[Channel, Lost]:
        if endpoint not in PATHS:
            lost = Lost(endpoint, self._clock)
            return Updates(lambda encoder: self._settings_of_updates(endpoint, ProjectToken(key), encoder, lost)), lost
        auth: Auth
        if endpoint == "events":
            auth, lost = ProjectToken(key), Lost(endpoint, self._clock, key)
        else:
            auth, lost = self._account or ProjectSecret(key), Lost(endpoint, self._clock)
        try:
            return self._make_client(endpoint, auth, lost), lost
        except MixpressError as error:
            raise not_sent(error, endpoint, "") from error

    def _make_client(self, endpoint: str, auth: Auth, lost: Lost) -> Events:
        options: dict[str, Any] = {**self._options, "base_url": self._servers[endpoint]}
        limits = options.pop("limits", None) or limits_of_the_original()
        if self._spool is not None:
            options["spool"] = self._spool if endpoint == "events" else f"{os.fspath(self._spool)}.imports"
        if self._transport is not None:
            options["transport"] = self._transport
        return Events(auth, PATHS[endpoint], limits, lost, **options)

    def _settings_of_updates(self, endpoint: str, auth: ProjectToken, encoder: Encoder, lost: Lost) -> Settings:
        options, clock = self._options, self._clock

        def make_sender(log: RepeatLog) -> Sender:
            own = Urllib3Transport(1)
            return Sender(
                Envelope(url_of_updates(self._urls[endpoint]), HEADERS),
                auth.hide,
                transport=self._transport or own,
                policy=options.get("retry") or RetryPolicy(),
                clock=clock,
                concurrency=1,
                rate_limit=None,
                log=log,
                hang_up=own.close,
            )

        return Settings(
            encoder=encoder,
            make_sender=make_sender,
            concurrency=1,
            terms=Terms(
                options.get("queue_size", 100_000),
                options.get("queue_bytes", 64_000_000),
                options.get("linger", 1.0),
                options.get("on_full", "block"),
                options.get("block_timeout"),
            ),
            clock=clock,
            confirms="batches",
            token=None,
            dead_letter=None,
            on_report=options.get("on_report"),
            on_failure=options.get("on_failure"),
            exit_timeout=options.get("exit_timeout", 10.0),
            failure_sink=lost,
        )

    def _renew(self) -> None:
        """In a forked child: another thread may have held the lock, and what was lost is the parent's."""
        self._lock = threading.RLock()
        for _, lost in self._channels.values():
            lost.renew()


def _server_of(url: str, path: str) -> str:
    server, _, last = url.rstrip("/").rpartition("/")
    if last != path:
        raise ValueError(f"with fast=True the URL of {path} must end with /{path}, and is {url!r}")
    return server


def _make_transport(timeout: Any, verify: bool | str, options: Options) -> Urllib3Transport | None:
    """One by the original's options; None where they ask for nothing that a client's own has not."""
    if verify is False:
        raise ValueError("fast=True always verifies certificates: give verify_cert= the file of an authority to trust")
    if "transport" in options or (timeout is None and verify is True):
        return None
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    seconds = {"connect_timeout": connect, "read_timeout": read}
    settings: dict[str, Any] = {name: value for name, value in seconds.items() if value is not None}
    if isinstance(verify, str):
        settings["ca_bundle"] = verify
    return Urllib3Transport(options.get("concurrency", 10), **settings)


def _member(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else None


def _text(record: Any) -> str:
    return json.dumps(record, default=repr, separators=(",", ":"))
