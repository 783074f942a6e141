"""`Options`: what an engine is made with, as plain data. Validate client arguments and choose the encoder."""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

from mixpress._core import Encoder, Limits
from mixpress.address import is_loopback, server_url
from mixpress.auth import Auth, ProjectToken
from mixpress.queues.event_queue import OnFull, QueueLimits
from mixpress.retry import RetryPolicy
from mixpress.send.rate_limit import RateLimit
from mixpress.send.request import Endpoint, RequestTemplate, UpdateEndpoint, check_auth

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.address import Region
    from mixpress.clock import Clock
    from mixpress.reply import Hide
    from mixpress.report.report import Confirms, Failure, Report
    from mixpress.report.verdicts import FailureSink
    from mixpress.send.limiter import Limit
    from mixpress.spool.destination import Destination
    from mixpress.spool.layout import Format, Layout
    from mixpress.transport.interface import Transport

logger = logging.getLogger("mixpress")

Edition = Literal[2022]
Identity = Literal["simplified", "original"]
"""How a project joins the ids of a user."""

EVENTS_OF_2022 = 50
"""Events in a request by the documents of 2022, uncompressed and as a form; 2000 since January 2024."""

DOCUMENTED = RateLimit.documented()


@dataclass(frozen=True)
class SpoolOptions:
    """The spool of a client: its path, whose events it holds, and how they are stored and packed."""

    path: str | os.PathLike[str]
    destination: Destination
    layout: Layout
    encoder: Encoder
    """Writes each event; the batches are packed by the spool."""
    max_events: int
    max_bytes: int


@dataclass(frozen=True)
class Options:
    """What an engine is made with. It holds credentials, in fields that are not shown."""

    encoder: Encoder
    template: RequestTemplate
    hide: Hide = field(repr=False)
    """Replaces the credentials in a text."""
    derive_key: Callable[[str], bytes] = field(repr=False)
    """Derives a key from the credentials, for a label."""
    confirms: Confirms
    clock: Clock
    queue: QueueLimits = field(default_factory=QueueLimits)
    token: str | None = field(default=None, repr=False)
    """What the encoder writes into each event."""
    transport: Transport | None = None
    """None for urllib3. Another transport belongs to the caller and is never closed."""
    concurrency: int = 10
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: Limit | None = DOCUMENTED
    dead_letter: str | os.PathLike[str] | None = None
    failure_sink: FailureSink | None = None
    """Receives the failures of tracked events if there is no dead letter."""
    on_report: Callable[[Report], object] | None = None
    on_failure: Callable[[Failure], object] | None = None
    spool: SpoolOptions | None = None
    exit_timeout: float = 10.0
    endpoint: UpdateEndpoint | None = None
    """The endpoint of an engine for updates of profiles: it delivers those of one profile in their order, and none
    twice if that would count twice. None for events."""
    retry_unsafe: bool = False
    """Whether updates are sent twice even if they may count twice."""

    @property
    def what(self) -> str:
        """What the engine delivers, for messages."""
        return "updates" if self.endpoint else "events"


def check_arguments(
    auth: object,
    endpoint: object,
    concurrency: object,
    queue: QueueLimits,
    exit_timeout: object,
    rate_limit: object = None,
) -> None:
    """Raise `ValueError` or `TypeError` for an argument of `Client` that is out of range."""
    check_auth(auth, endpoint)
    if rate_limit is not None and not hasattr(rate_limit, "limiter"):
        raise TypeError(f"rate_limit must be a RateLimit, a Lease or None, got {rate_limit!r}")
    _check_counts(concurrency=concurrency, queue_size=queue.events, queue_bytes=queue.bytes)
    _check_seconds(linger=queue.linger, exit_timeout=exit_timeout, block_timeout=queue.block_timeout or 0)
    if queue.on_full not in get_args(OnFull):
        raise ValueError(f'on_full must be "block", "raise" or "drop", got {queue.on_full!r}')


def _check_counts(**counts: object) -> None:
    for name, count in counts.items():
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{name} must be an integer >= 1, got {count!r}")


def _check_seconds(**spans: object) -> None:
    for name, span in spans.items():
        if not isinstance(span, int | float) or not 0 <= span < math.inf:
            raise ValueError(f"{name} must be a finite number of seconds >= 0, got {span!r}")


def choose_server(region: Region | None, base_url: str | None) -> str:
    """Return the URL of the server, and warn if the credentials are sent to another machine in plain text."""
    server = server_url(region, base_url)
    if server.startswith("http:") and not is_loopback(server):
        logger.warning("%s is plain http: anyone on the network path can read the credentials", server)
    return server


def choose_token(auth: Auth, token: str | ProjectToken | None) -> tuple[Hide, ProjectToken | None]:
    """Return what hides the credentials, and the token for updates of profiles; None without one."""
    if isinstance(auth, ProjectToken):
        if token is not None and _as_token(token) != auth:
            raise ValueError("token must be that of auth, a ProjectToken, or be left out")
        return auth.hide, auth
    if token is None:
        return auth.hide, None
    given = _as_token(token)
    return lambda text: given.hide(auth.hide(text)), given


def _as_token(token: str | ProjectToken) -> ProjectToken:
    return token if isinstance(token, ProjectToken) else ProjectToken(token)


def choose_encoder(
    auth: Auth,
    endpoint: Endpoint,
    edition: Edition | None,
    encoder: Encoder | None,
    identity: Identity | None = None,
) -> Encoder:
    """Return the given encoder, or the one for the endpoint, its edition and the identity management."""
    check_identity(identity)
    if edition not in (None, 2022) or (edition and endpoint != "track"):
        raise ValueError(f'edition must be 2022, for endpoint="track", or None; got {edition!r}')
    if encoder is None:
        if edition is None:
            return Encoder(endpoint, token=token_in_events(auth, endpoint), identity=identity)
        limits = Limits(max_batch_events=EVENTS_OF_2022)
        token = token_in_events(auth, endpoint)
        return Encoder("track", format="form", compression=None, token=token, limits=limits, identity=identity)
    if edition is not None:
        raise ValueError("edition and encoder both choose the format of a request: give one of them")
    if identity is not None and encoder.identity != identity:
        raise ValueError(f"the encoder must have the client's identity {identity!r}, got {encoder.identity!r}")
    if encoder.endpoint != endpoint:
        raise ValueError(f"the encoder must be for the client's endpoint /{endpoint}, got one for /{encoder.endpoint}")
    return encoder


def check_identity(identity: object) -> None:
    """Raise `ValueError` unless it is an identity management, or None."""
    if identity is not None and identity not in get_args(Identity):
        raise ValueError(f'identity must be "simplified", "original" or None, got {identity!r}')


def event_encoder(auth: Auth, endpoint: Endpoint, identity: Identity | None = None) -> Encoder:
    """Return an encoder that writes single events for a spool. Their gzip would be wasted."""
    return Encoder(endpoint, compression=None, token=token_in_events(auth, endpoint), identity=identity)


def token_in_events(auth: Auth, endpoint: Endpoint) -> str | None:
    """Return the token that the encoder must write into each event; only /track needs it."""
    return auth.token if endpoint == "track" and isinstance(auth, ProjectToken) else None


def options_of_updates(
    events: Options,
    server: str,
    token: ProjectToken | None,
    endpoint: UpdateEndpoint,
    *,
    strict: bool,
    ip: bool,
    limits: Limits | None,
) -> Options:
    """Return the options of an engine for updates, beside one for events. `ValueError` without a project token."""
    if token is None:
        raise ValueError(
            "updates of profiles need the project token, which the server finds in each update: pass "
            "Client(..., token=...) beside a ServiceAccount or ProjectSecret, or use a ProjectToken"
        )
    encoder = Encoder(endpoint, token=token.token, ip=ip if endpoint == "engage" else None, limits=limits)
    path = spool_of_updates(events.spool.path, endpoint) if events.spool else None
    return replace(
        events,
        encoder=encoder,
        template=RequestTemplate.for_updates(server, endpoint, strict=strict, ip=ip),
        confirms="events" if strict else "batches",
        token=token.token,
        spool=spool_options(path, f"{server}/{endpoint}", token, batches=encoder, events=encoder),
        endpoint=endpoint,
    )


def spool_of_updates(path: str | os.PathLike[str], endpoint: UpdateEndpoint) -> str:
    """Return the spool of an endpoint of updates: a file beside that of the events, as each is for one endpoint."""
    return f"{os.fspath(path)}.{endpoint}"


def spool_options(
    path: str | os.PathLike[str] | None, url: str, auth: Auth, *, batches: Encoder, events: Encoder
) -> SpoolOptions | None:
    """Return the options of a spool whose batches go to `url`; None without a path.

    Its batches have the layout and the limits of the encoder `batches`; `events` writes the single events.
    """
    if path is None:
        return None
    from mixpress.spool.destination import Destination  # noqa: PLC0415 - some Pythons are built without SQLite

    limits = batches.limits
    return SpoolOptions(
        path,
        Destination.of(url, auth),
        layout_of(batches),
        events,
        max_events=limits.max_batch_events,
        max_bytes=limits.max_batch_bytes,
    )


def layout_of(encoder: Encoder) -> Layout:
    """Return the layout with which a spool makes the same bodies as an encoder."""
    from mixpress.spool.layout import Layout  # noqa: PLC0415 - some Pythons are built without SQLite

    form: Format = encoder.format
    if form == "form" and encoder.form_base64:
        form = "form-base64"
    return Layout(form, encoder.compression is not None, encoder.level)
