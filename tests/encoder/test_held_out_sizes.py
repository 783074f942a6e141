"""Bodies on whose mixes and shapes the compressor is not tuned are about as small as those of general compressors."""

from __future__ import annotations

import random

import pytest
from benches.support.held_out import HELD_OUT, events_of
from benches.support.held_out_shapes import HELD_OUT_FAMILIES, held_out_events

from .test_gzip_sizes import check_sizes

MIX = (1.03, 1.06)
SHAPE = (1.10, 1.16)

SEEDS = range(4)


@pytest.mark.parametrize("seed", [{}, {"seed": 41}], ids=["the benchmarks' seed", "another seed"])
@pytest.mark.parametrize("mix", HELD_OUT)
def test_bodies_of_a_held_out_mix_are_bounded(mix: str, seed: dict[str, int]) -> None:
    check_sizes(events_of(mix, 2000, **seed), MIX)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", HELD_OUT_FAMILIES)
def test_bodies_of_a_held_out_shape_are_bounded(family: str, seed: int) -> None:
    check_sizes(held_out_events([family], seed), SHAPE)


@pytest.mark.parametrize("seed", range(12))
def test_bodies_of_several_held_out_kinds_are_bounded(seed: int) -> None:
    rng = random.Random(seed)
    check_sizes(held_out_events(rng.sample(list(HELD_OUT_FAMILIES), rng.randint(2, 6)), seed), SHAPE)
