"""The replies of the API, each as it goes over the wire.

A test that answers in the emulator's place (`Emulator(before=...)`) gives one of these, or any other
(status, headers, body).
"""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # 1x1, transparent
_FUNCTION = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*", re.ASCII)
_MAX_FUNCTION = 128  # characters


class Reply(NamedTuple):
    """An HTTP reply; `headers` without Content-Length."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class FailedRecord(TypedDict):
    """One refused event of a 400: `index` is its place in the request."""

    index: int
    insert_id: str
    field: str
    message: str


def json_reply(status: int, content: object, headers: Mapping[str, str] | None = None) -> Reply:
    """Anything as JSON."""
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, orjson.dumps(content))


def text_reply(status: int, text: str) -> Reply:
    """Plain text."""
    return Reply(status, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())


def imported(count: int) -> Reply:
    """Under strict, every event was taken."""
    return json_reply(200, {"code": 200, "num_records_imported": count, "status": "OK"})


def some_failed(count: int, failed: list[FailedRecord]) -> Reply:
    """Under strict, `count` events were taken and those of `failed` were not."""
    content = {
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": failed,
        "num_records_imported": count,
        "status": "Bad Request",
    }
    return json_reply(400, content)


def received(problem: str | None, params: Mapping[str, str]) -> Reply:
    """Not strict: whether anything was taken (`problem` is None), in the form that the parameters ask for.

    `img=1` gives a 1x1 image, `verbose=1` JSON and otherwise `1` or `0`; `callback` wraps it in a call.
    """
    if params.get("img") == "1":
        return Reply(200, {"Content-Type": "image/gif"}, _PIXEL)
    status = 0 if problem else 1
    content: Any = {"error": problem, "status": status} if params.get("verbose") == "1" else status
    if "callback" in params:
        script = f"{params['callback']}({orjson.dumps(content).decode()});"
        headers = {"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff"}
        return Reply(200, headers, script.encode())
    return text_reply(200, str(status)) if isinstance(content, int) else json_reply(200, content)


def is_function_name(name: str) -> bool:
    """Whether `callback` is a name, perhaps a dotted one, and can't be any other piece of a program."""
    return len(name) <= _MAX_FUNCTION and _FUNCTION.fullmatch(name) is not None


def error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A request refused as a whole, as /import says it."""
    content = {"code": status, "error": sentence, "status": HTTPStatus(status).phrase}
    return json_reply(status, content, headers)


def track_error(status: int, sentence: str) -> Reply:
    """A request refused as a whole, as /track says it."""
    return json_reply(status, {"error": sentence, "status": "error"})


def unauthorized(sentence: str = "Invalid credentials") -> Reply:
    """401 of /import; it never answers 403."""
    return error(401, sentence)


def too_large(max_bytes: int) -> Reply:
    """413: the client is to split the batch."""
    # Spelled out: newer Pythons name 413 otherwise.
    content = {
        "code": 413,
        "error": f"request exceeds max limit of {max_bytes} bytes",
        "status": "Request Entity Too Large",
    }
    return json_reply(413, content)


def rate_limited(retry_after: str | None = None) -> Reply:
    """429; `Retry-After` (seconds, or an HTTP date) is not documented, and left out by default."""
    sentence = "Project exceeded rate limits. Please retry the request with exponential backoff."
    return error(429, sentence, {} if retry_after is None else {"Retry-After": retry_after})


def bad_gateway(*, html: bool = False) -> Reply:
    """502 as a proxy in front of the API gives it: text, or a page, and not JSON."""
    return _page(502) if html else text_reply(502, "upstream connect error or disconnect/reset before headers")


def unavailable(*, html: bool = False) -> Reply:
    """503 likewise."""
    return _page(503) if html else text_reply(503, "no healthy upstream")


def _page(status: int) -> Reply:
    title = f"{status} {HTTPStatus(status).phrase}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, {"Content-Type": "text/html"}, page.encode())


def failed_itself() -> Reply:
    """500: a mistake of the emulator's, or of the function that stands before it."""
    return text_reply(500, "the emulator failed: its log says why")


def not_stored(sentence: str) -> Reply:
    """503: the emulator's own disk failed it, and nothing of the request was kept."""
    return text_reply(503, sentence)
