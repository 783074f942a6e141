"""A message has "an" before the name of a type that starts with a, e, i or o, in the core and in the client."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress import Client, Encoder
from mixpress.article import with_article

NAMES = {
    "int": "an int",
    "Enum": "an Enum",
    "array": "an array",
    "Order": "an Order",
    "UUID": "a UUID",
    "Unit": "a Unit",
    "bytes": "a bytes",
    "été": "a été",
    "": "a ",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_has_its_article(name: str) -> None:
    assert with_article(name) == NAMES[name]


@pytest.mark.parametrize("name", [name for name in NAMES if name])
def test_the_messages_about_a_value_of_a_wrong_type_have_the_article(name: str) -> None:
    encoder, value = Encoder(), type(name, (), {"__slots__": ()})()
    calls: list[Any] = [encoder.encode, encoder.encode_json, encoder.encode_arrow, Client]
    for call in calls:
        with pytest.raises(TypeError, match=rf"\b{NAMES[name]}\b"):
            call(value)
    event = {"event": "e", "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i", "a": value}}
    [rejection] = encoder.encode([event]).rejected
    assert rejection.message.startswith(f"{NAMES[name]}, which JSON has no form for")


def test_a_value_that_can_not_be_read_has_the_article() -> None:
    class Array(dict[str, Any]):
        def items(self) -> Any:
            raise ValueError("no items")

    event = {"event": "e", "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i", "a": Array()}}
    [rejection] = Encoder().encode([event]).rejected
    assert rejection.message == "an Array that can't be read: ValueError: no items"
