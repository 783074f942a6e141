"""Measure each stage of a body alone, and all together: walk or scan, serialize, gzip.

There is no peer; the JSON must be that of orjson. pytest-benchmark shows the time of a call with a batch of 2000
events. It has no cold form: `serialize.py`, `json_text.py` and `gzip.py` have it. Run it by `make bench` or `pytest
benches --benchmark-only`. "Gzip" in benches/README.md describes it.
"""

from __future__ import annotations

import zlib
from typing import Any

import orjson
import pytest

from benches.support.traffic import MIXES, Event, good_events
from mixpress import Batch, Encoded, Encoder

Stage = Any  # pytest-benchmark's fixture, which is only partly typed
EVENTS = 2000
PRESS_ROUNDS = 40


@pytest.fixture(params=MIXES, scope="module")
def events(request: pytest.FixtureRequest) -> list[Event]:
    return good_events(request.param, EVENTS)


@pytest.fixture
def stage(benchmark: Stage, request: pytest.FixtureRequest) -> Stage:
    """The benchmark fixture, with one table for each mix."""
    benchmark.group = request.node.callspec.params["events"]
    return benchmark


def text_of(events: list[Event]) -> bytes:
    return b"\n".join(orjson.dumps(event) for event in events)


def body_of(encoded: Encoded) -> bytes:
    (batch,) = encoded.batches
    return batch.body


def test_walk_and_serialize(stage: Stage, events: list[Event]) -> None:
    encoded = stage(Encoder(compression=None).encode, events)
    assert body_of(encoded) == orjson.dumps(events)


def test_scan_and_serialize(stage: Stage, events: list[Event]) -> None:
    encoded = stage(Encoder(compression=None).encode_json, text_of(events))
    assert body_of(encoded) == orjson.dumps(events)


def test_gzip(stage: Stage, events: list[Event]) -> None:
    """The batch of a builder is gzipped when its body is read."""
    encoder = Encoder()

    def packed() -> tuple[tuple[Batch], dict[str, object]]:
        builder = encoder.builder()
        assert all(builder.add(event) is None for event in events)
        return (builder.finish(),), {}

    body: bytes = stage.pedantic(lambda batch: batch.body, setup=packed, rounds=PRESS_ROUNDS)
    assert zlib.decompress(body, 31) == orjson.dumps(events)


def test_whole_of_dicts(stage: Stage, events: list[Event]) -> None:
    encoded = stage(Encoder().encode, events)
    assert zlib.decompress(body_of(encoded), 31) == orjson.dumps(events)


def test_whole_of_json(stage: Stage, events: list[Event]) -> None:
    encoded = stage(Encoder().encode_json, text_of(events))
    assert zlib.decompress(body_of(encoded), 31) == orjson.dumps(events)
