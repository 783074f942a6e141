"""`gzip` of the core, for bytes that no encoder wrote."""

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
def test_it_unpacks_to_the_body_and_is_the_same_each_time(body: bytes, level: int | None) -> None:
    gzipped = gzip(body, level)
    stream = zlib.decompressobj(31)
    assert stream.decompress(gzipped) == body
    assert stream.eof
    assert stream.unused_data == b""
    assert gzip(body, level) == gzipped


@pytest.mark.parametrize("level", [0, 10, -1, 1 << 40])
def test_a_level_that_is_none(level: int) -> None:
    with pytest.raises(ValueError, match=rf"level must be .*1 \(fastest\) to 9 \(smallest\), got {level}"):
        gzip(b"", level)


@pytest.mark.parametrize("body", ["text", bytearray(5), None])
def test_what_is_no_bytes(body: object) -> None:
    with pytest.raises(TypeError):
        gzip(body)  # type: ignore[arg-type]


def test_another_thread_goes_on_meanwhile() -> None:
    """No thread has to give way for longer than all of this takes: this one goes on only where the other lets it."""
    begun, ended = threading.Event(), threading.Event()
    body = bytes(number * number % 251 for number in range(1_000_000))

    def work() -> None:
        begun.set()
        gzip(body, 9)
        ended.set()

    def goes_on() -> bool:
        begun.clear()
        ended.clear()
        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        went_on = not ended.is_set()
        thread.join()
        return went_on

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        assert any(goes_on() for _ in range(20))
    finally:
        sys.setswitchinterval(interval)
