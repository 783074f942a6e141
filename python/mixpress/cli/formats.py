"""Recognise, by its first bytes, a file that is not NDJSON in UTF-8, and say what to do with it."""

from __future__ import annotations

import json
import re

_CONVERT = "convert it to UTF-8 (iconv -f {} -t UTF-8) and import the result"
_UNPACK = "unpack it first ({} FILE | mixpress import -)"
_TABLE = "read it with pyarrow, Polars or DuckDB and encode it with mixpress.Encoder.encode_arrow"

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32", _CONVERT.format("UTF-32")),
    (b"\x00\x00\xfe\xff", "UTF-32", _CONVERT.format("UTF-32")),
    (b"\xff\xff\xff\xff", "an Arrow IPC stream", _TABLE),
    (b"\xff\xfe", "UTF-16", _CONVERT.format("UTF-16")),
    (b"\xfe\xff", "UTF-16", _CONVERT.format("UTF-16")),
    (b"+/v", "UTF-7", _CONVERT.format("UTF-7")),
    (b"\x84\x31\x95\x33", "GB18030", _CONVERT.format("GB18030")),
    (b"PAR1", "Parquet", _TABLE),
    (b"PARE", "encrypted Parquet", _TABLE),
    (b"ARROW1", "an Arrow IPC file (Feather)", _TABLE),
    (b"FEA1", "a Feather file", _TABLE),
    (b"ORC", "ORC", _TABLE),
    (b"Obj\x01", "Avro", "read it with fastavro or DuckDB and pass the events to mixpress.Client.import_events"),
    (b"\x28\xb5\x2f\xfd", "zstd", _UNPACK.format("zstd -dc")),
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
    (b"\x1f\x8b", "gzip within gzip", _UNPACK.format("gzip -dc")),
    (b"SQLite format 3\x00", "an SQLite database", "a mixpress spool is delivered with mixpress spool drain"),
)
"""(first bytes, name, advice); the first match counts."""

_NULS = (
    (re.compile(rb"[^\0]\0\0\0", re.S), "UTF-32LE"),
    (re.compile(rb"\0\0\0[^\0]", re.S), "UTF-32BE"),
    (re.compile(rb"[^\0]\0", re.S), "UTF-16LE"),
    (re.compile(rb"\0[^\0]", re.S), "UTF-16BE"),
)
"""The NULs of the first character without a byte order mark: the first character of JSON is ASCII."""

_BOM = b"\xef\xbb\xbf"
_EBCDIC = re.compile(rb"[\x40\x05\x15\x25]*(?:\xc0[\x40\x05\x15\x25]*[\x7f\xd0]|[\xad\xba\x4a][\x40\x05\x15\x25]*\xc0)")
_ARRAY = re.compile(rb"\s*\[\s*(?:[\]{]|\Z)")
_SPREAD = re.compile(rb"\s*\{[^\S\n]*\r?\n\s*(?:[\"}]|\Z)")
_SEPARATORS = ((b",", "CSV"), (b"\t", "TSV"), (b";", "CSV"), (b"|", "CSV"))


def other_format(head: bytes) -> str | None:
    """Return what a file is that is not NDJSON, and what to do; None if it may be NDJSON.

    `head` has the file's first bytes, up to the end of the first line that is not blank if that is near.
    """
    for mark, name, advice in _MARKS:
        if head.startswith(mark):
            return f"is {name}, not NDJSON: {advice}"
    encoding = next((name for nuls, name in _NULS if nuls.match(head)), None)
    if encoding is None and _EBCDIC.match(head):
        encoding = "EBCDIC"
    if encoding is not None:
        code = "IBM1047" if encoding == "EBCDIC" else encoding
        return f"is {encoding}, not UTF-8: {_CONVERT.format(code)}"
    if head[257:262] == b"ustar":
        return "is a tar archive, not NDJSON: unpack it first (tar -xOf FILE | mixpress import -)"
    return _other_text(head.removeprefix(_BOM))


def _other_text(text: bytes) -> str | None:
    if (at := _not_utf8(text)) is not None:
        return f"is not UTF-8 from its first line on (byte {at + 1}): {_CONVERT.format('ENCODING')}"
    if _ARRAY.match(text):
        return "is a JSON array, not NDJSON (one event a line): jq -c '.[]' FILE | mixpress import -"
    if _SPREAD.match(text):
        return "has JSON objects over several lines, not one event a line: jq -c . FILE | mixpress import -"
    name = _table(text)
    if name is None:
        return None
    return f"is {name}, not NDJSON: read it with csv.DictReader and pass events to mixpress.Client.import_events"


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


def _table(text: bytes) -> str | None:
    """Return the name of a format of separated values if the first line is like a header and no line is JSON."""
    lines = [line.strip(b"\r") for line in text.split(b"\n")]
    lines = [line for line in lines if line.strip()]
    if not lines or any(mark in lines[0] for mark in b"{}[]") or any(_is_object(line) for line in lines[1:]):
        return None
    for separator, name in _SEPARATORS:
        columns = lines[0].split(separator)
        if len(columns) > 1 and all(column.strip() for column in columns) and not _is_json(lines[0]):
            return name
    return None


def _is_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
