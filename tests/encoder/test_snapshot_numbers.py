"""A number that Python code gives by its text is checked as JSON text is, wherever it is in the event."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from mixpress import Encoder, snapshot
from mixpress._core import Number
from reference import Options

NEEDED = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
CUT = "x" * 300
NO_NUMBERS = [
    "", " ", "1 ", " 1", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1e5.", "0x1", "1_000", "NaN", "Infinity",
    "-Infinity", "-", "--1", "1,2", "1}", '1"', '"1"', "1\n", "\n1", "1\0", "null", "true", "{}", "[1]", "1;1",
    "\u0661", "\uff11", "\u00bd", "1\ud800", "\ud800", "1\u2028", "1 1", "USD 1", "1e\u0661",
]  # fmt: skip


class Money(Decimal):
    """A Decimal that spells itself in its own way."""

    def __str__(self) -> str:
        return f'USD "{super().__str__()}'

    __repr__ = __format__ = __str__  # type: ignore[assignment]


def given(monkeypatch: pytest.MonkeyPatch, name: str, number: Number, kind: Any) -> Any:
    """Encode an event with a value that is converted to this number, and one more after it."""
    odd, real = object(), snapshot.converted

    def convert(values: list[Any], forms: list[Any], default: Any) -> list[Any]:
        pairs = zip(values, real(values, forms, default), strict=True)
        return [number if value is odd else result for value, result in pairs]

    monkeypatch.setattr(snapshot, "converted", convert)
    good = {"event": "e", "properties": NEEDED}
    return Encoder(compression=None).encode([{"event": "e", "properties": kind({**NEEDED, name: odd})}, good])


KINDS = pytest.mark.parametrize("kind", [dict, MappingProxyType], ids=["dict", "another mapping"])


@KINDS
@pytest.mark.parametrize("name", ["a", CUT, "time", "distinct_id", "$insert_id"], ids=lambda name: name[:12])
@pytest.mark.parametrize("spelling", NO_NUMBERS, ids=repr)
def test_a_text_that_is_no_json_number_rejects_its_event_alone(
    spelling: str, name: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = given(monkeypatch, name, Number(spelling), kind)
    assert [rejection.index for rejection in encoded.rejected] == [0]
    (event,) = json.loads(encoded.batches[0].body)
    assert event["properties"] == NEEDED


@KINDS
@pytest.mark.parametrize("name", ["a", CUT], ids=["a", "cut"])
@pytest.mark.parametrize("spelling", ["0", "-0", "1E+3", "1e-400", "0.10", "12345678901234567890", "-1.5e07"])
def test_a_json_number_is_written_as_it_is_spelled(
    spelling: str, name: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = given(monkeypatch, name, Number(spelling), kind)
    assert f'"{name[:255]}":{spelling}}}'.encode() in encoded.batches[0].body


@pytest.mark.parametrize("kind", [dict, MappingProxyType])
@pytest.mark.parametrize("name", [CUT, "\ud800", CUT + "\ud800"], ids=["cut", "repaired", "both"])
@pytest.mark.parametrize("number", [Decimal("1.50"), Money("1.50"), Money("1E+30"), Money("sNaN"), Decimal("1e999")])
def test_a_decimal_under_a_name_that_is_changed_is_written_as_the_reference_does(
    number: Decimal, name: str, kind: Any
) -> None:
    """The names of such an object are compared once it is written: the numbers between them are read as JSON then."""
    chosen = Options()
    inside = kind({name: number, "b": number, "2" + name: [number]})
    events = [{"event": "e", "properties": {**NEEDED, "o": inside, name: number}}, {"event": "e", "properties": NEEDED}]
    result = outcome_of_core(core_encoder(chosen).encode(events))
    assert result == outcome_of_reference(reference.encode(events, chosen))
    assert not result.rejected


@pytest.mark.parametrize("number", [10**40, -(10**40), 10**300, 10**500, Decimal("1." + "5" * 60), 1e300, 1e40, 5e-324])
@pytest.mark.parametrize("name", ["distinct_id", "$insert_id", "time", "event"])
def test_a_message_shows_the_start_of_a_long_number_and_its_length(name: str, number: Any) -> None:
    event: dict[str, Any] = {"event": "e", "properties": NEEDED}
    event = {**event, name: number} if name == "event" else {**event, "properties": {**NEEDED, name: number}}
    encoder = Encoder(compression=None, explain=True)
    texts = [json.dumps(event)] if not isinstance(number, Decimal) else []
    for encoded in [encoder.encode([event]), *map(encoder.encode_json, texts)]:
        for found in [*encoded.rejected, *encoded.warnings]:
            assert len(found.message) < 250, found.message
            assert not re.search(r"\d{41}", found.message), found.message


@pytest.mark.parametrize("length", [40, 41])
def test_a_number_of_40_characters_is_shown_whole(length: int) -> None:
    event = {"event": "e", "properties": {**NEEDED, "distinct_id": int("7" * length)}}
    (rejection,) = Encoder().encode([event]).rejected
    shown = "7" * 40 if length == 40 else "7" * 20 + "... (41 characters)"
    assert rejection.message == f"'distinct_id' must be text, and is the number {shown}"
