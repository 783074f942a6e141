"""Which batches the server may take twice."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress import Encoder
from mixpress.send.repeatable import is_repeatable

HARMLESS: list[dict[str, Any]] = [
    {"$set": {"a": 1, "add": 2, "text": 'a "$add": in a text'}},
    {"$set_once": {"a": "\u20ac"}},
    {"$union": {"a": [1]}},
    {"$remove": {"a": 1}},
    {"$unset": ["a", "b"]},
    {"$delete": ""},
]


def batch(*operations: dict[str, Any], **settings: Any) -> Any:
    updates = [{"$distinct_id": "u", **operation} for operation in operations]
    [made] = Encoder("engage", token="t", **settings).encode(updates).batches
    assert made.count == len(operations)
    return made


@pytest.mark.parametrize("settings", [{}, {"compression": "gzip"}, {"format": "form"}], ids=str)
def test_a_batch_is_repeatable_unless_it_adds_or_appends(settings: dict[str, Any]) -> None:
    assert is_repeatable(batch(*HARMLESS, **settings))
    assert not is_repeatable(batch(*HARMLESS, {"$add": {"n": 1}}, **settings))
    assert not is_repeatable(batch({"$append": {"n": 1}}, *HARMLESS, **settings))


@pytest.mark.parametrize(
    "text",
    [
        '{"$distinct_id": "u", "$add" : {"n": 1}}',
        '{"$distinct_id": "u", "\\u0024add": {"n": 1}}',
        '{"$distinct_id": "u", "$\\u0061ppend": {"n": 1}}',
    ],
)
def test_an_operation_is_known_however_json_text_spells_it(text: str) -> None:
    for one in Encoder("engage", token="t").encode_json(text).batches:
        assert not is_repeatable(one)


def test_control_characters_do_not_make_a_batch_unrepeatable() -> None:
    assert is_repeatable(batch({"$set": {"a": "\x00\x1b"}}))
