"""fast=True: updates of people and groups, and merged ids, are those that the official client sends."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import mixpanel
import pytest
import responses

from mixpress import Limits
from mixpress.compat.mixpanel import BufferedConsumer, Mixpanel, MixpanelException
from mixpress.emulator import Emulator
from mixpress.transport import Request
from support.clocks import START
from support.replies import UNREACHED, answer, busy, ok
from support.server import FakeServer

from .fast_consumers import ACCOUNT, RealTime, event, failing, faked, fast

Calls = Callable[[mixpanel.Mixpanel], object]
Sent = list[tuple[str, Any]]

PROFILE = {"plan": "pro", "at": datetime(2024, 2, 14, 1, 2, 3), "list": [1, "é", {"a": None}], "$email": "a@b.c"}
META = {"$ip": "203.0.113.9", "$ignore_time": True}
UPDATES: dict[str, Calls] = {
    "people_set": lambda one: one.people_set("user", PROFILE),
    "people_set, with meta": lambda one: one.people_set("user", PROFILE, META),
    "people_set, without the location": lambda one: one.people_set("user", PROFILE, {"$ip": 0}),
    "people_set, at another time": lambda one: one.people_set("user", PROFILE, {"$time": 5, "$token": "other"}),
    "people_set, by number": lambda one: one.people_set(42, PROFILE),
    "people_set_once": lambda one: one.people_set_once("user", PROFILE, META),
    "people_increment": lambda one: one.people_increment("user", {"n": 1, "m": -2.5}, META),
    "people_append": lambda one: one.people_append("user", {"list": "a"}, META),
    "people_union": lambda one: one.people_union("user", {"list": ["a", "b"]}, META),
    "people_unset": lambda one: one.people_unset("user", ["a", "b"]),
    "people_remove": lambda one: one.people_remove("user", {"list": "a"}, META),
    "people_delete": lambda one: one.people_delete("user"),
    "people_delete, of an alias": lambda one: one.people_delete("user", {"$ignore_alias": True}),
    "people_track_charge": lambda one: one.people_track_charge("user", 9.99, {"$time": "2024-02-14T01:02:03"}, META),
    "people_clear_charges": lambda one: one.people_clear_charges("user"),
    "people_update": lambda one: one.people_update({"$distinct_id": "user", "$set": {"a": 1}, "$add": {"b": 1}}),
    "people_update, newer": lambda one: one.people_update({"$distinct_id": "user", "$newer": {"a": 1}}),
    "group_set": lambda one: one.group_set("company", "acme", PROFILE, {"$ignore_time": True}),
    "group_set, by number": lambda one: one.group_set("company", 42, PROFILE),
    "group_set_once": lambda one: one.group_set_once("company", "acme", PROFILE),
    "group_union": lambda one: one.group_union("company", "acme", {"list": ["a"]}),
    "group_unset": lambda one: one.group_unset("company", "acme", ["a"]),
    "group_remove": lambda one: one.group_remove("company", "acme", {"list": "a"}),
    "group_delete": lambda one: one.group_delete("company", "acme"),
    "group_update": lambda one: one.group_update({"$group_key": "k", "$group_id": "g", "$add": {"n": 1}}),
}
MERGES: dict[str, Calls] = {
    "alias": lambda one: one.alias("new", "old"),
    "alias, with meta": lambda one: one.alias("new", "old", {"ip": 0}),
    "merge": lambda one: one.merge(None, "one", "two", api_secret="secret"),
    "merge, with meta": lambda one: one.merge(None, "one", "two", {"ip": 0}, "secret"),
}


def made_alike(kind: Callable[..., mixpanel.Mixpanel], consumer: Any = None) -> mixpanel.Mixpanel:
    client = kind("token", consumer)
    client._now = lambda: START + 0.25
    return client


def by_the_original(calls: Calls) -> Sent:
    """Return the path, with `verbose` and `ip`, and the message of each request of the official client."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        for path in ("track", "engage", "groups", "import"):
            server.post(f"https://api.mixpanel.com/{path}", json={"status": 1})
        calls(made_alike(mixpanel.Mixpanel))
        forms = [(urlsplit(str(call.request.url)).path, parse_qsl(str(call.request.body))) for call in server.calls]
    return [(path, json.loads(dict(form)["data"])) for path, form in forms]


def by_us(kind: Callable[..., mixpanel.Mixpanel], calls: Calls) -> tuple[Sent, list[Request]]:
    with faked() as (consumer, server):
        client = made_alike(kind, consumer)
        calls(client)
        consumer.flush()
        return [(urlsplit(one.url).path, each) for one in server.requests for each in messages(one)], server.requests


def messages(request: Request) -> list[dict[str, Any]]:
    is_packed = request.headers.get("Content-Encoding") == "gzip"
    return json.loads(gzip.decompress(request.body) if is_packed else request.body)  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [mixpanel.Mixpanel, Mixpanel], ids=["official class", "our class"])
@pytest.mark.parametrize("call", UPDATES)
def test_an_update_is_that_of_the_official_client(call: str, kind: Any) -> None:
    sent, requests = by_us(kind, UPDATES[call])
    assert sent == by_the_original(UPDATES[call])
    assert len(sent) == 1
    assert urlsplit(requests[0].url).query == "verbose=1&ip=0"
    assert requests[0].headers["Content-Type"] == "application/json"


def test_our_class_makes_no_json_text_of_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixpanel, "json_dumps", None)
    for calls in [*UPDATES.values(), *MERGES.values()]:
        by_us(Mixpanel, calls)


@pytest.mark.parametrize("call", MERGES)
def test_a_merge_of_ids_is_that_of_the_official_client(call: str) -> None:
    """Beside it are a time and an id, which the server needs to deduplicate a retry."""
    sent, _ = by_us(Mixpanel, MERGES[call])
    for _, one in sent:
        assert {one["properties"].pop(name) is None for name in ("time", "$insert_id")} == {False}
    assert sent == by_the_original(MERGES[call])
    assert len(sent) == 1


def test_updates_change_the_profiles_of_the_emulator() -> None:
    with Emulator() as server:
        urls = {"people_url": f"{server.url}/engage", "groups_url": f"{server.url}/groups"}
        with fast(**urls) as consumer:
            client = Mixpanel("token", consumer)
            client.people_set("user", {"plan": "free", "old": 1})
            client.people_increment("user", {"logins": 2})
            client.people_set("user", {"plan": "pro"})
            client.people_track_charge("user", 5)
            client.people_unset("user", ["old"])
            client.group_set("company", "acme", {"seats": 5})
            client.flush()
        assert server.profile("user") == {"plan": "pro", "logins": 2, "$transactions": [{"$amount": 5}]}
        assert server.group("company", "acme") == {"seats": 5}


# Identities


def test_alias_has_arrived_when_it_returns_and_goes_to_the_url_of_the_events() -> None:
    with Emulator() as server, fast(events_url=f"{server.url}/track", linger=1e6) as consumer:
        client = Mixpanel("token", consumer)
        client.track("old", "Seen")
        client.alias("new", "old")
        assert [one["event"] for one in server.events()] == ["$create_alias"]
        client.flush()
        assert server.count("Seen") == 1


def test_an_alias_that_is_refused_raises_at_the_call() -> None:
    with faked(answer(200, {"error": "no such project", "status": 0})) as (consumer, _):
        client = Mixpanel("token", consumer)
        with pytest.raises(MixpanelException, match=r"events: 1 of 1 messages failed .*no such project") as caught:
            client.alias("new", "old")
        [lost] = json.loads(caught.value.message)
        assert lost["properties"] == {"distinct_id": "old", "alias": "new", "token": "token"}
        consumer.flush()


def test_an_alias_without_a_server_raises_at_the_call() -> None:
    with faked(UNREACHED) as (consumer, _), pytest.raises(MixpanelException, match="connection refused") as caught:
        Mixpanel("token", consumer).alias("new", "old")
    assert caught.value.endpoint == "events"


def test_a_consumer_without_fast_sends_merges_as_the_original_does() -> None:
    sent = []
    for calls in (UPDATES["people_set"], UPDATES["group_set"], *MERGES.values()):
        with responses.RequestsMock() as server:
            server.post(re.compile("^https://api.mixpanel.com/"), json={"status": 1})
            client = made_alike(Mixpanel, BufferedConsumer())
            calls(client)
            client.flush()
            sent += [urlsplit(str(call.request.url)).path for call in server.calls]
    assert sent == ["/engage", "/groups", "/track", "/track", "/import", "/import"]


# Rules


@pytest.mark.parametrize(
    ("calls", "rule"),
    [
        (lambda one: one.people_increment("user", {"n": "one"}), "add-not-a-number"),
        (lambda one: one.people_set("user", {"score": float("nan")}), "not-a-number"),
        (lambda one: one.people_set("user", {f"a{n}": "x" * 250 for n in range(3000)}), "too-many-profile-properties"),
        (lambda one: one.people_set("null", {"a": 1}), "distinct-id-disallowed"),
        (lambda one: one.people_set("", {"a": 1}), "distinct-id-missing"),
        (lambda one: one.people_set(None, {"a": 1}), "distinct-id-missing"),
        (lambda one: one.people_union("user", {"list": "a"}), "union-not-a-list"),
        (lambda one: one.group_set("company", None, {"a": 1}), "group-id-missing"),
        (lambda one: one.group_set(None, "acme", {"a": 1}), "group-key-missing"),
        (lambda one: one.group_set("company", "", {"a": 1}), "group-id-missing"),
    ],
)
@pytest.mark.parametrize("kind", [mixpanel.Mixpanel, Mixpanel], ids=["official class", "our class"])
def test_flush_raises_for_an_update_that_breaks_a_rule(calls: Calls, rule: str, kind: Any) -> None:
    with faked() as (consumer, server):
        client = made_alike(kind, consumer)
        client.people_set("user", {"good": 1})
        client.group_set("company", "acme", {"good": 1})
        calls(client)
        error = failing(consumer)
        [report] = error.reports[error.endpoint]
        assert [failure.rule for failure in report.failures] == [rule]
        assert json.loads(error.message)[0]["$token"] == "token"
        assert [one["$set"] for request in server.requests for one in messages(request)] == [{"good": 1}] * 2


def test_limits_apply_to_updates_too() -> None:
    with faked(limits=Limits(max_string=12)) as (consumer, server):
        client = mixpanel.Mixpanel("token", consumer)
        client.people_set("user", {"plan": "a professional"})
        client.people_set(42, {"plan": "pro"})
        error = failing(consumer)
        assert error.reports["people"][0].failures[0].rule == "distinct-id-type"
        assert [one["$set"] for request in server.requests for one in messages(request)] == [{"plan": "a profession"}]


# Retries


def test_an_increment_that_may_have_arrived_is_not_sent_again() -> None:
    unavailable = answer(503, "upstream connect error")
    with faked(unavailable, ok()) as (consumer, server):
        mixpanel.Mixpanel("token", consumer).people_increment("user", {"n": 1})
        error = failing(consumer)
        assert "retry_unsafe=True" in str(error)
        [lost] = json.loads(error.message)
        assert (lost["$token"], lost["$add"]) == ("token", {"n": 1})
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "options"),
    [(busy(), {}), (UNREACHED, {}), (answer(503, "upstream connect error"), {"retry_unsafe": True})],
)
def test_an_increment_is_sent_again_if_it_did_not_arrive_or_may_count_twice(
    reply: Any, options: dict[str, Any]
) -> None:
    with faked(reply, ok(), **options) as (consumer, server):
        mixpanel.Mixpanel("token", consumer).people_increment("user", {"n": 1})
        consumer.flush()
        assert len(server.requests) == 2


def test_a_set_is_sent_again() -> None:
    with faked(answer(503, "upstream connect error"), ok()) as (consumer, server):
        mixpanel.Mixpanel("token", consumer).people_set("user", {"a": 1})
        consumer.flush()
        assert len({request.body for request in server.requests}) == 1
        assert len(server.requests) == 2


def test_threads_keep_the_order_of_their_updates() -> None:
    with faked() as (consumer, server):
        client = Mixpanel("token", consumer)

        def run(user: str) -> None:
            for number in range(1500):
                client.people_set(user, {"number": number})

        threads = [threading.Thread(target=run, args=[f"user-{number}"]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        consumer.flush()
        updates = [one for request in server.requests for one in messages(request)]
    for number in range(4):
        mine = [one["$set"]["number"] for one in updates if one["$distinct_id"] == f"user-{number}"]
        assert mine == list(range(1500))


# The spool


def test_a_spool_keeps_updates_until_the_server_is_reachable(tmp_path: Path) -> None:
    spool = tmp_path / "events.spool"
    first = BufferedConsumer(fast=True, spool=spool, transport=FakeServer(UNREACHED), clock=RealTime(), linger=1e6)
    client = Mixpanel("token", first)
    client.people_set("user", {"a": 1})
    client.group_set("company", "acme", {"a": 1})
    with pytest.raises(MixpanelException, match="pending"):
        first.close(timeout=0)
    assert {"events.spool.engage", "events.spool.groups"} <= {path.name for path in tmp_path.iterdir()}
    with faked(spool=spool, credentials=ACCOUNT) as (second, server):
        client = Mixpanel("token", second)
        client.people_set("user", {"a": 2})
        client.group_set("company", "acme", {"a": 2})
        second.flush()
        updates = [(urlsplit(one.url).path, each["$set"]["a"]) for one in server.requests for each in messages(one)]
        assert sorted(updates) == [("/engage", 1), ("/engage", 2), ("/groups", 1), ("/groups", 2)]
        assert [a for path, a in updates if path == "/engage"] == [1, 2]
        second.send("events", event())
        second.flush()
