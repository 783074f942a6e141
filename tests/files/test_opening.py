"""Pipes and the standard input: nothing waits for the next record, nothing is lost, and a request ends the wait."""

from __future__ import annotations

import gzip
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from files.reading import good, read, write
from mixpress.files import json_reader, reading, stopping
from mixpress.files.files import Files
from mixpress.files.opening import open_local
from mixpress.files.piece import Piece, Stopped
from mixpress.files.stopping import Stopping

LIMIT = 20.0
"""Seconds that nothing takes."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of a pipe that is the standard input."""
    reader, writer = os.pipe()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(open(reader, "rb")))  # noqa: SIM115 - closed below
    yield writer
    with suppress(OSError):
        os.close(writer)
    sys.stdin.close()


def originals(piece: Piece) -> list[Any]:
    return [record["properties"]["$insert_id"] for record in piece.originals(range(piece.count()))]  # type: ignore[index]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, pack: Any) -> None:
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(good(1) + b"\n" + good(2) + b"\n"))))
    monkeypatch.setattr(sys, "stdin", stream)
    found = read("-")
    assert len(found.originals) == 2
    assert str(found.places[1]) == "stdin:2"
    assert not stream.buffer.closed


def test_a_file_as_standard_input_has_a_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with open(write(tmp_path / "a", good(1) + b"\n" + good(2)), encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert len(read("-").originals) == 2


def test_a_standard_input_that_is_closed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(OSError, match="it is closed"):
        Files(["-"])


def test_the_records_of_a_slow_pipe_do_not_wait_for_the_next_ones(pipe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINGER", 0.001)
    pieces = iter(Files(["-"]))
    os.write(pipe, good(1) + b"\n" + good(2)[:30])
    assert originals(next(pieces)) == ["i1"]
    os.write(pipe, good(2)[30:] + b"\n")
    assert originals(next(pieces)) == ["i2"]
    os.write(pipe, good(3))
    os.close(pipe)
    assert originals(next(pieces)) == ["i3"]
    assert list(pieces) == []


def test_the_records_of_a_slow_packed_pipe_do_not_wait(pipe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINGER", 0.001)
    pieces = iter(Files(["-"]))
    os.write(pipe, gzip.compress(good(1) + b"\n"))
    assert originals(next(pieces)) == ["i1"]
    packed = gzip.compress(good(2) + b"\n")
    os.write(pipe, packed[:20])
    os.write(pipe, packed[20:])
    os.close(pipe)
    assert originals(next(pieces)) == ["i2"]
    assert list(pieces) == []


def test_a_fast_pipe_is_read_in_large_pieces(pipe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINGER", LIMIT)
    content = b"".join(good(number) + b"\n" for number in range(5000))

    def write_all() -> None:
        for start in range(0, len(content), 1000):
            os.write(pipe, content[start : start + 1000])
        os.close(pipe)

    writer = threading.Thread(target=write_all)
    writer.start()
    assert [piece.count() for piece in Files(["-"])] == [5000]
    writer.join()


def test_a_request_ends_the_wait_for_a_pipe_and_loses_nothing(pipe: int) -> None:
    """By a signal handler on the thread that waits."""
    files = Files(["-"])
    os.write(pipe, good(1) + b"\n" + good(2)[:9])
    before = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, lambda *_: files.stop("SIGALRM"))
    try:
        pieces = iter(files)
        found = originals(next(pieces))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        with pytest.raises(Stopped, match="SIGALRM"):
            next(pieces)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert found == ["i1"]


def test_a_request_while_a_piece_is_gathered_keeps_what_came(pipe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(["-"])
    os.write(pipe, good(1) + b"\n")
    wait: Any = select.select
    waits = 0

    def interrupted(*arguments: Any) -> Any:
        """Is interrupted by a signal as soon as there is nothing to read."""
        nonlocal waits
        readable = wait(*arguments[:3], 0)
        waits += 1
        if not readable[0]:
            files.stop("a signal")
        return readable

    monkeypatch.setattr(select, "select", interrupted)
    monkeypatch.setattr(reading, "LINGER", LIMIT)
    pieces = iter(files)
    assert originals(next(pieces)) == ["i1"]
    with pytest.raises(Stopped, match="a signal"):
        next(pieces)
    assert waits > 1


def test_a_request_of_another_thread_ends_the_wait(pipe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "POLL", 0.01)
    files = Files(["-"])
    os.write(pipe, good(1) + b"\n")
    pieces = iter(files)
    next(pieces)
    timer = threading.Timer(0.02, files.stop, ["another thread"])
    timer.start()
    with pytest.raises(Stopped, match="another thread"):
        next(pieces)
    timer.join()


def test_a_request_between_two_pieces_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "PIECE", 100)
    files = Files([write(tmp_path / "a", b"\n".join(map(good, range(9))))])
    pieces = iter(files)
    next(pieces)
    files.stop("enough")
    with pytest.raises(Stopped, match="enough"):
        next(pieces)


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    with pytest.raises(ValueError, match="can be read only once"):
        Files([path, path])
    writer = threading.Thread(target=lambda: Path(path).write_bytes(good(1)))
    writer.start()
    files = Files([path])
    assert files.size is None
    [piece] = files
    writer.join()
    assert str(piece.places([0])[0]) == f"{path}:1"


def test_a_pipe_in_another_format_is_named(pipe: int) -> None:
    os.write(pipe, b"\xff\xfe" + good(1).decode().encode("utf-16-le"))
    os.close(pipe)
    files = Files(["-"])
    assert list(files) == []
    assert files.unusable
    [message] = files.damaged
    assert message.startswith("stdin is UTF-16")


def test_a_binary_file_reads_all_unpacked_bytes(tmp_path: Path) -> None:
    content = b"".join(good(number) + b"\n" for number in range(3000))
    for packed in (content, gzip.compress(content)):
        opened = open_local(write(tmp_path / "a", packed), Stopping())
        assert opened.recognise() == "ndjson"
        assert (opened.path is None, opened.stored is None) == (packed != content,) * 2
        assert opened.file.read(10) == content[:10]
        assert opened.file.read() == content[10:]
        assert opened.position() == opened.size == len(packed)
        opened.close()


def test_the_size_of_files_is_known(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, good(1) * (1 + at)) for at, name in enumerate("abc")]
    files = Files(paths)
    assert files.size == sum(map(os.path.getsize, paths))
    assert [piece.position for piece in files] == [len(good(1)), 3 * len(good(1)), 6 * len(good(1))]


@pytest.mark.parametrize("name", ["missing", "missing/*"])
def test_a_file_that_is_missing_raises_at_once(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the message is the system's
        Files([write(tmp_path / "a", good(1)), str(tmp_path / name)])
    assert caught.value.filename == str(tmp_path / name)
