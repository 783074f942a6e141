"""The OpenAPI description of the emulator, served at /openapi.json."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


def openapi_routes() -> list[Route]:
    """Return the route of the description."""
    return [Route("/openapi.json", _describe, methods=["GET"])]


async def _describe(_request: Request) -> Response:
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(_read(), media_type="application/json", headers=headers)


def _read() -> bytes:
    return files("mixpress.emulator").joinpath("openapi.json").read_bytes()
