"""Read the events of a request body: gzip, form, JSON or NDJSON."""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

from mixpress.emulator.plain import Plain, read_lines, read_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mixpress.emulator.request import Request

JSON = "application/json"
NDJSON = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"
ACCEPTED = {
    "/import": (JSON, NDJSON, FORM),
    "/track": (JSON, FORM),
    "/engage": (JSON, FORM),
    "/groups": (JSON, FORM),
}

MAX_FORM_GROWTH = 3  # percent-encoding turns a byte into at most three
MAX_MEMBERS = 10_000  # of a gzip body: an empty one is 20 bytes long, and takes as long to unpack as a kilobyte
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_START = b"\x1f\x8b"
_CHUNK = 16_384  # bytes unpacked at once: each end of a member copies the rest of its chunk
_ENCODINGS = {"br": "brotli", "zstd": "Zstandard"}


class Unreadable(Exception):  # noqa: N818 - a state of the request, not an error of the emulator
    """The body cannot be read; holds the reply's status and message, and the fields of a form if it is one."""

    def __init__(self, status: int, sentence: str, params: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.params = params or {}


class TooLarge(Exception):  # noqa: N818
    """The unpacked body is over the limit."""


@dataclass(frozen=True)
class Payload:
    """The content of a body."""

    events: Sequence[Any]
    size: int
    """Size of the JSON in bytes."""
    unicode: bool = True
    """False if a string in it is not valid Unicode, so that each event must be checked for it."""
    may_ignore: bool = False
    """True if an event may have the property `$ignore`."""
    params: dict[str, str] = field(default_factory=dict)
    """Fields of a form other than `data`."""
    plain: Plain | None = None
    """The events that are plain; None if `unicode` is False."""

    def odd(self) -> Iterable[tuple[int, object]]:
        """Return the position of each event that is not plain, and the event: others are of no special kind."""
        return enumerate(self.events) if self.plain is None else self.plain.odd()


def read_payload(request: Request, max_bytes: int) -> Payload:
    """Return the events of a request. Raises `TooLarge` for more than `max_bytes` of JSON, or `Unreadable`."""
    if request.path == "/track" and not request.body:
        return _read_query(request, max_bytes)
    kind = _media_type(request)
    body = decompress(request, max_bytes * (MAX_FORM_GROWTH if kind == FORM else 1))
    params: dict[str, str] = {}
    if kind == FORM:
        params = _read_form(body)
        body = _read_data(params)
    if len(body) > max_bytes:
        raise TooLarge
    try:
        return _parse(body, lines=kind == NDJSON, params=params)
    except (ValueError, RecursionError) as error:
        if body.startswith(_GZIP_START):
            raise Unreadable(400, "the body is gzip: it needs the header Content-Encoding: gzip", params) from error
        raise Unreadable(400, f"the body cannot be read as {kind}: {error}", params) from error


def is_form(request: Request) -> bool:
    """Return whether the body is a form."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def _read_query(request: Request, max_bytes: int) -> Payload:
    """Return the events of the query's `data`, as a pixel sends them."""
    if "data" not in request.query:
        raise Unreadable(400, "no data objects in the body or in the query's 'data'")
    body = _read_data(dict(request.query))
    if len(body) > max_bytes:
        raise TooLarge
    try:
        return _parse(body, lines=False, params={})
    except (ValueError, RecursionError) as error:
        raise Unreadable(400, f"the query's 'data' cannot be read as JSON: {error}") from error


def _media_type(request: Request) -> str:
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().lower()
    accepted = ACCEPTED[request.path]
    if not given and request.path != "/import":
        return JSON if request.body[:1] in {b"[", b"{", b"\x1f"} else FORM
    if kind not in accepted:
        raise Unreadable(415, f"Content-Type of {request.path} must be {' or '.join(accepted)}, got '{given}'")
    return kind


def decompress(request: Request, limit: int) -> bytes:
    """Return the body, unpacked if it is gzip. Raises `TooLarge` for more than `limit` bytes, or `Unreadable`."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"gzip", "identity"}:
        name = f" ({_ENCODINGS[encoding]})" if encoding in _ENCODINGS else ""
        raise Unreadable(415, f"Content-Encoding must be gzip or absent, got '{encoding}'{name}")
    body = request.body if encoding == "identity" else _gunzip(request.body, limit)
    if len(body) > limit:
        raise TooLarge
    return body


def _gunzip(packed: bytes, limit: int) -> bytes:
    """Unpack up to one byte past the limit: a small body can hold gigabytes, and a gzip file any number of members."""
    unpacked = bytearray()
    view, at = memoryview(packed), 0
    member, members = zlib.decompressobj(_GZIP), 1
    while at < len(packed) and len(unpacked) <= limit:
        if member.eof:
            member, members = zlib.decompressobj(_GZIP), members + 1
            if members > MAX_MEMBERS:
                raise Unreadable(400, f"the body has more than {MAX_MEMBERS:,} gzip members")
        chunk = view[at : at + _CHUNK]
        try:
            unpacked += member.decompress(chunk, limit + 1 - len(unpacked))
        except zlib.error as error:
            raise Unreadable(400, f"the body is not gzip: {error}") from error
        at += len(chunk) - len(member.unused_data) - len(member.unconsumed_tail)
    if packed and len(unpacked) <= limit and not member.eof:
        raise Unreadable(400, "the body is not gzip: it is truncated")
    return bytes(unpacked)


def _read_form(body: bytes) -> dict[str, str]:
    # A byte that is not UTF-8 is kept, so that only the event that has it is refused.
    text = body.decode("utf-8", "surrogateescape")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=100))
    except ValueError as error:
        raise Unreadable(400, f"the body cannot be read as {FORM}: {error}") from error


def _read_data(params: dict[str, str]) -> bytes:
    """Remove the field `data` from the form and return its JSON, which may be in base64 (older clients)."""
    if "data" not in params:
        raise Unreadable(400, "a form must have a field 'data' with JSON", params)
    data = params.pop("data").encode("utf-8", "surrogateescape").strip()
    if data[:1] in {b"[", b"{"}:
        return data
    # A '+' that was not percent-encoded is a space here; some clients use the URL alphabet, some omit the '='.
    standard = data.translate(bytes.maketrans(b" -_", b"++/"))
    try:
        return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except ValueError:
        return data


def _parse(body: bytes, *, lines: bool, params: dict[str, str]) -> Payload:
    # Any escape of an ASCII character may spell the name.
    may_ignore = b"$ignore" in body or b"\\u00" in body
    try:
        plain = read_lines(body) if lines else read_list(body)
    except ValueError:
        # Invalid Unicode concerns a single event; any other error is raised by the second parser too.
        return Payload(_to_events(body, lines=lines), len(body), False, may_ignore, params)
    return Payload(plain.events, len(body), True, may_ignore, params, plain)


def _to_events(body: bytes, *, lines: bool) -> list[object]:
    if lines:
        return list(_read_lines(body))
    content = _load_any_text(body)
    return content if isinstance(content, list) else [content]


def _read_lines(body: bytes) -> Iterator[object]:
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            try:
                yield _load_any_text(line)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error


def _load_any_text(body: bytes) -> object:
    """Parse like orjson, but pass lone surrogates and bytes that are not UTF-8 as surrogates."""
    text = body.decode("utf-8", "surrogateescape")
    return json.loads(text, parse_int=_to_number, parse_float=_to_float, parse_constant=_refuse)


def _to_number(digits: str) -> int | float:
    """Return an integer of 64 bits, beyond that the nearest double, as orjson does."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else _to_float(digits)


def _to_float(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word[:20]} is not a JSON number in the range of a double")
