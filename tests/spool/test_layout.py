"""A stored batch equals the batch of the encoder, which is its twin; damage is detected."""

from __future__ import annotations

import gzip
import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpress._core import Batch, Encoder
from mixpress.client.options import layout_of
from mixpress.spool import Layout, StoredBatch
from mixpress.spool.stored import from_row, pack
from support.events import as_json, event

LAYOUTS: list[tuple[Layout, dict[str, Any]]] = [
    (Layout("json"), {"format": "json"}),
    (Layout("ndjson"), {"format": "ndjson"}),
    (Layout("json", gzip=False), {"format": "json", "compression": None}),
    (Layout("form"), {"endpoint": "track", "format": "form", "token": "t"}),
    (Layout("form", gzip=False), {"endpoint": "track", "format": "form", "token": "t", "compression": None}),
    (Layout("form-base64"), {"endpoint": "track", "format": "form", "token": "t", "form_base64": True}),
]
EVENTS = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(0, 99), max_size=3), min_size=1, max_size=9
)


def raw(batch: Batch | StoredBatch) -> bytes:
    return gzip.decompress(batch.body) if "Content-Encoding" in batch.headers else batch.body


@pytest.mark.parametrize(("layout", "encoding"), LAYOUTS)
@settings(max_examples=settings().max_examples // 10)
@given(changes=EVENTS)
def test_a_stored_batch_equals_the_one_of_the_encoder(
    layout: Layout, encoding: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    reserved = {"time", "distinct_id", "$insert_id", "token"}
    given = [
        event(number, **{f"p{key}": value for key, value in change.items() if key not in reserved})
        for number, change in enumerate(changes)
    ]
    [twin] = Encoder(**encoding, now=lambda: 1_700_000_100.0).encode(given).batches
    batch = pack(twin.events(), twin.indexes, layout=layout)
    assert raw(batch) == raw(twin)
    assert batch.headers == twin.headers
    assert (batch.count, batch.raw_size, list(batch.indexes)) == (twin.count, twin.raw_size, list(twin.indexes))
    assert batch.events() == twin.events()
    assert from_row((7, *batch.row())).at(0) == from_row((0, *batch.row()))
    halves, twins = batch.split(), twin.split()
    assert [raw(half) for half in halves] == [raw(half) for half in twins]
    assert [list(half.indexes) for half in halves] == [list(half.indexes) for half in twins]


@pytest.mark.parametrize(("layout", "encoding"), LAYOUTS)
def test_a_spool_has_the_layout_of_its_clients_encoder(layout: Layout, encoding: dict[str, Any]) -> None:
    assert layout_of(Encoder(**encoding)) == layout


def test_the_same_events_give_the_same_bytes() -> None:
    one, other = (pack([b'{"a":1}', b"{}"], range(2), layout=Layout()) for _ in range(2))
    assert one.body == other.body


def test_the_compression_level_is_that_of_the_encoder() -> None:
    texts = [as_json(event(number, text=str(number**5) * 5)) for number in range(300)]
    sizes = [len(pack(texts, range(300), layout=Layout(level=level)).body) for level in (1, None, 9)]
    assert sizes == sorted(set(sizes), reverse=True)
    for level in (None, 1, 9):
        assert layout_of(Encoder(level=level)) == Layout(level=level)


def test_a_batch_of_one_is_not_split() -> None:
    batch = pack([b"{}"], [5], layout=Layout())
    assert batch.split() == [batch]


def test_a_repr_shows_no_events_and_a_batch_can_be_pickled() -> None:
    batch = pack([b'{"secret":1}'], [5], layout=Layout(gzip=False))
    assert "secret" not in repr(batch)
    assert pickle.loads(pickle.dumps(batch)) == batch


@pytest.mark.parametrize("wrong", [{"format": "xml"}, {"level": 0}, {"level": 10}])
def test_an_invalid_layout_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Layout(**wrong)


GOOD = pack([b'{"a":1}', b'{"b":2}'], range(2), layout=Layout())


@pytest.mark.parametrize(
    "damage",
    [
        {"body": b""},
        {"body": GOOD.body[:-1]},
        {"body": GOOD.body + b"x"},
        {"body": b"x" + GOOD.body[1:]},
        {"body": GOOD.body[:-8] + bytes(4) + GOOD.body[-4:]},
        {"body": gzip.compress(bytes(50_000_000))},
        {"raw_size": 3},
        {"raw_size": -1},
        {"sizes": (7, 8)},
        {"sizes": (7,)},
        {"sizes": (7, 7, 7)},
        {"layout": Layout("ndjson")},
        {"layout": Layout("form")},
        {"layout": Layout("form-base64")},
        {"layout": Layout(gzip=False)},
    ],
)
def test_a_damaged_batch_is_an_error(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^its raw_size |^its body |base64"):
        replace(GOOD, **damage).events()
