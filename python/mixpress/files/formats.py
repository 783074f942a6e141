"""Recognise the format of a file by its first bytes, and say what to do with one that can't be read."""

from __future__ import annotations

import json
import re
from typing import Literal, get_args

Format = Literal["ndjson", "json", "csv", "tsv", "parquet", "arrow"]
FORMATS: tuple[Format, ...] = get_args(Format)

NEEDED: dict[Format, str] = {"csv": "pyarrow", "tsv": "pyarrow", "parquet": "pyarrow", "arrow": "pyarrow"}
"""Format -> the module that reads it, which `mixpress[parquet]` brings."""
NAMES: dict[Format, str] = {
    "ndjson": "NDJSON", "json": "JSON", "csv": "CSV", "tsv": "TSV", "parquet": "Parquet", "arrow": "Arrow IPC",
}  # fmt: skip


class OtherFormat(Exception):  # noqa: N818 - a property of the file
    """A file can't be read in its format; nothing of it was read as events."""


_CONVERT = "convert it to UTF-8 (iconv -f {} -t UTF-8) and import the result"
_UNPACK = "unpack it first ({} FILE | mixpress import -)"
_TABLE = "write it as Parquet with pyarrow, Polars or DuckDB"

_TABLES: tuple[tuple[bytes, Format], ...] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)
"""(first bytes, format)."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32", _CONVERT.format("UTF-32")),
    (b"\x00\x00\xfe\xff", "UTF-32", _CONVERT.format("UTF-32")),
    (b"\xff\xfe", "UTF-16", _CONVERT.format("UTF-16")),
    (b"\xfe\xff", "UTF-16", _CONVERT.format("UTF-16")),
    (b"+/v", "UTF-7", _CONVERT.format("UTF-7")),
    (b"\x84\x31\x95\x33", "GB18030", _CONVERT.format("GB18030")),
    (b"PARE", "encrypted Parquet", "decrypt it first, with pyarrow and its keys"),
    (b"FEA1", "a Feather file of version 1", _TABLE),
    (b"ORC", "ORC", _TABLE),
    (b"Obj\x01", "Avro", "read it with fastavro or DuckDB and pass the events to mixpress.Client.import_events"),
    (b"\x28\xb5\x2f\xfd", "zstd within another packing", _UNPACK.format("zstd -dc")),
    (b"\xfd7zXZ\x00", "xz", _UNPACK.format("xz -dc")),
    (b"BZh", "bzip2", _UNPACK.format("bzip2 -dc")),
    (b"\x04\x22\x4d\x18", "lz4", _UNPACK.format("lz4 -dc")),
    (b"LZIP", "lzip", _UNPACK.format("lzip -dc")),
    (b"\xff\x06\x00\x00sNaPpY", "framed Snappy", _UNPACK.format("snzip -dc")),
    (b"\x1f\x9d", "compress (.Z)", _UNPACK.format("gzip -dc")),
    (b"7z\xbc\xaf\x27\x1c", "7z", _UNPACK.format("7z x -so")),
    (b"Rar!", "RAR", _UNPACK.format("unrar p -inul")),
    (b"PK\x03\x04", "zip", _UNPACK.format("unzip -p")),
    (b"PK\x05\x06", "an empty zip", _UNPACK.format("unzip -p")),
    (b"\x1f\x8b", "gzip within another packing", _UNPACK.format("gzip -dc")),
    (b"SQLite format 3\x00", "an SQLite database", "a mixpress spool is delivered with mixpress spool drain"),
    (b"%PDF", "PDF", "name files of events"),
    (b"\x89PNG", "a PNG image", "name files of events"),
    (b"\xff\xd8\xff", "a JPEG image", "name files of events"),
    (b"\x7fELF", "a program", "name files of events"),
)
"""(first bytes, name, advice); the first match counts."""

_NULS = (
    (re.compile(rb"[^\0]\0\0\0", re.S), "UTF-32LE"),
    (re.compile(rb"\0\0\0[^\0]", re.S), "UTF-32BE"),
    (re.compile(rb"[^\0]\0", re.S), "UTF-16LE"),
    (re.compile(rb"\0[^\0]", re.S), "UTF-16BE"),
)
"""The NULs of the first character without a byte order mark: the first character of JSON or a header is ASCII."""

BOM = b"\xef\xbb\xbf"
_EBCDIC = re.compile(rb"[\x40\x05\x15\x25]*(?:\xc0[\x40\x05\x15\x25]*[\x7f\xd0]|[\xad\xba\x4a][\x40\x05\x15\x25]*\xc0)")
_ARRAY = re.compile(rb"\s*\[\s*(?:[\]{]|\Z)")
_SPREAD = re.compile(rb"\s*\{[^\S\n]*\r?\n\s*(?:[\"}]|\Z)")
_GOES_ON = re.compile(rb"[^\r\n]*[,{\[:][^\S\n]*\r?\n\s*[\"\d\-tfn\]]|[^\r\n]*\r?\n\s*[,:\]}]")
"""Two rows of one object: the first one ends where a value, a name or a bracket must follow, which the second has."""
_SEPARATORS: tuple[tuple[bytes, Format], ...] = ((b",", "csv"), (b"\t", "tsv"), (b";", "csv"), (b"|", "csv"))


def is_recognised(head: bytes) -> bool:
    """Return whether the first bytes of a file are enough: they have a whole row, and its object ends there."""
    text = head.removeprefix(BOM).lstrip()
    row, newline, following = text.partition(b"\n")
    if not newline:
        return False
    return not row.startswith((b"{", b"[")) or row.rstrip().endswith((b"}", b"]")) or bool(following.strip())


def format_of(head: bytes) -> Format:
    """Return the format of a file. Raises `OtherFormat`, with what it is and what to do, for one that is not read.

    `head` has the file's first bytes, up to the end of the first row that is not blank if that is near.
    """
    for mark, table in _TABLES:
        if head.startswith(mark):
            return table
    for mark, name, advice in _MARKS:
        if head.startswith(mark):
            raise OtherFormat(f"is {name}, which mixpress does not read: {advice}")
    encoding = next((name for nuls, name in _NULS if nuls.match(head)), None)
    if encoding is None and _EBCDIC.match(head):
        encoding = "EBCDIC"
    if encoding is not None:
        code = "IBM1047" if encoding == "EBCDIC" else encoding
        raise OtherFormat(f"is {encoding}, not UTF-8: {_CONVERT.format(code)}")
    if head[257:262] == b"ustar":
        raise OtherFormat("is a tar archive: unpack it first (tar -xOf FILE | mixpress import -)")
    if head.startswith(b"\0\0"):
        raise OtherFormat("is not text: its first bytes are zeros, as of a file that was not written to the disk")
    return _format_of_text(head.removeprefix(BOM))


def _format_of_text(text: bytes) -> Format:
    if (at := _not_utf8(text)) is not None:
        convert = _CONVERT.format("ENCODING")
        raise OtherFormat(
            f"is not UTF-8 from its first line on (byte {at + 1}): {convert}; ENCODING is often WINDOWS-1252 (Latin-1)"
        )
    if _ARRAY.match(text) or _SPREAD.match(text):
        return "json"
    stripped = text.lstrip()
    row = stripped.partition(b"\n")[0]
    if row.startswith(b"{") and not _is_json(row) and (_GOES_ON.match(stripped) or _has_another(row)):
        return "json"
    return _table(text) or "ndjson"


def _not_utf8(text: bytes) -> int | None:
    """Return the position of the first byte that is not UTF-8 in the first line.

    None if there is none, or if a later line has text in UTF-8 beyond ASCII: then the line is damaged, not the file.
    """
    first, *others = text.lstrip().split(b"\n")
    try:
        first.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not others:
            return None  # the head ends within a character
        if any(_is_utf8_beyond_ascii(line) for line in others):
            return None
        return error.start
    return None


def _is_utf8_beyond_ascii(line: bytes) -> bool:
    try:
        return not line.decode().isascii()
    except UnicodeDecodeError:
        return False


def _table(text: bytes) -> Format | None:
    """Return a format of separated values if the first line is like a header and no line is JSON."""
    lines = [line.strip(b"\r") for line in text.split(b"\n")]
    lines = [line for line in lines if line.strip()]
    if not lines or any(mark in lines[0] for mark in b"{}[]") or any(_is_object(line) for line in lines[1:]):
        return None
    for separator, name in _SEPARATORS:
        columns = lines[0].split(separator)
        # The first one may have no name: it is the index of a data frame.
        if len(columns) > 1 and all(column.strip() for column in columns[1:]) and not _is_json(lines[0]):
            return name
    return None


def _has_another(row: bytes) -> bool:
    """Return whether an object follows the first one in a row, which may end by CR."""
    text = row.decode(errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip().startswith("{")


def _is_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
