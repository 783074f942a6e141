"""Write rows as the CSV of a lookup table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from mixpress.article import type_of
from mixpress.lookup.check import PROGRESS_ROWS, Problems, quoted, too_large
from mixpress.lookup.limits import MAX_BYTES
from mixpress.lookup.values import NoFieldError, to_field

if TYPE_CHECKING:
    from collections.abc import Callable

Row = Mapping[str, object] | Sequence[object]
"""A dict, whose keys are the names of the columns; or a sequence, of which the first one is the header."""


def write_rows(rows: Iterable[Row], on_progress: Callable[[int, int], object] | None = None) -> bytes:
    """Return the CSV of rows: dicts, or sequences of which the first one is the header.

    The columns are the keys of the first dict, and its first key is the id of the row. A key that a later dict does not
    have is an empty field. Raises `TypeError` for a first row of another type, `LookupTableError` for rows that can't
    be written, and once the text is above 100 MB: the rest is not read then.
    """
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return b""
    if not _is_row(first):
        raise TypeError(
            f"the rows of a lookup table must be dicts or sequences, got {type_of(first)}; a text of CSV is given as "
            "bytes, a file by its path"
        )
    raw = io.BytesIO()
    # What is no Unicode becomes bytes that are no UTF-8, which the check of the text reports with its row.
    text = io.TextIOWrapper(raw, "utf-8", "surrogatepass", newline="", write_through=True)
    writer, problems = csv.writer(text, lineterminator="\r\n"), Problems()
    if isinstance(first, Mapping):
        columns: dict[object, None] = dict.fromkeys(first)
        writer.writerow(_fields([*columns], 0, problems))
        records: Iterable[Sequence[object] | None] = (
            _in_order(row, columns, number, problems) for number, row in enumerate(chain([first], iterator), 1)
        )
    else:
        writer.writerow(_fields(first, 0, problems))
        records = (_as_sequence(row, number, problems) for number, row in enumerate(iterator, 1))
    for number, record in enumerate(records, 1):
        if record is not None:
            writer.writerow(_fields(record, number, problems))
        if raw.tell() > MAX_BYTES:
            raise too_large()
        if on_progress is not None and number % PROGRESS_ROWS == 0:
            on_progress(number, raw.tell())
    problems.check()
    return raw.getvalue()


def _is_row(row: object) -> bool:
    return isinstance(row, Mapping | Sequence) and not isinstance(row, str | bytes | bytearray | memoryview)


def _in_order(row: object, columns: Mapping[Any, None], number: int, problems: Problems) -> list[object] | None:
    """Return the values of a dict in the order of the columns."""
    if not isinstance(row, Mapping):
        problems.add(number, f"must be a dict as the first row is, got {type_of(row)}")
        return None
    values = [row.get(name) for name in columns]
    if len(row) > len(columns) or any(name not in row for name in columns):
        unknown = next((name for name in row if name not in columns), None)
        if unknown is not None:
            problems.add(number, f"has the key {quoted(str(unknown))}, which the first row does not have")
    return values


def _as_sequence(row: object, number: int, problems: Problems) -> Sequence[object] | None:
    if not _is_row(row) or isinstance(row, Mapping):
        problems.add(number, f"must be a sequence as the first row is, got {type_of(row)}")
        return None
    if not row:
        problems.add(number, "has no values")  # its line would be empty, and is not read as a row
        return None
    return cast("Sequence[object]", row)


def _fields(values: Sequence[Any], number: int, problems: Problems) -> list[str]:
    fields = []
    for place, value in enumerate(values, 1):
        try:
            fields.append(to_field(value))
        except NoFieldError as error:
            problems.add(number, f"value {place}: {error}")
            fields.append("")
    return fields
