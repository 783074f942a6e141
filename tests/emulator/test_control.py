"""The control API: what its routes select and change, and how they refuse."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.as_json import encode

from .control import error, get
from .sender import NOW, Sender, event

STRICT = "/import?strict=1"
ODD_NAMES = [
    "a.b",
    "a[0]",
    'q"uo"te',
    "back\\slash",
    "",
    " ",
    "$",
    "a:b",
    '"',
    "é ☃",
    "line\nbreak",
    "'",
    "%",
    "$.x",
]


def ids(sender: Sender, **parameters: Any) -> list[str]:
    return [each["properties"]["$insert_id"] for each in get(sender, "events", **parameters)["events"]]


def test_ready_says_where_it_listens(server: Emulator, sender: Sender) -> None:
    found = get(sender, "ready")
    assert found == {"ready": True, "version": found["version"], "url": server.url}


# -- stored events


def test_events_are_as_stored_with_their_request(server: Emulator, sender: Sender) -> None:
    sent = [event("A"), event("B", insert_id="id-2", price=1.5)]
    sender.post(STRICT, sent)
    found = get(sender, "events")
    assert {name: found[name] for name in ["total", "limit", "offset"]} == {"total": 2, "limit": 100, "offset": 0}
    origin = {"endpoint": "/import", "request": 1, "received": NOW * 1000}
    assert found["events"] == [{"id": 1, **origin, **sent[0]}, {"id": 2, **origin, **sent[1]}]


def send_five(sender: Sender) -> None:
    sender.post(
        STRICT,
        [
            event("A", insert_id="1", distinct_id="u-1", plan="pro", time=NOW - 500, n=5),
            event("B", insert_id="2", distinct_id="u-2", plan="free", time=NOW - 400, n="5"),
            event("A", insert_id="3", distinct_id="u-2", plan=None, time=NOW - 300, n=5.5, on=True),
        ],
    )
    sender.post("/track", [event("C", insert_id="4", distinct_id="", token="t", time=NOW - 200, on="true", tags=["x"])])
    sender.post(STRICT, [event("D%", insert_id="5", distinct_id="u-1", text='say "hé"', time=NOW - 100, on=1)])


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, "12345"),
        ({"event": "A"}, "13"),
        ({"event": "a"}, ""),
        ({"distinct_id": "u-2"}, "23"),
        ({"distinct_id": ""}, "4"),
        ({"insert_id": "4"}, "4"),
        ({"endpoint": "/track"}, "4"),
        ({"request": 3}, "5"),
        ({"from": (NOW - 300) * 1000}, "345"),
        ({"to": (NOW - 300) * 1000}, "12"),
        ({"from": "2023-11-14T22:08:20Z", "to": "2023-11-14T23:10:00+01:00"}, "3"),
        ({"after": 3}, "45"),
        ({"property": "plan"}, "123"),
        ({"property": "plan:pro"}, "1"),
        ({"property": "plan:null"}, "3"),
        ({"property": "n:5"}, "12"),
        ({"property": 'n:"5"'}, "2"),
        ({"property": "n:5.0"}, "1"),
        ({"property": "on:true"}, "34"),
        ({"property": "on:1"}, "5"),
        ({"property": 'tags:["x"]'}, "4"),
        ({"property": 'tags: [ "x" ]'}, "4"),
        ({"property": ["plan", "n:5"]}, "12"),
        ({"search": "PRO"}, "1"),
        ({"search": "%"}, "5"),
        ({"search": "u_1"}, ""),
        ({"search": 'say "hé'}, "5"),
        ({"search": '"on":true'}, "3"),
        ({"sort": "-id"}, "54321"),
        ({"sort": "event"}, "13245"),
        ({"sort": "-event"}, "54231"),
        ({"sort": "distinct_id"}, "41523"),
        ({"sort": "-time", "limit": 2, "offset": 1}, "43"),
        ({"sort": "-received", "event": "A"}, "31"),
        ({"offset": 9}, ""),
    ],
)
def test_events_can_be_selected_sorted_and_paged(
    server: Emulator, sender: Sender, parameters: dict[str, Any], found: str
) -> None:
    send_five(sender)
    assert "".join(ids(sender, **parameters)) == found


@pytest.mark.parametrize("parameters", [{"limit": 1}, {"limit": 1, "search": "u"}, {"offset": 7}])
def test_the_total_does_not_depend_on_the_page(server: Emulator, sender: Sender, parameters: dict[str, Any]) -> None:
    send_five(sender)
    assert get(sender, "events", **parameters)["total"] == 5


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_property_name_can_be_selected_exactly(server: Emulator, sender: Sender, name: str) -> None:
    near = [f"{name}x", f"x{name}"]
    sender.post(STRICT, [event(insert_id="1", **{name: "v:1"}), event(insert_id="2", **dict.fromkeys(near, "v:1"))])
    quoted = encode(name).decode()
    assert ids(sender, property=quoted) == ["1"]
    assert ids(sender, property=f"{quoted}:v:1") == ["1"]
    assert ids(sender, property=f"{quoted}:v") == []
    if ":" not in name:
        assert ids(sender, property=f"{name}:v:1") == ["1"]


def test_an_integer_beyond_64_bits_can_be_selected(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, b"[%b]" % orjson.dumps(event(big=0)).replace(b'"big":0', b'"big":%d' % 10**30))
    assert get(sender, "events", property=f"big:{10**30}")["total"] == 1
    assert get(sender, "events", property=f"big:{2**64 - 1}")["total"] == 0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "'limit' must be an integer from 1 to 1000, got '0'"),
        ("limit=1001", "'limit' must be an integer from 1 to 1000, got '1001'"),
        ("offset=-1", "'offset' must be an integer from 0"),
        ("after=x", "'after' must be an integer from 0"),
        ("sort=properties", "'sort' must be one of id, time, received, event, distinct_id"),
        ("sort=id;drop", "'sort' must be one of"),
        ("from=yesterday", "'from' must be milliseconds since 1970 or ISO 8601"),
        ("name=A", "unknown parameter 'name'; the parameters are event,"),
        ("event=A&event=B", "'event' may be given only once"),
        ("search=" + "x" * 1001, "'search' must have at most 1000 characters, got 1001"),
        ("property=%00", "'property' must not contain the character NUL"),
        ("&".join(["property=x"] * 21), "'property' may be given at most 20 times, got 21"),
    ],
)
@pytest.mark.parametrize("route", ["events", "refused"])
def test_a_wrong_parameter_is_an_error(server: Emulator, sender: Sender, route: str, query: str, message: str) -> None:
    status, sentence = error(sender, "GET", f"{route}?{query}")
    assert status == 400
    assert sentence.startswith(message)


# -- refused events


def send_refused(sender: Sender) -> None:
    sender.post(
        STRICT,
        [
            event("A", insert_id="1", distinct_id="anon", plan="pro", time=NOW - 500),
            7,
            event("B", insert_id="", distinct_id="u-2", plan={"a": [1]}, time=NOW - 400),
        ],
    )
    sender.post(STRICT, [event("C", insert_id="4", distinct_id="u-2", time="x", n=5, on=True)])


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"event": "A"}, [1]),
        ({"distinct_id": "u-2"}, [3, 4]),
        ({"insert_id": "4"}, [4]),
        ({"request": 1}, [1, 2, 3]),
        ({"endpoint": "/track"}, []),
        ({"after": 2}, [3, 4]),
        ({"to": (NOW - 450) * 1000}, [1]),
        ({"from": NOW * 1000}, [2, 4]),
        ({"property": "plan"}, [1, 3]),
        ({"property": 'plan:{"a":[1.0]}'}, [3]),
        ({"property": "on:1"}, []),
        ({"property": ["n:5", "on:true"]}, [4]),
        ({"search": "DISALLOWED"}, [1]),
        ({"search": '"plan":"pro"'}, [1]),
        ({"sort": "-id"}, [4, 3, 2, 1]),
        ({"sort": "-event", "limit": 2}, [4, 3]),
        ({"sort": "time", "offset": 1}, [3, 2, 4]),
    ],
)
def test_refused_events_can_be_selected_sorted_and_paged(
    server: Emulator, sender: Sender, parameters: dict[str, Any], found: list[int]
) -> None:
    send_refused(sender)
    assert [each["id"] for each in get(sender, "refused", **parameters)["refused"]] == found


def test_a_refused_event_is_shown_as_sent_with_its_reason(server: Emulator, sender: Sender) -> None:
    send_refused(sender)
    found = get(sender, "refused")
    assert found["total"] == 4
    assert found["refused"][1]["event"] == 7
    last = found["refused"][3]
    assert last["event"] == event("C", insert_id="4", distinct_id="u-2", time="x", n=5, on=True)
    assert (last["request"], last["index"], last["field"], last["insert_id"]) == (2, 0, "properties.time", "4")
    assert last["message"].startswith("'properties.time' is invalid")


@pytest.mark.parametrize("properties", [b'"x":"\\ud800"', b'"x":' + b"[" * 900 + b"]" * 900])
def test_a_refused_event_of_any_content_can_be_shown(server: Emulator, sender: Sender, properties: bytes) -> None:
    sender.post(STRICT, b'[{"event":"Odd","properties":{%b}}]' % properties)
    assert get(sender, "refused", search="odd")["total"] <= 1
    assert len(get(sender, "refused")["refused"]) == len(server.refused())


# -- changes


def test_reset_deletes_events_requests_and_numbers(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event(), event(insert_id="")])
    for body, headers in [(None, {}), (b"{}", {"Content-Type": "application/json"})]:
        answer = sender.request("POST", "/_emulator/reset", body, headers)
        assert (answer.status, answer.json) == (200, {"reset": True})
    assert (server.count(), server.requests(), server.refused()) == (0, [], [])
    assert sender.post(STRICT, [event()]).status == 200
    assert server.requests()[0].number == 1


def test_faults_can_be_read_and_set(server: Emulator, sender: Sender) -> None:
    kinds = get(sender, "faults")["kinds"]
    assert "429" in kinds
    body = b'{"faults":"429=1x"}'
    answer = sender.request("PUT", "/_emulator/faults", body, {"Content-Type": "application/json"})
    assert answer.json == {
        "faults": str(server.faults),
        "rules": [{"fault": "429", "how": "1x"}],
        "next": [],
        "kinds": kinds,
    }
    assert [sender.post(STRICT, [event()]).status for _ in range(2)] == [429, 200]
    answer = sender.request("PUT", "/_emulator/faults", b"", {"Content-Type": "text/plain; charset=utf-8"})
    assert answer.json["rules"] == []
    assert not server.faults.rules


def test_wrong_faults_are_an_error_and_change_nothing(server: Emulator, sender: Sender) -> None:
    server.faults = "502=1x"
    status, sentence = error(sender, "PUT", "faults", b"never", Content_Type="text/plain")
    assert status == 400
    assert "never" in sentence
    assert "502" in str(server.faults)
    server.faults = None


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"{", "application/json", "the body must be JSON"),
        (b"[]", "application/json", "the body must be a JSON object"),
        (b"{}", "application/json", "'faults' must be a string"),
        (b'{"faults":1}', "application/json", "'faults' must be a string"),
        (b'{"faults":"","x":1}', "application/json", "unknown member 'x'"),
        (b'{"faults":""}', "application/x-www-form-urlencoded", "the Content-Type must be application/json"),
        (b'{"faults":""}', "", "the Content-Type must be application/json"),
        (b"\xff", "text/plain", "the body must be UTF-8"),
        (b"x" * 1_000_001, "text/plain", "the body must have at most 1000000 bytes"),
    ],
)
def test_a_wrong_body_is_an_error(server: Emulator, sender: Sender, body: bytes, kind: str, message: str) -> None:
    headers = {"Content_Type": kind} if kind else {}
    status, sentence = error(sender, "PUT", "faults", body, **headers)
    assert status == 400
    assert sentence.startswith(message)


@pytest.mark.parametrize("target", ["nothing", "events/", "", "events/1"])
def test_an_unknown_route_is_404(server: Emulator, sender: Sender, target: str) -> None:
    assert error(sender, "GET", target)[0] == 404


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("DELETE", "events", "GET"),
        ("GET", "reset", "POST"),
        ("GET", "sql", "POST"),
        ("POST", "faults", "GET, HEAD, PUT"),
    ],
)
def test_a_wrong_method_is_405(server: Emulator, sender: Sender, method: str, target: str, allowed: str) -> None:
    answer = sender.request(method, f"/_emulator/{target}")
    assert answer.status == 405
    assert sorted(answer.headers["Allow"].split(", ")) == sorted(allowed.split(", "))
    assert list(answer.json) == ["error"]


# -- Python


def test_events_can_be_selected_in_python(server: Emulator, sender: Sender) -> None:
    send_five(sender)
    assert [each["event"] for each in server.events(distinct_id="u-2")] == ["B", "A"]
    assert [each["event"] for each in server.events(properties={"on": True})] == ["A"]
    assert [each["event"] for each in server.events(properties={"tags": ["x"], "token": "t"})] == ["C"]
    assert server.events("A", distinct_id="u-2", properties={"plan": "pro"}) == []
    server.reset()
    assert server.stats()["stored"] == 0
