"""Run one read-only query that somebody else wrote.

Four barriers, each sufficient against writing: a list of the allowed actions, tables and functions (SQLite asks before
it prepares a statement), `PRAGMA query_only`, for a file a connection opened for reading, and one statement a call. The
time, the rows and the bytes of the result are limited.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mixpress.emulator.store import functions
from mixpress.emulator.store.copies import may_copy_too_much
from mixpress.emulator.store.views import VIEWS, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.emulator.store.store import Store

MAX_ROWS = 10_000
MAX_BYTES = 10_000_000  # of a result
MAX_SECONDS = 5.0
_MAX_VALUE = 1_100_000  # bytes of a value within a query, and of a row of the store: an event is smaller than 1 MB
_MAX_COLUMNS = 100  # times the bytes of a value: what a single row can take
_MAX_TEXT = 100_000  # characters of a query
_MAX_PATTERN = 200  # bytes of LIKE's and GLOB's pattern: one comparison with a megabyte takes most of a second
_STEPS = 100  # of SQLite's machine between two looks at the clock: each may be a function of a megabyte

TABLES = frozenset({"events", "sqlite_master", "sqlite_schema", "json_each", "json_tree"})
# Not printf and format: a width of a billion takes half a minute in one step, which no limit ends. Nor json_patch and
# unhex, whose time grows with the square of the length. The others that are missing make a value that is limited only
# when it is complete.
FUNCTIONS = frozenset(
    """
    abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count
    cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor
    glob group_concat hex if ifnull iif instr json json_array json_array_length json_error_position json_extract
    json_insert json_object json_quote json_remove json_replace json_set json_type json_valid julianday lag
    last_value lead length like likelihood likely ln log log10 log2 lower ltrim max median min mod nth_value ntile
    nullif octet_length percent_rank pi pow power quote radians random randomblob rank replace round row_number
    rtrim sign sin sinh sqlite_version sqrt strftime string_agg substr substring sum tan tanh time timediff total
    trim trunc typeof unicode unixepoch unlikely upper zeroblob
    -> ->>
    """.split()  # noqa: SIM905 - a list has a name a line
)
_LIMITED = sys.version_info >= (3, 11)  # Connection.setlimit
_MAKES_LONG = frozenset(
    """
    concat concat_ws group_concat hex json_array json_insert json_object json_quote json_replace json_set quote
    randomblob replace string_agg zeroblob
    """.split()  # noqa: SIM905
)
"""Can make a value of a gigabyte, so Python 3.10, which cannot limit values, does without them."""
_LIMITS: dict[int, int] = {}
if sys.version_info >= (3, 11):
    _LIMITS = {
        sqlite3.SQLITE_LIMIT_LENGTH: _MAX_VALUE,
        sqlite3.SQLITE_LIMIT_COLUMN: _MAX_COLUMNS,
        sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: _MAX_PATTERN,
        sqlite3.SQLITE_LIMIT_ATTACHED: 0,
        sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
    }
_ACTIONS = {
    getattr(sqlite3, name): name.removeprefix("SQLITE_").replace("_", " ")
    for name in dir(sqlite3)
    if name.startswith(("SQLITE_CREATE_", "SQLITE_DROP_", "SQLITE_ALTER_"))
} | {
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_ATTACH: "ATTACH and VACUUM",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_TRANSACTION: "BEGIN, COMMIT and ROLLBACK",
    sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
    sqlite3.SQLITE_REINDEX: "REINDEX",
    sqlite3.SQLITE_ANALYZE: "ANALYZE",
}


class QueryError(Exception):
    """A query that is not run, or that ended early; its text is a sentence for the user."""


_REASONS = {
    "one statement at a time": "the query must be one statement, without another after the semicolon",
    "too big": f"a value in the query is longer than {_MAX_VALUE:,} bytes",
    "pattern too complex": f"the pattern of LIKE or GLOB must have at most {_MAX_PATTERN} bytes",
    "user-defined function": "a text in the query is not UTF-8",
}
"""By a part of SQLite's own message."""


@dataclass(frozen=True)
class Result:
    """The rows of a query."""

    columns: list[str]
    rows: list[list[Any]]
    """Values of JSON; a blob is text such as `x'0aff'`."""
    truncated: bool
    """Whether there were more rows than the limit, or more bytes than `MAX_BYTES`."""
    seconds: float


def run(
    store: Store,
    sql: str,
    limit: int = 1000,
    *,
    seconds: float = MAX_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Result:
    """Run a query over `events` and the views of profiles; at most `limit` rows, up to 10,000, are returned.

    Raises `QueryError` if it is not a single SELECT, is invalid, takes longer than `seconds`, or the emulator stops.
    """
    if len(sql) > _MAX_TEXT:
        raise QueryError(f"the query must have at most {_MAX_TEXT} characters, got {len(sql)}")
    if not _LIMITED and "||" in sql:
        raise QueryError("|| needs Python 3.11 or newer, which can limit the length of a value")
    if may_copy_too_much(sql):
        raise QueryError(
            "the query names its common table expressions (WITH) too often: SQLite copies each of them where it is "
            "named; write fewer of them, or a shorter query"
        )
    began = clock()
    guard = _Guard()

    def must_end() -> bool:
        return is_stopping() or clock() - began > seconds

    with _connection(store) as connection, shown(connection), _restricted(connection, guard, must_end):
        try:
            with closing(connection.cursor()) as cursor:
                cursor.row_factory = None
                cursor.execute(sql)
                columns, rows, truncated = _fetch(cursor, min(limit, MAX_ROWS))
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError) as error:
            raise QueryError(_explain(error, guard, seconds, is_stopping())) from error
    return Result(columns, rows, truncated, clock() - began)


class _Guard:
    """Decides what a statement may do, and remembers what it forbade."""

    def __init__(self) -> None:
        self.forbidden = ""

    def __call__(self, action: int, first: str | None, second: str | None, schema: str | None, view: str | None) -> int:
        reason = self._why_not(action, first or "", second or "", schema == "temp" or view in VIEWS)
        self.forbidden = self.forbidden or reason
        return sqlite3.SQLITE_DENY if reason else sqlite3.SQLITE_OK

    def _why_not(self, action: int, first: str, second: str, of_view: bool) -> str:
        if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
            return ""
        if action == sqlite3.SQLITE_READ:
            # Without a column it is a row count, and the name may be that of a subquery.
            if not second or first.lower() in TABLES or (of_view and first.lower() in VIEWS):
                return ""
            return f"the table '{first}' cannot be read: only events, {', '.join(VIEWS)}"
        if action == sqlite3.SQLITE_FUNCTION:
            allowed = second.lower() in FUNCTIONS and (_LIMITED or second.lower() not in _MAKES_LONG)
            return "" if allowed else f"the function {second} is not allowed"
        return f"only SELECT is allowed, not {_ACTIONS.get(action, 'this statement')}"


@contextmanager
def _connection(store: Store) -> Iterator[sqlite3.Connection]:
    """Yield a connection for reading: a second one to a file, so that writing goes on; memory is locked."""
    with store.reading() as shared:
        path = next(row[2] for row in shared.execute("PRAGMA database_list") if row[1] == "main")
        if not path:
            yield shared
            return
    with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, check_same_thread=False)) as own:
        functions.define(own)
        yield own


@contextmanager
def _restricted(connection: sqlite3.Connection, guard: _Guard, must_end: Callable[[], bool]) -> Iterator[None]:
    """Restrict a connection within the block; it may be the one that the store writes with."""
    text_factory = connection.text_factory
    limits = _limits(connection)
    try:
        _set_limits(connection, _LIMITS)
        # A table function is declared by its first use, which the guard would take for a change of the schema.
        connection.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')").close()
        connection.execute("PRAGMA query_only = 1")
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.set_progress_handler(must_end, _STEPS)
        connection.set_authorizer(guard)
        yield
    finally:
        # None does not end it on Python 3.10.
        connection.set_authorizer(None if _LIMITED else lambda *_: sqlite3.SQLITE_OK)
        connection.set_progress_handler(None, 0)
        connection.text_factory = text_factory
        _set_limits(connection, limits)
        connection.execute("PRAGMA query_only = 0")


def _limits(connection: sqlite3.Connection) -> dict[int, int]:
    """Return the limits in effect that a query changes, by their category."""
    if sys.version_info >= (3, 11):
        return {category: connection.getlimit(category) for category in _LIMITS}
    return {}


def _set_limits(connection: sqlite3.Connection, limits: dict[int, int]) -> None:
    """Set limits by their category."""
    if sys.version_info >= (3, 11):
        for category, value in limits.items():
            connection.setlimit(category, value)


def _fetch(cursor: sqlite3.Cursor, limit: int) -> tuple[list[str], list[list[Any]], bool]:
    if cursor.description is None:
        raise QueryError("the query is empty: write a SELECT")
    columns = [column[0] for column in cursor.description]
    rows: list[list[Any]] = []
    size = 0
    for row in cursor:
        size += sum(_size(value) for value in row)
        if len(rows) == limit or size > MAX_BYTES:
            return columns, rows, True
        rows.append([_to_json(value) for value in row])
    return columns, rows, False


def _size(value: Any) -> int:
    """Return about how many bytes a value takes as JSON."""
    if isinstance(value, bytes):
        return 2 * len(value) + 5
    return len(value) + 3 if isinstance(value, str) else 8


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float) and not isfinite(value):
        return "Infinity" if value > 0 else "-Infinity"  # SQLite has no NaN
    return value


def _explain(error: BaseException, guard: _Guard, seconds: float, stopping: bool) -> str:
    if guard.forbidden:
        return guard.forbidden
    if isinstance(error, MemoryError):
        return "the query needs too much memory"
    text = str(error)
    if text == "interrupted":
        return "the emulator stops" if stopping else f"the query took longer than {seconds:g} s and was ended"
    return next((reason for part, reason in _REASONS.items() if part in text), f"SQLite: {text}")
