"""`Files`: the files of an import as one input."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import stat
import sys
from collections import Counter
from contextlib import closing, suppress
from typing import TYPE_CHECKING, get_args

from mixpress.files.formats import FORMATS, NAMES, NEEDED, Format, OtherFormat
from mixpress.files.json_reader import read_json
from mixpress.files.opening import STDIN, Opened, open_local
from mixpress.files.paths import find_local
from mixpress.files.remote import Remote, find_remote, is_remote, open_remote
from mixpress.files.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mixpress.files.piece import Ended, Known, Piece

_READERS: dict[Format, tuple[str, str, tuple[str, ...]]] = {
    "csv": ("csv_reader", "csv_pieces", ()),
    "tsv": ("csv_reader", "csv_pieces", ("\t",)),
    "parquet": ("parquet_reader", "parquet_pieces", ()),
    "arrow": ("arrow_reader", "arrow_pieces", ()),
}
"""Format -> the module and its function that reads the pieces of a table, and its arguments."""


class Files:
    """Files in order, each in the format that its first bytes show, or in `format`.

    A path is a file, a directory (all files in it and its directories, without hidden ones), a pattern such as
    `2024/*.ndjson.gz`, a URL that fsspec reads, or `-` for the standard input. A file may be packed by gzip or zstd.

    Raises OSError if a file can't be read, ValueError for a pipe that is named twice, ImportError if an extra is
    missing, and `OtherFormat` for a local file in a format that is not read. A pipe or a remote file in such a format
    is in `damaged`, and makes `unusable` true: it is opened when its turn comes.
    """

    def __init__(self, paths: Sequence[str], format: Format | None = None) -> None:
        if format is not None and format not in FORMATS:
            raise ValueError(f"format must be {', '.join(get_args(Format))} or None, got {format!r}")
        self.damaged: list[str] = []
        self.unusable = False
        self._format = format
        self._stopping = Stopping()
        self._known: Known | None = None
        self._ended: Ended | None = None
        self._done = 0
        self._files = [file for path in paths for file in _found(path)]
        _check_once(self._files)
        sizes = [self._checked(file) for file in self._files]
        self.size: int | None = None if None in sizes else sum(size for size in sizes if size is not None)

    def __iter__(self) -> Iterator[Piece]:
        for file in self._files:
            self._stopping.check()
            try:
                opened = _opened(file, self._stopping)
            except OSError as error:
                self.damaged.append(f"cannot read {_name(file)}: {error.strerror or error}")
                continue
            damages = len(self.damaged)
            with closing(opened):
                opened.damaged = self.damaged
                opened.known = self._known
                yield from self._pieces(opened)
            if self._ended is not None and len(self.damaged) == damages:
                self._ended(opened.name)
            self._done += opened.position() if opened.size is None else opened.size

    def resume(self, known: Known, ended: Ended) -> None:
        """Leave the pieces unread that `known` finds, and call `ended` for each file that was read to its end."""
        self._known, self._ended = known, ended

    def stop(self, reason: str) -> None:
        """End the iteration with `Stopped`, at once if it waits for a file. For signal handlers."""
        self._stopping.stop(reason)

    def _pieces(self, opened: Opened) -> Iterator[Piece]:
        try:
            format = self._recognised(opened)
        except OtherFormat as error:
            self.unusable = True
            self.damaged.append(str(error))
            return
        except opened.UNREADABLE as error:
            opened.damage("line", 0, error)
            return
        for piece in _read(opened, format):
            piece.position += self._done
            yield piece
            self._stopping.check()

    def _recognised(self, opened: Opened) -> Format:
        """Return the format of a file. Raises `OtherFormat` with its name."""
        try:
            format = opened.recognise(self._format)
        except OtherFormat as error:
            raise OtherFormat(f"{opened.name} {error}") from None
        module = NEEDED.get(format)
        if module is not None and importlib.util.find_spec(module) is None:
            raise OtherFormat(f"{opened.name}: this is a {NAMES[format]} file: pip install 'mixpress[parquet]'")
        return format

    def _checked(self, file: str | Remote) -> int | None:
        """Return the size of a file, and check its format; None for a pipe.

        A pipe is not opened: what its writer sent would be lost.
        """
        if isinstance(file, Remote):
            return file.size
        if file == "-":
            if sys.stdin is None:
                raise OSError(errno.EBADF, "it is closed", "the standard input")
            return None
        if not _is_regular(file):
            if not os.access(file, os.R_OK):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES), file)
            return None
        with closing(open_local(file, self._stopping)) as opened:
            with suppress(*opened.UNREADABLE):  # reported where the file is read
                self._recognised(opened)
            return opened.size


def _found(path: str) -> list[Remote] | list[str]:
    if path == "-":
        return [path]
    return find_remote(path) if is_remote(path) else find_local(path)


def _opened(file: str | Remote, stopping: Stopping) -> Opened:
    return open_remote(file, stopping) if isinstance(file, Remote) else open_local(file, stopping)


def _name(file: str | Remote) -> str:
    return file.name if isinstance(file, Remote) else STDIN if file == "-" else file


def _is_regular(path: str) -> bool:
    return stat.S_ISREG(os.stat(path).st_mode)


def _check_once(files: list[str | Remote]) -> None:
    """Raise ValueError for a pipe that is named twice."""
    pipes = Counter(_pipe(file) for file in files if isinstance(file, str))
    for file in files:
        if isinstance(file, str) and (pipe := _pipe(file)) is not None and pipes[pipe] > 1:
            raise ValueError(f"{file} is not a regular file and can be read only once")


def _pipe(file: str) -> object:
    """Return what identifies a pipe; None for another file."""
    if file == "-":
        return STDIN
    status = os.stat(file)
    return None if stat.S_ISREG(status.st_mode) else (status.st_dev, status.st_ino)


def _read(opened: Opened, format: Format) -> Iterator[Piece]:
    if format in {"ndjson", "json"}:
        return read_json(opened, format)
    module, function, arguments = _READERS[format]
    read = getattr(importlib.import_module(f"mixpress.files.{module}"), function)  # imports pyarrow
    pieces: Iterator[Piece] = read(opened, *arguments)
    return pieces
