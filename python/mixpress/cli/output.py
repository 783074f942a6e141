"""Standard streams that never fail: neither a closed pipe, a full disk nor an encoding changes the exit status."""

from __future__ import annotations

import errno
import io
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from typing_extensions import Buffer


class LastingOutput(io.RawIOBase):
    """Writes to another stream until a write fails, then discards what follows; `error` is the failure."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the other stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Return whether the other stream is a terminal."""
        return self._stream.isatty()

    def write(self, data: Buffer) -> int:
        """Write all the data, or discard them after a failure."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest and self.error is None:
            try:
                written = self._stream.write(rest)
            except OSError as error:
                self.error = error
                break
            if written is None:
                time.sleep(0.01)  # the descriptor is in non-blocking mode, and its reader is slower
            else:
                rest = rest[written:]
        return size


@contextmanager
def lasting_output() -> Iterator[None]:
    """Make stdout and stderr lasting for the block, and escape what their encodings cannot write."""
    before = sys.stdout, sys.stderr
    out, sys.stdout = _lasting(sys.stdout)
    _, sys.stderr = _lasting(sys.stderr)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        if out is not None and out.error is not None and out.error.errno != errno.EPIPE:
            sys.stderr.write(f"mixpress: cannot write to the standard output: {out.error.strerror}\n")
            sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _lasting(stream: TextIO | None) -> tuple[LastingOutput | None, TextIO]:
    """Return the same stream as one that never fails, and its raw part; a stream of another kind is not changed."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # with `python -u` the buffer is the raw stream
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(raw, io.RawIOBase):
        return None, cast("TextIO", stream)
    stream.flush()
    lasting = LastingOutput(raw)
    return lasting, io.TextIOWrapper(
        io.BufferedWriter(lasting) if raw is not buffer else cast("io.BufferedWriter", lasting),
        stream.encoding,
        "backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
