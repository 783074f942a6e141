"""fast=True: what a consumer sends. 2000 events a request, gzipped, in the background."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mixpanel
import pytest

from mixpress import Limits, RetryPolicy
from mixpress.compat.mixpanel import BufferedConsumer, Consumer, Mixpanel, MixpanelException
from mixpress.emulator import Emulator
from support.events import sent
from support.replies import answer, ok

from .fast_consumers import ACCOUNT, RealTime, event, failing, faked, fast, group, ids, person, urls
from .recorder import BUSY, TAKEN, recording


@pytest.mark.parametrize("make", [Consumer, BufferedConsumer])
def test_events_of_the_official_client_are_delivered(make: Any) -> None:
    with Emulator() as server, fast(make, **urls(server), linger=1e6) as consumer:
        client = mixpanel.Mixpanel("token", consumer=consumer)
        for number in range(4001):
            client.track(f"user-{number}", "Seen", {"plan": "pro"})
        consumer.flush()
        requests = server.requests()
        assert sorted(request.events for request in requests) == [1, 2000, 2000]
        assert {(request.path, request.content_encoding, request.status) for request in requests} == {
            ("/track", "gzip", 200)
        }
        events = server.events()
        assert sorted(one["properties"]["distinct_id"] for one in events) == sorted(f"user-{n}" for n in range(4001))
        assert {one["properties"]["mp_lib"] for one in events} == {"python"}


def test_imports_are_strict_and_flush_raises_for_each_refusal() -> None:
    with Emulator(credentials={("account", "a-well-kept-secret")}) as server:
        with fast(credentials=ACCOUNT, **urls(server)) as consumer:
            client = mixpanel.Mixpanel("token", consumer=consumer)
            client.import_data(None, "user", "Seen", 1_600_000_000)
            client.import_data(None, 5, "Seen", 1_600_000_000)
            error = failing(consumer)
            assert error.endpoint == "imports"
            assert "1 of 2 messages failed (1 refused; the first: " in str(error)
            [lost] = json.loads(error.message)
            assert lost["properties"]["distinct_id"] == 5
            consumer.flush()
        [request] = server.requests()
        assert (request.path, request.events, request.content_encoding) == ("/import", 2, "gzip")
        assert [one["properties"]["distinct_id"] for one in server.events()] == ["user"]


def test_imports_are_sent_by_secret_and_with_strict() -> None:
    with faked() as (consumer, server):
        for key in ((None, "one"), ("key", "two")):
            consumer.send("imports", event(), key)
        consumer.send("imports", event(1), "key", "one")
        consumer.flush()
        assert {request.url for request in server.requests} == {"https://api.mixpanel.com/import?strict=1&ip=0"}
        by_secret = {request.headers["Authorization"]: len(sent(request)) for request in server.requests}
        assert by_secret == {"Basic b25lOg==": 2, "Basic dHdvOg==": 1}


def test_an_import_without_credentials_raises_at_the_call() -> None:
    with faked() as (consumer, _), pytest.raises(MixpanelException, match="needs credentials= of the consumer"):
        consumer.send("imports", event(), "key")


def test_a_project_with_simplified_identity_gets_no_alias_and_no_merge() -> None:
    with Emulator(identity="simplified") as server, fast(**urls(server), identity="simplified") as consumer:
        client = Mixpanel("token", consumer)
        with pytest.raises(MixpanelException, match="takes no identity events"):
            client.alias("new", "old")
        client.merge(None, "one", "two", api_secret="secret")
        for ids in ({}, {"$device_id": "device-1"}):
            consumer.send("events", json.dumps({"event": "Seen", "properties": {"token": "token", **ids}}))
        reports = failing(consumer).reports
        rules = {name: [failure.rule for one in found for failure in one.failures] for name, found in reports.items()}
        assert rules == {"events": ["identity-missing"], "imports": ["identity-event"]}
        assert [one["properties"]["distinct_id"] for one in server.events()] == ["$device:device-1"]
        assert [request.path for request in server.requests()] == ["/track"]


def test_a_spool_has_the_identity_of_the_consumer(tmp_path: Path) -> None:
    with faked(identity="simplified", spool=tmp_path / "a") as (consumer, server):
        consumer.send("events", json.dumps({"event": "$merge", "properties": {"token": "token"}}))
        [failure] = failing(consumer).reports["events"][0].failures
        assert (failure.rule, server.requests) == ("identity-event", [])


def test_an_unknown_identity_is_an_error() -> None:
    with pytest.raises(ValueError, match='identity must be "simplified", "original" or None, got \'both\''):
        Consumer(fast=True, identity="both")  # type: ignore[arg-type]


def test_merge_is_sent_without_time_and_user() -> None:
    with faked(credentials=ACCOUNT) as (consumer, server):
        mixpanel.Mixpanel("token", consumer=consumer).merge(None, "one", "two")
        consumer.flush()
        [merge] = sent(server.requests[0])
    assert (merge["event"], merge["properties"]["$distinct_ids"]) == ("$merge", ["one", "two"])


def test_events_are_not_rejected_by_default() -> None:
    deep = {"a": {"b": {"c": {"d": {"e": 1}}}}}
    with faked() as (consumer, server):
        client = mixpanel.Mixpanel("token", consumer=consumer)
        client.track(42, "Seen", deep, meta={"ip": 0})
        consumer.flush()
        [one] = sent(server.requests[0])
    assert (one["ip"], one["properties"]["distinct_id"], one["properties"]["a"]) == (0, 42, deep["a"])


def test_limits_can_be_given() -> None:
    with faked(limits=Limits()) as (consumer, _):
        mixpanel.Mixpanel("token", consumer=consumer).track(42, "Seen")
        assert "'distinct_id'" in str(failing(consumer))


def test_nan_is_null_in_an_event_and_rejected_in_an_update() -> None:
    with faked() as (consumer, server):
        client = mixpanel.Mixpanel("token", consumer=consumer)
        client.track("user", "Seen", {"score": float("nan")})
        client.people_increment("user", {"score": float("nan")})
        consumer.send("groups", group({"score": 1e400}).replace("Infinity", "1e400"))
        error = failing(consumer)
        assert [report.failures[0].field for [report] in error.reports.values()] == ["$add.score", "$set.score"]
        [one] = sent(server.requests[0])
    assert one["properties"]["score"] is None
    assert len(server.requests) == 1


def test_an_array_is_sent_as_its_messages() -> None:
    with faked() as (consumer, server):
        consumer.send("events", f"[{event(1)},{event(2)}]")
        consumer.flush()
        assert ids(sent(server.requests[0])) == ["event-1", "event-2"]


def test_the_exception_has_the_messages_of_an_array_that_were_not_accepted() -> None:
    with faked() as (consumer, server):
        with pytest.raises(MixpanelException, match="'token'") as caught:
            consumer.send("events", f"[{event(1)},5,{event(2)}]")
        consumer.flush()
        assert ids(sent(server.requests[0])) == ["event-1"]
        assert ids(json.loads(caught.value.message)[1:]) == ["event-2"]


def test_a_missing_time_and_id_are_added() -> None:
    with faked() as (consumer, server):
        consumer.send("events", '{"event":"Seen","properties":{"token":"token","distinct_id":"user"}}')
        consumer.flush()
        [one] = sent(server.requests[0])
    assert {"time", "$insert_id"} < one["properties"].keys()


@pytest.mark.parametrize("endpoint", ["events", "people", "groups"])
@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("{broken", "the message is not JSON"),
        ('"text"', "needs '.?token', the project's token"),
        ("{}", "needs '.?token', the project's token"),
        ('{"properties":{"token":"a b"},"$token":"a b"}', "needs '.?token', the project's token"),
        ('{"properties":5,"$token":7}', "needs '.?token', the project's token"),
    ],
)
def test_an_invalid_message_raises_at_the_call(endpoint: str, message: str, said: str) -> None:
    with faked() as (consumer, _), pytest.raises(MixpanelException, match=said) as caught:
        consumer.send(endpoint, message)
    assert (caught.value.message, caught.value.endpoint) == (message, endpoint)


@pytest.mark.parametrize("make", [Consumer, BufferedConsumer])
def test_an_unknown_endpoint_raises_at_the_call(make: Any) -> None:
    with fast(make) as consumer, pytest.raises(MixpanelException, match="No such endpoint"):
        consumer.send("event", "{}")


# People and groups


def test_updates_are_sent_in_order_as_plain_json() -> None:
    with recording(BUSY, TAKEN) as server:
        with fast(**server.urls, clock=RealTime(), linger=1e6) as consumer:
            client = mixpanel.Mixpanel("token", consumer=consumer)
            for number in range(2003):
                client.people_set("user", {"number": number})
            client.group_set("company", "acme", {"a": "é"})
            consumer.flush()
        people = [request for request in server.requests if request.path == "/engage?verbose=1&ip=0"]
        [*_, groups] = [request for request in server.requests if request.path == "/groups?verbose=1&ip=0"]
    delivered = people[-2:]
    assert [one["$set"]["number"] for request in delivered for one in request.messages] == list(range(2003))
    assert [len(request.messages) for request in delivered] == [2000, 3]
    assert groups.messages[0]["$set"] == {"a": "é"}
    assert {request.headers["content-type"] for request in server.requests} == {"application/json"}
    assert not any("content-encoding" in request.headers for request in server.requests)
    assert not any("authorization" in request.headers for request in server.requests)
    assert len(server.requests) == 4


def test_updates_that_are_too_large_together_are_split() -> None:
    too_large = answer(413, {"code": 413, "error": "request exceeds max limit of 170 bytes"})
    with faked(too_large, ok()) as (consumer, server):
        for number in range(4):
            consumer.send("people", person({"number": number}))
        consumer.flush()
        numbers = [[one["$set"]["number"] for one in json.loads(request.body)] for request in server.requests]
    assert numbers == [[0, 1, 2, 3], [0, 1], [2, 3]]


def test_updates_are_limited_in_bytes_alone_and_together() -> None:
    with faked() as (consumer, server):
        for _ in range(13):
            consumer.send(
                "people", person({f"a{number}": "x" * 250 for number in range(1990)} | {"b": ["x" * 99] * 2500})
            )
        consumer.send("people", person({f"a{number}": ["x" * 250] * 900 for number in range(5)}))
        error = failing(consumer)
        assert [failure.rule for failure in error.reports["people"][0].failures] == ["event-too-large"]
        sizes = [len(request.body) for request in server.requests]
    assert len(sizes) == 2
    assert 8_500_000 < sizes[0] < 9_500_000


# Options of the original


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"events_url": "https://one.example/collect"}, "the URL of track must end with /track"),
        ({"import_url": "https://one.example/i?x=1"}, "the URL of import must end with /import"),
        ({"verify_cert": False}, "always verifies certificates"),
    ],
)
def test_unsupported_options_of_the_original_raise(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BufferedConsumer(fast=True, **options)


def test_an_unknown_option_raises() -> None:
    with pytest.raises(TypeError, match="fast=True has no option colour"):
        BufferedConsumer(fast=True, colour="red")  # type: ignore[call-arg]


def test_request_timeout_has_a_part_for_the_connection_and_one_for_the_reply() -> None:
    once = RetryPolicy(attempts=1)
    with recording() as server, fast(**server.urls, request_timeout=(5, 0.01), retry=once) as consumer:
        server.hold.clear()
        consumer.send("events", event())
        assert "0.01" in str(failing(consumer))
        server.hold.set()


def test_verify_cert_can_name_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ca_bundle"):
        BufferedConsumer(fast=True, verify_cert=str(tmp_path / "missing.pem"))
