"""The delivery behind `fast=True`: an engine for events, one for imports, and `Updates` for people and groups."""

from __future__ import annotations

import json
import math
import os
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, cast

from mixpress import process
from mixpress._core import Encoder, Limits
from mixpress.auth import Auth, ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.engine import EngineHolder
from mixpress.client.options import DOCUMENTED, check_arguments, choose_server, spool_options
from mixpress.client.options import Options as EngineOptions
from mixpress.clock import Clock
from mixpress.compat.mixpanel.exception import MixpanelException, not_sent
from mixpress.compat.mixpanel.lost import Lost, raise_for
from mixpress.compat.mixpanel.nan import places_of_nan
from mixpress.compat.mixpanel.updates import UpdateBuilder, Updates, url_of_updates
from mixpress.errors import MixpressError
from mixpress.queues.event import complete
from mixpress.queues.event_queue import OnFull, QueueLimits
from mixpress.retry import RetryPolicy
from mixpress.send.request import HEADERS, RequestTemplate
from mixpress.transport import Urllib3Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress.report.report import Failure, Report
    from mixpress.send.rate_limit import RateLimit
    from mixpress.send.request import Endpoint
    from mixpress.transport import Transport

PATHS: Mapping[str, Endpoint] = {"events": "track", "imports": "import"}
"""The endpoints that accept events; the others accept updates."""


class Options(TypedDict, total=False):
    """Further arguments with `fast=True`: those of `Client` by the same names, and the `limits` of its encoder."""

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


def limits_of_the_original(path: Endpoint) -> Limits:
    """Return limits that send what the original sends and the server may accept, so that the server decides: a depth of
    10, a number as `distinct_id`, no `distinct_id` (`$merge` has none), and what `meta` adds beside `properties`.

    /import refuses a time over an hour ahead; /track replaces it by the current time.
    """
    left_to_the_server = ("unknown-field", "distinct-id-type", "distinct-id-missing")
    future = "reject" if path == "import" else "warn"
    observed = Limits.observed()
    return Limits(
        max_depth=observed.max_depth,
        truncate_unit=observed.truncate_unit,
        rules={"time-in-future": future, **dict.fromkeys(left_to_the_server, "warn")},
    )


class Channel(Protocol):
    """Sends the messages for one endpoint of one project."""

    def take(self, record: object) -> None:
        """Queue a message."""
        ...

    def flush(self, timeout: float | None) -> Report:
        """Wait until every message has its verdict."""
        ...

    def close(self, timeout: float) -> Report:
        """Flush, and end the threads."""
        ...


class Events:
    """Sends whole events, as `Client.track_many` does."""

    def __init__(self, options: EngineOptions) -> None:
        self._holder = EngineHolder(options)
        self._holder.engine.open()

    def take(self, record: object) -> None:
        """Queue an event. The next report has a rejected one."""
        engine = self._holder.engine
        engine.queue.add(complete(engine.clock.time(), record))

    def flush(self, timeout: float | None) -> Report:
        """Wait until every event has its verdict; see `Client.flush`."""
        return self._holder.engine.flush(timeout)

    def close(self, timeout: float) -> Report:
        """Flush, and end the threads; see `Client.close`."""
        return self._holder.engine.close(timeout)


class Fast:
    """The messages of one consumer with `fast=True`. Thread-safe."""

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
            raise TypeError(f"fast=True has no option {', '.join(sorted(unknown))}")
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
            raise not_sent(f"JSON cannot express NaN or an infinity: {places}", endpoint, message)
        try:
            content = json.loads(message)
        except ValueError as error:
            raise not_sent(f"the message is not JSON: {error}", endpoint, message) from None
        if not isinstance(content, list):
            return self.take_record(endpoint, content, secret)
        for place, record in enumerate(content):
            try:
                self.take_record(endpoint, record, secret)
            except MixpanelException as error:
                error.message = _text(content[place:])  # those before were queued
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
        """Wait up to `timeout` seconds; raise `MixpanelException` if not every message was accepted."""
        ends = math.inf if timeout is None else self._clock.monotonic() + timeout

        def left() -> float | None:
            return None if timeout is None else max(0.0, ends - self._clock.monotonic())

        raise_for([(name, one.flush(left()), lost.take()) for (name, _), (one, lost) in list(self._channels.items())])

    def close(self, timeout: float = 10.0) -> None:
        """Flush for up to `timeout` seconds, give up the rest, and end the threads. It can be used again."""
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
        """Return the token of the project, or the secret of an import; empty for the service account."""
        if endpoint == "imports":
            if secret or self._account:
                return "" if self._account else secret or ""
            raise not_sent("/import needs credentials= of the consumer, or an api_secret", endpoint, _text(record))
        holder, name = (record, "$token") if endpoint != "events" else (_member(record, "properties"), "token")
        token = _member(holder, name)
        if not isinstance(token, str) or len(token.split()) != 1:
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
            return Updates(self._options_of_updates(endpoint, ProjectToken(key), lost)), lost
        auth: Auth
        if endpoint == "events":
            auth, lost = ProjectToken(key), Lost(endpoint, self._clock, key)
        else:
            auth, lost = self._account or ProjectSecret(key), Lost(endpoint, self._clock)
        try:
            return Events(self._options_of_events(endpoint, auth, lost)), lost
        except MixpressError as error:
            raise not_sent(error, endpoint, "") from error

    def _options_of_events(self, endpoint: str, auth: Auth, lost: Lost) -> EngineOptions:
        path, given = PATHS[endpoint], self._options
        queue, concurrency = self._queue_limits(), given.get("concurrency", 10)
        check_arguments(auth, path, concurrency, queue, given.get("exit_timeout", 10.0))
        server = choose_server(None, self._servers[endpoint])
        limits = given.get("limits") or limits_of_the_original(path)
        token = auth.token if isinstance(auth, ProjectToken) else None
        encoder = Encoder(path, token=token, limits=limits)
        spool = None
        if self._spool is not None:
            file = self._spool if endpoint == "events" else f"{os.fspath(self._spool)}.imports"
            uncompressed = Encoder(path, compression=None, token=token, limits=limits)
            spool = spool_options(file, f"{server}/{path}", auth, batches=encoder, events=uncompressed)
        return EngineOptions(
            encoder=encoder,
            template=RequestTemplate.for_endpoint(server, auth, path),
            hide=auth.hide,
            confirms="events" if path == "import" else "batches",
            token=token,
            queue=queue,
            concurrency=concurrency,
            rate_limit=given.get("rate_limit", DOCUMENTED),
            spool=spool,
            **self._common_options(lost),
        )

    def _options_of_updates(self, endpoint: str, auth: ProjectToken, lost: Lost) -> EngineOptions:
        return EngineOptions(
            encoder=cast("Encoder", UpdateBuilder()),
            template=RequestTemplate(url_of_updates(self._urls[endpoint]), HEADERS),
            hide=auth.hide,
            confirms="batches",
            queue=self._queue_limits(),
            concurrency=1,
            rate_limit=None,
            **self._common_options(lost),
        )

    def _common_options(self, lost: Lost) -> dict[str, Any]:
        given = self._options
        return {
            "clock": self._clock,
            "transport": self._transport,
            "retry": given.get("retry") or RetryPolicy(),
            "failure_sink": lost,
            "on_report": given.get("on_report"),
            "on_failure": given.get("on_failure"),
            "exit_timeout": given.get("exit_timeout", 10.0),
        }

    def _queue_limits(self) -> QueueLimits:
        given, default = self._options, QueueLimits()
        return QueueLimits(
            given.get("queue_size", default.events),
            given.get("queue_bytes", default.bytes),
            given.get("linger", default.linger),
            given.get("on_full", default.on_full),
            given.get("block_timeout", default.block_timeout),
        )

    def after_fork(self) -> None:
        """Replace what belongs to the parent: a lock that another thread may hold, and the lost messages."""
        self._lock = threading.RLock()
        for _, lost in self._channels.values():
            lost.renew()


def _server_of(url: str, path: str) -> str:
    server, _, last = url.rstrip("/").rpartition("/")
    if last != path:
        raise ValueError(f"with fast=True the URL of {path} must end with /{path}, got {url!r}")
    return server


def _make_transport(timeout: Any, verify: bool | str, options: Options) -> Urllib3Transport | None:
    """Return a transport with the original's options; None if they are all at their defaults."""
    if verify is False:
        raise ValueError(
            "fast=True always verifies certificates: set verify_cert= to the file of an authority to trust"
        )
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
