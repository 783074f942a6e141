"""`POST /_emulator/sql`: it reads the stored events, and nothing makes it do more."""

from __future__ import annotations

import csv
import io
import itertools
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator import Emulator
from mixpress.emulator.accept import Row
from mixpress.emulator.store import sql
from mixpress.emulator.store.store import Store

from .conftest import Start
from .sender import NOW, Answer, Sender, event
from .test_engage import update
from .test_merged_ids import identity_event

STRICT = "/import?strict=1"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5) "
LIMITED = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 forbids the function instead")


def ask(sender: Sender, text: str, limit: int | None = None, **headers: str) -> Answer:
    body = {"sql": text} if limit is None else {"sql": text, "limit": limit}
    sent = {"Content-Type": "application/json", **headers}
    return sender.request("POST", "/_emulator/sql", orjson.dumps(body), sent)


def rows(sender: Sender, text: str, limit: int | None = None) -> list[list[Any]]:
    answer = ask(sender, text, limit)
    assert answer.status == 200, answer.body
    found: list[list[Any]] = answer.json["rows"]
    return found


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = Store(None if request.param == "memory" else tmp_path / "a %?#'.db")
    store.add("/import", [Row("A", 1, "u-1", "i-1", b'{"n":1}'), Row("B", 2, "u-1", "i-2", b'{"n":2}')])
    yield store
    store.close()


def stored(store: Store) -> list[Any]:
    with store.reading() as connection:
        return connection.execute("SELECT * FROM events ORDER BY id").fetchall()


@pytest.mark.parametrize("db", [None, "events.db"])
def test_a_query_has_columns_and_rows(start: Start, tmp_path: Path, db: str | None) -> None:
    _, sender = start(db=tmp_path / db if db else None)
    sender.post(STRICT, [event("A"), event("B"), event("B", insert_id="2")])
    answer = ask(sender, "SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY n;")
    assert answer.status == 200
    assert {name: answer.json[name] for name in ["columns", "rows", "truncated"]} == {
        "columns": ["event", "n"],
        "rows": [["A", 1], ["B", 2]],
        "truncated": False,
    }
    assert answer.json["seconds"] >= 0
    assert rows(sender, "SELECT json_extract(properties, '$.distinct_id') FROM events LIMIT 1") == [["user-1"]]
    assert rows(sender, "SELECT p.key FROM events, json_each(properties) AS p WHERE events.id = 1 ORDER BY 1")[0] == [
        "$insert_id"
    ]
    assert rows(sender, "WITH big AS (SELECT * FROM events) SELECT count(*) FROM big") == [[3]]
    assert rows(sender, "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'events'") == [["events"]]


@pytest.mark.parametrize("db", [None, "events.db"])
def test_a_query_reads_profiles_groups_and_merged_ids(start: Start, tmp_path: Path, db: str | None) -> None:
    _, sender = start(db=tmp_path / db if db else None)
    sender.post(STRICT, [event("A", distinct_id="anon-1")])
    sender.post("/engage", [update("$set", {"plan": "pro"}, "ada"), update("$set", {}, "bob", ignore_time=True)])
    sender.post("/groups", [{"$token": "t", "$group_key": "company", "$group_id": "acme", "$set": {"seats": 5}}])
    sender.post("/track", [identity_event("$create_alias", distinct_id="ada", alias="anon-1")])
    assert ask(sender, "SELECT * FROM profiles").json["columns"] == [
        *("id", "distinct_id", "properties", "last_seen", "ip", "created", "updated", "updates")
    ]
    assert rows(sender, "SELECT distinct_id, properties ->> '$.plan', last_seen FROM profiles") == [
        ["ada", "pro", NOW * 1000],
        ["bob", None, None],
    ]
    assert ask(sender, "SELECT * FROM groups").json["columns"] == [
        *("id", "group_key", "group_id", "properties", "created", "updated", "updates")
    ]
    assert rows(sender, "SELECT group_key, group_id, properties, updates FROM groups") == [
        ["company", "acme", '{"seats":5}', 1]
    ]
    of_users = "FROM events JOIN identities USING (distinct_id) JOIN profiles ON profiles.distinct_id = cluster"
    assert rows(sender, f"SELECT event, profiles.distinct_id {of_users} WHERE event = 'A'") == [["A", "ada"]]
    for table in ("main.profiles", "state.profiles", "main.identities", "lookup_tables"):
        assert ask(sender, f"SELECT id FROM {table}").status == 400  # the same in memory and in a file
    sender.post("/engage", [update("$set", {"plan": "free"}, "ada")])  # the emulator writes as before
    assert rows(sender, "SELECT properties FROM profiles WHERE distinct_id = 'ada'") == [['{"plan":"free"}']]


@LIMITED
def test_a_profile_that_is_too_large_for_a_query_can_still_be_counted(sender: Sender) -> None:
    texts = ["x" * 250] * 1000
    sender.post("/engage", [update("$set", {f"p{number}": texts}) for number in range(6)])
    assert rows(sender, "SELECT distinct_id, updates FROM profiles") == [["u", 6]]
    error = ask(sender, "SELECT properties FROM profiles").json["error"]
    assert error == "a value in the query is longer than 1,100,000 bytes"


def test_every_value_of_sqlite_is_shown(sender: Sender) -> None:
    found = rows(sender, "SELECT NULL, 9223372036854775807, 1.5, 9e999, -9e999, x'00ff', 'é', CAST(x'ff41' AS TEXT)")
    assert found == [[None, 2**63 - 1, 1.5, "Infinity", "-Infinity", "x'00ff'", "é", "\ufffdA"]]


def test_csv_quotes_what_needs_it(sender: Sender) -> None:
    text = "SELECT 'a,b' AS 'x \"y\"', 'line' || char(10) || 'break' AS z, NULL AS n, '\"' AS q"
    answer = ask(sender, text, Accept="text/csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Mixpress-Truncated"] == "false"
    assert answer.body == b'"x ""y""",z,n,q\r\n"a,b","line\nbreak",,""""\r\n'
    assert list(csv.reader(io.StringIO(answer.body.decode(), newline="")))[1] == ["a,b", "line\nbreak", "", '"']


def test_the_number_of_rows_is_limited(sender: Sender) -> None:
    for limit, count in [(None, 1000), (3, 3), (10_000, 10_000)]:
        answer = ask(sender, ENDLESS + "SELECT i FROM n", limit)
        assert (len(answer.json["rows"]), answer.json["truncated"]) == (count, True)
    assert ask(sender, "SELECT 1", 1).json["truncated"] is False
    for wrong in [0, 10_001, -1]:
        assert ask(sender, "SELECT 1", wrong).json == {
            "error": f"'limit' must be an integer from 1 to 10000, got {wrong}"
        }


@LIMITED
def test_the_bytes_of_a_result_are_limited(store: Store) -> None:
    result = sql.run(store, ENDLESS + "SELECT zeroblob(400000) FROM n")
    assert result.truncated
    assert len(result.rows) == 12


WRITES = [
    "DELETE FROM events",
    "INSERT INTO events SELECT * FROM events",
    "INSERT INTO events DEFAULT VALUES RETURNING id",
    "REPLACE INTO events SELECT * FROM events",
    "UPDATE events SET event = 'x'",
    "WITH x AS (SELECT 1) DELETE FROM events",
    "DROP TABLE events",
    "DELETE FROM profiles",
    "INSERT INTO identities (distinct_id, cluster) VALUES ('a', 'b')",
    "UPDATE groups SET properties = ''",
    "DROP VIEW profiles",
    "DROP VIEW temp.groups",
    "CREATE TEMP TRIGGER x INSTEAD OF DELETE ON profiles BEGIN SELECT 1; END",
    "SELECT * FROM main.profiles",
    "ALTER TABLE events RENAME TO e",
    "CREATE TABLE x (y)",
    "CREATE TEMP TABLE x (y)",
    "CREATE TABLE x AS SELECT * FROM events",
    "CREATE VIEW x AS SELECT 1",
    "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE INDEX x ON events (event)",
    "CREATE TRIGGER x AFTER INSERT ON events BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE x USING fts5(y)",
    "CREATE VIRTUAL TABLE x USING fts4(y)",
    "CREATE VIRTUAL TABLE x USING rtree(a, b, c)",
    "CREATE VIRTUAL TABLE temp.x USING dbstat",
    "ATTACH 'FILE' AS x",
    "ATTACH ':memory:' AS x",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO 'FILE'",
    "REINDEX",
    "ANALYZE",
    "BEGIN",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "RELEASE x",
    "PRAGMA query_only = 0",
    "PRAGMA writable_schema = 1",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version",
    "PRAGMA database_list",
    "EXPLAIN PRAGMA query_only = 0",
    "SELECT * FROM pragma_database_list",
    "SELECT count(*) FROM pragma_table_info('events')",
    "SELECT * FROM pragma_journal_mode('delete')",
    "SELECT * FROM dbstat",
    "SELECT sql FROM sqlite_stmt",
    "SELECT load_extension('FILE')",
    "SELECT writefile('FILE', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT * FROM fsdir('/')",
    "SELECT edit('x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT fts5(1)",
    "SELECT sqlite_log(1, 'x')",
    "SELECT sqlite_compileoption_get(0)",
    "SELECT changes()",
    "SELECT printf('%.*c', 1000000000, 'x')",  # takes half a minute in one step, whatever the limits are
    "SELECT format('%.*c', 1000000000, 'x')",
    "SELECT 1; DELETE FROM events",
    "SELECT 1; SELECT 2",
    "-- nothing",
    "",
    ";",
    "SELECT",
    "SELECT unknown FROM events",
    "SELECT * FROM nothing",
    "SELECT 1\0; DELETE FROM events",
]


@pytest.mark.parametrize("text", WRITES)
def test_nothing_but_reading_is_possible(store: Store, tmp_path: Path, text: str) -> None:
    before = stored(store)
    target = tmp_path / "target"
    with pytest.raises(sql.QueryError) as error:
        sql.run(store, text.replace("FILE", str(target)))
    assert str(error.value)
    assert not target.exists()
    assert stored(store) == before
    store.add("/import", [Row("C", 3, "u-1", None, b"{}")])
    assert len(stored(store)) == len(before) + 1, "the store's own connection writes as before"


def test_the_stores_own_statements_are_not_allowed_because_they_are_cached(store: Store) -> None:
    store.clear()
    store.add("/import", [Row("C", 3, "u-1", None, b"{}")])
    with pytest.raises(sql.QueryError, match="only SELECT is allowed, not"):
        sql.run(store, "DELETE FROM events")
    assert len(stored(store)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DELETE FROM events WHERE id = 9", "only SELECT is allowed, not DELETE"),
        ("ATTACH 'x' AS y", "only SELECT is allowed, not ATTACH and VACUUM"),
        ("PRAGMA user_version", "only SELECT is allowed, not PRAGMA"),
        ("SELECT load_extension('x')", "the function load_extension is not allowed"),
        (
            "SELECT * FROM sqlite_temp_master",
            "the table 'sqlite_temp_master' cannot be read: only events, profiles",
        ),
        ("SELECT 1; SELECT 2", "the query must be one statement"),
        ("SELECT unknown FROM events", "SQLite: no such column: unknown"),
        ("", "the query is empty"),
        ("SELECT 1 -- " + "x" * 100_000, "the query must have at most 100000 characters"),
    ],
)
def test_errors_say_what_is_wrong(sender: Sender, text: str, message: str) -> None:
    answer = ask(sender, text)
    assert answer.status == 400
    assert answer.json["error"].startswith(message)


@LIMITED
@pytest.mark.parametrize(
    "text",
    [
        "SELECT zeroblob(1000000000)",
        "SELECT randomblob(1000000000)",
        "SELECT replace(hex(zeroblob(900000)), '0', 'xxxxxxxxxxxxxxxx')",
        "WITH RECURSIVE n(x) AS (SELECT 'xxxxxxxx' UNION ALL SELECT x || x FROM n) SELECT max(x) FROM n",
        MANY + "SELECT group_concat(hex(zeroblob(500000))) FROM n",
    ],
)
def test_a_query_cannot_make_a_huge_value(store: Store, text: str) -> None:
    with pytest.raises(sql.QueryError, match=r"longer than 1,100,000 bytes|too much memory"):
        sql.run(store, text, seconds=600)


@LIMITED
def test_a_row_cannot_have_a_thousand_huge_columns(store: Store) -> None:
    with pytest.raises(sql.QueryError, match="too many columns"):
        sql.run(store, f"SELECT {', '.join(['zeroblob(2000000)'] * 101)}")


def test_a_query_ends_after_its_seconds(store: Store) -> None:
    ticks = itertools.count()
    with pytest.raises(sql.QueryError, match="the query took longer than 5 s and was ended"):
        sql.run(store, ENDLESS + "SELECT max(i) FROM n", clock=lambda: float(next(ticks)))
    assert len(stored(store)) == 2


def test_a_query_ends_when_the_emulator_stops(store: Store) -> None:
    answers = itertools.chain([False], itertools.repeat(True))
    with pytest.raises(sql.QueryError, match="the emulator stops"):
        sql.run(store, ENDLESS + "SELECT max(i) FROM n", is_stopping=lambda: next(answers))


def test_settings_of_the_stores_connection_are_restored(store: Store) -> None:
    with pytest.raises(sql.QueryError):
        sql.run(store, "SELECT unknown")
    with store.reading() as connection:
        assert connection.execute("PRAGMA query_only").fetchone() == (0,)
        assert connection.text_factory is str
        if sys.version_info >= (3, 11):
            assert connection.getlimit(sqlite3.SQLITE_LIMIT_COLUMN) > sql._MAX_COLUMNS


def test_writing_goes_on_during_a_query_over_a_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "events.db")

    def clock() -> float:
        store.add("/import", [Row("A", 1, "u-1", None, b"{}")])  # would wait for itself if the store were locked
        return 0.0

    sql.run(store, "SELECT count(*) FROM events", clock=clock)
    assert len(stored(store)) == 2
    store.close()


KEYWORDS = re.findall(
    r"\S+",
    "SELECT FROM events profiles WITH RECURSIVE AS x ( ) * , ; DELETE INSERT INTO UPDATE SET event = VALUES 1 'a' DROP "
    "TABLE ATTACH PRAGMA query_only writable_schema CREATE TEMP VIEW BEGIN COMMIT VACUUM json_each load_extension "
    "UNION ALL RETURNING ON CONFLICT DO NOTHING REPLACE EXPLAIN sqlite_master main . -- /* */",
)


@given(st.lists(st.sampled_from(KEYWORDS), max_size=12).map(" ".join))
def test_no_mix_of_keywords_changes_the_events(text: str) -> None:
    store = Store()
    try:
        store.add("/import", [Row("A", 1, "u-1", "i-1", b"{}")])
        with store.reading() as connection:
            schema = connection.execute("SELECT * FROM sqlite_master").fetchall()
        before = stored(store)
        with suppress(sql.QueryError):
            sql.run(store, text)
        assert stored(store) == before
        with store.reading() as connection:
            assert connection.execute("SELECT * FROM sqlite_master").fetchall() == schema
            assert not connection.in_transaction
    finally:
        store.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "'sql' must be a string"),
        (b'{"sql":1}', "'sql' must be a string"),
        (b'{"sql":"SELECT 1","limit":"5"}', "'limit' must be an integer"),
        (b'{"sql":"SELECT 1","limit":true}', "'limit' must be an integer"),
        (b'{"sql":"SELECT 1","file":"x"}', "unknown member 'file'; the members are sql, limit"),
    ],
)
def test_a_wrong_body_is_an_error(server: Emulator, sender: Sender, body: bytes, message: str) -> None:
    answer = sender.request("POST", "/_emulator/sql", body, {"Content-Type": "application/json"})
    assert (answer.status, answer.json) == (400, {"error": message})
