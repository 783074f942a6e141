"""`Client.lookup_tables`: list a project's lookup tables, and replace the rows of one."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlencode

from mixpress._core import gzip
from mixpress.article import type_of
from mixpress.auth import ProjectSecret, ServiceAccount
from mixpress.client.run_in_thread import run_in_thread
from mixpress.errors import AuthError, ClientClosed
from mixpress.lookup.call import Caller, Result
from mixpress.lookup.reply import LookupTable, read_list, read_replacement
from mixpress.lookup.source import Format, Source, read_table
from mixpress.send.request import HEADERS
from mixpress.transport.interface import Request

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable

    from mixpress.auth import Auth
    from mixpress.client.engine import Engine
    from mixpress.lookup.check import CheckedTable
    from mixpress.lookup.reply import Failed
    from mixpress.reply import Reply
    from mixpress.transport.interface import Response

    OnProgress = Callable[[int, int], object]

PATH = "lookup-tables"


@dataclass(frozen=True)
class LookupReplacement:
    """What was sent by `LookupTables.replace`."""

    id: str
    rows: int
    """Without the header."""
    columns: tuple[str, ...]
    """The names in the header; the first one is that of the rows' ids."""
    bytes: int
    """Of the CSV."""
    bytes_sent: int
    """Of the request's body, gzipped by default; 0 in a dry run."""
    attempts: int
    """Requests that it took; 0 in a dry run."""
    elapsed: float
    """Seconds, with the reading and the check of the source."""


class LookupTables:
    """The lookup tables of a client's project.

        tables = client.lookup_tables.list()
        client.lookup_tables.replace(tables[0].id, "songs.csv")

    A table is made on the vendor's page; the API only replaces its rows.
    """

    def __init__(self, engine: Callable[[], Engine], server: str, auth: Auth) -> None:
        self._engine = engine
        self._url = f"{server}/{PATH}"
        self._auth = auth

    def list(self) -> builtins.list[LookupTable]:
        """Return the id and the name of each table.

        Raises `AuthError` unless the client has a `ServiceAccount`, which the API requires, or if the server does not
        accept it; `LookupTableError` and `TransportError` as `replace` does.
        """
        return self._list(threading.Event())

    def replace(
        self,
        id: str,
        source: Source,
        *,
        format: Format | None = None,
        compression: Literal["gzip"] | None = "gzip",
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
    ) -> LookupReplacement:
        """Replace all rows of a table, or none: the API takes a table as a whole.

        `id`: as `list` returns it.
        `source`: one of
            - the path of a file: CSV, TSV, Parquet or Arrow, plain or packed by gzip or zstd; `"-"` is the standard
              input;
            - bytes of CSV, or a file that is open, of bytes or text;
            - an object with `__arrow_c_stream__`: a table of pyarrow, Polars, pandas or DuckDB;
            - an iterable of dicts, whose keys are the columns, or of sequences, of which the first one is the header.
        `format`: that of a file, if it can't be recognised by its first bytes.
        `compression`: `"gzip"`, or None to send the CSV as it is.
        `dry_run`: do everything but send. It needs no credentials that are accepted.
        `on_progress`: called in this thread with the rows and bytes so far, every 10,000 rows, first of the reading of
            rows, then of the check.

        The first column is the id of a row. The source is read once, up to the 100,000,000 bytes of CSV that the
        documents allow, and checked before anything is sent: UTF-8 and RFC 4180; at least two columns; their names
        unique and not blank; ids unique and not blank; each row as wide as the header. docs/lookup_tables.md says how
        values are written.

        No reply, a 408 and a 5xx are retried by the client's `RetryPolicy`, as replacing a table twice does no harm. A
        429 is not: the API allows 100 replacements in 24 hours.

        Raises `LookupTableError`, with the rows that break a rule; `AuthError` for a `ProjectToken`, or if the server
        does not accept the credentials; `TransportError` if no server was reached; `OSError` if the file can't be
        opened; `ClientClosed` if another thread closes the client.
        """
        call = partial(self._replace, format=format, compression=compression, dry_run=dry_run, on_progress=on_progress)
        return call(id, source, threading.Event())

    def _list(self, cancelled: threading.Event) -> builtins.list[LookupTable]:
        if not isinstance(self._auth, ServiceAccount):
            raise AuthError(f"listing lookup tables needs a ServiceAccount; this client has {type_of(self._auth)}")
        request = Request(self._with_project(self._url), self._headers(), b"", method="GET")
        clock = self._engine().clock
        read = lambda response: read_list(response, now=clock.time(), hide=self._auth.hide)  # noqa: E731 - a reader
        listed, _ = self._call(request, read, cancelled)
        return [*listed.tables]

    def _replace(
        self,
        id: str,
        source: Source,
        cancelled: threading.Event,
        *,
        format: Format | None,
        compression: Literal["gzip"] | None,
        dry_run: bool,
        on_progress: OnProgress | None,
    ) -> LookupReplacement:
        check_id(id)
        if compression not in ("gzip", None):
            raise ValueError(f'compression must be "gzip" or None, got {compression!r}')
        if not dry_run and not isinstance(self._auth, ServiceAccount | ProjectSecret):
            raise AuthError(
                "replacing a lookup table needs a ServiceAccount or a ProjectSecret; "
                f"this client has {type_of(self._auth)}"
            )
        clock = self._engine().clock
        since = clock.monotonic()
        table = read_table(source, format, _watching(cancelled, on_progress))
        sent = attempts = 0
        if not dry_run:
            request = self._put(id, table, compression)
            read = lambda response: read_replacement(  # noqa: E731 - a reader
                response, id, now=clock.time(), hide=self._auth.hide
            )
            _, attempts = self._call(request, read, cancelled)
            sent = len(request.body)
        return LookupReplacement(
            id, table.rows, table.columns, len(table.csv), sent, attempts, clock.monotonic() - since
        )

    def _put(self, id: str, table: CheckedTable, compression: Literal["gzip"] | None) -> Request:
        body, headers = table.csv, {**self._headers(), "Content-Type": "text/csv"}
        if compression is not None:
            body, headers["Content-Encoding"] = gzip(body), compression
        return Request(self._with_project(f"{self._url}/{quote(id, safe='')}"), headers, body, method="PUT")

    def _call(
        self, request: Request, read: Callable[[Response], Result | Failed | Reply], cancelled: threading.Event
    ) -> tuple[Result, int]:
        engine = self._engine()
        caller = Caller(engine.sender.transport, engine.options.retry, engine.clock, self._auth.hide, cancelled)
        engine.calls.add(cancelled)
        try:
            return caller.call(request, read)
        finally:
            engine.calls.discard(cancelled)

    def _with_project(self, url: str) -> str:
        query = self._auth.query()
        return f"{url}?{urlencode(query)}" if query else url

    def _headers(self) -> dict[str, str]:
        return {**HEADERS, **self._auth.headers()}


class AsyncLookupTables:
    """The lookup tables of an `AsyncClient`'s project. Arguments, results and exceptions are those of `LookupTables`.

    Sources are read, and requests sent, on a thread beside the loop, where `on_progress` is called, too. Cancelling a
    task ends the reading and the waits between two attempts; a request under way is awaited.
    """

    def __init__(self, tables: LookupTables) -> None:
        self._tables = tables

    async def list(self) -> builtins.list[LookupTable]:
        """`LookupTables.list`."""
        cancelled = threading.Event()
        return await run_in_thread(partial(self._tables._list, cancelled), cancelled.set)

    async def replace(
        self,
        id: str,
        source: Source,
        *,
        format: Format | None = None,
        compression: Literal["gzip"] | None = "gzip",
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
    ) -> LookupReplacement:
        """`LookupTables.replace`."""
        cancelled = threading.Event()
        call = partial(
            self._tables._replace,
            id,
            source,
            cancelled,
            format=format,
            compression=compression,
            dry_run=dry_run,
            on_progress=on_progress,
        )
        return await run_in_thread(call, cancelled.set)


def check_id(id: object) -> None:
    """Raise `TypeError` or `ValueError` for what can't be the id of a table."""
    if not isinstance(id, str):
        raise TypeError(f"the id of a lookup table must be text, got {type_of(id)}")
    if not id.strip() or id in {".", ".."} or not id.isprintable():
        raise ValueError(f"the id of a lookup table must be as `mixpress lookup list` shows it, got {id!r}")


def _watching(cancelled: threading.Event, on_progress: OnProgress | None) -> OnProgress:
    """Return a function that reports a progress, and ends the reading once it is cancelled."""

    def watch(rows: int, size: int) -> None:
        if cancelled.is_set():
            raise ClientClosed("the reading of a lookup table was cancelled; nothing was sent")
        if on_progress is not None:
            on_progress(rows, size)

    return watch
