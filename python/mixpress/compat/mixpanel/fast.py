"""The delivery behind `fast=True`: an engine for each endpoint and project."""

from __future__ import annotations

import json
import math
import os
import threading
from typing import TYPE_CHECKING, Any, TypedDict

from mixpress import process
from mixpress._core import Encoder, Limits
from mixpress.auth import Auth, ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.options import (
    DOCUMENTED,
    check_arguments,
    check_identity,
    choose_server,
    spool_of_updates,
    spool_options,
)
from mixpress.client.options import Options as EngineOptions
from mixpress.clock import Clock
from mixpress.compat.mixpanel.channel import Channel
from mixpress.compat.mixpanel.exception import MixpanelException, not_sent
from mixpress.compat.mixpanel.lost import Lost, raise_for
from mixpress.compat.mixpanel.updates import ENDPOINTS, encoder_of_updates, url_of_updates, without_null_ids
from mixpress.errors import MixpressError
from mixpress.queues.event_queue import OnFull, QueueLimits
from mixpress.retry import RetryPolicy
from mixpress.send.request import HEADERS, RequestTemplate
from mixpress.transport import Urllib3Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mixpress.client.options import Identity
    from mixpress.lease.lease import Lease
    from mixpress.report.report import Failure, Report
    from mixpress.send.rate_limit import RateLimit
    from mixpress.send.request import Endpoint
    from mixpress.transport import Transport

PATHS: Mapping[str, Endpoint] = {"events": "track", "imports": "import"}
"""The endpoints that accept events; the others accept updates."""


class Options(TypedDict, total=False):
    """Further arguments with `fast=True`: those of `Client` by the same names, and the `limits` of its encoder."""

    limits: Limits
    identity: Identity | None
    concurrency: int
    retry: RetryPolicy
    retry_unsafe: bool
    rate_limit: RateLimit | Lease | None
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
        check_identity(options.get("identity"))
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
        channel = self._channel(endpoint, record, secret)
        try:
            channel.take(without_null_ids(record) if endpoint in ENDPOINTS else record)
        except MixpressError as error:
            raise not_sent(error, endpoint, _text(record)) from error

    def deliver(self, endpoint: str, record: dict[str, Any]) -> None:
        """Send an event at once, before what is queued; raise `MixpanelException` if it was not accepted."""
        channel = self._channel(endpoint, record, None)
        try:
            report = channel.deliver(record)
        except MixpressError as error:
            raise not_sent(error, endpoint, _text(record)) from error
        raise_for([(endpoint, report, [record])])

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

    def _channel(self, endpoint: str, record: Any, secret: str | None) -> Channel:
        key = self._key(endpoint, record, secret)
        channel, _ = self._channels.get((endpoint, key)) or self._open(endpoint, key)
        return channel

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
        try:
            if endpoint in ENDPOINTS:
                lost = Lost(endpoint, self._clock, key)
                return Channel(self._options_of_updates(endpoint, ProjectToken(key), lost)), lost
            auth: Auth
            if endpoint == "events":
                auth, lost = ProjectToken(key), Lost(endpoint, self._clock, key)
            else:
                auth, lost = self._account or ProjectSecret(key), Lost(endpoint, self._clock)
            return Channel(self._options_of_events(endpoint, auth, lost)), lost
        except MixpressError as error:
            raise not_sent(error, endpoint, "") from error

    def _options_of_events(self, endpoint: str, auth: Auth, lost: Lost) -> EngineOptions:
        path, given = PATHS[endpoint], self._options
        server = choose_server(None, self._servers[endpoint])
        limits, identity = given.get("limits") or limits_of_the_original(path), given.get("identity")
        token = auth.token if isinstance(auth, ProjectToken) else None
        encoder = Encoder(path, token=token, limits=limits, identity=identity)
        spool = None
        if self._spool is not None:
            file = self._spool if endpoint == "events" else f"{os.fspath(self._spool)}.imports"
            uncompressed = Encoder(path, compression=None, token=token, limits=limits, identity=identity)
            spool = spool_options(file, f"{server}/{path}", auth, batches=encoder, events=uncompressed)
        return EngineOptions(
            encoder=encoder,
            template=RequestTemplate.for_endpoint(server, auth, path),
            hide=auth.hide,
            confirms="events" if path == "import" else "batches",
            token=token,
            spool=spool,
            **self._common_options(auth, path, lost),
        )

    def _options_of_updates(self, endpoint: str, auth: ProjectToken, lost: Lost) -> EngineOptions:
        path, url = ENDPOINTS[endpoint], self._urls[endpoint]
        encoder = encoder_of_updates(path, auth.token, self._options.get("limits"))
        file = None if self._spool is None else spool_of_updates(self._spool, path)
        return EngineOptions(
            encoder=encoder,
            template=RequestTemplate(url_of_updates(url), HEADERS),
            hide=auth.hide,
            confirms="batches",
            token=auth.token,
            spool=spool_options(file, url.partition("?")[0], auth, batches=encoder, events=encoder),
            endpoint=path,
            retry_unsafe=self._options.get("retry_unsafe", False),
            **self._common_options(auth, "track", lost),
        )

    def _common_options(self, auth: Auth, path: Endpoint, lost: Lost) -> dict[str, Any]:
        given, queue = self._options, self._queue_limits()
        concurrency, exit_timeout = given.get("concurrency", 10), given.get("exit_timeout", 10.0)
        check_arguments(auth, path, concurrency, queue, exit_timeout, given.get("rate_limit"))
        return {
            "clock": self._clock,
            "derive_key": auth.derive_key,
            "transport": self._transport,
            "queue": queue,
            "concurrency": concurrency,
            "rate_limit": given.get("rate_limit", DOCUMENTED),
            "retry": given.get("retry") or RetryPolicy(),
            "failure_sink": lost,
            "on_report": given.get("on_report"),
            "on_failure": given.get("on_failure"),
            "exit_timeout": exit_timeout,
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
