"""Texts and names of every width and length, with an odd character at each edge, are written like the reference."""

from __future__ import annotations

from typing import Any

import pytest

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from reference import Options

OTHERS = ["x", "é", "ж", "€", "😀"]  # one for each way in which Python keeps a text
ODD = ['"', "\\", "\n", "\x00", "\ud800", "\udfff", "é", "€", "😀", "\U0010ffff"]


def texts(length: int) -> list[str]:
    """Return texts of a length with an odd character at the start, in the middle and at the end."""
    places = sorted({0, length // 2, max(length - 1, 0)})
    return [
        (other * place + odd + other * (length - place - 1))[:length]
        for other in OTHERS
        for odd in ODD
        for place in places
    ]


def event(length: int) -> dict[str, Any]:
    given = texts(length)
    properties: dict[str, Any] = {"time": 1_700_000_000, "distinct_id": "u" + given[0], "$insert_id": "i"}
    names = {text: number for number, text in enumerate(given)}
    return {"event": "e" + given[-1], "properties": {**properties, "texts": given, "names": names, "text": given[7]}}


@pytest.mark.parametrize("unit", ["chars", "bytes"])
def test_texts_of_every_width_and_length_are_written_like_the_reference(unit: str) -> None:
    events = [event(length) for length in [*range(81), *range(125, 130), *range(250, 260)]]
    chosen = Options(limits={"truncate_unit": unit}, rules={"key-collision": "warn"})
    expected = outcome_of_reference(reference.encode(events, chosen))
    assert len(expected.rejected) < 10
    encoder = core_encoder(chosen)
    for _ in range(2):  # the names are known the second time
        assert outcome_of_core(encoder.encode(events)) == expected
