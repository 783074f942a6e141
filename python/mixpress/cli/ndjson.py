"""Read events from NDJSON files, plain or gzipped, one event a line. A file in another format is refused whole."""

from __future__ import annotations

import errno
import gzip
import inspect
import io
import json
import os
import stat
import sys
import zlib
from bisect import bisect_right
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from mixpress.cli.formats import other_format

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from typing_extensions import Buffer

    from mixpress.report.report import Failure

MAX_LINE = 64 << 20
"""Bytes of the longest line that is read, 64 times the API's limit for an event."""
MAX_KEPT = 1_000
"""Bytes of a longer line that the dead letter keeps."""
HEAD = 4096
"""Bytes from which the format of a file is recognised."""
BUFFER = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"


class Stopped(Exception):  # noqa: N818 - a request of the user, not an error
    """`Lines.stop` was called."""


class OtherFormat(Exception):  # noqa: N818 - a property of the file
    """A file is not NDJSON; nothing of it was read as events."""


class Unparsed(str):
    """A line that is not JSON. The encoder rejects it as a string; `Lines.explain` then gives the parser's reason."""

    __slots__ = ()


class Start(NamedTuple):
    """A run of lines without a gap: event `first` is at `line`, and each following line is the next event."""

    first: int
    path: str
    line: int


class Lines:
    """The events of several files in order; `-` is the standard input. Blank lines are skipped.

    If a file cannot be read to its end, `damaged` gets a message and reading continues with the next file. A pipe in
    another format is in `damaged` too, and makes `unusable` true; a regular file in another format raises
    `OtherFormat` here.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.damaged: list[str] = []
        self.unusable = False
        self.size = _check(paths)
        self._paths = paths
        self._starts: list[Start] = []
        self._reasons: dict[int, str] = {}
        self._events = 0
        self._done = 0
        self._file: BinaryIO | None = None
        self._reading: Generator[object] | None = None
        self._stopped: Stopped | None = None

    def __iter__(self) -> Iterator[object]:
        self._reading = self._read_files()
        return self._reading

    def stop(self, reason: str) -> None:
        """End the iteration with `Stopped`, at once if it waits for a file. For signal handlers."""
        self._stopped = Stopped(reason)
        if self._reading is not None and inspect.getgeneratorstate(self._reading) == inspect.GEN_RUNNING:
            raise self._stopped

    def _read_files(self) -> Generator[object]:
        for path in self._paths:
            if self._stopped is not None:
                raise self._stopped
            with _opened(path) as file:
                self._file = file
                for event in self._read_lines("stdin" if path == "-" else path, file):
                    yield event
                    if self._stopped is not None:
                        raise self._stopped
                self._done += self._position()
                self._file = None

    def explain(self, failure: Failure) -> Failure:
        """Return the failure, with the parser's reason if its line is not JSON."""
        reason = self._reasons.pop(failure.index, None)
        if reason is None:
            return failure
        return replace(failure, rule="invalid-json", field="", message=f"{self.place(failure.index)}: {reason}")

    def place(self, index: int) -> str:
        """Return the position of an event as `FILE:LINE`."""
        start = self._starts[bisect_right(self._starts, index, key=_first) - 1]
        return f"{start.path}:{start.line + index - start.first}"

    def position(self) -> int:
        """Return how many bytes of the files have been read, as they are on the disk."""
        return self._done + self._position()

    def _position(self) -> int:
        return self._file.tell() if self._file and self._file.seekable() else 0

    def _read_lines(self, path: str, file: BinaryIO) -> Iterator[object]:
        number, after_gap = 0, True
        try:
            lines = _text_of(file, path)
            for number, line in enumerate(iter(partial(lines.readline, MAX_LINE + 1), b""), start=1):
                if line.isspace():
                    after_gap = True
                    continue
                if after_gap:
                    self._starts.append(Start(self._events, path, number))
                    after_gap = False
                yield self._parse(line, lines)
                self._events += 1
        except OtherFormat as error:
            self.unusable = True
            self.damaged.append(str(error))
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            self.damaged.append(f"cannot read {path} after line {number}: {reason}")

    def _parse(self, line: bytes, rest: BinaryIO) -> object:
        if len(line) > MAX_LINE and not line.endswith(b"\n"):
            _skip_line(rest)
            reason = f"the line is longer than {MAX_LINE:,} bytes and was skipped; only its first {MAX_KEPT:,} are kept"
            return self._unparsed(line[: min(MAX_KEPT, MAX_LINE)], reason)
        try:
            return json.loads(line.rstrip())
        except json.JSONDecodeError as error:
            reason = error.msg.removesuffix(" at")
            return self._unparsed(line, f"not JSON: {reason} at column {error.colno}")
        except UnicodeDecodeError as error:
            return self._unparsed(line, f"not UTF-8: {error.reason} at byte {error.start + 1}")
        except (ValueError, RecursionError) as error:
            return self._unparsed(line, f"cannot be parsed: {error}")

    def _unparsed(self, line: bytes, reason: str) -> Unparsed:
        self._reasons[self._events] = reason
        return Unparsed(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """Open a file; the standard input is not closed afterwards."""
    if path == "-":
        yield sys.stdin.buffer
        return
    with open(path, "rb") as file:
        yield file


class _Joined(io.RawIOBase):
    """The head of a stream, which was read before, and the rest of the stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        # read1 returns what a pipe has: no line waits for the next one, and none is lost if a signal ends the reading.
        view = memoryview(buffer)
        data = self._head[: len(view)] or self._rest.read1(len(view))  # type: ignore[attr-defined]
        self._head = self._head[len(data) :]
        view[: len(data)] = data
        return len(data)


def _text_of(file: BinaryIO, name: str) -> BinaryIO:
    """Return the lines of a file, unpacked if its first bytes are those of gzip; the name does not matter.

    Raises `OtherFormat` if they are not NDJSON.
    """
    head = _read_head(file)
    if head.startswith(GZIP_MAGIC):
        packed = io.BufferedReader(_Joined(head, file), BUFFER)
        file = cast("BinaryIO", gzip.GzipFile(fileobj=packed))
        head = _read_head(file)
    problem = other_format(head)
    if problem is not None:
        raise OtherFormat(f"{name} {problem}")
    return cast("BinaryIO", io.BufferedReader(_Joined(head, file), BUFFER))


def _read_head(file: BinaryIO) -> bytes:
    """Return the first bytes of a stream, up to the first line that is not blank; a pipe may give less at a time."""
    head = b""
    while len(head) < HEAD and not (head.startswith(GZIP_MAGIC) or b"\n" in head.lstrip()):
        more: bytes = file.read1(HEAD - len(head))  # type: ignore[attr-defined]
        if not more:
            break
        head += more
    return head


def _first(start: Start) -> int:
    return start.first


def _skip_line(lines: BinaryIO) -> None:
    while (more := lines.readline(MAX_LINE)) and not more.endswith(b"\n"):
        pass


def _check(paths: Sequence[str]) -> int | None:
    """Return the total size of the files; None if one is not a regular file.

    A pipe is not opened: what its writer sent would be lost. Raises OSError if a file cannot be read, ValueError for a
    pipe that is named twice, and `OtherFormat`.
    """
    sizes: list[int | None] = []
    pipes: set[tuple[int, int]] = set()
    for path in paths:
        if path == "-":
            if sys.stdin is None:
                raise OSError(errno.EBADF, "it is closed", "the standard input")
            sizes.append(None)
            continue
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            sizes.append(_check_file(path))
            continue
        if not os.access(path, os.R_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
        if (status.st_dev, status.st_ino) in pipes:
            raise ValueError(f"{path} is not a regular file and can be read only once")
        pipes.add((status.st_dev, status.st_ino))
        sizes.append(None)
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _check_file(path: str) -> int:
    with open(path, "rb") as file:
        with suppress(EOFError, zlib.error, gzip.BadGzipFile):  # reported where the events are read
            _text_of(file, path)
        return os.fstat(file.fileno()).st_size
