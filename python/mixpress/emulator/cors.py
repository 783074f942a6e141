"""Scripts of other sites may use /track, /engage and /groups and read their replies, as with the API.

No other path has these headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

OPEN_PATHS = frozenset(["/track", "/engage", "/groups"])
"""The endpoints of browser clients, which any page may use."""

ALLOWED_ORIGINS = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT = {
    **ALLOWED_ORIGINS,
    # Not Content-Type: browsers then refuse to send JSON to the API (reported by its users), and forms need no header.
    "Access-Control-Allow-Headers": "X-Requested-With",
    "Access-Control-Max-Age": "1728000",
}


def preflight_routes() -> list[Route]:
    """Return the routes that answer the question of a browser whether a script may send a request."""
    return [Route(path + end, _answer, methods=["OPTIONS"]) for path in sorted(OPEN_PATHS) for end in ("", "/")]


async def _answer(request: Request) -> Response:
    methods = "GET, POST, OPTIONS" if request.url.path.startswith("/track") else "POST, OPTIONS"
    return Response(status_code=204, headers={**_PREFLIGHT, "Access-Control-Allow-Methods": methods})
