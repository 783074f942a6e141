"""`Emulator`: the server on its own thread, for the duration of a `with` block.

Errors, all raised before the block is entered:

    ValueError   the host is not a loopback address, or an option is invalid
    OSError      the port is in use, or the database file cannot be used
"""

from __future__ import annotations

import ipaddress
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

from mixpress.emulator import limits as limits_of
from mixpress.emulator.app import HttpHandler
from mixpress.emulator.assertions import Wanted, assert_received
from mixpress.emulator.auth import to_credentials
from mixpress.emulator.backend import Backend
from mixpress.emulator.control.api import Control, ControlRoute
from mixpress.emulator.control.guard import Guard, foreign
from mixpress.emulator.control.stats import collect
from mixpress.emulator.faults.faults import to_faults
from mixpress.emulator.hosts import to_address, to_host_names
from mixpress.emulator.hot_shards import HotShards
from mixpress.emulator.identity import check_identity
from mixpress.emulator.ingest import Ingest
from mixpress.emulator.log import RequestLog
from mixpress.emulator.lookup.answer import PATH as LOOKUP
from mixpress.emulator.lookup.answer import Lookup
from mixpress.emulator.lookup.call_limit import CALLS, CallLimit
from mixpress.emulator.lookup.control import lookup_endpoints
from mixpress.emulator.lookup.tables import LookupTables, to_lookup_tables
from mixpress.emulator.openapi import openapi_routes
from mixpress.emulator.page.serve import page_routes
from mixpress.emulator.rate_limit import RateLimit, RateLimiter
from mixpress.emulator.serving import connection_limits, listen, serve, to_url
from mixpress.emulator.store.filters import is_same
from mixpress.emulator.store.store import KEEP, Store
from mixpress.emulator.threads import DaemonThreads
from mixpress.emulator.updates.answer import Updates
from mixpress.emulator.updates.checks import UPDATE_PATHS
from mixpress.emulator.updates.history import History
from mixpress.emulator.updates.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike
    from types import TracebackType

    from mixpress.emulator.app import Before
    from mixpress.emulator.control.webhook import Webhook
    from mixpress.emulator.faults.fault import Fault
    from mixpress.emulator.faults.faults import Faults
    from mixpress.emulator.identity import IdentityName
    from mixpress.emulator.limits import LimitsName
    from mixpress.emulator.request import LoggedRequest, RefusedEvent

_DOCUMENTED_RATE = RateLimit.documented()
MAX_REQUEST_SECONDS = 86_400
_MAX_THREADS = 32  # requests answered concurrently; others wait


class Emulator:
    """A local server of the ingestion API: /import, /track, /engage, /groups and /lookup-tables.

        with Emulator() as server:
            send_something_to(server.url)
            assert [event["event"] for event in server.events()] == ["Signed Up"]

    - `host`: a loopback address; ValueError for any other, unless `allow_other_hosts`.
    - `port`: 0 picks a free one. OSError if it is in use.
    - `db`: a file that keeps the events; None keeps them in memory. OSError if it cannot be used.
    - `credentials`: the (username, secret) pairs that /import accepts; a project's token or secret is a username with
      an empty secret, and a bearer token is a secret with an empty username. None accepts any that are not empty.
    - `faults`: which requests fail, and how, such as `"429:10%, drop-reply:2, seed=7"`, or the path of a schedule, a
      `.toml` file; see `Faults`. ValueError for an invalid text, OSError for a file that cannot be read.
    - `before`: called on a worker thread with each `Request` to an endpoint, before it is processed. If it
      returns (status, headers, body), that is the reply; a `Fault` is applied to the request; None leaves the
      request to the sequence of `faults`.
    - `now`: the clock, in seconds since the epoch.
    - `limits`: "documented", or "observed": what the real server is reported to do where that differs.
    - `max_depth`: maximum nesting of objects in `properties`; None is that of `limits`, 3 or 10.
    - `max_body_bytes`: maximum size of a request's uncompressed JSON, beyond which the reply is 413; None is that of
      `limits`, 10,000,000 or 10,485,760.
    - `identity`: "original", or "simplified": a project with simplified identity merge takes events with `$user_id` or
      `$device_id` instead of `distinct_id`, and refuses identity events. An original one merges the ids of these.
    - `rate_limit`: the most that a project may send in a minute of `now`, beyond which the reply is 429; the default is
      `RateLimit.documented()`, and None is no limit.
    - `keep`: how many events are kept, in memory and in the file; beyond, those that arrived first are deleted. In
      memory, 512 MiB of events are kept at most. As many profiles and as many merged ids are kept, and as many bytes
      of them.
    - `webhook`: an http or https URL that gets a POST with each batch, its accepted and its refused events; see
      docs/emulator-api.md. It never delays a reply. ValueError if it is no such URL.
    - `request_seconds`: a request that is not complete after this time gets a 408, and its connection is closed.
    - `lookup_tables`: the lookup tables that the project has, names by id, such as `{"a1": "Songs"}`, or ids alone.
      A request replaces their rows; the id of another table gets a 404. ValueError for an id with a slash.
    - `allow_other_hosts`: whether `host` may be any address of this machine, such as `0.0.0.0` for all. Whoever can
      reach it can then read, add and delete events, and set faults: nothing asks for credentials.
    - `allowed_hosts`: other names of this machine by which browsers and programs reach the page and the control API. A
      request with another `Host` gets a 403.

    Entering `with` starts the server, ready for requests; leaving it stops it and closes its threads, sockets and file.
    An emulator that is still open when the process exits answers until the exit handlers have run.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        db: str | PathLike[str] | None = None,
        credentials: Iterable[tuple[str, str]] | None = None,
        faults: Faults | str | None = None,
        before: Before | None = None,
        now: Callable[[], float] = time.time,
        max_depth: int | None = None,
        max_body_bytes: int | None = None,
        limits: LimitsName = "documented",
        identity: IdentityName = "original",
        rate_limit: RateLimit | None = _DOCUMENTED_RATE,
        keep: int = KEEP,
        webhook: str | None = None,
        request_seconds: float = 60.0,
        lookup_tables: Mapping[str, str] | Iterable[str] = (),
        allow_other_hosts: bool = False,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        self._address = to_address(host, allow_others=allow_other_hosts)
        self._allowed_hosts = to_host_names(allowed_hosts)
        self._webhook = webhook
        if webhook is not None:
            from mixpress.emulator.control.webhook import to_target  # noqa: PLC0415 - few use it

            to_target(webhook)
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be 0 to 65535, got {port}")
        self._port = port
        self._db = db
        self._credentials = None if credentials is None else to_credentials(credentials)
        self._faults = to_faults(faults)
        self._before = before
        self._now = now
        self._limits = limits_of.profile(limits, max_depth, max_body_bytes)
        check_identity(identity)
        self._simplified = identity == "simplified"
        if type(keep) is not int or keep < 1:
            raise ValueError(f"keep must be an integer >= 1, got {keep!r}")
        self._keep = keep
        self._rate_limit = check_rate_limit(rate_limit)
        if not 0 < request_seconds <= MAX_REQUEST_SECONDS:
            raise ValueError(
                f"request_seconds must be above 0 and at most {MAX_REQUEST_SECONDS}, got {request_seconds!r}"
            )
        self._connection_limits = connection_limits(request_seconds)
        self._lookup_tables = to_lookup_tables(lookup_tables)
        self._running: ExitStack | None = None
        self._backend: Backend | None = None

    def __enter__(self) -> Emulator:
        if self._running is not None:
            raise RuntimeError("this emulator is already running")
        with ExitStack() as stack:
            store = stack.enter_context(closing(Store(self._db, self._keep)))
            state = stack.enter_context(closing(State(store, self._keep)))
            limiter = RateLimiter(self._rate_limit)
            options = (self._now, self._limits, self._credentials, self._simplified, limiter, HotShards(), state)
            ingest = Ingest(store, *options)
            history = History()
            updates = Updates(state, self._now, self._limits, limiter, history)
            tables = stack.enter_context(closing(LookupTables(self._db, self._lookup_tables)))
            lookup = Lookup(tables, CallLimit(None if self._rate_limit is None else CALLS))
            executor = stack.enter_context(DaemonThreads(_MAX_THREADS, "mixpress-emulator"))
            log = RequestLog()
            webhook = None if self._webhook is None else stack.enter_context(closing(_to_webhook(self._webhook)))
            handler = HttpHandler(
                *(ingest, executor, log, self._credentials, self._before, self._faults),
                webhook=webhook,
                foreign=foreign,
                answerers={**dict.fromkeys(UPDATE_PATHS, updates.answer), LOOKUP: lookup.answer},
            )
            listener = stack.enter_context(listen(self._address, self._port))
            clears = (store.clear, state.clear, history.clear, ingest.clear, lookup.clear, handler.restart, log.clear)
            backend = Backend(
                store=store,
                log=log,
                executor=executor,
                url=to_url(listener),
                now=self._now,
                started_ms=int(self._now() * 1000),
                plan=handler.plan,
                state=state,
                history=history,
                tables=tables,
                reset=partial(_call_all, clears),
                webhook=webhook,
                keep=self._keep,
            )
            control = Control(backend, page_routes(), others=lookup_endpoints(tables))
            guard = Guard(ipaddress.ip_address(self._address).is_loopback, self._allowed_hosts)
            app = handler.app([*openapi_routes(), ControlRoute(control, guard)])
            stack.enter_context(serve(app, listener, self._connection_limits))
            stack.enter_context(closing(control))  # first of all at the end: its streams must end before the server
            self._running, self._backend = stack.pop_all(), backend
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._backend is not None:
            self._faults = self._backend.plan.faults
        running, self._running, self._backend = self._running, None, None
        if running is not None:
            running.close()

    @property
    def _parts(self) -> Backend:
        if self._backend is None:
            raise RuntimeError("the emulator is not running: use it inside `with Emulator() as server:`")
        return self._backend

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:49152`, without a trailing slash."""
        return self._parts.url

    @property
    def faults(self) -> Faults:
        """Which requests fail. Assign `Faults`, their text, or None; it applies to all requests from then on.

        Assigning restarts the sequence of faults, as `clear` does, and discards the faults of `fail_next`.
        """
        return self._faults if self._backend is None else self._backend.plan.faults

    @faults.setter
    def faults(self, faults: Faults | str | None) -> None:
        self._faults = to_faults(faults)
        if self._backend is not None:
            self._backend.plan.set(self._faults)

    def fail_next(self, kind: str | Fault, times: int = 1) -> None:
        """Apply a fault to the next `times` requests, before those of earlier calls and of `faults`.

        `kind` is a text without how often, such as "429", "429:3s", "drop-reply" or "400:0+2". ValueError for others.
        """
        self._parts.plan.fail_next(kind, times)

    def events(
        self,
        name: str | None = None,
        *,
        endpoint: str | None = None,
        distinct_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the accepted events as the API stores them, deduplicated, in order of first arrival.

        Each is `{"event": "Signed Up", "properties": {"time": 1700000000, ...}}`, with long strings cut and a future
        time replaced. `name` selects the events of one name, `endpoint` those sent to "/import" or "/track",
        `properties` those that have at least these, with equal JSON values.
        """
        wanted = {**(properties or {}), **({} if distinct_id is None else {"distinct_id": distinct_id})}
        return [event for event in self._parts.store.events(name, endpoint) if _has(event["properties"], wanted)]

    def count(self, name: str | None = None, *, endpoint: str | None = None) -> int:
        """Return the number of events that `events` would return, without reading them."""
        return self._parts.store.count(name, endpoint)

    def profile(self, distinct_id: str) -> dict[str, Any] | None:
        """Return the properties of a user's profile as they are after all updates, or None if there is no profile.

        `distinct_id` may be any of the ids that identity events made one user.
        """
        found = self._parts.state.profile(distinct_id)
        return None if found is None else found.properties

    def group(self, key: str, group_id: str) -> dict[str, Any] | None:
        """Return the properties of a group's profile as they are after all updates, or None if there is no profile."""
        found = self._parts.state.group(key, group_id)
        return None if found is None else found.properties

    def profiles(self) -> list[dict[str, Any]]:
        """Return the profiles of all users, in the order in which they were created.

        Each is `{"distinct_id": ..., "properties": {...}, "last_seen": ..., "ip": ..., "created": ..., "updated": ...,
        "updates": ...}`. `last_seen` is when an update without `$ignore_time` came, and `ip` the address that gave the
        profile its location; both are None if no update changed them. Times are in milliseconds since the epoch.
        `updates` is the number of updates.
        """
        return [profile.as_dict() for profile in self._parts.state.all(groups=False)]

    def groups(self) -> list[dict[str, Any]]:
        """Return the profiles of all groups, as `profiles` does, with `group_key` and `group_id` as their ids."""
        return [profile.as_dict() for profile in self._parts.state.all(groups=True)]

    def requests(self) -> list[LoggedRequest]:
        """Return the last 10,000 requests, up to 64 MB of text, with the status of each reply, oldest first."""
        return self._parts.log.requests()

    def refused(self) -> list[RefusedEvent]:
        """Return the last 10,000 refused events, up to 64 MB of text, oldest first."""
        return self._parts.log.refused()

    def add_lookup_table(self, id: str, name: str = "") -> None:
        """Add an empty lookup table, as somebody does on the vendor's page; one of this id gets the name.

        `clear` removes it. ValueError for an id that no path can have.
        """
        self._parts.tables.add(id, name)

    def lookup_table(self, id: str) -> list[dict[str, str]] | None:
        """Return the rows of a lookup table as texts by the name of their column; None if there is no such table."""
        return self._parts.tables.rows(id)

    def assert_received(
        self, event: str, properties: Mapping[str, Any] | None = None, within: float = 5.0
    ) -> dict[str, Any]:
        """Return the first stored event of a name that has these properties; wait for it for `within` seconds.

        The event may have more properties, also within objects. `...` as a value is any value, as is
        `unittest.mock.ANY`. The returned event is as in `events`. If it does not come, the AssertionError shows the
        nearest event and its differences, refused events with their reason, and failed requests. It blocks its thread:
        asyncio code runs it by `asyncio.to_thread`.
        """
        __tracebackhide__ = True
        parts = self._parts
        return assert_received(parts.store, parts.log, parts.url, Wanted(event, properties or {}, within))

    def clear(self) -> None:
        """Delete all events and profiles, also in the `db` file, and all logged requests.

        Of lookup tables, those of the option `lookup_tables` are left, without rows. Restarts faults and rate limits.
        """
        self._parts.reset()

    reset = clear
    """The same as `clear`."""

    def stats(self) -> dict[str, Any]:
        """Return the counters since the start or `clear`, by status and by event, as `GET /_emulator/stats` does."""
        return collect(self._parts)


def _call_all(functions: Iterable[Callable[[], None]]) -> None:
    for function in functions:
        function()


def _has(properties: dict[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in properties and is_same(properties[name], value) for name, value in wanted.items())


def _to_webhook(url: str) -> Webhook:
    from mixpress.emulator.control.webhook import Webhook  # noqa: PLC0415 - few use it

    return Webhook(url)


def check_rate_limit(rate_limit: RateLimit | None) -> RateLimit | None:
    """Return the limit; TypeError for a value of another type."""
    if rate_limit is not None and not isinstance(rate_limit, RateLimit):
        raise TypeError(f"rate_limit must be a RateLimit or None, got {rate_limit!r}")
    return rate_limit
