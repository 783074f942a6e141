"""The rules for an event, each just within and just beyond its limit."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mixpress.emulator import Emulator

from .conftest import Start
from .sender import DAY, NDJSON, NOW, Sender, event

STRICT = "/import?strict=1"
DISALLOWED = [
    "00000000-0000-0000-0000-000000000000",
    *["anon", "anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "<nil>"],
    *["0", "-1", "true", "false", "[]", "{}"],
]


def nested(depth: int) -> Any:
    """Return objects nested `depth` deep."""
    return {"in": nested(depth - 1)} if depth else 1


def listed(levels: int) -> Any:
    """Return lists nested `levels` deep."""
    return [listed(levels - 1)] if levels else 1


def many(count: int) -> dict[str, int]:
    return {f"p{number}": number for number in range(count)}


def sized(size: int) -> dict[str, Any]:
    """Return an event of `size` bytes of JSON, of strings that are not truncated."""
    sent = event(filler=[["x" * 255] * 254] * 15, rest=[""] * 254)
    missing = size - len(orjson.dumps(sent))
    sent["properties"]["rest"] = ["y" * (missing // 254)] * 253 + ["y" * (missing // 254 + missing % 254)]
    assert len(orjson.dumps(sent)) == size
    return sent


TAKEN = {
    "a name of one character": event("x"),
    "a name with blanks around it": event(" x "),
    "a name of a control character": event("\x1c"),
    "a name like a disallowed id": event("null"),
    "properties alone": {"properties": event()["properties"], "event": "in the other order"},
    "the first second of 1971": event(time=31_536_000),
    "the first millisecond of 1971": event(time=31_536_000_000),
    "milliseconds": event(time=(NOW - 60) * 1000),
    "the present": event(time=NOW),
    "an hour ahead": event(time=NOW + 3600),
    "an hour ahead in milliseconds": event(time=(NOW + 3600) * 1000),
    "an empty distinct_id": event(distinct_id=""),
    "a distinct_id around a disallowed one": event(distinct_id="anon "),
    "a long distinct_id": event(distinct_id="d" * 300),
    "an insert_id of one character": event(insert_id="a"),
    "an insert_id of 36 bytes": event(insert_id="Az09-" * 7 + "x"),
    "254 properties": event(**many(251)),
    "254 keys": event(inner=many(254)),
    "254 elements": event(items=list(range(254))),
    "254 keys in a list": event(items=[many(254)]),
    "objects three deep": event(inner=nested(3)),
    "objects three deep in lists": event(items=[[[nested(3)]]]),
    "lists 64 levels deep": event(items=listed(64)),
    "every kind of value": event(values=[None, True, False, 0, -1.5, "", {}, []]),
    "an event of 999,999 bytes": sized(999_999),
}


@pytest.mark.parametrize("sent", TAKEN.values(), ids=TAKEN.keys())
def test_a_valid_event_is_imported(server: Emulator, sender: Sender, sent: dict[str, Any]) -> None:
    assert sender.post(STRICT, [sent]).json == {"code": 200, "num_records_imported": 1, "status": "OK"}
    assert server.count(sent["event"]) == 1


BLANK = "'event' must not be missing or blank"
AN_OBJECT = "an event must be a JSON object of 'event' and 'properties'"
SECONDS = "'properties.time' is invalid: must be specified as seconds since epoch"
FUTURE = "'properties.time' is invalid: must not be in the future"
OLD = "'properties.time' is invalid: must be after 1971-01-01"
LETTERS = "'$insert_id' is invalid: must only contain alphanumeric or hyphen '-' characters"
LARGE = "the event is invalid: must be smaller than 1000000 bytes of JSON"

REFUSED: dict[str, tuple[Any, str, str]] = {
    "text": ("event", "", AN_OBJECT),
    "null": (None, "", AN_OBJECT),
    "a list": ([event()], "", AN_OBJECT),
    "no name": ({"properties": {}}, "event", BLANK),
    "an empty name": (event(""), "event", BLANK),
    "a blank name": (event(" \t\u00a0\u2003"), "event", BLANK),
    "a name that is null": ({**event(), "event": None}, "event", "'event' is invalid: must be a string"),
    "no properties": ({"event": "e"}, "properties", "'properties' must not be missing"),
    "properties in a list": (
        *({"event": "e", "properties": []}, "properties"),
        "'properties' is invalid: must be an object",
    ),
    "a third member": (
        *({**event(), "id": 1}, "id"),
        "'id' is invalid: an event has only 'event' and 'properties'",
    ),
    "no time": (event(time=...), "properties.time", "'properties.time' must not be missing"),
    "time as text": (event(time="1700000000"), "properties.time", SECONDS),
    "time as a date": (event(time="2023-11-14T22:13:20Z"), "properties.time", SECONDS),
    "time as true": (event(time=True), "properties.time", SECONDS),
    "time as null": (event(time=None), "properties.time", SECONDS),
    "time with a fraction": (event(time=NOW - 0.5), "properties.time", SECONDS),
    "the last second of 1970": (event(time=31_535_999), "properties.time", OLD),
    "a time before the epoch": (event(time=-NOW * 1000), "properties.time", OLD),
    "a second more than an hour ahead": (event(time=NOW + 3601), "properties.time", FUTURE),
    "a millisecond more than an hour ahead": (event(time=(NOW + 3600) * 1000 + 1), "properties.time", FUTURE),
    "a millisecond less than 1971, which is the year 2969": (event(time=31_535_999_999), "properties.time", FUTURE),
    "no distinct_id": (
        *(event(distinct_id=...), "properties.distinct_id"),
        "'properties.distinct_id' must not be missing",
    ),
    "a number as distinct_id": (
        *(event(distinct_id=7), "properties.distinct_id"),
        "'properties.distinct_id' is invalid: must be a string",
    ),
    "no insert_id": (event(insert_id=...), "$insert_id", "'$insert_id' must not be missing"),
    "null as insert_id": (event(insert_id=None), "$insert_id", "'$insert_id' is invalid: must be a string"),
    "an empty insert_id": (event(insert_id=""), "$insert_id", LETTERS),
    "an insert_id with an underscore": (event(insert_id="a_b"), "$insert_id", LETTERS),
    "an insert_id with a line's end": (event(insert_id="ab\n"), "$insert_id", LETTERS),
    "an insert_id with an umlaut": (event(insert_id="\u00e4"), "$insert_id", LETTERS),
    "an insert_id of 37 bytes": (
        *(event(insert_id="a" * 37), "$insert_id"),
        "'$insert_id' is invalid: must be at most 36 bytes",
    ),
    "255 properties": (
        *(event(**many(252)), "properties"),
        "'properties' is invalid: must have fewer than 255 properties",
    ),
    "255 keys": (
        *(event(inner=many(255)), "properties.inner"),
        "'properties.inner' is invalid: must have fewer than 255 keys",
    ),
    "255 elements": (
        *(event(items=[1, [0] * 255]), "properties.items[1]"),
        "'properties.items[1]' is invalid: must have fewer than 255 elements",
    ),
    "objects four deep": (
        *(event(inner=nested(4)), "properties.inner.in.in.in"),
        "'properties.inner.in.in.in' is invalid: objects must not be nested deeper than 3",
    ),
    "lists 65 levels deep": (
        *(event(items=listed(65)), "properties.items" + "[0]" * 64),
        f"'properties.items{'[0]' * 64}' is invalid: must not be nested more than 64 levels deep",
    ),
    "an event of a million bytes": (sized(1_000_000), "", LARGE),
}


@pytest.mark.parametrize(("sent", "field", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_an_invalid_event_is_refused_with_its_field_and_message(
    server: Emulator, sender: Sender, sent: Any, field: str, message: str
) -> None:
    answer = sender.post(STRICT, [event("Good"), sent])
    assert answer.status == 400
    assert answer.failures == [(1, field, message)]
    assert answer.json["num_records_imported"] == 1
    assert server.events() == [event("Good")]


@pytest.mark.parametrize("value", DISALLOWED)
@pytest.mark.parametrize("shape", [str, str.upper, str.title], ids=["as listed", "upper case", "title case"])
def test_disallowed_ids_are_refused(server: Emulator, sender: Sender, value: str, shape: Any) -> None:
    value = shape(value)
    answer = sender.post(STRICT, [event(distinct_id=value), event(insert_id=value)])
    assert answer.failures == [
        (0, "properties.distinct_id", f"'properties.distinct_id' is invalid: '{value}' is a disallowed value"),
        (1, "$insert_id", f"'$insert_id' is invalid: '{value}' is a disallowed value"),
    ]
    assert server.count() == 0


def test_the_size_of_an_event_is_that_of_its_compact_json(sender: Sender) -> None:
    spaced = orjson.dumps(sized(999_999)).replace(b'{"event":', b'{  "event" :')
    assert sender.post(STRICT, spaced, kind=NDJSON).status == 200


def test_a_line_without_a_newline_is_measured_too(sender: Sender) -> None:
    answer = sender.post(STRICT, orjson.dumps(sized(1_000_000)), kind=NDJSON)
    assert answer.failures == [(0, "", LARGE)]


def test_the_depth_limit_can_be_that_of_the_real_server(start: Start) -> None:
    _, sender = start(max_depth=10)
    assert sender.post(STRICT, [event(inner=nested(10))]).status == 200
    answer = sender.post(STRICT, [event(inner=nested(11))])
    assert answer.json["failed_records"][0]["message"].endswith("objects must not be nested deeper than 10")


# -- not strict: missing properties are filled in, present ones must be valid


@pytest.mark.parametrize("left_out", ["time", "distinct_id", "insert_id"])
def test_without_strict_a_property_may_be_missing(server: Emulator, sender: Sender, left_out: str) -> None:
    assert sender.post("/import", [event(**{left_out: ...})]).body == b"1"
    assert server.count() == 1


@pytest.mark.parametrize(
    "sent",
    [
        *["text", event(""), {"event": "e"}, event(time="now"), event(time=0), event(distinct_id="null")],
        *[event(distinct_id=1), event(insert_id="a b"), event(inner=nested(4)), event(**many(252))],
    ],
)
def test_without_strict_an_invalid_event_is_dropped_silently(server: Emulator, sender: Sender, sent: Any) -> None:
    assert sender.post("/import", [sent]).body == b"0"
    assert sender.post("/import", [sent, event("Good")]).body == b"1"
    assert server.events() == [event("Good")]


def test_track_accepts_the_last_five_days(server: Emulator, sender: Sender) -> None:
    oldest = NOW - 5 * DAY
    assert sender.post("/track", [event(token="t", time=oldest)]).body == b"1"
    assert sender.post("/track", [event(token="t", time=oldest - 1)]).body == b"0"
    answer = sender.post("/track?verbose=1", [event(token="t", time=oldest * 1000 - 1)])
    error = "'properties.time' is invalid: must be within the last 5 days for /track"
    assert answer.json == {"error": error, "status": 0}
    assert server.count() == 1
