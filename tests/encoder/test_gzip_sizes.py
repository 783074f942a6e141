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

Bounds = tuple[float, float]
NAMED: Bounds = (1.02, 1.06)
"""The largest sizes of the named shapes, over zlib 6's and over libdeflate 6's."""
LARGER: dict[str, Bounds] = {
    "a cart of 1 to 20": (1.05, 1.06),
    "a cart of 3": (1.03, 1.06),
    "a list of nested objects": (1.07, 1.07),
    "objects with the same names": (1.03, 1.06),
}
"""Lists of objects, in which a longest match is further away than the last one. libdeflate takes four times as long."""
DRAWN: Bounds = (1.12, 1.15)
"""What the families' shapes take at most. Each version of Python and of hypothesis draws others."""
LARGER_DRAWN: dict[str, Bounds] = {"carts": (1.2, 1.25), "values that change": (1.2, 1.25)}
ALLOWED = 1000
"""Bytes that a body may have beyond that: some shapes take a few kB."""
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


def check_sizes(events: list[Any], bounds: Bounds) -> None:
    own, zlib_6, libdeflate_6 = sizes_of(events)
    sizes = f"{own} bytes: {own / zlib_6:.3f} of zlib 6's size, {own / libdeflate_6:.3f} of libdeflate 6's"
    assert own <= bounds[0] * zlib_6 + ALLOWED, sizes
    assert own <= bounds[1] * libdeflate_6 + ALLOWED, sizes


@pytest.mark.parametrize("name", COMMON)
def test_bodies_of_a_named_shape_are_bounded(name: str) -> None:
    check_sizes(COMMON[name].events(), LARGER.get(name, NAMED))


@pytest.mark.parametrize("family", FAMILIES)
def test_bodies_of_any_shape_of_a_family_are_bounded(family: str) -> None:
    @FIXED
    @given(FAMILIES[family](), st.integers(0, 3))
    def bounded(shape: Shape, seed: int) -> None:
        events = shape.events(seed=seed)
        note(f"like {events[0]}")
        check_sizes(events, LARGER_DRAWN.get(family, DRAWN))

    bounded()
