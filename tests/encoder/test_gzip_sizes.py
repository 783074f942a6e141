"""Bodies of common shapes are about as small at the default level as those of general compressors.

Level 3 is libdeflate's level 6 on the same text. Each run draws the same shapes, as sizes depend on nothing else: a
failure comes of a change of the compressor. Under HYPOTHESIS_PROFILE=fuzz each run draws others.
"""

from __future__ import annotations

import gzip
import os
from typing import Any

import pytest
from benches.support.common import COMMON
from benches.support.shapes import Shape
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from mixpress import Encoder
from strategies.shapes import FAMILIES

OVER_ZLIB_6, OVER_LIBDEFLATE_6 = 1.02, 1.06
FIXED = settings(
    derandomize=os.environ.get("HYPOTHESIS_PROFILE") != "fuzz",
    max_examples=max(10, settings().max_examples // 6),
    phases=[Phase.generate],  # to shrink a shape takes thousands of bodies, and its repr says enough
)


def sizes_of(events: list[Any]) -> tuple[int, int, int]:
    """Return the bytes of all bodies of the events: at the default level, by zlib 6, and by libdeflate 6."""
    plain, own, searched = (
        Encoder(**kept).encode(events).batches for kept in ({"compression": None}, {}, {"level": 3})
    )
    assert sum(map(len, plain)) == len(events)
    zlib_6 = sum(len(gzip.compress(batch.body, 6, mtime=0)) for batch in plain)
    return sum(len(batch.body) for batch in own), zlib_6, sum(len(batch.body) for batch in searched)


def check_sizes(events: list[Any]) -> None:
    own, zlib_6, libdeflate_6 = sizes_of(events)
    sizes = f"{own / zlib_6:.3f} of zlib 6's size, {own / libdeflate_6:.3f} of libdeflate 6's"
    assert own <= OVER_ZLIB_6 * zlib_6, sizes
    assert own <= OVER_LIBDEFLATE_6 * libdeflate_6, sizes


@pytest.mark.parametrize("name", COMMON)
def test_bodies_of_a_named_shape_are_bounded(name: str) -> None:
    check_sizes(COMMON[name].events())


@pytest.mark.parametrize("family", FAMILIES)
def test_bodies_of_any_shape_of_a_family_are_bounded(family: str) -> None:
    @FIXED
    @given(FAMILIES[family](), st.integers(0, 3))
    def bounded(shape: Shape, seed: int) -> None:
        events = shape.events(seed=seed)
        note(f"like {events[0]}")
        check_sizes(events)

    bounded()
