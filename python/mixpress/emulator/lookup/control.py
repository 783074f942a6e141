"""The lookup tables in the control API: which there are, their rows, and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpress.emulator.control.api import ControlEndpoint, ControlError, read_json, to_json
from mixpress.emulator.control.parameters import read_page, read_single
from mixpress.emulator.store.fitting import fitting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request as HTTPRequest
    from starlette.responses import Response

    from mixpress.emulator.lookup.tables import LookupTables

    InThread = Callable[..., Awaitable[Any]]

_PAGE = ("limit", "offset")


def lookup_endpoints(tables: LookupTables) -> list[ControlEndpoint]:
    """Return the endpoints below /_emulator/."""

    async def list_all(http: HTTPRequest, in_thread: InThread) -> Response:
        page = read_page(read_single(http.query_params.multi_items(), _PAGE), ("id",), "id")
        found, total = await in_thread(tables.listed, page.limit, page.offset)
        listed = [table._asdict() for table in found]
        return to_json({"lookup_tables": listed, "total": total, "limit": page.limit, "offset": page.offset})

    async def read_or_add(http: HTTPRequest, in_thread: InThread) -> Response:
        id_ = http.path_params["id"]
        if http.method == "GET":
            given = read_single(http.query_params.multi_items(), ("search", *_PAGE))
            found: Response = await in_thread(_read_page, tables, id_, given)
            return found
        read_single(http.query_params.multi_items(), ())
        name = (await read_json(http, {"name": str}, {"name": ""}, optional=True)).get("name", "")
        try:
            is_new = await in_thread(tables.add, id_, name)
        except ValueError as error:
            raise ControlError(400, str(error)) from error
        return to_json({"id": id_, "name": name, "new": is_new})

    return [
        ControlEndpoint("lookup-tables", ("GET",), list_all),
        ControlEndpoint("lookup-tables/{id}", ("GET", "PUT"), read_or_add),
    ]


def _read_page(tables: LookupTables, id_: str, given: Mapping[str, str]) -> Response:
    """Return a page of a table's rows. One that becomes too large ends early."""
    page = read_page(given, ("id",), "id")
    found = tables.page(id_, given.get("search", ""), page.limit, page.offset)
    if found is None:
        raise ControlError(404, f"no lookup table has the id '{id_[:200]}'; PUT the same path to add it")
    rows = fitting(found.rows)
    content = {
        "id": id_,
        "columns": found.columns,
        "rows": rows,
        "numbers": list(found.numbers[: len(rows)]),
        "total": found.total,
        "limit": page.limit,
        "offset": page.offset,
    }
    return to_json(content)
