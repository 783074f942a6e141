"""`Reading`: the text of a file, a piece at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mixpress.files.piece import Stopped

if TYPE_CHECKING:
    from mixpress.files.opening import Opened

LINGER = 0.1
"""Seconds that the records of a slow pipe wait for more. Those that came then are a piece."""


class Reading:
    """Reads a file up to its end, an error or a request to stop. None of them loses what was read."""

    def __init__(self, opened: Opened) -> None:
        self.is_over = False
        self.error: Exception | None = None
        self.stopped: Stopped | None = None
        self._opened = opened

    def more(self, size: int, piece: int) -> bytes:
        """Return `size` bytes, or `piece` if that is none, as a record may be longer.

        Fewer at the end, or if a pipe is slow.
        """
        chunks: list[bytes] = []
        wanted, ends = size if size > 0 else piece, None
        try:
            while wanted > 0:
                if ends is not None and not self._opened.ready(max(ends - time.monotonic(), 0)):
                    break
                data = self._opened.read(wanted)
                if not data:
                    self.is_over = True
                    break
                chunks.append(data)
                wanted -= len(data)
                ends = ends or time.monotonic() + LINGER
        except Stopped as stopped:
            self.is_over, self.stopped = True, stopped
        except self._opened.UNREADABLE as error:
            self.is_over, self.error = True, error
        return b"".join(chunks)
