"""`POST /_emulator/sql`: no query takes long in one step, and no query makes SQLite copy a statement without end."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator.accept import Row
from mixpress.emulator.store import functions, sql
from mixpress.emulator.store.copies import may_copy_too_much
from mixpress.emulator.store.store import Store

LIMITED = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 cannot limit it")


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    store.add("/import", [Row("A", 1, "u-1", "i-1", b'{"n":1}')])
    yield store
    store.close()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    """SQLite as it is, and with the functions of the emulator."""
    plain, changed = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    functions.define(changed)
    yield plain, changed
    plain.close()
    changed.close()


TEXTS = st.one_of(
    st.text(st.sampled_from("aAbé\U0001f600 \0"), max_size=6),
    st.sampled_from([None, 0, 5, -12, 2**63 - 1, 1.0, 0.1, -1e-7, 1e15, 1.5e300, float("inf"), -float("inf")]),
    st.lists(st.sampled_from(["a", "b", "é", " "]), max_size=5).map(lambda parts: "".join(parts).encode()),
)
CALLS = {
    "trim(?)": 1,
    "ltrim(?)": 1,
    "rtrim(?)": 1,
    "trim(?, ?)": 2,
    "ltrim(?, ?)": 2,
    "rtrim(?, ?)": 2,
    "instr(?, ?)": 2,
    "replace(?, ?, ?)": 3,
}


@pytest.mark.parametrize("call", CALLS)
@given(st.data())
def test_functions_give_what_sqlite_gives(
    call: str, both: tuple[sqlite3.Connection, sqlite3.Connection], data: st.DataObject
) -> None:
    values = data.draw(st.tuples(*[TEXTS] * CALLS[call]))
    plain, changed = (
        connection.execute(f"SELECT x, typeof(x) FROM (SELECT {call} AS x)", values).fetchall() for connection in both
    )
    assert changed == plain


SLOW = """
import sqlite3
from mixpress.emulator.store import functions
connection = sqlite3.connect(":memory:")
functions.define(connection)
many, others = "a" * 1_000_000, "".join(map(chr, range(2000, 50_000))) * 10
for call, values in [
    ("trim(?, ?)", (many, others + "a")),
    ("ltrim(?, ?)", (many, others + "a")),
    ("rtrim(?, ?)", (many, others + "a")),
    ("instr(?, ?)", (many, many[:500_000] + "b")),
    ("replace(?, ?, 'x')", (many, many[:500_000] + "b")),
]:
    connection.execute(f"SELECT {call}", values).fetchall()
"""


def test_functions_of_a_megabyte_end() -> None:
    subprocess.run([sys.executable, "-c", SLOW], check=True, timeout=60)  # SQLite's own take an hour


@LIMITED
@pytest.mark.parametrize("by", ["'xx'", "zeroblob(500000)", "123"])
def test_replace_makes_no_huge_value(store: Store, by: str) -> None:
    with pytest.raises(sql.QueryError, match="longer than 1,100,000 bytes"):
        sql.run(store, f"SELECT length(replace(hex(zeroblob(550000)), '0', {by}))")


@LIMITED
@pytest.mark.parametrize("test", ["'a' LIKE '{}'", "'a' GLOB '{}'", "'a' LIKE '{}' ESCAPE '!'"])
def test_a_long_pattern_is_refused(store: Store, test: str) -> None:
    assert sql.run(store, "SELECT " + test.format("%" * 200)).rows
    with pytest.raises(sql.QueryError, match="the pattern of LIKE or GLOB must have at most 200 bytes"):
        sql.run(store, "SELECT " + test.format("%" * 201))


def test_the_clock_is_looked_at_every_hundred_steps(store: Store) -> None:
    ticks = itertools.count()
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT count(*) FROM n"
    sql.run(store, query, seconds=1e9, clock=lambda: float(next(ticks)))
    assert next(ticks) > 50


@pytest.mark.parametrize(
    "name", ["json_group_array", "json_group_object", "json_patch", "json_pretty", "unhex", "printf"]
)
def test_a_function_without_a_bound_is_not_allowed(name: str) -> None:
    assert name not in sql.FUNCTIONS


def test_python_3_10_has_no_function_that_makes_a_long_value(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr(sql, "_LIMITED", False)
    for call in ["concat_ws('a', 'b')", "hex('a')", "quote('a')", "json_array(1)", "json_object()", "json_quote(1)"]:
        with pytest.raises(sql.QueryError, match=r"the function \w+ is not allowed|no such function"):
            sql.run(store, f"SELECT {call}")


# -- copies


def doubled(levels: int, name: str = "c{}") -> str:
    """Return a query in which each common table expression uses the one before twice."""
    names = [name.format(level) for level in range(levels)]
    rest = [
        f"{each} AS (SELECT * FROM {before} UNION ALL SELECT * FROM {before})"
        for before, each in itertools.pairwise(names)
    ]
    return f"WITH {names[0]} AS (SELECT 1 AS x), {', '.join(rest)} SELECT count(*) FROM {names[-1]}"


def nested(levels: int) -> str:
    """Return a query with two names, each defined within the other."""
    query = "SELECT 1 AS x"
    for level in range(levels):
        name = "ab"[level % 2]
        query = f"WITH {name} AS ({query}) SELECT * FROM {name} UNION ALL SELECT * FROM {name}"
    return query


COPYING = {
    "plain": doubled(24),
    "quoted": doubled(24, '"c ""{}"'),
    "quoted in four ways": doubled(24).replace("FROM c1 ", 'FROM "c1" ').replace("FROM c2 ", "FROM [C2] "),
    "with columns": doubled(24).replace(" AS (", "(x) AS ("),
    "materialized": doubled(24).replace(" AS (", " AS /* ( */ NOT MATERIALIZED ("),
    "not ascii": doubled(24, "c{}\u20ac"),
    "comments": doubled(24).replace(" AS (", " -- (\n AS -- x\n ("),
    "nested": nested(24),
    "three times": doubled(14).replace("UNION ALL", "UNION ALL SELECT * FROM c0 UNION ALL"),
    "of a view": doubled(11).replace("1 AS x", "1 AS x FROM profiles, profiles, groups, groups"),
    "within a long query": doubled(6) + " -- " + "x" * 50_000,
}


@pytest.mark.parametrize("text", COPYING.values(), ids=COPYING.keys())
def test_a_query_that_sqlite_copies_too_often_is_refused(text: str) -> None:
    assert may_copy_too_much(text)


def test_a_refused_query_is_not_prepared() -> None:
    code = (
        "from mixpress.emulator.store import sql, store\n"
        f"try: sql.run(store.Store(), {doubled(40)!r})\n"
        "except sql.QueryError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.startswith("the query names its common table expressions (WITH) too often")


ORDINARY = """
WITH a AS (SELECT event, time FROM events), b(n) AS (SELECT count(*) FROM a), c AS (SELECT max(a.time) FROM a)
SELECT a.event, a.time, b.n, c.* FROM a, b, c WHERE a.time > 0 ORDER BY a.time
"""


@pytest.mark.parametrize(
    "text",
    [
        doubled(8),
        doubled(11),
        "SELECT 'with' AS x " + "-- x\n" * 10_000,
        ORDINARY,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5) SELECT n.i FROM n",
    ],
)
def test_an_ordinary_query_is_not_refused(store: Store, text: str) -> None:
    assert not may_copy_too_much(text)
    assert sql.run(store, text).rows


@given(st.text(st.sampled_from("with a AS()[]'\"`,.-*/\n\u20ac"), max_size=40))
def test_any_text_is_looked_at(text: str) -> None:
    may_copy_too_much("with" + text)


# -- the connection of the store


def test_the_connection_is_as_before_if_restricting_it_fails(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr(sql, "_STEPS", "none")  # set_progress_handler refuses it, after other changes
    with pytest.raises(TypeError):
        sql.run(store, "SELECT 1")
    store.add("/import", [Row("B", 2, "u-1", "i-2", b"{}")])
    assert store.count() == 2
    with store.reading() as connection:
        assert connection.execute("PRAGMA query_only").fetchone() == (0,)
        assert connection.text_factory is str
        if sys.version_info >= (3, 11):
            assert connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) > sql._MAX_VALUE
