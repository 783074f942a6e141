"""What else the server changes in accepted events, after the checks: few events need it, so most are only looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from mixpress.emulator.accept import MAX_STRING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mixpress.emulator.accept import Row


def accepted_indexes(count: int, refused: Iterable[int]) -> list[int]:
    """Return the positions in the request of its accepted events, which are in the order of their rows."""
    without = set(refused)
    return [index for index in range(count) if index not in without]


def set_ids(rows: Sequence[Row], indexes: Sequence[int], derived: Mapping[int, str]) -> list[Row]:
    """Return the rows with the derived `distinct_id` of those that were sent without one."""
    finished: list[Row] = []
    for index, row in zip(indexes, rows, strict=True):
        changed = row
        if index in derived:
            distinct_id = derived[index][:MAX_STRING]
            properties = {**orjson.loads(row.properties), "distinct_id": distinct_id}
            changed = row._replace(distinct_id=distinct_id, properties=orjson.dumps(properties))
        finished.append(changed)
    return finished


def drop_ignored(rows: Sequence[Row], indexes: Sequence[int], events: Sequence[Any]) -> list[Row]:
    """Return the rows without those whose event has a property `$ignore`, which the server drops without a word."""
    return [row for index, row in zip(indexes, rows, strict=True) if "$ignore" not in events[index]["properties"]]


def cut_to_bytes(row: Row) -> Row:
    """Return a row with its strings, names included, cut to 255 bytes of UTF-8; no character is cut in two."""
    if row.properties.isascii() and b"\\u" not in row.properties and row.event.isascii():
        return row
    insert_id = row.insert_id  # checked: at most 36 bytes
    properties = orjson.dumps(cut_value(orjson.loads(row.properties)))
    return row._replace(
        event=cut_value(row.event), distinct_id=cut_value(row.distinct_id), insert_id=insert_id, properties=properties
    )


def cut_value(value: Any) -> Any:
    """Return a JSON value with its strings, names included, cut to 255 bytes of UTF-8."""
    if type(value) is str:
        return value if len(value) * 4 <= MAX_STRING else _cut_text(value)
    if type(value) is dict:
        return {cut_value(name): cut_value(inner) for name, inner in value.items()}
    if type(value) is list:
        return [cut_value(inner) for inner in value]
    return value


def _cut_text(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= MAX_STRING else encoded[:MAX_STRING].decode("utf-8", "ignore")
