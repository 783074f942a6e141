"""The header of a CSV file: its delimiter and the names of its columns."""

from __future__ import annotations

import re
from typing import NamedTuple

from mixpress._core import csv_end, csv_rows

DELIMITERS = ",;\t|"
SAMPLE = 64 << 10
"""Bytes by which the delimiter is chosen."""
ROWS = 20

DATA = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?\Z|[0-9]{4}-[0-9]{2}-[0-9]{2}")
YEAR = re.compile(r"(?:19|20)[0-9]{2}\Z")


class Header(NamedTuple):
    """The first record of a CSV file."""

    names: list[str]
    delimiter: str
    end: int
    """Offset of the record behind it."""
    lines: int
    """Lines before that record."""


class UnusableHeader(ValueError):  # noqa: N818 - says what it is of
    """The first record is no header. The message is a reason with the remedy."""


def read_header(text: bytes, delimiter: str | None = None, *, is_whole: bool, longest: int) -> Header | None:
    """Return the header at the start of a text; None if it is not there, at least not yet if the text is not whole.

    Raises `UnusableHeader`.
    """
    delimiter = delimiter or sniff(text[:SAMPLE])
    _, _, whole, quote = csv_end(text, delimiter)
    if not whole and quote is not None and (is_whole or len(text) >= longest):
        raise UnusableHeader("a quote in its header is not closed: close or double it")
    if not whole and not is_whole:
        if len(text) >= longest:
            raise UnusableHeader(f"its first line is longer than {longest >> 20} MiB")
        return None
    rows = csv_rows(text, delimiter, (0, 1))
    if not rows:
        return None
    _, _, line, fields = rows[0]
    end, _, line, _ = rows[1] if len(rows) > 1 else (len(text), 0, line + 1, [])
    return Header(_checked(fields), delimiter, end, line)


def sniff(text: bytes) -> str:
    """Return the delimiter by which the first rows have as many values as the header, and more than one."""

    def fit(delimiter: str) -> tuple[float, int]:
        widths = [len(fields) for _, _, _, fields in csv_rows(text, delimiter, range(ROWS + 1))]
        rows = widths[1:-1] if len(widths) > 2 else widths[1:]  # the last one may be cut
        if not widths or widths[0] == 1:
            return (-1, 0)
        return (rows.count(widths[0]) / max(len(rows), 1), widths[0])

    return max(DELIMITERS, key=fit)


def _checked(fields: list[bytes]) -> list[str]:
    """Return the names of the columns. One without a name is called by its position."""
    try:
        names = [field.decode().strip() or f"column_{number}" for number, field in enumerate(fields, 1)]
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02X}"
        raise UnusableHeader(
            f"its header has the byte {byte}, which is not UTF-8: if it is Latin-1, convert the file: "
            "iconv -f ISO-8859-1 -t UTF-8 FILE > NEW"
        ) from None
    for number, name in enumerate(names, 1):
        first = names.index(name) + 1
        if first < number:
            raise UnusableHeader(f"columns {first} and {number} of its header are both {name!r}: rename one")
        if DATA.match(name) and not YEAR.match(name):
            raise UnusableHeader(f"it has no header: column {number} of its first row is {name[:40]!r}: add a header")
    return names
