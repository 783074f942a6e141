"""The work of reading values by Python code grows with their size, and never with its square."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from mixpress import Encoder, Finding
from support.work import VALUES, work_of_value

NEEDED = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}


@pytest.mark.parametrize("name", VALUES)
def test_twice_the_values_run_at_most_two_and_a_half_times_the_lines(name: str) -> None:
    once, twice = (work_of_value(VALUES[name](size)) for size in (500, 1000))
    assert 2 * twice <= 5 * once


@pytest.mark.parametrize("name", ["a", "time"])
@pytest.mark.parametrize("bits", [1_024, 100_000, 33_000_000])
def test_an_int_beyond_a_double_is_named_by_its_first_digits(bits: int, name: str) -> None:
    """All digits of the largest would take an hour: the time for them grows with their square."""
    exponent = math.floor(bits * math.log10(2))
    for value in (1 << bits, -(1 << bits)):
        event = {"event": "e", "properties": {**NEEDED, name: value}}
        encoded = Encoder(compression=None).encode([event])
        found: Finding = (encoded.rejected or encoded.warnings)[0]
        assert found.rule == {"a": "not-a-number", "time": "time-type"}[name]
        assert len(found.message) < 200
        assert f"E+{exponent}" in found.message


def test_a_decimal_of_ten_million_digits_is_named_by_its_first_digits() -> None:
    value = Decimal((0, (7,) * 10_000_000, 0))
    (found,) = Encoder(compression=None).encode([{"event": "e", "properties": {**NEEDED, "a": value}}]).warnings
    assert found.message.startswith("the number 77777777777777777777... (10000000 characters) is beyond the range")
