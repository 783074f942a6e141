"""Simplified identity merge, `$ignore`, and too many events of one `distinct_id`."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mixpress.emulator import Emulator, hot_shards
from mixpress.emulator.accept import Row
from mixpress.emulator.hot_shards import HotShards

from .conftest import Start
from .sender import DAY, NOW, Sender, event

STRICT = "/import?strict=1"
MISSING = (0, "properties.distinct_id", "'properties.distinct_id' must not be missing")
NOT_ALLOWED = "identity events are not allowed when project is using simplified identity management"


@pytest.fixture
def simplified(start: Start) -> tuple[Emulator, Sender]:
    return start(identity="simplified")


@pytest.mark.parametrize(
    ("ids", "derived"),
    [
        ({"$user_id": "ada"}, "ada"),
        ({"$device_id": "d1"}, "$device:d1"),
        ({"$device_id": "d1", "$user_id": "ada"}, "ada"),
        ({"$device_id": "d1", "$user_id": ""}, "$device:d1"),
        ({"$device_id": "d1", "$user_id": 7}, "$device:d1"),
        ({"$user_id": "a" * 300}, "a" * 255),
    ],
)
@pytest.mark.parametrize("target", [STRICT, "/import", "/track", "/track?ip=1"])
def test_a_simplified_project_derives_the_id_of_an_event(
    simplified: tuple[Emulator, Sender], target: str, ids: dict[str, Any], derived: str
) -> None:
    server, sender = simplified
    sent = event(token="t", distinct_id=..., **ids)
    assert sender.post(target, [event(""), sent, event("Other", token="t")]).status in {200, 400}
    stored = [each for each in server.events() if each["event"] != "Other"]
    cut = {name: value[:255] if isinstance(value, str) else value for name, value in ids.items()}
    assert stored == [event(token="t", distinct_id=derived, **cut)]
    assert server.count() == 2


@pytest.mark.parametrize("ids", [{}, {"$user_id": ""}, {"$device_id": None}, {"$user_id": 7}, {"$device_id": ["d"]}])
def test_without_any_id_an_event_is_refused(simplified: tuple[Emulator, Sender], ids: dict[str, Any]) -> None:
    _, sender = simplified
    assert sender.post(STRICT, [event(distinct_id=..., **ids)]).failures == [MISSING]


def test_an_own_distinct_id_remains(simplified: tuple[Emulator, Sender]) -> None:
    server, sender = simplified
    sent = event(distinct_id="own", **{"$user_id": "ada", "$device_id": "d"})
    assert sender.post(STRICT, [sent]).status == 200
    assert server.events() == [sent]
    assert len(sender.post(STRICT, [event(distinct_id="null", **{"$user_id": "ada"})]).failures) == 1


def test_a_retry_of_an_event_with_a_derived_id_is_the_same_event(simplified: tuple[Emulator, Sender]) -> None:
    server, sender = simplified
    for user in ("ada", "ada", "bob"):
        assert sender.post(STRICT, [event(distinct_id=..., **{"$user_id": user})]).status == 200
    assert [each["properties"]["distinct_id"] for each in server.events()] == ["ada", "bob"]


def test_an_original_project_needs_a_distinct_id(server: Emulator, sender: Sender) -> None:
    sent = event(distinct_id=..., **{"$user_id": "ada", "$device_id": "d"})
    assert sender.post(STRICT, [sent]).failures == [MISSING]
    assert sender.post("/import", [sent]).body == b"1"
    assert server.events() == [sent]


@pytest.mark.parametrize("name", ["$identify", "$create_alias", "$merge"])
def test_identity_events_fail_the_whole_request_of_a_simplified_project(
    simplified: tuple[Emulator, Sender], name: str
) -> None:
    server, sender = simplified
    answer = sender.post(STRICT, [event("Good"), event(name), "text"])
    assert answer.status == 400
    assert answer.json == {
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": [NOT_ALLOWED],
        "num_records_imported": 0,
        "status": "Bad Request",
    }
    assert server.count() == 0
    beside = "not imported: the request has identity events, which the project does not allow"
    assert [(each.index, each.message) for each in server.refused()] == [(0, beside), (1, NOT_ALLOWED), (2, beside)]
    [request] = server.requests()
    assert (request.events, request.imported, request.refused, request.error) == (3, 0, 3, NOT_ALLOWED)


@pytest.mark.parametrize("target", ["/import", "/track"])
def test_without_strict_identity_events_are_dropped(simplified: tuple[Emulator, Sender], target: str) -> None:
    server, sender = simplified
    assert sender.post(f"{target}?verbose=1", [event("$identify", token="t")]).json == {
        "error": NOT_ALLOWED,
        "status": 0,
    }
    assert sender.post(target, [event("$create_alias", token="t"), event("Good", token="t")]).body == b"1"
    assert server.events() == [event("Good", token="t")]
    assert [each.message for each in server.refused()] == [NOT_ALLOWED, NOT_ALLOWED]


def test_an_original_project_takes_identity_events(server: Emulator, sender: Sender) -> None:
    identify = event("$identify", **{"$identified_id": "ada", "$anon_id": "d"})
    assert sender.post(STRICT, [identify]).status == 200
    assert server.events() == [identify]


# -- $ignore


@pytest.mark.parametrize("value", [True, False, None, "no", {}])
@pytest.mark.parametrize("target", [STRICT, "/import?verbose=1", "/track?verbose=1"])
def test_an_event_with_ignore_is_accepted_and_not_stored(
    server: Emulator, sender: Sender, target: str, value: object
) -> None:
    ignored = event("Ignored", token="t", **{"$ignore": value})
    answer = sender.post(target, [ignored, event(""), event("Good", token="t"), ignored])
    assert server.events() == [event("Good", token="t")]
    [request] = server.requests()
    assert (request.events, request.imported, request.ignored, request.refused) == (4, 3, 2, 1)
    if target == STRICT:
        assert answer.json["num_records_imported"] == 3
    assert sender.post(target, [ignored]).json["status"] in {"OK", 1}
    assert server.count() == 1


@pytest.mark.parametrize("name", [rb"$ignore", rb"\u0024ignore", rb"$i\u0067nore"])
def test_the_name_may_be_escaped(server: Emulator, sender: Sender, name: bytes) -> None:
    body = orjson.dumps([event(here=1)]).replace(b"here", name)
    assert sender.post(STRICT, body).status == 200
    assert server.count() == 0


def test_ignore_elsewhere_is_an_ordinary_name(server: Emulator, sender: Sender) -> None:
    sent = event("$ignore", inner={"$ignore": True}, text="$ignore", ignore=True)
    assert sender.post(STRICT, [sent]).status == 200
    assert server.events() == [sent]


def test_an_invalid_event_with_ignore_is_refused(sender: Sender) -> None:
    assert sender.post(STRICT, [event(distinct_id=..., **{"$ignore": True})]).failures == [MISSING]


# -- hot shards


def row(number: int, distinct_id: str = "hot", day: int = 0) -> Row:
    properties = {"distinct_id": distinct_id, "number": number}
    return Row("View", (NOW + day * DAY) * 1000, distinct_id, str(number), orjson.dumps(properties))


def test_the_documented_limit_is_200000_events_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hot_shards.MAX_EVENTS_A_DAY == 200_000
    shards = HotShards()
    batch = [row(number) for number in range(2000)]
    for _ in range(100):
        assert shards.rename(batch) is batch
    assert {each.event for each in shards.rename(batch)} == {"$hotshard_events"}


def test_events_beyond_the_limit_are_renamed_and_lose_their_id() -> None:
    shards = HotShards(3)
    rows = [row(1), row(2), row(3, "other"), row(4), row(5), row(6, day=1), row(7)]
    stored = list(shards.rename(rows))
    assert stored[:4] == rows[:4]
    assert stored[5] == rows[5]
    for at in (4, 6):
        assert stored[at][:4] == ("$hotshard_events", rows[at].time_ms, "", rows[at].insert_id)
        assert orjson.loads(stored[at].properties) == {
            "distinct_id": "",
            "number": int(rows[at].insert_id or 0),
            "mp_original_event_name": "View",
            "mp_original_distinct_id": "hot",
        }
    assert shards.rename([row(8)])[0].event == "$hotshard_events"
    assert shards.rename([row(9, "other")])[0].event == "View"


def test_an_empty_distinct_id_has_no_limit() -> None:
    shards = HotShards(1)
    rows = [row(number, "") for number in range(10)]
    assert shards.rename(rows) is rows


def test_the_counters_are_bounded_and_those_in_use_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_shards, "_MAX_IDS", 10)
    shards = HotShards(50)
    renamed = 0
    for number in range(100):
        hot, _ = shards.rename([row(number), row(number, f"id-{number}")])
        renamed += hot.event == "$hotshard_events"
    assert renamed == 50
    assert len(shards._recent) + len(shards._older) <= 20


def test_clear_restarts_the_counts(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_shards.HotShards.__init__, "__defaults__", (2,))
    server, sender = start()
    for _ in range(2):
        for target in (STRICT, "/import"):
            assert sender.post(target, [event(insert_id="a"), event(insert_id="b")]).status == 200
        assert [each["event"] for each in server.events()] == ["Signed Up"] * 2 + ["$hotshard_events"] * 2
        server.clear()
