"""POST /import: the formats and encodings of a body, and its size limits."""

from __future__ import annotations

import base64
import gzip
import random
import sys
import tracemalloc
import zlib
from urllib.parse import quote, quote_plus, urlencode

import orjson
import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.payload import Unreadable, _gunzip

from .conftest import Start
from .sender import FORM, JSON, NDJSON, Sender, event

STRICT = "/import?strict=1"
TWO = [event(insert_id="a"), event(insert_id="b")]


def lines(*events: object, end: bytes = b"\n") -> bytes:
    return b"".join(orjson.dumps(each) + end for each in events)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, orjson.dumps(TWO)),
        ("Application/JSON; charset=utf-8", orjson.dumps(TWO)),
        (NDJSON, lines(*TWO)),
        (NDJSON, lines(*TWO, end=b"\r\n")),
        (NDJSON, b"\n" + lines(*TWO, end=b"\n\n").rstrip()),
        (FORM, b"data=" + quote(orjson.dumps(TWO)).encode()),
        (FORM, b"ip=0&data=" + quote_plus(orjson.dumps(TWO)).encode() + b"&verbose=1"),
        (FORM, b"data=" + quote(base64.b64encode(orjson.dumps(TWO))).encode()),
        (FORM, b"data=" + base64.b64encode(orjson.dumps(TWO))),
        (FORM, b"data=" + base64.urlsafe_b64encode(orjson.dumps(TWO)).rstrip(b"=")),
    ],
    ids=[
        *["json", "json with a charset", "ndjson", "ndjson of CRLF", "ndjson with blank lines"],
        *["form", "form with more", "form of base64", "form of bare base64", "form of base64 for URLs"],
    ],
)
def test_every_kind_of_body_gives_the_same_events(
    server: Emulator, sender: Sender, kind: str, body: bytes, packed: bool
) -> None:
    answer = sender.post(STRICT, body, kind=kind, packed=packed)
    assert answer.json == {"code": 200, "num_records_imported": 2, "status": "OK"}
    assert server.events() == TWO
    [seen] = server.requests()
    assert (seen.status, seen.events, seen.content_encoding) == (200, 2, "gzip" if packed else "")


def test_the_body_of_the_official_client_is_understood(server: Emulator, sender: Sender) -> None:
    body = urlencode({"data": '{"event": "e", "properties": {"time": 1699990000.25}}', "verbose": 1, "ip": 0})
    assert sender.post("/import", body.encode(), kind=FORM).json == {"error": None, "status": 1}
    assert server.events() == [{"event": "e", "properties": {"time": 1699990000.25}}]


def test_base64_may_have_a_plus_that_was_not_percent_encoded(server: Emulator, sender: Sender) -> None:
    sent = event(text=">>>>")
    encoded = base64.b64encode(orjson.dumps([sent]))
    assert b"+" in encoded
    assert sender.post(STRICT, b"data=" + encoded, kind=FORM).status == 200
    assert server.events() == [sent]


def test_gzip_may_not_have_ten_thousand_empty_members(sender: Sender) -> None:
    packed = gzip.compress(b"", mtime=0)
    body = gzip.compress(orjson.dumps([event()]))
    for members, status in [(9_999, 200), (10_000, 400)]:
        answer = sender.post(STRICT, packed * members + body, headers={"Content-Encoding": "gzip"})
        assert answer.status == status
    assert answer.json["error"] == "the body has more than 10,000 gzip members"


def test_gzip_may_have_several_members(server: Emulator, sender: Sender) -> None:
    body = orjson.dumps(TWO)
    packed = gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert sender.post(STRICT, packed, headers={"Content-Encoding": "gzip"}).status == 200
    assert server.events() == TWO


@pytest.mark.parametrize(
    "body",
    [b"[]", gzip.compress(b"[]")[:-1], gzip.compress(b"[]") + b"trailing", zlib.compress(b"[]")],
    ids=["not packed", "cut off", "trailing bytes", "zlib"],
)
def test_a_body_that_is_not_gzip_is_refused(sender: Sender, body: bytes) -> None:
    answer = sender.post(STRICT, body, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.json["code"], answer.json["status"]) == (400, 400, "Bad Request")
    assert answer.json["error"].startswith("the body is not gzip")


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        (JSON, b"", "line 1 column 1"),
        (JSON, b'[{"event":', "line 1 column 11"),
        (JSON, b"[NaN]", "NaN"),
        (JSON, b"[-Infinity]", "-Infinity"),
        (JSON, b"[1e999]", "1e999"),
        (JSON, b"[1" + b"0" * 400 + b"]", "10000000000000000000"),
        (JSON, b"\xef\xbb\xbf[]", "line 1 column 1"),
        (JSON, b"[" * 100_000, "recursion" if sys.version_info < (3, 14) else "Stack overflow"),
        (NDJSON, lines(*TWO) + b'{"event"', "line 3:"),
        (FORM, b"data=nothing-that-one-knows", "line 1 column 1"),
        (FORM, b"verbose=1", "field 'data'"),
        (FORM, b"", "field 'data'"),
        (FORM, b"a=1&" * 200, "fields"),
    ],
)
def test_a_body_that_is_not_json_is_refused_as_a_whole(
    server: Emulator, sender: Sender, kind: str, body: bytes, error: str
) -> None:
    answer = sender.post(STRICT, body, kind=kind)
    assert answer.status == 400
    assert set(answer.json) == {"code", "error", "status"}
    assert error in answer.json["error"]
    assert server.events() == []


@pytest.mark.parametrize("kind", ["", "text/plain", "application/jsonl", "multipart/form-data"])
def test_an_unknown_content_type_is_refused(sender: Sender, kind: str) -> None:
    answer = sender.post(STRICT, TWO, kind=kind)
    assert (answer.status, answer.json["status"]) == (415, "Unsupported Media Type")
    assert answer.json["error"].endswith(f"got '{kind}'")


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("br", "'br' (brotli)"), ("zstd", "'zstd' (Zstandard)"), ("deflate", "'deflate'"), ("gzip, gzip", "'gzip, gzip'")],
)
@pytest.mark.parametrize("target", [STRICT, "/track"])
def test_an_unknown_content_encoding_is_refused(sender: Sender, target: str, encoding: str, named: str) -> None:
    answer = sender.post(target, TWO, headers={"Content-Encoding": encoding})
    assert (answer.status, answer.json["error"]) == (415, f"Content-Encoding must be gzip or absent, got {named}")


@pytest.mark.parametrize(
    ("kind", "target", "status"),
    [(JSON, STRICT, 400), (NDJSON, STRICT, 400), (JSON, "/import", 400), (JSON, "/track?verbose=1", 200)],
)
def test_gzip_without_its_header_is_refused_with_the_remedy(
    sender: Sender, kind: str, target: str, status: int
) -> None:
    answer = sender.post(target, gzip.compress(orjson.dumps(TWO)), kind=kind)
    assert answer.status == status
    assert answer.json["error"] == "the body is gzip: it needs the header Content-Encoding: gzip"


@pytest.mark.parametrize(
    ("kind", "text"),
    [(JSON, b'"\\ud800"'), (JSON, b'"\xff"'), (NDJSON, b'"\\udfff x"'), (FORM, b'"%FF"'), (FORM, b'"\xff"')],
    ids=["lone surrogate", "no UTF-8", "lone surrogate in a line", "no UTF-8 in a form", "raw in a form"],
)
def test_text_that_is_not_unicode_fails_only_its_event(
    server: Emulator, sender: Sender, kind: str, text: bytes
) -> None:
    good, bad = orjson.dumps(event(insert_id="a")), orjson.dumps(event(insert_id="b", X=["?"]))
    separator = b"\n" if kind == NDJSON else b","
    body = separator.join([good, bad.replace(b'"?"', text)])
    body = body if kind == NDJSON else b"[" + body + b"]"
    answer = sender.post(STRICT, b"data=" + body if kind == FORM else body, kind=kind)
    message = "properties.X[0] is invalid: string should be valid utf8"
    assert answer.json["failed_records"] == [
        {"index": 1, "insert_id": "b", "field": "properties.X[0]", "message": message}
    ]
    assert server.events() == [event(insert_id="a")]


def test_a_name_or_an_id_that_is_not_unicode_fails_its_event(server: Emulator, sender: Sender) -> None:
    names = orjson.dumps(event(inner={"?": 1})).replace(b'"?"', b'"\\udc00"')
    ids = orjson.dumps(event(insert_id="?")).replace(b'"?"', b'"\\ud83d"')
    answer = sender.post(STRICT, b"[" + names + b"," + ids + b"]")
    named = [(record["field"], record["insert_id"]) for record in answer.json["failed_records"]]
    assert named == [("properties.inner", "id-1"), ("properties.$insert_id", "?")]


def test_an_integer_beyond_64_bits_becomes_the_nearest_double(server: Emulator, sender: Sender) -> None:
    body = orjson.dumps([event(small=2**64 - 1, big=0)]).replace(b'"big":0', b'"big":123456789012345678901')
    assert sender.post(STRICT, body).status == 200
    # The slower parser, which the emulator uses if an event has invalid text, does the same.
    assert sender.post(STRICT, body[:-1] + b',"\\ud800"]').json["num_records_imported"] == 1
    [stored] = server.events()
    assert stored["properties"]["small"] == 2**64 - 1
    assert stored["properties"]["big"] == 1.2345678901234568e20


# -- size limits


def test_more_than_2000_events_are_refused(server: Emulator, sender: Sender) -> None:
    events = [event(insert_id=f"id-{number}") for number in range(2001)]
    assert sender.post(STRICT, events, packed=True).json == {
        "code": 400,
        "error": "the request must have at most 2000 events, got 2001",
        "status": "Bad Request",
    }
    assert server.count() == 0
    assert sender.post(STRICT, events[:2000], packed=True).json["num_records_imported"] == 2000
    assert server.count() == 2000


def too_large(limit: int) -> dict[str, object]:
    error = f"request exceeds max limit of {limit} bytes"
    return {"code": 413, "error": error, "status": "Request Entity Too Large"}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", [JSON, FORM])
def test_the_size_limit_is_for_uncompressed_json(start: Start, kind: str, packed: bool) -> None:
    server, sender = start(max_body_bytes=1000)
    size = len(orjson.dumps([event(text="")]))
    # A quote takes three bytes in a form: the form is larger than the limit, and its JSON is not.
    for surplus, status in [(0, 200), (1, 413)]:
        body = orjson.dumps([event(text="'" * (1000 - size + surplus))])
        form = b"data=" + quote(body, safe="").encode()
        answer = sender.post(STRICT, form if kind == FORM else body, kind=kind, packed=packed)
        assert answer.status == status
    assert answer.json == too_large(1000)
    assert server.count() == 1


@pytest.mark.parametrize(("size", "status"), [(10_000_000, 200), (10_000_001, 413)])
def test_the_size_limit_is_ten_megabytes_by_default(sender: Sender, size: int, status: int) -> None:
    body = b"[" + b" " * (size - 2) + b"]"
    answer = sender.post(STRICT, body)
    assert answer.status == status
    if status == 413:
        assert answer.json == too_large(10_000_000)


@pytest.mark.parametrize("kind", [JSON, NDJSON, FORM])
def test_a_small_body_that_unpacks_beyond_the_limit_is_refused(start: Start, kind: str) -> None:
    _, sender = start(max_body_bytes=1000)
    assert sender.post(STRICT, b" " * 50_000_000, kind=kind, packed=True).json == too_large(1000)


@pytest.mark.parametrize("members", [0, 900])
def test_unpacking_stops_at_the_limit(members: int) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    packed = gzip.compress(b" ") * members + packed
    tracemalloc.start()
    try:
        assert len(_gunzip(packed, 1000)) == 1001
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("target", [STRICT, "/import", "/track"])
def test_members_that_unpack_beyond_the_limit_together_are_refused(start: Start, target: str) -> None:
    server, sender = start(max_body_bytes=1000)
    packed = gzip.compress(b" " * 600)
    answer = sender.post(target, packed + packed, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.json) == (413, too_large(1000))
    bomb = gzip.compress(b" " * 20_000_000) * 50
    assert sender.post(target, bomb, headers={"Content-Encoding": "gzip"}).json == too_large(1000)
    assert server.count() == 0


def test_many_empty_members_are_unpacked_in_linear_time() -> None:
    # Copying what follows each member would copy 1 GB.
    packed = gzip.compress(b"") * 9_999 + gzip.compress(b"[]")
    assert _gunzip(packed, 1000) == b"[]"


@pytest.mark.parametrize("size", [16_384, 16_385, 40_000])
def test_members_may_end_anywhere_in_the_pieces_that_are_unpacked(size: int) -> None:
    first = random.Random(size).randbytes(size)
    for level in (0, 9):
        packed = gzip.compress(first, level)
        assert _gunzip(packed + packed, 3 * size) == first + first
        assert len(_gunzip(packed + packed, size)) == size + 1
        with pytest.raises(Unreadable, match="truncated"):
            _gunzip(packed + packed[:-1], 3 * size)


def test_a_body_over_the_limit_is_read_before_the_reply(start: Start) -> None:
    server, sender = start(max_body_bytes=1000)
    answer = sender.post(STRICT, b" " * 20_000_000)
    assert answer.json == too_large(1000)
    [seen] = server.requests()
    assert (seen.status, seen.body_bytes, seen.events) == (413, 20_000_000, 0)
    assert sender.post(STRICT, [event()]).status == 200
