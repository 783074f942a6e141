"""The event that `track` and `track_many` build from their arguments."""

from __future__ import annotations

import random
import re
from datetime import datetime, timezone
from typing import Any

import pytest

from mixpress import Client, Encoder, ProjectToken
from mixpress._core import Rejection
from support.clients import tracking
from support.clocks import START
from support.events import bad, event, sent
from support.server import FakeServer, sent_all

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_a_later_change_of_the_properties_does_not_change_the_event() -> None:
    server = FakeServer()
    with tracking(server) as made:
        properties = {"plan": "pro"}
        assert made.track("Signed Up", "user-1", properties) is None
        properties["plan"] = "free"
        report = made.flush()
    [one] = sent(server.requests[0])
    assert one["event"] == "Signed Up"
    assert UUID.fullmatch(one["properties"].pop("$insert_id"))
    assert one["properties"] == {"time": int(START * 1000), "plan": "pro", "distinct_id": "user-1"}
    assert (report.total, report.imported, report.pending, report.requests) == (1, 1, 0, 1)


def test_equal_calls_get_different_insert_ids_whatever_the_random_seed() -> None:
    server = FakeServer()
    with tracking(server) as made:
        for _ in range(100):
            random.seed(1)
            made.track("Click", "user-1")
        made.flush()
    assert len(set(server.imported)) == 100


def test_arguments_override_properties_and_properties_override_defaults() -> None:
    server = FakeServer()
    with tracking(server) as made:
        made.track("A", "u", {"time": 1_700_000_000, "$insert_id": "theirs", "distinct_id": "other"})
        made.track("A", "u", {"time": 5, "$insert_id": "theirs"}, time=1_700_000_001, insert_id="mine")
        made.track("A", "u", time=datetime(2024, 1, 1, tzinfo=timezone.utc))
        made.flush()
    seen = [[one["properties"][name] for name in ("time", "$insert_id", "distinct_id")] for one in sent_all(server)]
    assert seen[:2] == [[1_700_000_000, "theirs", "u"], [1_700_000_001, "mine", "u"]]
    assert seen[2][0] == 1_704_067_200_000


def test_an_event_without_distinct_id_needs_another_id() -> None:
    server = FakeServer()
    for identity in (None, "simplified"):
        with tracking(server, encoder=Encoder(identity=identity)) as made:
            assert made.track("A", properties={"$device_id": "d"}) is None
            assert made.track("A", None, {"$user_id": "u", "$device_id": "d"}) is None
            assert rule_of(made.track("A")) == rule_of(made.track("A", None, {"plan": "pro"})) == "distinct-id-type"
            assert made.flush().imported == 2
    assert ["distinct_id" in one["properties"] for one in sent_all(server)] == [False] * 4
    with tracking(server, encoder=Encoder(identity="original")) as made:
        assert rule_of(made.track("A", None, {"$device_id": "d"})) == "distinct-id-missing"
        assert made.track("A", None, {"distinct_id": "u"}) is None
        made.flush()
    assert sent_all(server)[-1]["properties"]["distinct_id"] == "u"


def test_without_any_id_track_sends_no_event_that_would_belong_to_this_machine() -> None:
    server = FakeServer()
    with Client(ProjectToken("the-token"), endpoint="track", transport=server) as made:
        assert rule_of(made.track("A")) == rule_of(made.track("A", None, {"plan": "pro"})) == "distinct-id-type"
    assert server.requests == []


def rule_of(rejection: Rejection | None) -> str | None:
    return rejection.rule if rejection else None


def test_track_many_takes_whole_events_and_returns_rejections_by_position() -> None:
    server = FakeServer()
    given: list[Any] = [event(0), {"event": "Bare", "properties": {"distinct_id": "u"}}, bad(2), "text", event(4)]
    with tracking(server) as made:
        found = made.track_many(iter(given))
        report = made.flush()
        with pytest.raises(TypeError, match="put it in a list"):
            made.track_many(event())
    assert {place: rejection.rule for place, rejection in found.items()} == {
        2: "distinct-id-disallowed",
        3: "event-not-object",
    }
    assert (report.total, report.imported, report.rejected) == (5, 3, 2)
    assert UUID.fullmatch(server.imported[1])
    assert given[1] == {"event": "Bare", "properties": {"distinct_id": "u"}}
