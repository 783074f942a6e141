"""Wrong arguments are exceptions at once, with a sentence that says what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress import Encoder, Limits

WRONG_ENCODERS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"endpoint": "engage"}, ValueError, 'endpoint must be "import" or "track", and is "engage"'),
    ({"format": "xml"}, ValueError, "format must be"),
    ({"endpoint": "track", "format": "ndjson"}, ValueError, 'for endpoint="import" only'),
    ({"format": "form"}, ValueError, 'for endpoint="track" only'),
    ({"compression": "brotli"}, ValueError, 'compression must be "gzip"'),
    ({"level": 0}, ValueError, r"level must be 1 \(fastest\) to 9 \(smallest\)"),
    ({"level": 10}, ValueError, "level must be"),
    ({"compression": None, "level": 3}, ValueError, "compression is None"),
    ({"insert_id": "maybe"}, ValueError, "insert_id must be"),
    ({"now": 5}, TypeError, "now must be a function"),
    ({"default": "str"}, TypeError, "default must be a function"),
    ({"form_base64": True}, ValueError, 'form_base64 is for format="form" only'),
    ({"limits": {}}, TypeError, "Limits"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG_ENCODERS)
def test_an_encoder_that_makes_no_sense(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Encoder(**arguments)


WRONG_LIMITS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"max_string": 0}, ValueError, "max_string must be at least 1, and is 0"),
    ({"max_depth": -1}, ValueError, "max_depth must be at least 0"),
    ({"truncate_unit": "words"}, ValueError, 'must be "chars" or "bytes"'),
    ({"rules": {"no-such-rule": "off"}}, ValueError, 'there is no rule "no-such-rule"; the rules are invalid-json'),
    ({"rules": {"too-deep": "maybe"}}, ValueError, '"reject", "warn" or "off", not "maybe"'),
    ({"rules": {"too-deep": 1}}, TypeError, "both text"),
    ({"max_batch_bytes": "many"}, TypeError, "integer"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG_LIMITS)
def test_limits_that_make_no_sense(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Limits(**arguments)


@pytest.mark.parametrize("events", [{"event": "x"}, 5, None])
def test_what_is_no_iterable_of_events(events: Any) -> None:
    for call in (Encoder().encode, Encoder().iter_batches):
        with pytest.raises(TypeError, match="events must be an iterable of events"):
            call(events)


@pytest.mark.parametrize("text", ["text", b"bytes", bytearray(b"x"), memoryview(b"x")])
def test_text_is_for_encode_json(text: Any) -> None:
    with pytest.raises(TypeError, match=r"and is text; for JSON there is encode_json\(\)"):
        Encoder().encode(text)
    assert [rejection.rule for rejection in Encoder().encode_json(text).rejected] == ["invalid-json"]


@pytest.mark.parametrize("data", [[], {}, 5, None])
def test_what_is_no_text(data: Any) -> None:
    with pytest.raises(TypeError, match="data must be JSON text"):
        Encoder().encode_json(data)


def test_limits_are_a_value() -> None:
    assert Limits() == Limits.documented()
    assert Limits.observed() != Limits.documented()
    assert (Limits.observed().truncate_unit, Limits.observed().max_depth) == ("bytes", 10)
    changed = Limits(max_depth=10, rules={"too-deep": "warn"})
    assert (changed.max_depth, changed.rules) == (10, {"too-deep": "warn"})
    assert "max_depth=10" in repr(changed)


def test_a_clock_that_raises_is_the_callers_own_error() -> None:
    def broken() -> float:
        raise OSError("no clock")

    with pytest.raises(OSError, match="no clock"):
        Encoder(now=broken).encode([{"event": "x", "properties": {}}])
