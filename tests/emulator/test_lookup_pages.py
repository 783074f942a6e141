"""GET /_emulator/lookup-tables/ID: pages of a table's rows, and the search by their ids."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator.lookup import rows, tables
from mixpress.emulator.lookup.check import Table, read_table
from mixpress.emulator.lookup.rows import RowIndex
from mixpress.emulator.lookup.tables import LookupTables
from mixpress.emulator.store import fitting

from .conftest import Start
from .control import error, get
from .sender import NOW
from .test_lookup_tables import ROWS, SONGS, TEXT, put

CELLS = st.text(st.sampled_from(list('ab,"\r\n é\u2028ß')), max_size=6)


def numbered(count: int, mark: str = "x") -> bytes:
    """Return a table whose rows take one, two or three lines, with empty lines between some."""
    lines = (
        f'Song-{number},"{mark}{chr(10) * (number % 3)}"{chr(10) * (1 + number % 2)}' for number in range(1, count + 1)
    )
    return ("id,name\n" + "".join(lines)).encode()


def write(columns: list[str], values: list[list[str]], end: str) -> bytes:
    text = io.StringIO(newline="")
    carriage_return = any("\r" in cell for row in values for cell in row)  # which csv.writer leaves without quotes
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if carriage_return else csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    writer.writerows(values)
    return text.getvalue().encode()


def read_pages(table: bytes, search: str, limit: int) -> list[tuple[int, dict[str, str]]]:
    index = RowIndex(table)
    found: list[tuple[int, dict[str, str]]] = []
    while True:
        page = index.page(table, search, limit, len(found))
        found += zip(page.numbers, page.rows, strict=True)
        if len(found) >= page.total:
            return found


def test_a_page_without_parameters_and_one_of_a_table_without_rows(start: Start) -> None:
    _, sender = start(lookup_tables=["t1", "t 2"])
    put(sender, TEXT)
    page = {"total": 2, "limit": 100, "offset": 0}
    content = {"id": "t1", "columns": ["id", "name"], "rows": ROWS, "numbers": [1, 2]}
    assert get(sender, "lookup-tables/t1") == {**content, **page}
    content = {"id": "t 2", "columns": [], "rows": [], "numbers": []}
    assert get(sender, "lookup-tables/t%202") == {**content, **page, "total": 0}


def test_a_wrong_parameter_is_an_error(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    for target, words in [
        ("?limit=1001", "'limit' must be an integer from 1 to 1000, got '1001'"),
        ("/t1?limit=0", "'limit' must be an integer from 1 to 1000, got '0'"),
        ("/t1?offset=-1", "'offset' must be an integer from 0"),
        ("/t1?sort=id", "unknown parameter 'sort'; the parameters are search, limit, offset"),
    ]:
        status, sentence = error(sender, "GET", f"lookup-tables{target}")
        assert status == 400
        assert words in sentence


def test_pages_have_the_rows_in_the_order_of_the_table(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    put(sender, numbered(250))
    everything = server.lookup_table("t1")
    assert everything is not None
    first, last = (get(sender, "lookup-tables/t1", offset=offset) for offset in (0, 200))
    assert (first["total"], first["limit"], first["offset"]) == (250, 100, 0)
    assert first["rows"] == everything[:100]
    assert (last["rows"], last["numbers"]) == (everything[200:], list(range(201, 251)))
    assert get(sender, "lookup-tables/t1", limit=2, offset=99)["numbers"] == [100, 101]
    beyond = get(sender, "lookup-tables/t1", offset=250)
    assert (beyond["rows"], beyond["numbers"], beyond["total"]) == ([], [], 250)


def test_a_search_selects_by_a_part_of_the_first_column(start: Start) -> None:
    _, sender = start(lookup_tables=SONGS)
    put(sender, numbered(250, mark="song-7"))
    found = get(sender, "lookup-tables/t1", search="sONG-24", limit=5, offset=1)
    assert (found["total"], found["numbers"]) == (11, [240, 241, 242, 243, 244])
    assert [row["id"] for row in found["rows"]] == [f"Song-{number}" for number in found["numbers"]]
    assert get(sender, "lookup-tables/t1", search="song-24", offset=6)["numbers"] == [245, 246, 247, 248, 249]
    assert get(sender, "lookup-tables/t1", search="nothing")["total"] == 0
    assert get(sender, "lookup-tables/t1", search="")["total"] == 250


def test_pages_are_of_the_last_replacement(start: Start) -> None:
    server, sender = start(lookup_tables=SONGS)
    for mark in ("x", "longer"):  # the second at the same time of the emulator's clock
        put(sender, numbered(5, mark))
        page = get(sender, "lookup-tables/t1", search="song", offset=3)
        assert [row["name"].strip() for row in page["rows"]] == [mark, mark]
    server.clear()
    assert get(sender, "lookup-tables/t1")["total"] == 0


def test_a_table_that_is_replaced_while_it_is_read_leaves_no_wrong_page(monkeypatch: pytest.MonkeyPatch) -> None:
    held = LookupTables(None, {"t1": ""})
    held.replace("t1", read_table(numbered(3, "old")), NOW)

    class Slow(RowIndex):
        def __init__(self, table: bytes) -> None:
            super().__init__(table)
            monkeypatch.setattr(tables, "RowIndex", RowIndex)
            held.replace("t1", read_table(numbered(9, "much newer")), NOW)

    monkeypatch.setattr(tables, "RowIndex", Slow)
    for total, name in ((3, "old"), (9, "much newer")):
        page = held.page("t1", "", 1, 2)
        assert page is not None
        assert (page.total, next(page.rows)["name"].strip()) == (total, name)
    held.close()


def test_a_page_of_large_rows_ends_early(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MAX_BYTES", 2500)
    _, sender = start(lookup_tables=SONGS)
    put(sender, numbered(10, mark="x" * 1000))
    page = get(sender, "lookup-tables/t1", offset=4)
    assert (page["numbers"], len(page["rows"]), page["total"]) == ([5, 6], 2, 10)


def test_a_page_reads_its_own_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    held = LookupTables(None, {"t1": ""})
    held.replace("t1", read_table(numbered(5000)), NOW)
    parsed: list[int] = []
    real = rows._parse

    def counting(table: bytes, start: int = 0) -> Any:
        for each in real(table, start):
            parsed.append(start)
            yield each

    monkeypatch.setattr(rows, "_parse", counting)

    def cost(search: str, offset: int) -> int:
        parsed.clear()
        page = held.page("t1", search, 10, offset)
        assert page is not None
        assert len(list(page.rows)) == 10
        return len(parsed)

    assert cost("", 0) == 5001 + 10
    assert cost("", 4990) == 10
    assert cost("SONG-4", 0) == 5001 + 10
    assert cost("SONG-4", 1000) == 10
    assert cost("", 2000) == 10
    held.close()


def test_indexes_of_few_tables_are_kept() -> None:
    names = {f"t{number}": "" for number in range(10)}
    held = LookupTables(None, names)
    for id_ in names:
        held.replace(id_, Table(b"id,n\na,1\n", 1, ["id", "n"]), NOW)
    for id_ in names:
        assert held.page(id_, "", 10, 0) is not None
    assert list(held._indexes) == ["t6", "t7", "t8", "t9"]
    held.close()


def test_the_list_of_tables_has_pages(start: Start) -> None:
    _, sender = start(lookup_tables=[f"t{number}" for number in range(5)])
    page = get(sender, "lookup-tables", limit=2, offset=3)
    assert [table["id"] for table in page["lookup_tables"]] == ["t3", "t4"]
    assert (page["total"], page["limit"], page["offset"]) == (5, 2, 3)


@given(
    width=st.integers(2, 4),
    cells=st.lists(CELLS, max_size=40),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    search=st.text(st.sampled_from("aAé0ß"), max_size=2),
    limit=st.integers(1, 5),
)
def test_pages_agree_with_a_reader_of_the_whole_table(
    width: int, cells: list[str], end: str, search: str, limit: int
) -> None:
    columns = [f"column {number}" for number in range(width)]
    values = [
        [f"{number}{cells[at]}", *cells[at + 1 : at + width]]
        for number, at in enumerate(range(0, len(cells) - width + 1, width))
    ]
    table = write(columns, values, end)
    assert read_table(table).rows == len(values)
    expected = [
        (number, dict(zip(columns, row, strict=True)))
        for number, row in enumerate(values, 1)
        if search.lower() in row[0].lower()
    ]
    assert read_pages(table, search, limit) == expected
