"""Faults of single requests: by the header Prefer and by fail_next; and what the control API shows of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from mixpress.emulator import Emulator, Fault, Faults, replies
from mixpress.emulator.faults.plan import FaultPlan

from .conftest import Start
from .sender import NOW, Sender, event

STRICT = "/import?strict=1"
STATUSES = ["400", "401", "403", "408", "413", "414", "429", "500", "502", "503", "504"]


def plan(text: str) -> FaultPlan:
    return FaultPlan(Faults.parse(text), lambda: NOW, 10_000_000)


def prefer(value: str) -> dict[str, str]:
    return {"Prefer": value}


# -- the header


@pytest.mark.parametrize("path", [STRICT, "/track"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_request_can_prefer_a_status(server: Emulator, sender: Sender, path: str, status: str) -> None:
    answer = sender.post(path, [event()], headers=prefer(f"code={status}"))
    assert answer.status == int(status)
    assert answer.headers["Preference-Applied"] == f"code={status}"
    assert server.count() == 0
    [request] = server.requests()
    assert (request.status, request.fault) == (int(status), status)


def test_a_request_can_prefer_a_fault(server: Emulator, sender: Sender) -> None:
    answer = sender.post(STRICT, [event()], headers=prefer('respond-async, fault="429:3s"'))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert answer.headers["Preference-Applied"] == 'fault="429:3s"'
    two = [event(insert_id="a"), event(insert_id="b")]
    answer = sender.post(STRICT, two, headers=prefer("Fault = 400:1; wait=5"))
    assert [index for index, _, _ in answer.failures] == [1]
    assert server.count() == 1
    with pytest.raises(urllib3.exceptions.ProtocolError):
        sender.post(STRICT, two, headers=prefer("fault=drop-reply"))
    assert server.count() == 2
    answer = sender.post(STRICT, two, headers={"Prefer": "fault=latency:2ms±1".encode().decode("latin-1")})
    assert (answer.status, answer.headers["Preference-Applied"]) == (200, 'fault="latency:2ms±1"')
    assert [each.fault for each in server.requests()] == ["429:3s", "400:1", "drop-reply", "latency:2ms±1"]


def test_a_preference_does_not_consume_the_sequence(start: Start) -> None:
    server, sender = start(faults="503:2,latency:1ms:2")
    assert sender.post(STRICT, [event()], headers=prefer("code=401")).status == 401
    server.fail_next("502")
    assert sender.post(STRICT, [event()], headers=prefer("code=401")).status == 401
    assert [sender.post(STRICT, [event()]).status for _ in range(4)] == [502, 503, 503, 200]


@pytest.mark.parametrize("value", ["respond-async", "return=minimal", "", "codes=429", "wait=3;code=429"])
def test_other_preferences_are_ignored(server: Emulator, sender: Sender, value: str) -> None:
    answer = sender.post(STRICT, [event()], headers=prefer(value))
    assert answer.status == 200
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            "code=418",
            "header Prefer: code must be one of 400, 401, 403, 408, 413, 414, 429, 500, 502, 503, 504, got '418'",
        ),
        ("code=", "got ''"),
        ("code=5003", "got '5003'; did you mean '503'?"),
        ("fault=teapot", "header Prefer: fault 'teapot': unknown kind 'teapot'; the kinds are"),
        ("fault=429=1", "must be one KIND or KIND:DETAIL"),
        ("code=429, fault=reset", "header Prefer: Prefer must have one code or one fault"),
    ],
)
def test_a_wrong_preference_is_refused(server: Emulator, sender: Sender, value: str, words: str) -> None:
    for path in [STRICT, "/track"]:
        answer = sender.post(path, [event()], headers=prefer(value))
        assert answer.status == 400
        assert words in answer.json["error"]
    assert server.count() == 0
    assert words in server.requests()[0].error


def test_before_overrides_a_preference(start: Start) -> None:
    _, sender = start(before=lambda _: replies.unavailable())
    answer = sender.post(STRICT, [event()], headers=prefer("code=401"))
    assert answer.status == 503
    assert "Preference-Applied" not in answer.headers


# -- fail_next


def test_the_next_requests_fail_and_then_the_sequence_goes_on(start: Start) -> None:
    server, sender = start(faults="401:1")
    server.fail_next("503", 2)
    server.fail_next("429:3s")
    server.fail_next(Fault(replies.too_large(5), name="mine"))
    statuses = [sender.post(STRICT, [event()]).status for _ in range(6)]
    assert statuses == [413, 429, 503, 503, 401, 200]
    assert [each.fault for each in server.requests()] == ["mine", "429:3s", "503", "503", "401", ""]
    assert str(server.faults) == "401:1,seed=0"


def test_clear_and_new_faults_discard_the_next_ones(start: Start) -> None:
    server, sender = start()
    server.fail_next("503")
    server.clear()
    assert sender.post(STRICT, [event()]).status == 200
    server.fail_next("503")
    server.faults = None
    assert sender.post(STRICT, [event()]).status == 200


def test_a_wrong_next_fault_is_refused(server: Emulator) -> None:
    for kind, times, message in [
        ("429=1", 1, "must be one KIND"),
        ("teapot", 1, "unknown kind"),
        ("429", 0, "times must be an integer from 1 to 1000000, got 0"),
        ("429", True, "times must be an integer"),
    ]:
        with pytest.raises(ValueError, match=message):
            server.fail_next(kind, times)


def test_faults_can_be_set_while_requests_take_them() -> None:
    shared = plan("429:50%")
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            shared.fail_next("503", 3)
            shared.set(Faults.parse("502:10%,latency:1s±1"))
            shared.describe()

    with ThreadPoolExecutor(2) as pool:
        changing = [pool.submit(change) for _ in range(2)]
        taken = {shared.next().name for _ in range(20_000)}
        stop.set()
        assert [each.result() for each in changing] == [None, None]
    assert taken <= {"", "429", "503", "502,latency:1s±1", "latency:1s±1"}


# -- what the control API shows


def test_a_plan_describes_itself() -> None:
    shared = plan("429:10%,502=3x,413:2MiB,latency:1s")
    shared.fail_next("reset", 5)
    shared.next()
    seen = shared.describe()
    assert seen["faults"] == "429:10%,502=3x,413:2MiB,latency:1s,seed=0"
    assert seen["rules"] == [
        {"fault": "429", "how": "10%"},
        {"fault": "502", "how": "3x"},
        {"fault": "413:2MiB", "how": "larger"},
        {"fault": "latency:1s", "how": "100%"},
    ]
    assert seen["next"] == [{"fault": "reset", "how": "4x"}]
    assert {"429", "429:SECONDS", "drop-reply", "latency:TIME±JITTER"} <= set(seen["kinds"])
    shared.set_text(" ")
    assert shared.describe()["faults"] == "seed=0"
    with pytest.raises(ValueError, match="unknown kind"):
        shared.set_text("teapot")
    assert shared.faults == Faults()
