"""`frozendict`, a builtin mapping from Python 3.15 on, is encoded as the dict of the same members."""

from __future__ import annotations

import builtins
from collections import UserDict
from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

import mixpress
import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from mixpress import Client, Encoder
from reference import Options
from support.clients import ACCOUNT
from support.server import FakeServer, sent_all

frozendict: Any = getattr(builtins, "frozendict", None)
needs_frozendict = pytest.mark.skipif(frozendict is None, reason="frozendict is new in Python 3.15")

REQUIRED = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i"}
OPTIONS = Options(format="json")


class Word(Enum):
    ONE = "one"


def frozen(value: Any) -> Any:
    """Return the value with each dict in it frozen."""
    if isinstance(value, dict):
        return frozendict({name: frozen(member) for name, member in value.items()})
    return [frozen(each) for each in value] if isinstance(value, list) else value


EVENTS: dict[str, dict[str, Any]] = {
    "flat": {"event": "Seen", "properties": REQUIRED | {"plan": "pro"}},
    "nested": {"event": "Seen", "properties": REQUIRED | {"a": {"b": [{"c": 1}, {}]}}},
    "with an Enum": {"event": "Seen", "properties": REQUIRED | {"a": {"b": Word.ONE}, "z": {"y": 1}}},
    "with a name that is no text": {"event": "Seen", "properties": REQUIRED | {"a": {1: 2}}},
    "many members": {"event": "Seen", "properties": REQUIRED | {f"name {n}": {"n": n} for n in range(200)}},
    "without what is required": {"event": "Seen", "properties": {}},
    "of no properties": {},
}


@needs_frozendict
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_frozen_dicts_are_encoded_as_the_dicts(event: dict[str, Any]) -> None:
    as_dicts = outcome_of_core(core_encoder(OPTIONS).encode([event]))
    properties = {"properties": frozen(event["properties"])} if event else {}
    for given in (frozen(event), frozendict(event), event | properties):
        assert outcome_of_core(core_encoder(OPTIONS).encode([given])) == as_dicts
        assert outcome_of_reference(reference.encode([given], OPTIONS)) == as_dicts


@needs_frozendict
def test_a_frozen_dict_needs_no_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpress.snapshot.snapshot", None)
    encoded = core_encoder(OPTIONS).encode([frozen(EVENTS["nested"])])
    assert [len(batch) for batch in encoded.batches] == [1]


@needs_frozendict
def test_a_subclass_of_frozendict_is_read_by_its_items() -> None:
    class Shouting(frozendict):  # type: ignore[misc]
        def items(self) -> Any:
            return [("loud", True)]

    event = {"event": "Seen", "properties": REQUIRED | {"a": Shouting(b=1)}}
    [batch] = Encoder(compression=None, limits=mixpress.Limits(rules={"time-too-old": "off"})).encode([event]).batches
    assert b'"a":{"loud":true}' in batch.body


@needs_frozendict
def test_track_takes_frozen_properties() -> None:
    server = FakeServer()
    with Client(ACCOUNT, transport=server) as client:
        assert client.track("Seen", "u", frozendict(plan="pro", nested=frozendict(a=1))) is None
        assert client.track_many([frozendict(event="Seen", properties=frozendict(distinct_id="u"))]) == {}
    first, second = sent_all(server)
    assert first["properties"]["nested"] == {"a": 1}
    assert second["properties"]["distinct_id"] == "u"


SINGLE: dict[str, Mapping[str, Any]] = {"dict": {"event": "Seen"}, "UserDict": UserDict(event="Seen")}
if frozendict is not None:
    SINGLE["frozendict"] = frozendict(event="Seen")


@pytest.mark.parametrize("name", SINGLE)
def test_a_single_mapping_in_place_of_events_is_refused_with_a_hint(name: str) -> None:
    with Client(ACCOUNT, transport=FakeServer()) as client:
        for take in (
            Encoder().encode,
            Encoder().iter_batches,
            mixpress.encode,
            client.import_events,
            client.track_many,
        ):
            with pytest.raises(TypeError, match=f"got one {name}: put it in a list"):
                take(SINGLE[name])
