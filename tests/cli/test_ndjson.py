"""`Lines`: the events of NDJSON files, and the file and line of each."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from mixpress.cli import ndjson as module
from mixpress.cli.ndjson import Lines, Unparsed
from mixpress.report.report import Failure


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def read(*paths: str) -> tuple[Lines, list[Any]]:
    source = Lines(paths)
    return source, list(source)


def test_each_line_is_an_event(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b'{"a": 1}\n{"a": 2}\r\n{"a": 3}')
    source, given = read(path)
    assert given == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert [source.place(index) for index in range(3)] == [f"{path}:1", f"{path}:2", f"{path}:3"]


def test_blank_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"\n \n1\n\n\r\n\t\n2\n3\n\n")
    source, given = read(path)
    assert given == [1, 2, 3]
    assert [source.place(index) for index in range(3)] == [f"{path}:3", f"{path}:7", f"{path}:8"]


def test_line_numbers_restart_in_each_file(tmp_path: Path) -> None:
    first, empty, second = (
        write(tmp_path / "a", b"1\n2\n"),
        write(tmp_path / "b", b""),
        write(tmp_path / "c", b"3\n"),
    )
    source, given = read(first, empty, second)
    assert given == [1, 2, 3]
    assert [source.place(index) for index in range(3)] == [f"{first}:1", f"{first}:2", f"{second}:1"]
    assert source.size == source.position() == 6


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz"])
def test_gzip_is_detected_by_its_content(tmp_path: Path, name: str) -> None:
    packed = gzip.compress(b"1\n") + gzip.compress(b"2\n")
    source, given = read(write(tmp_path / name, packed))
    assert given == [1, 2]
    assert source.size == source.position() == len(packed)
    assert read(write(tmp_path / name, b"1\n2\n"))[1] == [1, 2]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, pack: Any) -> None:
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(b"1\n2\n"))))
    monkeypatch.setattr(sys, "stdin", stream)
    source, given = read("-")
    assert given == [1, 2]
    assert source.size is None
    assert source.place(1) == "stdin:2"
    assert not stream.buffer.closed


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"event": "A", "prop', "not JSON: Unterminated string starting at column 16"),
        (b'{"a": 1', "not JSON: Expecting ',' delimiter at column 8"),
        (b"nope", "not JSON: Expecting value at column 1"),
        (b"{} {}", "not JSON: Extra data at column 4"),
        (b'{"a": "\xff"}', "not UTF-8: invalid start byte at byte 8"),
        (b"[" * 100_000, "cannot be parsed: "),
        (b"9" * 5000, "cannot be parsed: Exceeds the limit"),
    ],
)
def test_a_line_that_is_not_json_is_explained(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path / "a", b"1\n" + line + b"\n2\n")
    source, given = read(path)
    assert given == [1, line.decode("utf-8", "surrogateescape"), 2]
    assert isinstance(given[1], Unparsed)
    rejected = Failure(1, "rejected", "an event must be an object", "event-not-object", "")
    explained = source.explain(rejected)
    assert (explained.rule, explained.index) == ("invalid-json", 1)
    assert explained.message.startswith(f"{path}:2: {reason}")


def test_another_failure_is_not_changed(tmp_path: Path) -> None:
    source, _ = read(write(tmp_path / "a", b'"text"\n'))
    failure = Failure(0, "rejected", "an event must be an object", "event-not-object", "")
    assert source.explain(failure) is failure


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    _, given = read(write(tmp_path / "a", b'{"a": 12345678901234567890123, "a": 2e3}\n12345678901234567890123\n'))
    assert given == [{"a": 2000.0}, 12345678901234567890123]


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a", b"\xef\xbb\xbf1\n2\n"))[1] == [1, 2]


def test_a_line_that_is_too_long_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 100)
    path = write(tmp_path / "a", b'"' + b"x" * 5000 + b'"\n1\n' + b"y" * 98 + b"\n" + b"2\n" + b"z" * 500)
    source, given = read(path)
    assert [str(event)[:3] for event in given] == ['"xx', "1", "yyy", "2", "zzz"]
    assert max(len(str(event)) for event in given) <= 100
    assert [source.place(index)[-2:] for index in range(5)] == [":1", ":2", ":3", ":4", ":5"]
    assert "longer than 100 bytes" in source.explain(Failure(0, "rejected", "m", "r")).message
    assert "longer than 100 bytes" in source.explain(Failure(4, "rejected", "m", "r")).message


def test_the_first_1000_bytes_of_a_line_that_is_too_long_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 2000)
    text = "".join(f"{number:04d}" for number in range(1000))
    source, (kept,) = read(write(tmp_path / "a", text.encode()))
    assert str(kept) == text[:1000]
    assert "only its first 1,000 are kept" in source.explain(Failure(0, "rejected", "m", "r")).message


@pytest.mark.parametrize("damage", ["cut", "flipped", "trailing"])
def test_a_damaged_file_ends_at_the_damage(tmp_path: Path, damage: str) -> None:
    content = b"".join(b"%d\n" % number for number in range(100_000))
    packed = bytearray(gzip.compress(content))
    if damage == "cut":
        del packed[len(packed) // 2 :]
    elif damage == "flipped":
        packed[-5] ^= 255
    else:
        packed += b"this is not gzip"
    path, other = write(tmp_path / "a.gz", bytes(packed)), write(tmp_path / "b", b'"next"\n')
    source, given = read(path, other)
    assert given[-1] == "next"
    assert given[:-1] == list(range(len(given) - 1))
    assert len(given) > 10_000
    [message] = source.damaged
    assert message.startswith(f"cannot read {path} after line {len(given) - 1}: ")
    assert source.place(len(given) - 1) == f"{other}:1"


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_opened_raises_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the message depends on the file
        Lines([write(tmp_path / "a", b"1\n"), str(tmp_path / name)])
    assert caught.value.filename == str(tmp_path / name)
