"""The replies of the API, byte for byte.

A test that answers instead of the emulator (`Emulator(before=...)`) returns one of these, or any other
(status, headers, body).
"""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # 1x1, transparent
# Not HTTPStatus.phrase: newer Python versions have another phrase for 414.
_OF_PROXY = {
    408: ("Request Timeout", "stream timeout"),
    414: ("Request-URI Too Large", "request URI too long"),
    500: ("Internal Server Error", "internal server error"),
    502: ("Bad Gateway", "upstream connect error or disconnect/reset before headers"),
    503: ("Service Unavailable", "no healthy upstream"),
    504: ("Gateway Timeout", "upstream request timeout"),
}
_FUNCTION = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*", re.ASCII)
_MAX_FUNCTION = 128  # characters

RATE_LIMITED = "Project exceeded rate limits. Please retry the request with exponential backoff."


class Reply(NamedTuple):
    """An HTTP reply; `headers` without Content-Length."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class FailedRecord(TypedDict):
    """A refused event in a 400 reply; `index` is its position in the request."""

    index: int
    insert_id: str
    field: str
    message: str


def json_reply(status: int, content: object, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a JSON reply."""
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, orjson.dumps(content))


def text_reply(status: int, text: str) -> Reply:
    """Return a plain text reply."""
    return Reply(status, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())


def imported(count: int) -> Reply:
    """Return the strict reply if every event was accepted."""
    return json_reply(200, {"code": 200, "num_records_imported": count, "status": "OK"})


def some_failed(count: int, failed: Sequence[FailedRecord] | Sequence[str]) -> Reply:
    """Return the strict reply if `count` events were accepted and those in `failed` were refused.

    `failed` has sentences instead of records if the request was refused because of its identity events.
    """
    content = {
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": failed,
        "num_records_imported": count,
        "status": "Bad Request",
    }
    return json_reply(400, content)


def received(problem: str | None, params: Mapping[str, str], good: int | None = None) -> Reply:
    """Return the reply without strict; `problem` is None if any event was accepted.

    `img=1` returns a 1x1 image, `verbose=1` JSON, otherwise the body is `1` or `0`; `callback` wraps it in a call.
    `good` is the number of accepted updates, for the strict reply of /engage and /groups.
    """
    if params.get("img") == "1":
        return Reply(200, {"Content-Type": "image/gif"}, _PIXEL)
    status = 0 if problem else 1
    content: Any = status
    if good is not None:
        content = {"error": problem, "num_good_events": good, "status": status}
    elif params.get("verbose") == "1":
        content = {"error": problem, "status": status}
    if "callback" in params:
        script = f"{params['callback']}({orjson.dumps(content).decode()});"
        headers = {"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff"}
        return Reply(200, headers, script.encode())
    return text_reply(200, str(status)) if isinstance(content, int) else json_reply(200, content)


def is_function_name(name: str) -> bool:
    """Return whether `callback` is a plain or dotted name, and so cannot inject other code."""
    return len(name) <= _MAX_FUNCTION and _FUNCTION.fullmatch(name) is not None


def error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Return the reply of /import to a request refused as a whole."""
    content = {"code": status, "error": sentence, "status": HTTPStatus(status).phrase}
    return json_reply(status, content, headers)


def track_error(status: int, sentence: str) -> Reply:
    """Return the reply of /track to a request refused as a whole."""
    return json_reply(status, {"error": sentence, "status": "error"})


def unauthorized(sentence: str = "Invalid credentials") -> Reply:
    """Return the 401 of /import, which never answers 403."""
    return error(401, sentence)


def too_large(max_bytes: int) -> Reply:
    """Return a 413, which asks the client to split the batch."""
    # Not HTTPStatus.phrase: newer Python versions have another phrase for 413.
    content = {
        "code": 413,
        "error": f"request exceeds max limit of {max_bytes} bytes",
        "status": "Request Entity Too Large",
    }
    return json_reply(413, content)


def rate_limited(retry_after: str | None = None) -> Reply:
    """Return a 429. `Retry-After` (seconds or an HTTP date) is not documented, so it is absent by default."""
    return error(429, RATE_LIMITED, _retry_after(retry_after))


def track_rate_limited(retry_after: str | None = None) -> Reply:
    """Return the 429 of /track, whose status is a number as in its other verbose replies."""
    return json_reply(429, {"error": RATE_LIMITED, "status": 0}, _retry_after(retry_after))


def _retry_after(value: str | None) -> dict[str, str]:
    return {} if value is None else {"Retry-After": value}


def bad_gateway(*, html: bool = False) -> Reply:
    """Return a 502 as a proxy in front of the API sends it: text or an HTML page, not JSON."""
    return of_proxy(502, html=html)


def unavailable(*, html: bool = False) -> Reply:
    """Return a 503 as a proxy sends it."""
    return of_proxy(503, html=html)


def of_proxy(status: int, *, html: bool = False) -> Reply:
    """Return 408, 414, 500, 502, 503 or 504 as a proxy in front of the API sends it: text or an HTML page."""
    phrase, sentence = _OF_PROXY[status]
    if not html:
        return text_reply(status, sentence)
    title = f"{status} {phrase}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, {"Content-Type": "text/html"}, page.encode())


def failed_itself() -> Reply:
    """Return a 500, for an exception in the emulator or in `before`."""
    return text_reply(500, "internal error of the emulator: see its log")


def not_stored(sentence: str) -> Reply:
    """Return a 503, for a failed write to the store; no event of the request was kept."""
    return text_reply(503, sentence)
