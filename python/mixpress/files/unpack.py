"""`Unpacked`: the bytes of a gzip or zstd file, of one member or frame or several."""

from __future__ import annotations

import sys
import zlib
from typing import Any, Literal, Protocol

Packing = Literal["gzip", "zstd"]

CHUNK = 1 << 15
"""Bytes that are unpacked at a time. What follows a member in them is copied, so that many small members take long in
larger chunks."""
UNPACKED = 1 << 16
"""Bytes that come out of them at a time. If a checksum is wrong at most so many are lost before it."""
MARKS: dict[Packing, bytes] = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
SKIPPABLE = frozenset(bytes([number, 0x2A, 0x4D, 0x18]) for number in range(0x50, 0x60))
"""The first bytes of a zstd frame without data."""


class Damaged(OSError):  # noqa: N818 - a property of the file
    """A packed file can't be unpacked further."""


class Source(Protocol):
    """Bytes that are read once, from the first one on."""

    def read(self, size: int, /) -> bytes:
        """Return what has come, at most `size` bytes; none at the end."""
        ...

    def ready(self, seconds: float, /) -> bool:
        """Return whether a read returns at once; wait for that at most so long."""
        ...


class Decompressor(Protocol):
    """Unpacks one member or frame."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return some of the data."""
        ...


class Unpacked:
    """Unpacks a stream as it is read. Raises `EOFError` if it ends too early, `Damaged` if a checksum is wrong."""

    def __init__(self, source: Source, packing: Packing) -> None:
        self._source = source
        self._packing = packing
        self._decompressor: Decompressor | None = None
        self._members = 0
        self._input = b""
        self._at_end = False

    def read(self, size: int) -> bytes:
        """Return what has come, at most `size` bytes; none at the end."""
        while not self._at_end:
            if self._decompressor is None and not self._start():
                return b""
            if data := self._some(size):
                return data
        return b""

    def ready(self, seconds: float) -> bool:
        """Return whether a read returns at once; wait for that at most so long."""
        has_more = self._decompressor is not None and not self._decompressor.needs_input
        return self._at_end or has_more or bool(self._input) or self._source.ready(seconds)

    def _start(self) -> bool:
        """Start the next member; return False at the end."""
        while len(self._input) < len(MARKS[self._packing]) or (self._members and not self._input.strip(b"\0")):
            more = self._source.read(CHUNK)
            if not more and not self._input.strip(b"\0"):
                self._at_end = True  # zeros fill up a tape
                return False
            if not more:
                break
            self._input = self._input.lstrip(b"\0") + more if self._members else self._input + more
        if self._members:
            self._input = self._input.lstrip(b"\0")
        if not _starts_with(self._input, self._packing):
            raise Damaged(f"what follows is not {self._packing}: cut that off, or copy the file again")
        self._members += 1
        self._decompressor = decompressor_of(self._packing)
        return True

    def _some(self, size: int) -> bytes:
        decompressor = self._decompressor
        assert decompressor is not None
        if decompressor.needs_input and not self._input:
            self._input = self._source.read(CHUNK)
            if not self._input:
                raise EOFError(
                    f"the {self._packing} stream ends too early; the file is truncated: copy or download it again"
                )
        data, self._input = self._input, b""
        try:
            unpacked = decompressor.decompress(data, min(size, UNPACKED))
        except MemoryError:
            raise
        except Exception as error:  # each library has its own
            raise Damaged(
                f"the {self._packing} stream is damaged ({error}): copy or download the file again"
            ) from error
        if decompressor.eof:
            self._input, self._decompressor = decompressor.unused_data, None
        return unpacked


class _Zlib:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._rest = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        unpacked = self._zlib.decompress(self._rest + data, max_length)
        self._rest = self._zlib.unconsumed_tail
        self.needs_input = not self._rest and len(unpacked) < max_length
        return unpacked


def packing_of(head: bytes) -> Packing | None:
    """Return how a file with these first bytes is packed."""
    return next((packing for packing in MARKS if _starts_with(head, packing)), None)


def decompressor_of(packing: Packing) -> Any:
    """Return a decompressor of one member. Raises `ImportError` if there is none here."""
    if packing == "zstd":
        return _zstd().ZstdDecompressor()
    try:
        from isal import igzip_lib  # noqa: PLC0415 - optional: twice as fast as zlib
    except ImportError:
        return _Zlib()
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _zstd() -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - optional

            return zstd
        from backports import zstd as backport  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError("zstd needs: pip install 'mixpress[cli]'") from error
    return backport


def _starts_with(head: bytes, packing: Packing) -> bool:
    return head.startswith(MARKS[packing]) or (packing == "zstd" and head[:4] in SKIPPABLE)
