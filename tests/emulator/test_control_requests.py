"""The control API: requests, numbers and the timeline."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.log import RequestLog
from mixpress.emulator.request import LoggedRequest

from .conftest import Start
from .control import error, get
from .sender import NOW, Sender, event

STRICT = "/import?strict=1"


# -- requests


def test_requests_are_listed_latest_first(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event(), event(insert_id="")], packed=True)
    sender.post("/elsewhere", [])
    [other, first] = get(sender, "requests")["requests"]
    assert (other["path"], other["status"], other["number"]) == ("/elsewhere", 404, 0)
    names = [
        "number",
        "method",
        "path",
        "query",
        "status",
        "events",
        "imported",
        "refused",
        "content_encoding",
        "error",
    ]
    values = [1, "POST", "/import", {"strict": "1"}, 400, 2, 1, 1, "gzip", ""]
    assert [first[name] for name in names] == values
    assert 0 < first["body_bytes"] < first["unpacked_bytes"]
    assert first["headers"]["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"status": 200}, [4, 1]),
        ({"status": "4xx"}, [2]),
        ({"status": "failed"}, [3, 2]),
        ({"status": 0}, [3]),
        ({"number": 3}, [3]),
        ({"endpoint": "/track"}, [4]),
        ({"sort": "number", "limit": 2, "offset": 1}, [2, 3]),
        ({"sort": "status"}, [3, 1, 4, 2]),
        ({"sort": "-status"}, [2, 4, 1, 3]),
    ],
)
def test_requests_can_be_selected_sorted_and_paged(
    server: Emulator, sender: Sender, parameters: dict[str, Any], found: list[int]
) -> None:
    sender.post(STRICT, [event()])
    sender.post(STRICT, [event(insert_id="")])
    server.faults = "taken=1x"
    with pytest.raises(Exception, match=r"Connection aborted|closed"):
        sender.post(STRICT, [event()])
    sender.post("/track", [event(token="t")])
    assert [each["number"] for each in get(sender, "requests", **parameters)["requests"]] == found
    server.faults = None


@pytest.mark.parametrize("query", ["status=bad", "status=6xx", "status=-1", "sort=path", "event=A", "number=x"])
def test_a_wrong_parameter_of_requests_is_an_error(server: Emulator, sender: Sender, query: str) -> None:
    assert error(sender, "GET", f"requests?{query}")[0] == 400


def test_control_requests_are_not_among_the_requests(server: Emulator, sender: Sender) -> None:
    for name in ["ready", "events", "requests", "nothing"]:
        sender.request("GET", f"/_emulator/{name}")
    assert server.requests() == []
    assert get(sender, "stats")["requests"] == 0


# -- numbers


def test_stats_count_what_arrived(start: Start) -> None:
    server, sender = start()
    ignored = event("C", **{"$ignore": True})
    sender.post(STRICT, [event("A"), event("B"), event("B", insert_id="2"), event(insert_id=""), ignored])
    sender.post(STRICT, [event()] * 2001)
    sender.post("/import", [], user=None)
    found = get(sender, "stats")
    numbers = {"stored": 3, "received": 2006, "imported": 4, "refused": 1, "ignored": 1, "requests": 3}
    assert {name: found[name] for name in numbers} == numbers
    assert found["by_status"] == {"400": 2, "401": 1}
    assert found["by_event"] == [{"event": "B", "count": 2}, {"event": "A", "count": 1}]
    assert found["started"] == NOW * 1000
    assert found["webhook_dropped"] == 0
    assert found == server.stats()


def test_the_timeline_has_all_buckets_of_five_minutes(start: Start) -> None:
    now = [NOW - 290]
    _, sender = start(now=lambda: now[0])
    sender.post(STRICT, [event()])
    now[0] = NOW
    sender.post(STRICT, [event(), event(insert_id="")])
    found = get(sender, "stats", bucket=60)["timeline"]
    assert [each["at"] for each in found] == [1000 * (NOW // 60 * 60 - 60 * ago) for ago in (4, 3, 2, 1, 0)]
    assert found[-1] == {"at": NOW // 60 * 60_000, "imported": 1, "refused": 1, "statuses": {"400": 1}}
    assert sum(each["imported"] for each in get(sender, "stats")["timeline"]) == 2
    assert len(get(sender, "stats", bucket=1)["timeline"]) == 300
    assert error(sender, "GET", "stats?bucket=0")[0] == 400


def test_the_timeline_is_bounded_whatever_the_clock_does() -> None:
    log = RequestLog()
    for second in itertools.chain(range(2000), range(5004, 3004, -1)):
        log.add(LoggedRequest("POST", "/import", 200, 1, 1, "", received=second * 1000, imported=1), [])
    assert len(log._seconds) <= 300
    assert sum(each["imported"] for each in log.timeline(5_004_000, 5)) == 300
    assert log.counts().imported == 4000
