"""The core's `gzip` function, which compresses bytes that no encoder wrote."""

from __future__ import annotations

import sys
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress._core import gzip

from .streams import LEVELS

BODIES = st.binary(max_size=2000) | st.lists(st.sampled_from([b"one", b'"two":', b"3,"]), max_size=5000).map(b"".join)


@given(body=BODIES, level=st.sampled_from(LEVELS))
def test_gzip_round_trips_and_is_deterministic(body: bytes, level: int | None) -> None:
    gzipped = gzip(body, level)
    stream = zlib.decompressobj(31)
    assert stream.decompress(gzipped) == body
    assert stream.eof
    assert stream.unused_data == b""
    assert gzip(body, level) == gzipped


@pytest.mark.parametrize("level", [0, 10, -1, 1 << 40])
def test_a_wrong_level_is_refused(level: int) -> None:
    with pytest.raises(ValueError, match=rf"level must be .*1 \(fastest\) to 9 \(smallest\), got {level}"):
        gzip(b"", level)


@pytest.mark.parametrize("body", ["text", bytearray(5), None])
def test_only_bytes_are_accepted(body: object) -> None:
    with pytest.raises(TypeError):
        gzip(body)  # type: ignore[arg-type]


def test_the_gil_is_released() -> None:
    """The switch interval is longer than the test, so this thread runs only while the other one releases the GIL."""
    started, ended = threading.Event(), threading.Event()
    body = bytes(number * number % 251 for number in range(1_000_000))

    def work() -> None:
        started.set()
        gzip(body, 9)
        ended.set()

    def other_thread_ran() -> bool:
        started.clear()
        ended.clear()
        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        ran_meanwhile = not ended.is_set()
        thread.join()
        return ran_meanwhile

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        assert any(other_thread_ran() for _ in range(20))
    finally:
        sys.setswitchinterval(interval)
