"""/lookup-tables of the emulator: replies, limits, state, faults and the control API."""

from __future__ import annotations

import base64
import gzip
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mixpress.emulator import Emulator, RateLimit
from mixpress.emulator.lookup import answer
from mixpress.emulator.lookup.call_limit import CallLimit
from mixpress.emulator.lookup.check import read_table

from .conftest import Start
from .control import error, get
from .sender import NOW, Answer, Sender

TEXT = b"id,name\na,x\nb,y\n"
ROWS = [{"id": "a", "name": "x"}, {"id": "b", "name": "y"}]
OK = {"code": 200, "status": "OK"}
SONGS = {"t1": "Songs"}
WRONG = "invalid row: wrong number of fields"
BLANK = "invalid row: primary key is required and cannot be blank"


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


ACCOUNT = basic("user:secret")


def put(sender: Sender, body: bytes, id: str = "t1", query: str = "?project_id=17", **headers: str) -> Answer:
    sent = {**ACCOUNT, "Content-Type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return sender.request("PUT", f"/lookup-tables/{id}{query}", body, sent)


def failed(reply: Answer) -> list[tuple[int, str]]:
    assert reply.status == 400
    assert {name: reply.json[name] for name in ("code", "error", "status")} == {
        "code": 400,
        "error": "some data points in the request failed validation",
        "status": "Bad Request",
    }
    return [(each["index"], each["message"]) for each in reply.json["failed_records"]]


# -- replies


def test_a_table_is_replaced_as_a_whole(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    assert server.lookup_table("t1") == []
    assert put(sender, b"id,plan,n\nz,pro,1\n").json == OK
    reply = put(sender, TEXT)
    assert (reply.status, reply.headers["Content-Type"], reply.json) == (200, "application/json", OK)
    assert server.lookup_table("t1") == ROWS
    assert server.lookup_table("t2") is None
    assert server.count() == 0
    assert [(request.method, request.path, request.status) for request in server.requests()] == [
        ("PUT", "/lookup-tables/t1", 200)
    ] * 2


def test_a_gzipped_table_and_one_with_a_byte_order_mark(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    assert put(sender, gzip.compress(TEXT), Content_Encoding="gzip").json == OK
    assert put(sender, b"\xef\xbb\xbf" + TEXT).json == OK
    assert server.lookup_table("t1") == ROWS
    assert server.requests()[0].unpacked_bytes == len(TEXT)


def test_an_id_of_any_characters(start: Start) -> None:
    server, sender = start(lookup_tables=["é 1?"])
    assert put(sender, TEXT, id="%C3%A9%201%3F").json == OK
    assert server.lookup_table("é 1?") == ROWS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"id,n\na,1\nb\nc,1,2\n", [(2, WRONG), (3, WRONG)]),
        (b"id,n\na,1\na,2\n", [(2, "invalid row: row indexes 1 and 2 have the same primary key")]),
        (b"id,n\n,1\n ,2\n", [(1, BLANK), (2, BLANK)]),
        (b"id\na\n", [(0, "invalid header: must have at least 2 columns")]),
        (b"id,id\na,b\n", [(0, "invalid header: names must be unique")]),
        (b"id,\na,b\n", [(0, "invalid header: names cannot be blank")]),
    ],
)
def test_rows_that_break_a_rule(body: bytes, expected: list[tuple[int, str]], start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    put(sender, TEXT)
    assert failed(put(sender, body)) == expected
    assert server.lookup_table("t1") == ROWS
    assert server.requests()[-1].error == expected[0][1]


def test_ten_rows_are_listed_at_most(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    assert [index for index, _ in failed(put(sender, b"id,n\n" + b"a\n" * 50))] == list(range(1, 11))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the CSV is empty"),
        (b"id,n\n\xff,1\n", "not UTF-8: byte 5"),
        (b'id,n\na,"b\n', "a quote is never closed"),
        (b'id,n\na,"b"c\n', "a bare quote near line 2"),
        (b'id,n\na,b"c"\n', "a bare quote near line 2"),
        (b"id,n\ra,b\r", "a row ends with CR alone, near line 1"),
    ],
)
def test_a_body_that_is_no_csv(body: bytes, words: str, start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    reply = put(sender, body)
    assert (reply.status, reply.json["code"], reply.json["status"]) == (400, 400, "Bad Request")
    assert words in reply.json["error"]


def test_an_unknown_id_is_a_404(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    reply = put(sender, TEXT, id="t2")
    content = {"code": 404, "error": "Lookup table with id 't2' was not found.", "status": "Not Found"}
    assert (reply.status, reply.json) == (404, content)


@pytest.mark.parametrize("kind", ["text/plain", "application/json", ""])
def test_another_content_type_is_a_415(kind: str, start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    assert put(sender, TEXT, Content_Type=kind).status == 415
    assert put(sender, TEXT, Content_Type="text/csv; charset=utf-8").status == 200
    assert put(sender, TEXT, Content_Encoding="zstd").status == 415


def test_the_list_of_the_tables(start: Start) -> None:
    _, sender = start(lookup_tables={"t2": "Plans", "t1": "Songs"})
    reply = sender.request("GET", "/lookup-tables?project_id=17", headers=ACCOUNT)
    results = [{"id": "t1", "name": "Songs"}, {"id": "t2", "name": "Plans"}]
    assert (reply.status, reply.json) == (200, {"code": 200, "results": results, "status": "OK"})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/lookup-tables/t1", "PUT"),
        ("DELETE", "/lookup-tables/t1", "PUT"),
        ("PUT", "/lookup-tables", "GET"),
        ("HEAD", "/lookup-tables", "GET"),
    ],
)
def test_another_method_is_a_405(method: str, path: str, allowed: str, start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    reply = sender.request(method, path, headers=ACCOUNT)
    assert (reply.status, reply.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/lookup-tables/", "/lookup-tables/t1/", "/lookup-tables/t1/rows", "/lookup-tablesx"])
def test_another_path_is_a_404(path: str, start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    assert sender.request("PUT", path, TEXT, ACCOUNT).status == 404


# -- credentials


@pytest.mark.parametrize(
    ("pair", "query", "lists", "replaces"),
    [
        ("user:secret", "?project_id=17", 200, 200),
        ("user:secret", "", 401, 401),
        ("project-secret:", "", 401, 200),
        (":", "?project_id=17", 401, 401),
        (None, "?project_id=17", 401, 401),
    ],
)
def test_who_may_list_and_replace(pair: str | None, query: str, lists: int, replaces: int, start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    headers = {"Content-Type": "text/csv", **({} if pair is None else basic(pair))}
    assert sender.request("GET", f"/lookup-tables{query}", headers=headers).status == lists
    assert sender.request("PUT", f"/lookup-tables/t1{query}", TEXT, headers).status == replaces
    assert server.lookup_table("t1") == (ROWS if replaces == 200 else [])
    assert "secret" not in repr(server.requests())


def test_credentials_that_the_emulator_was_given(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS, credentials=[("other", "secret")])
    assert put(sender, TEXT).status == 401
    assert put(sender, TEXT, **basic("other:secret")).status == 200


# -- limits


def test_a_hundred_replacements_of_a_project_in_24_hours(start: Start) -> None:
    now = [float(NOW)]
    server, sender = start(lookup_tables=SONGS, now=lambda: now[0])
    for _ in range(99):
        assert put(sender, TEXT).status == 200
    now[0] += 3600
    assert put(sender, b"").status == 400  # a refused table is a call too
    reply = put(sender, TEXT)
    assert (reply.status, reply.json["status"]) == (429, "Too Many Requests")
    assert put(sender, TEXT, id="t2").status == 404
    assert put(sender, TEXT, query="?project_id=18").status == 200
    assert sender.request("GET", "/lookup-tables?project_id=17", headers=ACCOUNT).status == 200
    now[0] += 82_799
    assert put(sender, TEXT).status == 429
    now[0] += 1
    assert put(sender, TEXT).status == 200
    server.clear()
    assert [put(sender, TEXT).status for _ in range(101)].count(429) == 1


def test_without_a_rate_limit_there_is_no_limit_of_calls(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS, rate_limit=None)
    assert {put(sender, TEXT).status for _ in range(101)} == {200}
    _, other = start(lookup_tables=SONGS, rate_limit=RateLimit(1, 1))
    assert put(other, TEXT).status == 200


def test_the_memory_of_the_limit_is_bounded() -> None:
    limit = CallLimit(1)
    assert limit.admit("first", 0)
    assert not limit.admit("first", 1)
    for number in range(1000):
        limit.admit(f"project {number}", 2)
    assert limit.admit("first", 3)


def test_a_table_over_the_limit_is_a_413(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    _, sender = start(lookup_tables=SONGS)
    monkeypatch.setattr(answer, "MAX_BYTES", len(TEXT))
    assert put(sender, TEXT).status == 200
    for body, more in ((TEXT + b"\n", {}), (gzip.compress(TEXT + bytes(10**7)), {"Content_Encoding": "gzip"})):
        reply = put(sender, body, **more)
        assert (reply.status, reply.json["error"]) == (413, f"request exceeds max limit of {len(TEXT)} bytes")


def test_a_larger_table_than_the_events_of_a_request_may_have(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS, max_body_bytes=100)
    body = b"id,name\n" + b"".join(b"%d,%d\n" % (number, number) for number in range(100_000))
    assert put(sender, body).status == 200
    assert len(server.lookup_table("t1") or []) == 100_000


# -- faults


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("401", 401), ("503", 503), ("413:3", 413)])
def test_faults_apply(fault: str, status: int, start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    server.fail_next(fault)
    assert put(sender, TEXT).status == status
    assert server.lookup_table("t1") == []
    assert put(sender, TEXT, Prefer=f"fault={fault}").status == status


def test_a_fault_refuses_rows_and_so_the_table(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    server.fail_next("400:0+1+9")
    message = "invalid row: the row is refused by a fault of the emulator"
    assert failed(put(sender, TEXT)) == [(1, message), (2, message)]
    assert server.lookup_table("t1") == []


# -- state


def test_clear_leaves_the_tables_of_the_option_without_rows(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    server.add_lookup_table("t2", "Plans")
    put(sender, TEXT)
    put(sender, TEXT, id="t2")
    server.clear()
    assert (server.lookup_table("t1"), server.lookup_table("t2")) == ([], None)


def test_a_table_that_is_added_twice_keeps_its_rows(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    put(sender, TEXT)
    server.add_lookup_table("t1", "Hits")
    assert server.lookup_table("t1") == ROWS
    assert get(sender, "lookup-tables")["lookup_tables"][0]["name"] == "Hits"


@pytest.mark.parametrize("id", ["", " ", "a/b", "..", "a\nb", "x" * 201, 7])
def test_an_id_that_no_path_can_have(id: Any, start: Start) -> None:
    server, _ = start()
    with pytest.raises(ValueError, match="the id of a lookup table must"):
        server.add_lookup_table(id)
    with pytest.raises(ValueError, match="the id of a lookup table must"):
        Emulator(lookup_tables=[id])


def test_a_text_is_no_list_of_ids() -> None:
    with pytest.raises(TypeError, match="got the string 'songs'"):
        Emulator(lookup_tables="songs")


def test_the_file_keeps_the_tables(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with Emulator(db=path, lookup_tables=SONGS, now=lambda: NOW) as server:
        sender = Sender(server.url)
        put(sender, TEXT)
        sender.close()
    with Emulator(db=path) as server:
        assert server.lookup_table("t1") == ROWS
        server.clear()
        assert server.lookup_table("t1") is None


def test_the_tables_are_not_counted_among_the_events(start: Start, tmp_path: Path) -> None:
    for db in (None, tmp_path / "events.db"):
        server, sender = start(lookup_tables=SONGS, db=db)
        put(sender, TEXT)
        sender.post(
            "/import?strict=1", [{"event": "e", "properties": {"time": NOW, "distinct_id": "u", "$insert_id": "i"}}]
        )
        put(sender, TEXT)
        assert (server.count(), server.stats()["stored"], server.stats()["dropped"]) == (1, 1, 0)


def test_a_table_that_cannot_be_stored_is_a_503(start: Start, tmp_path: Path) -> None:
    server, sender = start(lookup_tables=SONGS, db=tmp_path / "events.db")
    with sqlite3.connect(tmp_path / "events.db", isolation_level=None) as other:
        other.execute("CREATE TRIGGER no BEFORE UPDATE ON lookup_tables BEGIN SELECT RAISE(ABORT, 'no'); END")
    reply = put(sender, TEXT)
    assert (reply.status, reply.body) == (503, b"the emulator could not store the table: no")
    assert server.lookup_table("t1") == []


# -- the control API


def test_the_control_api_lists_reads_and_adds(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    put(sender, TEXT)
    reply = sender.request(
        "PUT", "/_emulator/lookup-tables/t%202", b'{"name": "Plans"}', {"Content-Type": "application/json"}
    )
    assert reply.json == {"id": "t 2", "name": "Plans", "new": True}
    assert sender.request("PUT", "/_emulator/lookup-tables/t1").json == {"id": "t1", "name": "", "new": False}
    assert get(sender, "lookup-tables") == {
        "lookup_tables": [
            {"id": "t 2", "name": "Plans", "rows": None, "columns": None, "replaced": None},
            {"id": "t1", "name": "", "rows": 2, "columns": 2, "replaced": NOW * 1000},
        ],
        "total": 2,
        "limit": 100,
        "offset": 0,
    }


def test_what_the_control_api_refuses(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    kind = {"Content_Type": "application/json"}
    for method, target, body, status, words in [
        ("GET", "lookup-tables/t2", None, 404, "PUT the same path to add it"),
        ("PUT", "lookup-tables/t2", b'{"name": 1}', 400, "'name' must be a string"),
        ("PUT", "lookup-tables/t2", b'{"name": "%b"}' % (b"x" * 201), 400, "at most 200"),
        ("PUT", f"lookup-tables/{'x' * 201}", b"{}", 400, "1 to 200"),
        ("GET", "lookup-tables?x=1", None, 400, "unknown parameter"),
        ("POST", "lookup-tables", None, 405, "has no method POST"),
    ]:
        found = error(sender, method, target, body, **kind)
        assert found[0] == status
        assert words in found[1]
    assert error(sender, "PUT", "lookup-tables/t2", Origin="https://elsewhere.test")[0] == 403


def test_a_page_of_another_site_cannot_replace_a_table(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    assert put(sender, TEXT, Origin="https://elsewhere.test").status == 403
    assert server.lookup_table("t1") == []


def test_the_emulators_check_takes_what_rfc_4180_allows() -> None:
    found = read_table(b'id,"n ""x"""\r\n"a\r\nb","1,2"\r\n\r\nc,""\r\n')
    assert (found.rows, found.columns) == (2, ["id", 'n "x"'])
