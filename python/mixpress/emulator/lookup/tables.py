"""The lookup tables of the emulated project, in SQLite: in memory, or in the file of the events."""

from __future__ import annotations

import csv
import io
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from mixpress.emulator.lookup.rows import RowIndex
from mixpress.emulator.store.schema import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike

    from mixpress.emulator.lookup.check import Table
    from mixpress.emulator.lookup.rows import RowPage

MAX_ID = 200  # characters of an id, and of a name
_MAX_INDEXES = 4  # tables whose rows are read page by page at the same time

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lookup_tables (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    csv BLOB,
    rows INTEGER,
    columns INTEGER,
    replaced INTEGER
)
"""
_LISTED = "SELECT id, name, rows, columns, replaced FROM lookup_tables ORDER BY id LIMIT ? OFFSET ?"
_NAMED = "INSERT INTO lookup_tables (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name"


class LookupTable(NamedTuple):
    """A table without its rows."""

    id: str
    name: str
    rows: int | None
    """None before the first replacement."""
    columns: int | None
    replaced: int | None
    """When that was last, in milliseconds since the epoch."""


class LookupTables:
    """The tables, each with the CSV of its last replacement. Any thread may call it.

    `tables` are names by id, as `to_lookup_tables` returns them; they exist from the start, and after `clear`. A table
    of an earlier run that is in the file exists, too. It has a connection besides that of the events, so that tables
    are not counted among them.
    """

    def __init__(self, path: str | PathLike[str] | None, tables: Mapping[str, str]) -> None:
        self.on_add: Callable[[], None] = lambda: None
        """Called after each `add`, on its thread."""
        self._first = dict(tables)
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, RowIndex] = OrderedDict()  # by the ids of their tables, the last one used last
        self._changes = 0  # of rows: an index that was made meanwhile is not kept
        where = ":memory:" if path is None else os.fspath(path)
        self._connection = sqlite3.connect(where, check_same_thread=False, isolation_level=None)
        try:
            self._connection.execute(_SCHEMA)
            self._add_first()
        except sqlite3.Error as error:
            self._connection.close()
            raise OSError(f"cannot keep lookup tables in {where}: {error}") from error

    def add(self, id: str, name: str = "") -> bool:
        """Add an empty table, or give an existing one another name. Returns whether it is new; ValueError for an id or
        a name that cannot be."""
        with self._lock, transaction(self._connection):
            is_new = self._find(check_id(id)) is None
            self._connection.execute(_NAMED, (id, check_name(name)))
        self.on_add()
        return is_new

    def all(self) -> list[LookupTable]:
        """Return all tables, by id."""
        return self.listed()[0]

    def listed(self, limit: int = -1, offset: int = 0) -> tuple[list[LookupTable], int]:
        """Return a page of the tables, by id, and the number of all. A negative `limit` is no limit."""
        with self._lock:
            [(total,)] = self._connection.execute("SELECT count(*) FROM lookup_tables")
            found = self._connection.execute(_LISTED, (limit, offset))
            return [LookupTable(*row) for row in found], total

    def has(self, id: str) -> bool:
        """Return whether a table exists."""
        with self._lock:
            return self._find(id) is not None

    def replace(self, id: str, table: Table, now_ms: int) -> bool:
        """Replace all rows of a table; return whether it exists. Raises sqlite3.Error if they cannot be stored."""
        with self._lock, transaction(self._connection):
            changed = self._connection.execute(
                "UPDATE lookup_tables SET csv = ?, rows = ?, columns = ?, replaced = ? WHERE id = ?",
                (table.csv, table.rows, len(table.columns), now_ms, id),
            )
            self._changes += 1
            self._indexes.pop(id, None)
            return changed.rowcount == 1

    def rows(self, id: str) -> list[dict[str, str]] | None:
        """Return the rows of a table as they were sent, texts by the name of their column; None without a table."""
        with self._lock:
            found = self._find(id)
        if found is None:
            return None
        with closing(io.StringIO((found[0] or b"").decode(), newline="")) as text:
            return list(csv.DictReader(text))

    def page(self, id: str, search: str, limit: int, offset: int) -> RowPage | None:
        """Return a page of the rows that have `search` in their first column, "" for all; None without a table.

        The first page of a table reads all its rows, others those that they return. So does the first page of a search.
        """
        with self._lock:
            found, index, changes = self._find(id), self._indexes.get(id), self._changes
        if found is None:
            return None
        table = found[0] or b""
        if index is None:
            index = RowIndex(table)
        self._keep_index(id, index, changes)
        return index.page(table, search, limit, offset)

    def clear(self) -> None:
        """Leave the tables that exist from the start, without rows."""
        with self._lock, transaction(self._connection):
            self._connection.execute("DELETE FROM lookup_tables")
            self._changes += 1
            self._indexes.clear()
            self._add_first()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _keep_index(self, id: str, index: RowIndex, changes: int) -> None:
        """Keep the index of a table for later pages, unless rows were replaced since it was `changes` of them."""
        with self._lock:
            if changes == self._changes:
                self._indexes[id] = index
                self._indexes.move_to_end(id)
                if len(self._indexes) > _MAX_INDEXES:
                    self._indexes.popitem(last=False)

    def _add_first(self) -> None:
        self._connection.executemany(_NAMED, self._first.items())

    def _find(self, id: str) -> tuple[bytes | None] | None:
        found: tuple[bytes | None] | None = self._connection.execute(
            "SELECT csv FROM lookup_tables WHERE id = ?", (id,)
        ).fetchone()
        return found


def to_lookup_tables(tables: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    """Return the names of tables by their ids; an id alone has no name. ValueError for one that no path can have."""
    if isinstance(tables, str):
        raise TypeError(
            f"lookup_tables must be names by id, such as {{'{tables}': 'Songs'}}, got the string {tables!r}"
        )
    pairs = tables.items() if isinstance(tables, Mapping) else ((id_, "") for id_ in tables)
    return {check_id(id_): check_name(name) for id_, name in pairs}


def check_id(id: str) -> str:
    """Return an id; ValueError for one that no path of a request can have."""
    if not isinstance(id, str) or not 0 < len(id) <= MAX_ID or not id.isprintable() or "/" in id or id in {".", ".."}:
        raise ValueError(
            f"the id of a lookup table must be 1 to {MAX_ID} printable characters without a slash, got {id!r:.{MAX_ID}}"
        )
    if not id.strip():
        raise ValueError("the id of a lookup table must not be blank")
    return id


def check_name(name: str) -> str:
    """Return the name of a table; ValueError for one that is too long or no text."""
    if not isinstance(name, str) or len(name) > MAX_ID:
        raise ValueError(f"the name of a lookup table must be a text of at most {MAX_ID} characters")
    return name.encode("utf-8", "replace").decode()  # SQLite takes no lone surrogates
