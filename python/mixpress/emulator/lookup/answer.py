"""Answer a request to /lookup-tables: check credentials and limits, read and store the table, build the reply."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixpress.emulator import replies
from mixpress.emulator.ingest import Answer
from mixpress.emulator.lookup.call_limit import CallLimit
from mixpress.emulator.lookup.check import MAX_BYTES, MAX_LISTED, FailedRow, InvalidTable, Table, read_table
from mixpress.emulator.payload import TooLarge, Unreadable, decompress

if TYPE_CHECKING:
    from collections.abc import Collection

    from mixpress.emulator.lookup.tables import LookupTables
    from mixpress.emulator.replies import Reply
    from mixpress.emulator.request import Request

PATH = "/lookup-tables"
CSV = "text/csv"

_NO_ACCOUNT = "Invalid credentials: the list of lookup tables needs a service account"
_FAULT = "invalid row: the row is refused by a fault of the emulator"


def is_lookup(path: str) -> bool:
    """Return whether a path is one of lookup tables."""
    return path == PATH or path.startswith(f"{PATH}/")


@dataclass(frozen=True)
class Lookup:
    """The endpoint, without the HTTP server."""

    tables: LookupTables
    limit: CallLimit = field(default_factory=CallLimit)

    def answer(self, request: Request, refuse: Collection[int] = (), max_bytes: int | None = None) -> Answer:
        """Return the reply to a request: a table is replaced as a whole, or not at all.

        The rows at the positions in `refuse` fail, counted from 0 after the header. `max_bytes` lowers the limit of the
        unpacked CSV.
        """
        if request.denied is not None:
            return _refusal(replies.unauthorized(request.denied), request.denied)
        return self._list(request) if request.path == PATH else self._put(request, refuse, max_bytes)

    def clear(self) -> None:
        """Forget the calls, and the rows of all tables."""
        self.limit.clear()
        self.tables.clear()

    def _put(self, request: Request, refuse: Collection[int], max_bytes: int | None) -> Answer:
        id_ = request.path.removeprefix(f"{PATH}/")
        if not self.tables.has(id_):
            return _not_found(id_)
        if not self.limit.admit(request.project, request.received):
            return _refusal(replies.rate_limited(), replies.RATE_LIMITED)
        limit = MAX_BYTES if max_bytes is None else min(max_bytes, MAX_BYTES)
        try:
            return self._replace(request, id_, _read(request, limit), refuse)
        except Unreadable as problem:
            return _refusal(replies.error(problem.status, problem.sentence), problem.sentence)
        except TooLarge:
            return _refusal(replies.too_large(limit), "the table is too large")
        except sqlite3.Error as error:
            sentence = f"the emulator could not store the table: {error}"
            return _refusal(replies.not_stored(sentence), sentence)

    def _list(self, request: Request) -> Answer:
        if not request.is_service_account:
            return _refusal(replies.unauthorized(_NO_ACCOUNT), _NO_ACCOUNT)
        results = [{"id": table.id, "name": table.name} for table in self.tables.all()]
        return Answer(replies.json_reply(200, {"code": 200, "status": "OK", "results": results}))

    def _replace(self, request: Request, id_: str, body: bytes, refuse: Collection[int]) -> Answer:
        try:
            table = read_table(body)
            _refuse(table, refuse)
        except InvalidTable as problem:
            if not problem.failed:
                return _refusal(replies.error(400, str(problem)), str(problem), len(body))
            return _refusal(_failed(problem.failed), problem.failed[0]["message"], len(body))
        if not self.tables.replace(id_, table, request.received):
            return _not_found(id_)  # deleted meanwhile, by a reset
        return Answer(replies.json_reply(200, {"code": 200, "status": "OK"}), unpacked_bytes=len(body))


def _read(request: Request, limit: int) -> bytes:
    """Return the CSV of a request."""
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != CSV:
        raise Unreadable(415, f"Content-Type of {PATH} must be {CSV}, got '{given}'")
    return decompress(request, limit)


def _refuse(table: Table, positions: Collection[int]) -> None:
    """Raise `InvalidTable` if a fault refuses rows of a table."""
    failed: list[FailedRow] = [
        {"index": place + 1, "message": _FAULT} for place in sorted(positions) if place < table.rows
    ]
    if failed:
        raise InvalidTable(_FAULT, failed[:MAX_LISTED])


def _failed(failed: list[FailedRow]) -> Reply:
    content = {
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": failed,
        "status": "Bad Request",
    }
    return replies.json_reply(400, content)


def _not_found(id_: str) -> Answer:
    sentence = f"Lookup table with id '{id_}' was not found."
    return _refusal(replies.error(404, sentence), sentence)


def _refusal(reply: Reply, sentence: str, size: int = 0) -> Answer:
    return Answer(reply, error=sentence, unpacked_bytes=size)
