"""A bad event is rejected or repaired with a reason, and the other events are not affected."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mixpress import Encoder, Limits

GOOD: dict[str, Any] = {"time": 1_700_000_000, "distinct_id": "u-1", "$insert_id": "id-1"}


def event(**properties: Any) -> dict[str, Any]:
    return {"event": "Seen", "properties": GOOD | properties}


def encode_among_good(bad: Any) -> Any:
    """Encode an event between two good ones, which must be accepted."""
    encoded = Encoder(compression=None, now=lambda: 1_700_000_000.0).encode([event(n=1), bad, event(n=2)])
    indexes = [index for batch in encoded.batches for index in batch.indexes]
    assert {0, 2} <= set(indexes)
    assert sorted(indexes + [rejection.index for rejection in encoded.rejected]) == [0, 1, 2]
    return encoded


def written(value: Any) -> Any:
    """Return how the property `value` of an event is written."""
    (batch,) = encode_among_good(event(value=value)).batches
    return json.loads(batch.events()[1])["properties"]["value"]


class LyingDict(dict[str, Any]):
    def items(self) -> Any:
        return [("a", 1), "not a pair at all", 3]


class RaisingDict(dict[str, Any]):
    def items(self) -> Any:
        raise KeyError("no items today")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text either")


class RaisingUnprintably(dict[str, Any]):
    def items(self) -> Any:
        raise Unprintable


class EndlessMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return self

    def __iter__(self) -> Iterator[str]:
        return iter("x")

    def __len__(self) -> int:
        return 1


class HashlessText(str):
    """Equal only to itself, so that a dict can hold two of the same text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def containing_itself() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    return loop


def list_containing_itself() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


REJECTED = {
    "a string instead of an event": ("Seen", "", "event-not-object"),
    "a list instead of an event": ([GOOD], "", "event-not-object"),
    "None instead of an event": (None, "", "event-not-object"),
    "an object without a JSON form": (object(), "", "event-not-object"),
    "bytes": (event(value=b"\x00"), "properties.value", "unsupported-type"),
    "a function": (event(value=len), "properties.value", "unsupported-type"),
    "a name that is an integer": (event(value={1: 2}), "properties.value", "unsupported-type"),
    "a name that is None": (event(value={None: 2}), "properties.value", "unsupported-type"),
    "an event with a name that is an integer": (event() | {5: 1}, "", "unsupported-type"),
    "a dict that contains itself": (event(value=containing_itself()), "properties.value.again.again.again", "too-deep"),
    "a list that contains itself": (event(value=list_containing_itself()), "properties.value" + "[0]" * 64, "too-deep"),
    "an endless mapping": (event(value=EndlessMapping()), "properties.value.x.x.x", "too-deep"),
    "a dict whose items are not pairs": (event(value=LyingDict()), "properties.value", "unsupported-type"),
    "a dict whose items raise": (event(value=RaisingDict(a=1)), "properties.value", "unsupported-type"),
    "a dict whose exception can't be printed": (
        event(value=RaisingUnprintably()),
        "properties.value",
        "unsupported-type",
    ),
    "two names of the same text": (
        event(value={HashlessText("a"): 1, HashlessText("a"): 2}),
        "properties.value.a",
        "key-collision",
    ),
    "255 properties": (event(**{f"p{n}": n for n in range(252)}), "properties", "too-many-properties"),
    "an infinite time": (event(time=math.inf), "properties.time", "time-type"),
    "a time that is NaN": (event(time=math.nan), "properties.time", "time-type"),
}


@pytest.mark.parametrize(("bad", "field", "rule"), REJECTED.values(), ids=REJECTED)
def test_a_bad_event_is_rejected_with_field_and_rule(bad: Any, field: str, rule: str) -> None:
    (rejection,) = encode_among_good(bad).rejected
    assert (rejection.index, rejection.field, rejection.rule) == (1, field, rule)
    assert len(rejection.message) > 20


def test_254_properties_pass() -> None:
    assert encode_among_good(event(**{f"p{n}": n for n in range(251)})).rejected == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinities_are_written_as_null(value: float) -> None:
    encoded = encode_among_good(event(value=value, values=[value]))
    assert [(warning.index, warning.field, warning.rule) for warning in encoded.warnings] == [
        (1, "properties.value", "not-a-number"),
        (1, "properties.values[0]", "not-a-number"),
    ]
    properties = json.loads(encoded.batches[0].events()[1])["properties"]
    assert (properties["value"], properties["values"]) == (None, [None])


def test_a_lone_surrogate_does_not_affect_other_events() -> None:
    encoded = encode_among_good(event(value="a\ud800b", **{"na\udfffme": 1}))
    assert {warning.rule for warning in encoded.warnings} == {"invalid-unicode"}
    properties = json.loads(encoded.batches[0].events()[1])["properties"]
    assert properties["value"] == "a\ufffdb"
    assert properties["na\ufffdme"] == 1


def test_a_rule_can_be_set_to_reject() -> None:
    encoder = Encoder(limits=Limits(rules={"invalid-unicode": "reject"}))
    (rejection,) = encoder.encode([event(value="\ud800")]).rejected
    assert rejection.rule == "invalid-unicode"


@pytest.mark.parametrize(
    "number",
    [2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64, -(2**200), 1234567890123456789, 10**308 + 7],
    ids=lambda number: f"{number.bit_length()} bits",
)
def test_integers_keep_every_digit(number: int) -> None:
    (batch,) = encode_among_good(event(value=number)).batches
    assert str(decimal.Decimal(number)).encode() in batch.events()[1]


def test_three_megabytes_of_text_are_truncated_and_reported() -> None:
    encoded = encode_among_good(event(value="x" * 3_000_000))
    (truncation,) = encoded.truncated
    assert (truncation.index, truncation.path, truncation.length, truncation.advice) == (
        1,
        "properties.value",
        3_000_000,
        "text",
    )
    assert json.loads(encoded.batches[0].events()[1])["properties"]["value"] == "x" * 255


def test_enums_dataclasses_sets_and_decimals_have_a_json_form() -> None:
    class Plan(enum.Enum):
        PRO = "pro"

    class Level(enum.IntEnum):
        HIGH = 3

    @dataclasses.dataclass
    class Address:
        city: str
        plans: tuple[Plan, ...]

    assert written(Plan.PRO) == "pro"
    assert written(Level.HIGH) == 3
    assert written(Address("Rome", (Plan.PRO,))) == {"city": "Rome", "plans": ["pro"]}
    assert written({3, 1, 2}) == [1, 2, 3]
    assert written(decimal.Decimal("1.10")) == 1.1


def test_a_dict_that_its_own_value_changes_is_read_as_it_is_then() -> None:
    properties: dict[str, Any] = dict(GOOD)

    class Meddler(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return 1

        def __iter__(self) -> Iterator[str]:
            for number in range(100):
                properties[f"added{number}"] = number
            return iter("x")

        def __len__(self) -> int:
            return 1

    properties["meddler"] = Meddler()
    (batch,) = encode_among_good({"event": "Seen", "properties": properties}).batches
    assert json.loads(batch.events()[1])["properties"] == {**properties, "meddler": {"x": 1}}


def test_the_input_is_never_changed() -> None:
    given = event(text="x" * 300, nested={"deep": ["y" * 300]})
    before = json.dumps(given)
    Encoder(token="abc").encode([given])
    assert json.dumps(given) == before
