"""The format of a file is recognised by its content; a file that can't be read is named, with a remedy."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from files.reading import good, read, write
from mixpress.files.files import Files
from mixpress.files.formats import FORMATS, OtherFormat, format_of, is_recognised

LINES = b"".join(good(number) + b"\n" for number in range(3))
TEXT = LINES.decode()
LATIN = good(0).replace(b'"A"', b'"caf\xe9"') + b"\n" + LINES


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.ndjson", LINES)
    return target.getvalue()


def tarred() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("a.ndjson")
        member.size = len(LINES)
        archive.addfile(member, io.BytesIO(LINES))
    return target.getvalue()


OTHERS: dict[str, tuple[bytes, str]] = {
    "UTF-16,": (TEXT.encode("utf-16"), "iconv -f UTF-16 "),
    "UTF-16LE": (TEXT.encode("utf-16-le"), "iconv -f UTF-16LE"),
    "UTF-16BE": (TEXT.encode("utf-16-be"), "iconv -f UTF-16BE"),
    "UTF-32,": (TEXT.encode("utf-32"), "iconv"),
    "UTF-32LE": (TEXT.encode("utf-32-le"), "iconv"),
    "UTF-32BE": (TEXT.encode("utf-32-be"), "iconv"),
    "EBCDIC": (TEXT.encode("cp037"), "iconv -f IBM1047"),
    "not UTF-8 from its first line": (LATIN, "often WINDOWS-1252 (Latin-1)"),
    "not UTF-8 from its first line on (byte 4)": (b"Caf\xe9,time\n1,2\n", "iconv"),
    "xz": (lzma.compress(LINES), "xz -dc FILE | mixpress import -"),
    "bzip2": (bz2.compress(LINES), "bzip2 -dc"),
    "zip": (zipped(), "unzip -p"),
    "a tar archive": (tarred(), "tar -xOf"),
    "Avro": (b"Obj\x01\x04", "fastavro"),
    "ORC": (b"ORC\x01", "Parquet"),
    "gzip within": (gzip.compress(gzip.compress(LINES)), "gzip -dc"),
    "zstd within": (gzip.compress(b"\x28\xb5\x2f\xfd\x24\0"), "zstd -dc"),
    "an SQLite database": (b"SQLite format 3\0", "mixpress spool drain"),
    "not text": (bytes(5000), "zeros"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_format_is_named_with_the_remedy(name: str, tmp_path: Path) -> None:
    content, remedy = OTHERS[name]
    path = write(tmp_path / "other", content)
    with pytest.raises(OtherFormat) as caught:
        Files([write(tmp_path / "good", LINES), path])
    assert str(caught.value).startswith(f"{path} is {name.rstrip(',')}")
    assert remedy in str(caught.value)


RECOGNISED: dict[str, tuple[str, bytes]] = {
    "lines": ("ndjson", LINES),
    "lines after a mark": ("ndjson", b"\xef\xbb\xbf" + LINES),
    "nothing": ("ndjson", b""),
    "blank lines": ("ndjson", b"\n\n"),
    "a line that is cut": ("ndjson", LINES[20:]),
    "a line that is no JSON": ("ndjson", b"nope\n" + LINES),
    "numbers": ("ndjson", b"1, 2, 3\n" + LINES),
    "an array of texts": ("ndjson", b'["a"]\n' + LINES),
    "a line with a cut object": ("ndjson", b'{"event": "A", "prop\n' + LINES),
    "a line that ends after a comma": ("ndjson", b'{"event": "A",\n' + LINES),
    "a damaged line of a UTF-8 file": ("ndjson", b'{"name": "\xff"}\n' + good(0).replace(b'"A"', "Größe".encode())),
    "an array": ("json", b"[" + b",".join(LINES.splitlines()) + b"]"),
    "a pretty array": ("json", json.dumps([1], indent=1).replace("1", TEXT.splitlines()[0]).encode()),
    "an empty array": ("json", b" [ ]\n"),
    "a spread object": ("json", b'{\n  "event": "Seen"\n}\n'),
    "a spread object after a mark": ("json", b'\xef\xbb\xbf{\r\n  "event": "Seen"\r\n}\r\n'),
    "an object with a row a member": ("json", b'{"event": "Seen",\n "properties": {}}\n'),
    "an object with leading commas": ("json", b'{"event": "Seen"\n, "properties": {}}\n'),
    "a spread list": ("json", b'{"a": [\n  1]}\n'),
    "objects without a newline": ("json", LINES.replace(b"\n", b"")),
    "objects with CR between them": ("json", LINES.replace(b"\n", b"\r")),
    "an object and something else": ("ndjson", LINES.replace(b"\n", b" nope\n")),
    "CSV": ("csv", b'"event","time","distinct_id"\r\n"Seen","1","user"\r\n'),
    "CSV with semicolons": ("csv", b"event;time\nSeen;1\n"),
    "CSV with an unnamed index": ("csv", b",event,time\n0,Seen,1\n"),
    "CSV after a mark": ("csv", b"\xef\xbb\xbfevent,time\nSeen,1\n"),
    "TSV": ("tsv", b"event\ttime\nSeen\t1700000000\n"),
    "Parquet": ("parquet", b"PAR1\x15\x04\x15\x00"),
    "an Arrow file": ("arrow", b"ARROW1\0\0"),
    "an Arrow stream": ("arrow", b"\xff\xff\xff\xff\x10\0\0\0"),
}


@pytest.mark.parametrize("name", RECOGNISED)
def test_a_format_is_recognised(name: str) -> None:
    format, head = RECOGNISED[name]
    assert format_of(head) == format


def test_a_head_is_read_to_the_end_of_the_first_object() -> None:
    assert is_recognised(LINES[: LINES.index(b"\n") + 1])
    assert not is_recognised(LINES[:20])
    assert not is_recognised(b'{"event": "Seen",\n')
    assert is_recognised(b'{"event": "Seen",\n "properties"')
    assert is_recognised(b"a,b\n")
    assert not is_recognised(b"\n\n")


@pytest.mark.parametrize("format", ["csv", "parquet", "arrow", "tsv"])
def test_a_missing_extra_is_named(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = next(head for kind, head in RECOGNISED.values() if kind == format)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else find(name))
    path = write(tmp_path / "a", content)
    with pytest.raises(OtherFormat, match=r"pip install 'mixpress\[parquet\]'") as caught:
        Files([path])
    assert str(caught.value).startswith(f"{path}: this is a")


def test_the_format_can_be_given(tmp_path: Path) -> None:
    content = b'1, 2\n["a", "b"]\n'
    path = write(tmp_path / "a", content)
    assert read(path, format="json").originals == [1, ", 2", "a", "b"]
    assert read(path, format="ndjson").originals[0] == 1
    assert read(write(tmp_path / "b", gzip.compress(LINES)), format="ndjson").damaged == []


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    wrong: Any = "xlsx"
    with pytest.raises(ValueError, match="ndjson, json, csv, tsv, parquet, arrow or None, got 'xlsx'"):
        Files([write(tmp_path / "a", LINES)], wrong)
    assert len(FORMATS) == 6


def test_two_formats_in_one_directory_are_read_file_by_file(tmp_path: Path) -> None:
    write(tmp_path / "a", LINES)
    write(tmp_path / "b.gz", gzip.compress(b"[" + good(3) + b"]"))
    write(tmp_path / "c", json.dumps(json.loads(good(4)), indent=1).encode())
    found = read(str(tmp_path))
    assert [record["properties"]["$insert_id"] for record in found.originals] == ["i0", "i1", "i2", "i3", "i4"]
