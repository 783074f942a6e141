"""`Opened`: one file of an import, open for reading and unpacked as it is read."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from mixpress.files.formats import Format, OtherFormat, format_of, is_recognised
from mixpress.files.stopping import Stopping
from mixpress.files.unpack import Packing, Unpacked, packing_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from mixpress.files.piece import Known

BUFFER = 1 << 17
"""Bytes that `Opened.file` reads at a time."""
HEAD = 4096
"""Bytes from which the format of a file is recognised."""
STDIN = "stdin"


class Opened:
    """An open file. A reader takes its bytes from `read` or `file`, or, if it must jump, from `stored`."""

    name: str
    """The file as it was named, without secrets; `stdin` for the standard input."""
    stored: BinaryIO | None
    """The same bytes with `seek`, for formats read from their end; None for a pipe or a packed file. Seek first."""
    path: str | None
    """The path of a local file that is not packed; None for another one."""
    size: int | None
    """Bytes of the file as it is stored, fixed when it was opened; None for a pipe."""
    damaged: list[str]
    """What `damage` noted."""
    known: Known | None
    """Which pieces need not be read; None if all are."""

    UNREADABLE = (OSError, EOFError, zlib.error)
    """What reading raises if the file is damaged, or its disk or network fails."""

    def __init__(
        self,
        name: str,
        source: BinaryIO,
        stopping: Stopping,
        *,
        size: int | None = None,
        path: str | None = None,
        seekable: bool = False,
        is_live: bool = False,
        closes: bool = True,
    ) -> None:
        self.name = name
        self.size = size
        self.path = path
        self.stored = source if seekable else None
        self.damaged = []
        self.known: Known | None = None
        self._source = source
        self._closes = closes
        self._stored = Stored(source, size, stopping, is_live=is_live)
        self._head = b""
        self._unpacked: Stored | Unpacked = self._stored
        self._file: BinaryIO | None = None

    @property
    def file(self) -> BinaryIO:
        """The unpacked bytes as a binary file that can't seek. A reader takes all bytes from it, or all from `read`."""
        if self._file is None:
            self._file = cast("BinaryIO", io.BufferedReader(_Raw(self), BUFFER))
        return self._file

    def read(self, size: int) -> bytes:
        """Return what has come of the unpacked bytes, at most `size`; none at the end."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._unpacked.read(size)

    def ready(self, seconds: float) -> bool:
        """Return whether `read` returns at once; wait for that at most so long."""
        return bool(self._head) or self._unpacked.ready(seconds)

    def position(self) -> int:
        """Return how many bytes of the stored file have been read."""
        return self._stored.count

    def jump(self, offset: int) -> None:
        """Go on at another byte. Only if there is `stored`."""
        self._source.seek(offset)
        self._stored.count = offset
        self._head = b""

    def damage(self, unit: Literal["line", "row"], count: int, reason: object) -> None:
        """Note that the rest of the file can't be read: `count` lines or rows were."""
        where = f"after {unit} {count:,}" if count else "from its first record on"
        self.damaged.append(f"cannot read {self.name} {where}: {getattr(reason, 'strerror', None) or reason}")

    def recognise(self, format: Format | None = None) -> Format:
        """Return the format by the first bytes, which stay to be read, or `format`; and unpack the file from here on.

        Raises `OtherFormat` for a format that is not read, and what reading raises.
        """
        self._read_head(4)
        packing = packing_of(self._head)
        if packing is not None:
            self._unpack(packing)
        if format is not None:
            return format
        while len(self._head) < HEAD and not is_recognised(self._head) and self._read_head(len(self._head) + 1):
            pass
        return format_of(self._head)

    def _unpack(self, packing: Packing) -> None:
        self.stored = self.path = None
        self._unpacked = Unpacked(_Joined(self._head, self._stored), packing)
        self._head = b""
        try:
            self._read_head(4)
        except ImportError as error:
            raise OtherFormat(f"is packed by {packing}: {error}") from None

    def _read_head(self, size: int) -> bool:
        """Read at least so many bytes, unless the file is shorter."""
        while len(self._head) < size:
            more = self._unpacked.read(HEAD)
            if not more:
                return False
            self._head += more
        return True

    def close(self) -> None:
        """Close the file. The standard input stays open."""
        if self._closes:
            self._source.close()


class Stored:
    """The bytes of a stored file up to the size that it had when it was opened, and how many of them were read."""

    def __init__(self, source: BinaryIO, size: int | None, stopping: Stopping, *, is_live: bool) -> None:
        self.count = 0
        self._is_live = is_live
        self._source = source
        self._size = size
        self._stopping = stopping
        self._pipe = _pipe_of(source) if is_live else None
        # read1 returns what a pipe has: no line waits for the next one.
        self._read = getattr(source, "read1", source.read)

    def read(self, size: int) -> bytes:
        """Return what has come, at most `size` bytes; none at the end. Raises `EOFError` if the file became shorter."""
        if self._size is not None:
            size = min(size, self._size - self.count)
        if size <= 0:
            return b""
        if self._pipe is not None:
            self._stopping.wait(self._pipe)
            data: bytes = self._read(size)
        else:
            with self._stopping.waiting():
                data = self._read(size)
        self.count += len(data)
        if not data and self._size is not None:
            raise EOFError(f"it has only {self.count:,} of {self._size:,} bytes; was it cut while it was read?")
        return data

    def ready(self, seconds: float) -> bool:
        """Return whether a read returns at once; wait for that at most so long."""
        if self._pipe is not None:
            return self._stopping.ready(self._pipe, seconds)
        return not self._is_live


class _Joined:
    """The head of a stored file, which was read before, and the rest."""

    def __init__(self, head: bytes, rest: Stored) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int) -> bytes:
        data, self._head = self._head[:size], self._head[size:]
        return data or self._rest.read(size)

    def ready(self, seconds: float) -> bool:
        return bool(self._head) or self._rest.ready(seconds)


class _Raw(io.RawIOBase):
    """`Opened.read` for a `BufferedReader`."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        data = self._opened.read(len(view))
        view[: len(data)] = data
        return len(data)


def open_local(path: str, stopping: Stopping) -> Opened:
    """Open a file, or the standard input for `-`."""
    if path == "-":
        source = sys.stdin.buffer
        with suppress(OSError, ValueError):  # no real file
            status = os.fstat(source.fileno())
            if stat.S_ISREG(status.st_mode):
                size = status.st_size - source.tell()
                return Opened(STDIN, source, stopping, size=size, closes=False)
        return Opened(STDIN, source, stopping, is_live=True, closes=False)
    with stopping.waiting():  # for the writer of a pipe
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - `Opened` closes it
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        return Opened(path, cast("BinaryIO", file), stopping, is_live=True)
    return Opened(path, cast("BinaryIO", file), stopping, size=status.st_size, path=path, seekable=True)


def _pipe_of(source: BinaryIO) -> int | None:
    """Return the descriptor of a pipe on which `select` works."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = source.fileno()
        select.select([descriptor], [], [], 0)
        return descriptor
    return None
