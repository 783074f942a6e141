"""Pages of profiles, groups, merged ids and updates for the control API. Every value is a parameter of its query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from mixpress.emulator.control.parameters import ParameterError, read_integer, read_page, read_single
from mixpress.emulator.store.fitting import fitting
from mixpress.emulator.updates import clusters
from mixpress.emulator.updates.profile import COLUMNS, USER, to_dict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from mixpress.emulator.store.filters import Page
    from mixpress.emulator.updates.history import History
    from mixpress.emulator.updates.profile import Key
    from mixpress.emulator.updates.state import State

Values = list[str | int]

_PAGE = ("search", "after", "sort", "limit", "offset")
_SORTS = {"id": "id", "updated": "updated", "updates": "updates"}
_USER_SORTS = {**_SORTS, "distinct_id": "profile_id"}
_ANY_ID_HAS = """
(instr(lower(profile_id), lower(?))
    OR profile_id IN (SELECT cluster FROM identities WHERE instr(lower(distinct_id), lower(?))))
"""
_GROUP_SORTS = {**_SORTS, "group_key": "group_key", "group_id": "profile_id"}


class Found(NamedTuple):
    """A page of a listing."""

    rows: list[orjson.Fragment]
    total: int
    """Number of all that are selected."""
    page: Page


def find_profiles(state: State, _history: History, pairs: Sequence[tuple[str, str]]) -> Found:
    """Return the profiles of users. `distinct_id` may be any id of a user, `search` is a part of an id."""
    given = read_single(pairs, ("distinct_id", *_PAGE))
    page = read_page(given, tuple(_USER_SORTS), "id")
    with state.reading() as connection:
        tests, values = _of_page("group_key = ''", given)
        if "distinct_id" in given:
            tests.append("profile_id = ?")
            values.append(clusters.find(connection, given["distinct_id"]))
        if given.get("search"):
            tests.append(_ANY_ID_HAS)
            values += [given["search"]] * 2
        rows, total = _select(connection, (tests, values), page, _USER_SORTS)
        return Found(fitting(_with_ids(connection, row) for row in rows), total, page)


def find_groups(state: State, _history: History, pairs: Sequence[tuple[str, str]]) -> Found:
    """Return the profiles of groups. `search` is a part of their key or their id."""
    given = read_single(pairs, ("group_key", "group_id", *_PAGE))
    page = read_page(given, tuple(_GROUP_SORTS), "id")
    tests, values = _of_page("group_key != ''", given)
    for name, column in (("group_key", "group_key"), ("group_id", "profile_id")):
        if name in given:
            tests.append(f"{column} = ?")
            values.append(given[name])
    if given.get("search"):
        tests.append("(instr(lower(profile_id), lower(?)) OR instr(lower(group_key), lower(?)))")
        values += [given["search"]] * 2
    with state.reading() as connection:
        rows, total = _select(connection, (tests, values), page, _GROUP_SORTS)
        return Found(fitting(map(_to_json, rows)), total, page)


def find_identities(state: State, _history: History, pairs: Sequence[tuple[str, str]]) -> Found:
    """Return the clusters of merged ids. `search` is a part of one of their ids."""
    given = read_single(pairs, ("distinct_id", *_PAGE))
    page = read_page(given, ("id",), "id")
    test = ""
    values: Values = []
    if "distinct_id" in given:
        test = "WHERE cluster = (SELECT cluster FROM identities WHERE distinct_id = ?)"
        values.append(given["distinct_id"])
    if given.get("search"):
        word = "AND" if test else "WHERE"
        test += f" {word} cluster IN (SELECT cluster FROM identities WHERE instr(lower(distinct_id), lower(?)))"  # noqa: S608 - constants
        values.append(given["search"])
    after = read_integer(given, "after") or 0
    values.append(after)
    inner = f"SELECT min(id) AS id, cluster FROM identities {test} GROUP BY cluster HAVING min(id) > ?"  # noqa: S608
    with state.reading() as connection:
        [(total,)] = connection.execute(f"SELECT count(*) FROM ({inner})", values)  # noqa: S608 - constants
        query = f"{inner} ORDER BY 1 {'DESC' if page.descending else ''} LIMIT ? OFFSET ?"
        rows = connection.execute(query, [*values, page.limit, page.offset]).fetchall()
        found = ({"id": id_, "distinct_ids": clusters.members(connection, cluster)} for id_, cluster in rows)
        return Found(fitting(found), total, page)


def find_updates(state: State, history: History, pairs: Sequence[tuple[str, str]]) -> Found:
    """Return the last accepted updates: of a user, of a group, of a request, or all. The last one comes first."""
    given = read_single(pairs, ("distinct_id", "group_key", "group_id", "request", "sort", "limit", "offset"))
    page = read_page(given, ("id",), "-id")
    found = history.find(_keys(state, given), read_integer(given, "request"))
    if page.descending:
        found.reverse()
    return Found(fitting(found[page.offset : page.offset + page.limit]), len(found), page)


def _of_page(test: str, given: Mapping[str, str]) -> tuple[list[str], Values]:
    """Return the first conditions of a listing, and their values."""
    after = read_integer(given, "after")
    return ([test], []) if after is None else ([test, "id > ?"], [after])


def _keys(state: State, given: Mapping[str, str]) -> set[Key] | None:
    """Return the profiles whose updates are wanted; None for all."""
    if ("group_key" in given) != ("group_id" in given) or {"group_key", "distinct_id"} <= given.keys():
        raise ParameterError("a profile is 'distinct_id', or 'group_key' and 'group_id'")
    if "group_key" in given:
        return {(given["group_key"], given["group_id"])}
    if "distinct_id" not in given:
        return None
    with state.reading() as connection:
        cluster = clusters.find(connection, given["distinct_id"])
        return {(USER, each) for each in [cluster, *clusters.members(connection, cluster)]}


def _select(
    connection: sqlite3.Connection, where: tuple[list[str], Values], page: Page, sorts: Mapping[str, str]
) -> tuple[Iterator[tuple[Any, ...]], int]:
    tests, values = where
    test = " AND ".join(tests)
    [(total,)] = connection.execute(f"SELECT count(*) FROM profiles WHERE {test}", values)  # noqa: S608 - constants
    direction = " DESC" if page.descending else ""
    order = f"{sorts[page.sort]}{direction}, id{direction}"
    # The inner query sorts ids alone: a sorter that carries the JSON takes much longer.
    inner = f"SELECT id FROM profiles WHERE {test} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 - constants
    ids = connection.execute(inner, [*values, page.limit, page.offset]).fetchall()
    return _read(connection, ids), total


def _read(connection: sqlite3.Connection, ids: Sequence[tuple[int]]) -> Iterator[tuple[Any, ...]]:
    query = f"SELECT id, {COLUMNS} FROM profiles WHERE id = ?"  # noqa: S608 - constants
    for id_ in ids:
        yield from connection.execute(query, id_)


def _to_json(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, group_key, profile_id, properties, *others = row
    return {"id": id_, **to_dict((group_key, profile_id), orjson.Fragment(properties), others)}


def _with_ids(connection: sqlite3.Connection, row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a user's profile with all ids of the user."""
    content = _to_json(row)
    merged = clusters.members(connection, content["distinct_id"])
    return {**content, "distinct_ids": merged or [content["distinct_id"]]}
