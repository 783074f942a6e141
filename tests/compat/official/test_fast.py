"""fast=True: 2000 a request, gzipped, retried, in the background; what was not taken is told by flush."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import mixpanel
import pytest

from mixpress import Limits, RetryPolicy
from mixpress.compat.mixpanel import BufferedConsumer, Consumer, MixpanelException
from mixpress.compat.mixpanel.updates import FULL_BYTES
from mixpress.emulator import Emulator
from support.fakes import UNREACHED, FakeClock, FakeServer, answer, busy, ok, refusing, sent

from .recorder import BUSY, TAKEN, recording

ACCOUNT = mixpanel.ServiceAccountCredentials("account", "a-well-kept-secret", "17")


def urls(server: Emulator) -> dict[str, str]:
    return {"events_url": f"{server.url}/track", "import_url": f"{server.url}/import"}


@contextmanager
def fast(make: Any = BufferedConsumer, **options: Any) -> Iterator[Any]:
    """A consumer that is closed in the end; what that raises is not of the test."""
    consumer = make(fast=True, **options)
    try:
        yield consumer
    finally:
        with suppress(MixpanelException):
            consumer.close(timeout=0)


@contextmanager
def faked(*answers: Any, **options: Any) -> Iterator[tuple[Any, FakeServer]]:
    """A consumer of a fake server, on a clock that does not wait."""
    server = FakeServer(*answers)
    with fast(transport=server, clock=RealTime(), linger=1e6, **options) as consumer:
        yield consumer, server


class RealTime(FakeClock):
    """It does not wait; and /track takes the events of today."""

    def time(self) -> float:
        return time.time()

    def wait(self, wake: threading.Event, seconds: float) -> None:
        if seconds > 1e5:
            wake.wait(10)
        else:
            super().wait(wake, seconds)


def event(number: int = 0, **changes: Any) -> str:
    """A message to `events`."""
    own = {"token": "token", "distinct_id": "user", "time": time.time(), "$insert_id": f"event-{number}"}
    return json.dumps({"event": "Seen", "properties": own | changes})


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [one["properties"]["$insert_id"] for one in events]


def failing(consumer: Any) -> Any:
    """The exception of a flush, whose text shows no credentials."""
    with pytest.raises(MixpanelException) as caught:
        consumer.flush()
    assert "a-well-kept-secret" not in str(caught.value)
    return caught.value


# What is sent


@pytest.mark.parametrize("make", [Consumer, BufferedConsumer])
def test_the_official_client_tracks_through_it(make: Any) -> None:
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


def test_imports_are_strict_and_each_refusal_is_told() -> None:
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


def test_an_import_asks_for_strict_answers_by_its_secret() -> None:
    with faked() as (consumer, server):
        for key in ((None, "one"), ("key", "two")):
            consumer.send("imports", event(), key)
        consumer.send("imports", event(1), "key", "one")
        consumer.flush()
        assert {request.url for request in server.requests} == {"https://api.mixpanel.com/import?strict=1&ip=0"}
        by_secret = {request.headers["Authorization"]: len(sent(request)) for request in server.requests}
        assert by_secret == {"Basic b25lOg==": 2, "Basic dHdvOg==": 1}


def test_an_import_without_credentials_is_refused_at_the_call() -> None:
    with faked() as (consumer, _), pytest.raises(MixpanelException, match="needs credentials= of the consumer"):
        consumer.send("imports", event(), "key")


def test_merge_has_neither_time_nor_user_and_goes_through() -> None:
    with faked(credentials=ACCOUNT) as (consumer, server):
        mixpanel.Mixpanel("token", consumer=consumer).merge(None, "one", "two")
        consumer.flush()
        [merge] = sent(server.requests[0])
    assert (merge["event"], merge["properties"]["$distinct_ids"]) == ("$merge", ["one", "two"])


def test_what_the_original_sends_is_sent_and_the_server_decides() -> None:
    deep = {"a": {"b": {"c": {"d": {"e": 1}}}}}
    with faked() as (consumer, server):
        client = mixpanel.Mixpanel("token", consumer=consumer)
        client.track(42, "Seen", deep, meta={"ip": 0})
        consumer.flush()
        [one] = sent(server.requests[0])
    assert (one["ip"], one["properties"]["distinct_id"], one["properties"]["a"]) == (0, 42, deep["a"])


def test_limits_of_your_own() -> None:
    with faked(limits=Limits()) as (consumer, _):
        mixpanel.Mixpanel("token", consumer=consumer).track(42, "Seen")
        assert "'distinct_id'" in str(failing(consumer))


def test_of_an_event_nan_is_null_and_an_update_with_it_is_refused() -> None:
    with faked() as (consumer, server):
        client = mixpanel.Mixpanel("token", consumer=consumer)
        client.track("user", "Seen", {"score": float("nan")})
        with pytest.raises(MixpanelException, match=r"infinity: \$add\.score"):
            client.people_increment("user", {"score": float("nan")})
        with pytest.raises(MixpanelException, match="not JSON compliant"):
            consumer.send("groups", '{"$token":"token","$set":{"score":1e400}}')
        consumer.flush()
        [one] = sent(server.requests[0])
    assert one["properties"]["score"] is None
    assert len(server.requests) == 1


def test_an_array_is_as_its_messages() -> None:
    with faked() as (consumer, server):
        consumer.send("events", f"[{event(1)},{event(2)}]")
        consumer.flush()
        assert ids(sent(server.requests[0])) == ["event-1", "event-2"]


def test_of_an_array_what_was_taken_is_not_in_the_exception() -> None:
    with faked() as (consumer, server):
        with pytest.raises(MixpanelException, match="'token'") as caught:
            consumer.send("events", f"[{event(1)},5,{event(2)}]")
        consumer.flush()
        assert ids(sent(server.requests[0])) == ["event-1"]
        assert ids(json.loads(caught.value.message)[1:]) == ["event-2"]


def test_what_a_message_lacks_of_time_and_id_is_added() -> None:
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
        ('{"properties":5,"$token":7}', "needs '.?token', the project's token"),
    ],
)
def test_a_message_that_is_none_is_refused_at_the_call(endpoint: str, message: str, said: str) -> None:
    with faked() as (consumer, _), pytest.raises(MixpanelException, match=said) as caught:
        consumer.send(endpoint, message)
    assert (caught.value.message, caught.value.endpoint) == (message, endpoint)


@pytest.mark.parametrize("make", [Consumer, BufferedConsumer])
def test_an_unknown_endpoint_is_refused_at_the_call(make: Any) -> None:
    with fast(make) as consumer, pytest.raises(MixpanelException, match="No such endpoint"):
        consumer.send("event", "{}")


# Retries, and what was lost


def test_it_is_retried_with_the_same_bytes() -> None:
    with faked(UNREACHED, busy(), answer(502, "bad gateway"), ok()) as (consumer, server):
        consumer.send("events", event())
        consumer.flush()
    assert len(server.requests) == 4
    assert len({request.body for request in server.requests}) == 1


def test_what_was_not_taken_is_in_the_exception_and_can_be_sent_again() -> None:
    with faked(busy(), busy(), ok(), retry=RetryPolicy(attempts=2)) as (consumer, server):
        consumer.send("events", event(1))
        consumer.send("events", event(2, distinct_id="null"))
        consumer.send("events", event(3))
        error = failing(consumer)
        assert error.endpoint == "events"
        assert str(error).startswith("events: 3 of 3 messages failed (1 rejected, 2 undelivered; the first: ")
        assert sorted(ids(json.loads(error.message))) == ["event-1", "event-2", "event-3"]
        assert error.lost == {"events": error.message}
        [report] = error.reports["events"]
        assert (report.rejected, report.undelivered) == (1, 2)
        assert {failure.rule for failure in report.failures} == {"distinct-id-disallowed", None}
        consumer.flush()  # told once
        consumer.send("events", error.message)
        assert "1 of 3 messages" in str(failing(consumer))
        assert ids(sent(server.requests[-1])) == ["event-1", "event-3"]


def test_of_several_endpoints_each_is_told() -> None:
    with faked(refusing(0), answer(200, {"error": "no such group", "status": 0}), credentials=ACCOUNT) as (consumer, _):
        consumer.send("imports", event(1))
        consumer.send("groups", '{"$token":"token","$set":{"a":1}}')
        error = failing(consumer)
    assert set(error.lost) == set(error.reports) == {"imports", "groups"}
    assert json.loads(error.lost["groups"]) == [{"$token": "token", "$set": {"a": 1}}]
    assert ids(json.loads(error.lost["imports"])) == ["event-1"]
    assert "imports: 1 of 1" in str(error)
    assert "groups: 1 of 1 messages failed (1 refused; the first: no such group)" in str(error)


def test_credentials_that_are_not_accepted() -> None:
    denied = answer(401, {"code": 401, "error": "Invalid credentials a-well-kept-secret", "status": "Unauthorized"})
    with faked(denied, credentials=ACCOUNT) as (consumer, server):
        consumer.send("imports", event())
        assert "Invalid credentials ***" in str(failing(consumer))
    assert len(server.requests) == 1


def test_a_flush_that_runs_out_of_time_says_what_waits_and_goes_on() -> None:
    with recording() as server, fast(**server.urls) as consumer:
        server.hold.clear()
        consumer.send("people", '{"$token":"token"}')
        consumer.send("events", event())
        with pytest.raises(MixpanelException, match="people: 0 of 0 messages failed, 1 pending"):
            consumer.flush(timeout=0)
        server.hold.set()
        consumer.flush()
        assert {request.path.partition("?")[0] for request in server.requests} == {"/engage", "/track"}


def test_a_full_queue_as_told() -> None:
    with faked(queue_size=1, on_full="raise") as (consumer, _):
        consumer.send("events", event(1))
        with pytest.raises(MixpanelException, match="the queue is full") as caught:
            consumer.send("events", event(2))
        assert ids([json.loads(caught.value.message)]) == ["event-2"]


def test_close_gives_up_what_is_left_and_says_so() -> None:
    with recording() as server:
        server.hold.clear()
        with fast(**server.urls) as consumer:
            consumer.send("events", event())
            with pytest.raises(MixpanelException, match="1 pending"):
                consumer.flush(timeout=0)
            assert server.asked.wait(20)
            with pytest.raises(MixpanelException, match="1 undelivered"):
                consumer.close(timeout=0)
        server.hold.set()


def test_who_never_flushes_finds_it_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with faked() as (consumer, _):
        for number in range(3):
            consumer.send("events", event(number, distinct_id="null"))
        assert [record.getMessage() for record in caplog.records] == [
            "a message to events was rejected: distinct-id-disallowed"
        ]
    assert caplog.messages[1:] == ["2 more in the last 0 s: distinct-id-disallowed"]


def test_callbacks_see_every_failure() -> None:
    seen: list[Any] = []
    with faked(answer(200, "0"), on_failure=seen.append) as (consumer, _):
        consumer.send("events", event())
        consumer.send("people", '{"$token":"token"}')
        failing(consumer)
    assert [failure.kind for failure in seen] == ["refused", "refused"]


def test_eight_threads_lose_nothing() -> None:
    with Emulator() as server, fast(**urls(server)) as consumer:
        begin = threading.Barrier(8)

        def run(thread: int) -> None:
            begin.wait()
            for number in range(500):
                consumer.send("events", event(thread * 500 + number))

        threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        consumer.flush()
        assert sorted(ids(server.events())) == sorted(f"event-{number}" for number in range(4000))
        assert sum(request.events for request in server.requests()) == 4000


def test_two_projects_through_one_consumer() -> None:
    with faked() as (consumer, server):
        for number, token in enumerate(["one", "two", "one"]):
            consumer.send("events", event(number, token=token))
        consumer.flush()
        assert sorted(ids(sent(request)) for request in server.requests) == [["event-0", "event-2"], ["event-1"]]


# People and groups


def test_updates_are_plain_json_in_their_order() -> None:
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


def test_updates_that_are_too_large_together_are_divided() -> None:
    too_large = answer(413, {"code": 413, "error": "request exceeds max limit of 90 bytes"})
    with faked(too_large, ok()) as (consumer, server):
        for number in range(4):
            consumer.send("people", json.dumps({"$token": "token", "$set": {"number": number}}))
        consumer.flush()
        numbers = [[one["$set"]["number"] for one in json.loads(request.body)] for request in server.requests]
    assert numbers == [[0, 1, 2, 3], [0, 1], [2, 3]]


def test_a_batch_of_updates_is_bounded_in_bytes_and_each_of_them() -> None:
    large = {"$token": "token", "$set": {"a": "x" * 900_000}}
    with faked() as (consumer, server):
        for _ in range(10):
            consumer.send("people", json.dumps(large))
        large["$set"] = {"a": "x" * 1_000_000}
        with pytest.raises(MixpanelException, match="fewer than 1000000 bytes, got"):
            consumer.send("people", json.dumps(large))
        consumer.flush()
        sizes = [len(request.body) for request in server.requests]
    assert len(sizes) == 1
    assert FULL_BYTES < sizes[0] < 9_500_000


# A spool, a fork, and the options of the original


def test_a_spool_keeps_events_until_a_server_is_there(tmp_path: Path) -> None:
    with Emulator() as server:
        options: dict[str, Any] = {**urls(server), "credentials": ACCOUNT, "spool": tmp_path / "events.spool"}
        nowhere = FakeServer(UNREACHED)
        first = BufferedConsumer(fast=True, **options, transport=nowhere, clock=RealTime(), linger=1e6)
        first.send("events", event(1))
        first.send("imports", event(2))
        with pytest.raises(MixpanelException, match="0 of 0 messages failed, 1 pending"):
            first.close(timeout=0)
        assert sorted(os.listdir(tmp_path))[0:1] == ["events.spool"]
        assert (tmp_path / "events.spool.imports").exists()
        with fast(**options) as second:
            second.send("events", event(3))
            second.send("imports", event(4))
            second.flush()
            assert sorted(ids(server.events())) == [f"event-{number}" for number in (1, 2, 3, 4)]


def test_a_spool_of_another_project_is_refused(tmp_path: Path) -> None:
    with faked(UNREACHED, spool=tmp_path / "events.spool") as (consumer, _):
        consumer.send("events", event())
        with pytest.raises(MixpanelException, match="spool"):
            consumer.send("events", event(token="other"))


def test_a_forked_child_has_none_of_the_parents_messages() -> None:
    with recording() as server, fast(**server.urls, linger=1e6) as consumer:
        consumer.send("events", event(1))
        consumer.send("people", '{"$token":"token","$set":{"a":1}}')
        child = os.fork()
        if child == 0:
            try:
                consumer.send("events", event(2))
                consumer.send("people", '{"$token":"token","$set":{"a":2}}')
                consumer.close()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        consumer.flush()
        events = [ids(json.loads(gzip.decompress(one.body))) for one in server.requests if "/track" in one.path]
        people = [[each["$set"]["a"] for each in one.messages] for one in server.requests if "/engage" in one.path]
    assert sorted(events) == [["event-1"], ["event-2"]]
    assert sorted(people) == [[1], [2]]


ENDING = """
import sys
from mixpanel import Mixpanel
from mixpress.compat.mixpanel import BufferedConsumer

url = sys.argv[1]
client = Mixpanel("token", BufferedConsumer(events_url=url + "/track", people_url=url + "/engage", fast=True))
client.track("user", "Seen")
client.people_set("user", {"plan": "pro"})
"""


def test_a_program_that_ends_without_flush_has_delivered() -> None:
    with recording() as server:
        subprocess.run([sys.executable, "-c", ENDING, server.url], check=True)
        assert sorted(request.path.partition("?")[0] for request in server.requests) == ["/engage", "/track"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"events_url": "https://one.example/collect"}, "the URL of track must end with /track"),
        ({"import_url": "https://one.example/i?x=1"}, "the URL of import must end with /import"),
        ({"verify_cert": False}, "always verifies certificates"),
    ],
)
def test_options_of_the_original_that_it_does_not_take(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BufferedConsumer(fast=True, **options)


def test_an_option_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="fast=True has no option colour"):
        BufferedConsumer(fast=True, colour="red")  # type: ignore[call-arg]


def test_the_timeout_of_the_original_is_one_for_the_connection_and_one_for_the_answer() -> None:
    once = RetryPolicy(attempts=1)
    with recording() as server, fast(**server.urls, request_timeout=(5, 0.01), retry=once) as consumer:
        server.hold.clear()
        consumer.send("events", event())
        assert "0.01" in str(failing(consumer))
        server.hold.set()


def test_the_authority_of_the_original(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ca_bundle"):
        BufferedConsumer(fast=True, verify_cert=str(tmp_path / "missing.pem"))
