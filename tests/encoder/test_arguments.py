"""A wrong argument raises at the call, with a message that names the allowed values."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress import Encoder, Limits

WRONG_ENCODERS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"endpoint": "people"}, ValueError, 'endpoint must be "import" or "track" or "engage" or "groups", got "people"'),
    ({"endpoint": "engage", "format": "ndjson"}, ValueError, 'format="ndjson" needs endpoint="import"'),
    ({"endpoint": "engage", "group_key": "k"}, ValueError, 'group_key needs endpoint="groups"'),
    (
        {"endpoint": "groups", "group_key": ""},
        ValueError,
        "group_key is empty; pass the property that groups are identified by",
    ),
    ({"endpoint": "groups", "group_key": 5}, TypeError, "group_key must be text, got 5"),
    ({"endpoint": "groups", "ip": False}, ValueError, 'ip needs endpoint="engage"'),
    ({"ignore_time": True}, ValueError, 'ignore_time needs endpoint="engage"'),
    ({"endpoint": "engage", "ip": 0}, TypeError, "ip must be True or False, got 0"),
    ({"endpoint": "engage", "ignore_time": "no"}, TypeError, "ignore_time must be True or False, got 'no'"),
    ({"endpoint": "engage", "identity": "original"}, ValueError, 'identity needs endpoint="import" or "track"'),
    ({"identity": "legacy"}, ValueError, 'identity must be "simplified" or "original", got "legacy"'),
    (
        {"endpoint": "engage", "insert_id": "derive"},
        ValueError,
        'insert_id="derive" needs endpoint="import" or "track": an update of a profile has no .insert_id',
    ),
    ({"endpoint": "groups", "insert_id_from": ["a"]}, ValueError, 'insert_id_from needs insert_id="derive"'),
    ({"format": "xml"}, ValueError, "format must be"),
    ({"endpoint": "track", "format": "ndjson"}, ValueError, 'format="ndjson" needs endpoint="import"'),
    ({"format": "form"}, ValueError, 'format="form" needs endpoint="track"'),
    ({"compression": "brotli"}, ValueError, 'compression must be "gzip"'),
    ({"level": 0}, ValueError, r"level must be an integer from 1 \(fastest\) to 9 \(smallest\), got 0"),
    ({"level": -1}, ValueError, "level must be .*, got -1"),
    ({"level": 10}, ValueError, "level must be .*, got 10"),
    ({"level": 10**30}, ValueError, "level must be .*, got 1000"),
    ({"level": "x"}, TypeError, "level must be .*, got 'x'"),
    ({"level": 2.5}, TypeError, "level must be .*, got 2.5"),
    ({"endpoint": None}, TypeError, 'endpoint must be "import" or "track" or "engage" or "groups", got None'),
    ({"format": 5}, TypeError, 'format must be "json" or "ndjson" or "form", got 5'),
    ({"compression": True}, TypeError, 'compression must be "gzip", got True'),
    ({"insert_id": b"derive"}, TypeError, 'insert_id must be "require" or "derive", got b\'derive\''),
    ({"on_long_url": 5}, TypeError, 'on_long_url must be "cut" or "parse", got 5'),
    ({"on_long_json": ()}, TypeError, r'on_long_json must be "cut" or "flatten", got \(\)'),
    ({"insert_id_from": ["a"]}, ValueError, 'insert_id_from needs insert_id="derive"'),
    ({"insert_id": "derive", "insert_id_from": []}, ValueError, "every event would get the same id"),
    (
        {"insert_id": "derive", "insert_id_from": "order"},
        TypeError,
        "insert_id_from must be a list of names of properties, or \"event\", got 'order'",
    ),
    ({"insert_id": "derive", "insert_id_from": [1]}, TypeError, "insert_id_from must be a list of names"),
    ({"on_long_text": None}, TypeError, 'on_long_text must be "cut" or "drop", got None'),
    ({"token": b"secret"}, TypeError, "^token must be text, got a value of type bytes$"),
    ({"explain": "yes"}, TypeError, "explain must be True or False, got 'yes'"),
    ({"form_base64": 1}, TypeError, "form_base64 must be True or False, got 1"),
    ({"compression": None, "level": 3}, ValueError, "level needs compression=.*, got compression=None"),
    ({"insert_id": "maybe"}, ValueError, "insert_id must be"),
    ({"now": 5}, TypeError, "now must be a function .*, got 5"),
    ({"default": "str"}, TypeError, "default must be a function .*, got 'str'"),
    ({"form_base64": True}, ValueError, 'form_base64 needs format="form"'),
    ({"limits": {}}, TypeError, "limits must be a Limits, got {}"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG_ENCODERS)
def test_an_encoder_refuses_wrong_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Encoder(**arguments)


WRONG_LIMITS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"max_string": 0}, ValueError, "max_string must be an integer >= 1, got 0"),
    ({"max_depth": -1}, ValueError, "max_depth must be an integer >= 0, got -1"),
    ({"truncate_unit": "words"}, ValueError, 'must be "chars" or "bytes"'),
    ({"rules": {"no-such-rule": "off"}}, ValueError, 'there is no rule "no-such-rule"; the rules are invalid-json'),
    ({"rules": {"too-deep": "maybe"}}, ValueError, '"reject", "warn" or "off", got "maybe"'),
    ({"rules": {"too-deep": 1}}, TypeError, "both text"),
    ({"max_batch_bytes": "many"}, TypeError, "max_batch_bytes must be an integer >= 1, got 'many'"),
    ({"max_depth": 2.5}, TypeError, "max_depth must be an integer >= 0, got 2.5"),
    ({"max_string": 10**30}, ValueError, "max_string must be an integer >= 1, got 1000"),
    ({"truncate_unit": 5}, TypeError, 'truncate_unit must be "chars" or "bytes", got 5'),
    ({"rules": "off"}, TypeError, "rules must be a dict of rules and their actions, got 'off'"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG_LIMITS)
def test_limits_refuse_wrong_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Limits(**arguments)


@pytest.mark.parametrize("events", [{"event": "x"}, 5, None])
def test_encode_refuses_what_is_not_an_iterable(events: Any) -> None:
    for call in (Encoder().encode, Encoder().iter_batches):
        with pytest.raises(TypeError, match="events must be an iterable of events"):
            call(events)


@pytest.mark.parametrize("text", ["text", b"bytes", bytearray(b"x"), memoryview(b"x")])
def test_encode_refuses_text_and_names_encode_json(text: Any) -> None:
    with pytest.raises(TypeError, match=r"got text: pass JSON to encode_json\(\)"):
        Encoder().encode(text)
    assert [rejection.rule for rejection in Encoder().encode_json(text).rejected] == ["invalid-json"]


@pytest.mark.parametrize("data", [[], {}, 5, None])
def test_encode_json_refuses_what_is_not_text(data: Any) -> None:
    with pytest.raises(TypeError, match="data must be JSON text"):
        Encoder().encode_json(data)


def test_limits_compare_by_value() -> None:
    assert Limits() == Limits.documented()
    assert Limits.observed() != Limits.documented()
    assert (Limits.observed().truncate_unit, Limits.observed().max_depth) == ("bytes", 10)
    changed = Limits(max_depth=10, rules={"too-deep": "warn"})
    assert (changed.max_depth, changed.rules) == (10, {"too-deep": "warn"})
    assert "max_depth=10" in repr(changed)


def test_an_exception_of_the_clock_reaches_the_caller() -> None:
    def broken() -> float:
        raise OSError("no clock")

    with pytest.raises(OSError, match="no clock"):
        Encoder(now=broken).encode([{"event": "x", "properties": {}}])
