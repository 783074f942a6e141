"""Replies of the API, and errors of a transport."""

from __future__ import annotations

import json
from typing import Any

from mixpress.errors import TransportError
from mixpress.transport import Response

Answer = Response | Exception


def answer(status: int, body: Any, **headers: str) -> Response:
    """Return a reply whose body is the text, or any other value as JSON."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def ok() -> Response:
    """Return a success that fits a batch of any size."""
    return answer(200, {"code": 200, "status": "OK"})


def busy(**headers: str) -> Response:
    return answer(429, {"code": 429, "error": "Project exceeded rate limits.", "status": 0}, **headers)


def refusing(*positions: int, **more: Any) -> Response:
    records = [
        {"index": position, "insert_id": "", "field": "properties.x", "message": f"no {position}"}
        for position in positions
    ]
    return answer(400, {"code": 400, "error": "some data points failed", "failed_records": records, **more})


UNREACHED = TransportError("connection refused", "refused")


RESET = TransportError("the connection broke", "reset")
