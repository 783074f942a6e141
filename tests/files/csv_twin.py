"""CSV by Python's csv module and json, one record at a time: the specification of the reader."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SENTINEL = "\x01"


class Row(NamedTuple):
    """A record: where it begins, and its fields."""

    line: int
    offset: int
    fields: list[str]


def rows_of(data: bytes, delimiter: str) -> tuple[list[Row], bool]:
    """Return the records of UTF-8 text, the header first, and whether a quote at the end is not closed."""
    csv.field_size_limit(1 << 30)
    offset = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    text = data[offset:].decode()

    def lines(text: str) -> Iterator[str]:
        nonlocal offset
        for line in io.StringIO(text, newline=""):
            offset += len(line.encode())
            yield line

    *_, last = csv.reader(io.StringIO(f"{text}\n{SENTINEL}", newline=""), delimiter=delimiter)
    is_open = last != [SENTINEL]
    reader = csv.reader(lines(text), delimiter=delimiter)
    rows, start, line = [], offset, 1
    for fields in reader:
        if fields:
            rows.append(Row(line, start, fields))
        start, line = offset, reader.line_num + 1
    return (rows[:-1] if is_open else rows), is_open


def number(text: str) -> int | float | None:
    """Return the number that a text spells as JSON does, if none of its digits is lost."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if text != text.strip() or type(found) not in (int, float) or found in (float("inf"), float("-inf")):
        return None
    if found != found:
        return None
    if isinstance(found, int):
        return found if str(found) == text and -(2**63) <= found < 2**63 else None
    return float(found)


def as_float(text: str) -> float | None:
    found = number(text)
    if found is None:
        return -0.0 if text == "-0" else None
    return float(found) if isinstance(found, float) or len(text.lstrip("-")) <= 15 else None


NOTHING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "\\N"]
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
TEXTS = {"event", "distinct_id", "$insert_id", "$device_id", "$user_id"}


def kind_of(name: str, texts: list[str]) -> str:
    """Return the type of a column of which these are the texts in the first window."""
    texts = [text for text in texts if text]
    if all(text in NOTHING for text in texts):
        return "text"
    return kind_without_nothings(name, [text for text in texts if text not in NOTHING])


def kind_without_nothings(name: str, texts: list[str]) -> str:
    if name in TEXTS or not texts:
        return "text"
    if all(isinstance(number(text), int) for text in texts):
        return "int"
    if all(as_float(text) is not None for text in texts):
        return "float"
    return "bool" if all(text in BOOLEANS for text in texts) else "text"


def value(text: str, kind: str) -> Any:
    """Return the value of a text in a column; the text itself if it does not fit."""
    if kind != "text" and text in NOTHING:
        return None
    if kind == "int" and isinstance(number(text), int):
        return number(text)
    if kind in ("int", "float"):
        found = as_float(text)
        return text if found is None else found
    return BOOLEANS.get(text, text) if kind == "bool" else text


def event_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a row whose columns have the API's names."""
    event: dict[str, Any] = {name: value for name, value in row.items() if name == "event"}
    event["properties"] = {name: value for name, value in row.items() if name != "event"}
    return event
