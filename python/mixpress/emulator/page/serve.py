"""The routes of the page: a fixed list of packaged files, under a policy that allows nothing but the emulator."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

INDEX = "index.html"
FILES = (
    "icon.svg",
    "base.css",
    "layout.css",
    "grid.css",
    "panels.css",
    "main.js",
    "address.js",
    "api.js",
    "charts.js",
    "columns.js",
    "copy.js",
    "csv.js",
    "detail.js",
    "dom.js",
    "events.js",
    "facts.js",
    "faults.js",
    "filters.js",
    "format.js",
    "grid.js",
    "json.js",
    "links.js",
    "live.js",
    "lookup.js",
    "pages.js",
    "profile.js",
    "profiles.js",
    "requests.js",
    "sql.js",
    "start.js",
)
"""What `/page/NAME` serves; any other name is 404, so no path reaches the file system."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # the browser refuses innerHTML and the like, whatever a module does
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def page_routes() -> list[Route]:
    """Return the routes of the page: `GET /` and `GET /page/NAME`."""
    return [Route("/", _index, methods=["GET"]), Route("/page/{name}", _file, methods=["GET"])]


async def _index(request: Request) -> Response:
    return _send(request, INDEX)


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return _send(request, name)


def _send(request: Request, name: str) -> Response:
    body, tag = _read(name)
    headers = {**HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])


@cache
def _read(name: str) -> tuple[bytes, str]:
    """Return a file and its ETag. A file is read once: an installed package does not change while it runs."""
    body = files(__package__).joinpath(name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'
