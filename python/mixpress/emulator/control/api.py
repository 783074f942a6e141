"""The control API under /_emulator/, and the pages beside it: routes, errors, and the guard before all of them.

Its requests are not entered in the log. Every error is `{"error": "a sentence"}` with 400, 403, 404 or 405.
"""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import threading
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from mixpress.emulator.control.listing import find_refused, find_requests
from mixpress.emulator.control.live import Live
from mixpress.emulator.control.parameters import ParameterError, read_integer, read_query, read_single
from mixpress.emulator.control.stats import collect, collect_live
from mixpress.emulator.store import sql
from mixpress.emulator.store.find import UnfinishedError, find
from mixpress.emulator.updates.listing import find_groups, find_identities, find_profiles, find_updates

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from mixpress.emulator.backend import Backend
    from mixpress.emulator.control.guard import Guard
    from mixpress.emulator.store.filters import Filters, Page
    from mixpress.emulator.updates.history import History
    from mixpress.emulator.updates.listing import Found
    from mixpress.emulator.updates.state import State

    Finder = Callable[[State, History, Sequence[tuple[str, str]]], Found]
    Endpoint = Callable[[HTTPRequest], Awaitable[Response]]
    InThread = Callable[..., Awaitable[Any]]

_Result = TypeVar("_Result")

MAX_BODY_BYTES = 1_000_000
LISTINGS: dict[str, Finder] = {
    "profiles": find_profiles,
    "groups": find_groups,
    "identities": find_identities,
    "updates": find_updates,
}
"""The listings of profiles by their names."""
_MAX_QUERIES = 2  # at once; others wait, so that they do not take all threads from /import
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

_logger = logging.getLogger("mixpress.emulator")


class ControlError(Exception):
    """A request that gets an error: its status, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class ControlEndpoint(NamedTuple):
    """An endpoint of another part of the emulator: its path below /_emulator/, its methods, and its function, which
    gets the request and a function that runs another one on a worker thread."""

    path: str
    methods: Sequence[str]
    answer: Callable[[HTTPRequest, InThread], Awaitable[Response]]


class ControlRoute(BaseRoute):
    """`/`, `/page/*` and `/_emulator/*`: one route of the application, with the guard before it."""

    def __init__(self, control: Control, guard: Guard) -> None:
        self._app = control.app
        self._guard = guard

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a path is one of these."""
        is_own = scope["type"] == "http" and is_control(scope["method"], scope["path"])
        return (Match.FULL if is_own else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        refusal = self._guard.refusal(scope["method"], scope["path"], HTTPRequest(scope).headers)
        app = self._app if refusal is None else to_error(403, refusal)
        await app(scope, receive, send)


def is_control(method: str, path: str) -> bool:
    """Return whether a request is for the control API or the page.

    A POST to / is not: it comes from a client with a wrong URL, and is entered in the log.
    """
    if path == "/":
        return method in {"GET", "HEAD"}
    return path in {"/page", "/_emulator"} or path.startswith(("/page/", "/_emulator/"))


class Control:
    """The routes. `pages` are those of the page, `others` those of other parts of the emulator."""

    def __init__(
        self,
        backend: Backend,
        pages: Sequence[BaseRoute] = (),
        live: Live | None = None,
        others: Sequence[ControlEndpoint] = (),
    ) -> None:
        self._backend = backend
        self._stopping = threading.Event()
        self._queries = asyncio.Semaphore(_MAX_QUERIES)
        self._live = live or Live(partial(self._in_thread, collect_live, backend))
        self._stop_listening = backend.log.listen(self._live.changed, self._live.changed)
        backend.tables.on_add = self._live.changed
        self._paths = [
            self._route("GET", "ready", self._ready),
            self._route("GET", "events", self._events),
            self._route("GET", "refused", self._refused),
            self._route("GET", "requests", self._requests),
            *(self._route("GET", name, self._listing(name, find)) for name, find in LISTINGS.items()),
            self._route("GET", "stats", self._stats),
            self._route("POST", "reset", self._reset),
            Route("/_emulator/faults", self._answering(self._faults), methods=["GET", "PUT"]),
            self._route("POST", "sql", self._sql),
            self._route("GET", "live", self._follow),
            *map(self._other_route, others),
        ]
        self.app = Starlette(routes=[*self._paths, *pages], exception_handlers={HTTPException: _not_found})
        self.app.router.redirect_slashes = False

    def close(self) -> None:
        """End the streams and the queries in progress. Any thread may call it."""
        self._stopping.set()
        self._stop_listening()
        self._live.stop()

    def _route(self, method: str, name: str, endpoint: Endpoint) -> Route:
        route = Route(f"/_emulator/{name}", self._answering(endpoint), methods=[method])
        route.methods = {method}  # without the HEAD that Starlette adds to GET
        return route

    def _other_route(self, other: ControlEndpoint) -> Route:
        async def answer(http: HTTPRequest) -> Response:
            return await other.answer(http, self._in_thread)

        route = Route(f"/_emulator/{other.path}", self._answering(answer), methods=list(other.methods))
        route.methods = set(other.methods)
        return route

    def _answering(self, endpoint: Endpoint) -> Endpoint:
        async def answer(http: HTTPRequest) -> Response:
            try:
                return await endpoint(http)
            except (ParameterError, sql.QueryError, UnfinishedError) as error:
                return to_error(400, str(error))
            except ControlError as error:
                return to_error(error.status, str(error))
            except ClientDisconnect:
                return Response(status_code=400)  # the client has disconnected
            except Exception:
                _logger.exception("%s %s failed", http.method, http.url.path)
                return to_error(500, "internal error of the emulator: see its log")

        return answer

    async def _in_thread(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._backend.executor, function, *arguments)

    async def _ready(self, http: HTTPRequest) -> Response:
        read_single(http.query_params.multi_items(), ())
        return to_json({"ready": True, "version": _version(), "url": self._backend.url})

    async def _events(self, http: HTTPRequest) -> Response:
        filters, page = read_query(http.query_params.multi_items())
        return await self._in_thread(self._find_events, filters, page)

    def _find_events(self, filters: Filters, page: Page) -> Response:
        with self._backend.store.reading() as connection:
            events, total = find(connection, filters, page, is_stopping=self._stopping.is_set)
        return _listed("events", events, total, page)

    async def _refused(self, http: HTTPRequest) -> Response:
        filters, page = read_query(http.query_params.multi_items())
        return await self._in_thread(self._find_refused, filters, page)

    def _find_refused(self, filters: Filters, page: Page) -> Response:
        refused, total = find_refused(self._backend.log.numbered_refused(), filters, page)
        return _listed("refused", refused, total, page)

    async def _requests(self, http: HTTPRequest) -> Response:
        return await self._in_thread(self._find_requests, http.query_params.multi_items())

    def _find_requests(self, pairs: Sequence[tuple[str, str]]) -> Response:
        requests, total, page = find_requests(self._backend.log.requests(), pairs)
        return _listed("requests", requests, total, page)

    def _listing(self, name: str, find: Finder) -> Endpoint:
        def answer(pairs: Sequence[tuple[str, str]]) -> Response:
            found = find(self._backend.state, self._backend.history, pairs)
            return _listed(name, found.rows, found.total, found.page)

        return lambda http: self._in_thread(answer, http.query_params.multi_items())

    async def _stats(self, http: HTTPRequest) -> Response:
        given = read_single(http.query_params.multi_items(), ["bucket"])
        bucket = read_integer(given, "bucket", 1, 300)
        return to_json(await self._in_thread(collect, self._backend, bucket or 5))

    async def _reset(self, http: HTTPRequest) -> Response:
        await read_json(http, {}, optional=True)
        await self._in_thread(self._backend.reset)
        return to_json({"reset": True})

    async def _faults(self, http: HTTPRequest) -> Response:
        if http.method == "PUT":
            if _media_type(http) == "text/plain":
                text = await _read_text(http)
            elif _media_type(http) != "application/json":
                given = http.headers.get("content-type", "")[:100]
                raise ControlError(400, f"the Content-Type must be application/json or text/plain, got '{given}'")
            else:
                text = (await read_json(http, {"faults": str}))["faults"]
            try:
                await self._in_thread(self._backend.plan.set_text, text)
            except ValueError as error:
                raise ControlError(400, str(error)) from error
        return to_json(self._backend.plan.describe())

    async def _sql(self, http: HTTPRequest) -> Response:
        given = await read_json(http, {"sql": str, "limit": int}, {"limit": 1000})
        if not 1 <= given["limit"] <= sql.MAX_ROWS:
            raise ControlError(400, f"'limit' must be an integer from 1 to {sql.MAX_ROWS}, got {given['limit']}")
        run = partial(sql.run, is_stopping=self._stopping.is_set)
        async with self._queries:
            result = await self._in_thread(run, self._backend.store, given["sql"], given["limit"])
        if "text/csv" in http.headers.get("accept", ""):
            headers = {**_HEADERS, "Mixpress-Truncated": str(result.truncated).lower()}
            return Response(to_csv(result), headers=headers, media_type="text/csv; charset=utf-8")
        return to_json(
            {
                "columns": result.columns,
                "rows": result.rows,
                "truncated": result.truncated,
                "seconds": round(result.seconds, 6),
            }
        )

    async def _follow(self, http: HTTPRequest) -> Response:
        read_single(http.query_params.multi_items(), ())
        stream = self._live.respond(_HEADERS)
        if stream is None:
            raise ControlError(400, "too many clients follow /_emulator/live; close some")
        return stream


def to_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(
        orjson.dumps(content), status, headers={**_HEADERS, **(headers or {})}, media_type="application/json"
    )


def to_error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error."""
    return to_json({"error": sentence}, status, headers)


def to_csv(result: sql.Result) -> bytes:
    """Return a result as CSV by RFC 4180; NULL is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(result.columns)
    writer.writerows(result.rows)
    return text.getvalue().encode()


def _listed(name: str, rows: list[orjson.Fragment], total: int, page: Page) -> Response:
    return to_json({name: rows, "total": total, "limit": page.limit, "offset": page.offset})


async def _not_found(http: HTTPRequest, error: Exception) -> Response:
    headers = getattr(error, "headers", None) or {}
    if isinstance(error, HTTPException) and error.status_code == 405:
        return to_error(405, f"{http.url.path} has no method {http.method}: {headers.get('Allow', '')}", headers)
    return to_error(404, f"no {http.url.path}: the control API is described in /openapi.json")


def _media_type(http: HTTPRequest) -> str:
    return http.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(
    http: HTTPRequest, members: Mapping[str, type], defaults: Mapping[str, Any] | None = None, *, optional: bool = False
) -> dict[str, Any]:
    """Return the members of a JSON object; with `optional` an absent body is an empty one."""
    body = await _read_body(http)
    if optional and not body and not http.headers.get("content-type"):
        return {}
    if _media_type(http) != "application/json":
        # A form of another site's page cannot have this type.
        raise ControlError(400, "the Content-Type must be application/json")
    if optional and not body:
        return {}
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ControlError(400, f"the body must be JSON: {error}") from error
    if not isinstance(content, dict):
        raise ControlError(400, "the body must be a JSON object")
    if unknown := content.keys() - members.keys():
        raise ControlError(
            400, f"unknown member '{min(unknown)[:100]}'; the members are {', '.join(members) or 'none'}"
        )
    content = {**(defaults or {}), **content}
    for name, kind in members.items():
        if type(content.get(name)) is not kind:
            word = {str: "a string", int: "an integer"}[kind]
            raise ControlError(400, f"'{name}' must be {word}")
    return content


async def _read_text(http: HTTPRequest) -> str:
    try:
        return (await _read_body(http)).decode()
    except UnicodeDecodeError as error:
        raise ControlError(400, "the body must be UTF-8") from error


async def _read_body(http: HTTPRequest) -> bytes:
    """Return the body; one over the limit is read up to ten times the limit, so that its sender reads the reply."""
    body = bytearray()
    size = 0
    async for chunk in http.stream():
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            body += chunk
        elif size > 10 * MAX_BODY_BYTES:
            break
    if size > MAX_BODY_BYTES:
        raise ControlError(400, f"the body must have at most {MAX_BODY_BYTES} bytes")
    return bytes(body)


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return version("mixpress")
    except PackageNotFoundError:
        return "unknown"
