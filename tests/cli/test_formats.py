"""A file that is not NDJSON in UTF-8 is named as what it is, and nothing of it is sent."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mixpress.cli.formats import other_format
from mixpress.cli.group import group
from mixpress.emulator import Emulator

from .process import ENVIRONMENT, event

LINES = b"".join(map(event, range(3)))
TEXT = LINES.decode()
LATIN = event(0, name="x").replace(b'"x"', b'"caf\xe9"') + LINES


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.ndjson", LINES)
    return target.getvalue()


OTHERS = {
    "UTF-16 ": TEXT.encode("utf-16"),
    "UTF-16LE": TEXT.encode("utf-16-le"),
    "UTF-16BE": TEXT.encode("utf-16-be"),
    "UTF-16": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "UTF-32LE": TEXT.encode("utf-32-le"),
    "UTF-32BE": TEXT.encode("utf-32-be"),
    "EBCDIC": TEXT.encode("cp037"),
    "not UTF-8 from its first line": LATIN,
    "Parquet": b"PAR1\x15\x04\x15\x00",
    "zstd": b"\x28\xb5\x2f\xfd\x24\x00",
    "xz": lzma.compress(LINES),
    "bzip2": bz2.compress(LINES),
    "zip": zipped(),
    "Arrow IPC file": b"ARROW1\x00\x00",
    "Arrow IPC stream": b"\xff\xff\xff\xff\x10\x00\x00\x00",
    "Avro": b"Obj\x01\x04",
    "ORC": b"ORC\x01",
    "gzip within gzip": gzip.compress(gzip.compress(LINES)),
    "CSV": b'"event","time","distinct_id"\r\n"Seen","1","user"\r\n',
    "TSV": b"event\ttime\nSeen\t1700000000\n",
    "JSON array": b"[\n  " + b",".join(LINES.splitlines()) + b"]",
    "JSON array, ": b"[" + b",".join(LINES.splitlines()) + b"]\n",
    "several lines": b'{\n  "event": "Seen"\n}\n',
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", OTHERS)
def test_another_format_is_named_and_nothing_is_sent(server: Emulator, tmp_path: Path, name: str, pack: type) -> None:
    content = OTHERS[name] if name.startswith("gzip") else pack(OTHERS[name])
    path, good = tmp_path / "other", tmp_path / "good"
    path.write_bytes(content)
    good.write_bytes(LINES)
    result = CliRunner().invoke(group, ["import", str(good), str(path), "--to", server.url], env=ENVIRONMENT)
    assert result.exit_code == 2
    assert f"Error: {path} " in result.stderr
    assert name.strip() in result.stderr
    assert server.requests() == []


@pytest.mark.parametrize("name", OTHERS)
def test_another_format_is_named_in_a_pipe(server: Emulator, name: str) -> None:
    result = CliRunner().invoke(group, ["import", "-", "--to", server.url], env=ENVIRONMENT, input=OTHERS[name])
    assert result.exit_code == 2
    assert "Error: stdin " in result.stderr
    assert name.strip() in result.stderr
    assert server.requests() == []


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n\n",
        LINES,
        b"\xef\xbb\xbf" + LINES,
        LINES[20:],  # its first line is cut
        b'"time": 1, "x": 2}}\n' + LINES,
        b"nope\n" + LINES,
        b"1, 2, 3\n" + LINES,
        b'["a"]\n' + LINES,
        b'{"name": "\xff"}\n' + event(0).replace(b"Seen", "Größe".encode()),  # a damaged line of a UTF-8 file
        b'{"name": "' + "é".encode()[:1],
    ],
)
def test_ndjson_is_no_other_format(head: bytes) -> None:
    assert other_format(head) is None
