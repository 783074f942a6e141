"""Read events from NDJSON files, plain or gzipped, one event a line."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import sys
import zlib
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mixpress.report.report import Failure

MAX_LINE = 64 << 20
"""Bytes of the longest line that is read, 64 times the API's limit for an event."""
GZIP_MAGIC = b"\x1f\x8b"


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

    If a file cannot be read to its end, `damaged` gets a message and reading continues with the next file.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.damaged: list[str] = []
        self.size = _size(paths)
        self._paths = paths
        self._starts: list[Start] = []
        self._reasons: dict[int, str] = {}
        self._events = 0
        self._done = 0
        self._file: io.BufferedReader | None = None

    def __iter__(self) -> Iterator[object]:
        for path in self._paths:
            with _opened(path) as file, _unpacked(file) as lines:
                self._file = file
                yield from self._read_lines("stdin" if path == "-" else path, lines)
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

    def _read_lines(self, path: str, lines: BinaryIO) -> Iterator[object]:
        number, after_gap = 0, True
        try:
            for number, line in enumerate(iter(partial(lines.readline, MAX_LINE), b""), start=1):
                if line.isspace():
                    after_gap = True
                    continue
                if after_gap:
                    self._starts.append(Start(self._events, path, number))
                    after_gap = False
                yield self._parse(line, lines)
                self._events += 1
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            self.damaged.append(f"cannot read {path} after line {number}: {reason}")

    def _parse(self, line: bytes, rest: BinaryIO) -> object:
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            _skip_line(rest)
            return self._unparsed(line[:1000], f"the line is longer than {MAX_LINE:,} bytes and was skipped")
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
def _opened(path: str) -> Iterator[io.BufferedReader]:
    """Open a file; the standard input is not closed afterwards."""
    if path == "-":
        stream = cast("io.BufferedReader", io.BufferedReader(sys.stdin.buffer))
        try:
            yield stream
        finally:
            stream.detach()
        return
    with open(path, "rb") as file:
        yield file


@contextmanager
def _unpacked(file: io.BufferedReader) -> Iterator[BinaryIO]:
    """Yield the file's content, unpacked if its first bytes are those of gzip; the name does not matter."""
    if file.peek(2)[:2] != GZIP_MAGIC:
        yield cast("BinaryIO", file)
        return
    with gzip.GzipFile(fileobj=file) as content:
        yield cast("BinaryIO", content)


def _first(start: Start) -> int:
    return start.first


def _skip_line(lines: BinaryIO) -> None:
    while (more := lines.readline(MAX_LINE)) and not more.endswith(b"\n"):
        pass


def _size(paths: Sequence[str]) -> int | None:
    """Return the total size of the files; None if one is not seekable. OSError if one cannot be read."""
    sizes: list[int | None] = []
    for path in paths:
        if path == "-":
            if sys.stdin is None:
                raise OSError(errno.EBADF, "it is closed", "the standard input")
            sizes.append(None)
            continue
        with open(path, "rb") as file:
            sizes.append(os.fstat(file.fileno()).st_size if file.seekable() else None)
    return None if None in sizes else sum(size for size in sizes if size is not None)
