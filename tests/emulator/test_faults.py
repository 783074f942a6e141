"""Injected faults of the emulator: their syntax, the requests that they apply to, and the effect of each kind."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from itertools import islice

import pytest
import urllib3

from mixpress.emulator import Emulator, Fault, Faults, Request, replies

from .conftest import Start
from .sender import Sender, event

STRICT = "/import?strict=1"


def names(faults: Faults, count: int) -> list[str]:
    return [fault.name for fault in islice(faults.sequence(), count)]


# -- the syntax


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("429=0.2,502=0.1,taken=0.05;seed=7", "429=0.2,502=0.1,taken=0.05,seed=7"),
        (" 429:3=2x ; 400:0+12=1 ", "429:3=2x,400:0+12=1.0,seed=0"),
        ("413:5000=.5,401=1x,503:html=0.25,slow:0.2=0.25,seed=-1", None),
        ("seed=3", "seed=3"),
    ],
)
def test_faults_are_parsed_and_written(text: str, written: str | None) -> None:
    faults = Faults.parse(text)
    if written is not None:
        assert str(faults) == written
    assert Faults.parse(str(faults)) == faults


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "fault '': must be KIND[:DETAIL][:HOW-OFTEN], such as 429:10%, 502:3x or 429:3s:10%"),
        ("429=0.1,,502=0.1", "fault '': must be"),
        (
            "teapot=0.1",
            "unknown kind 'teapot'; the kinds are 429, 429:SECONDS, 413:BYTES, 400:POSITION+POSITION, 401, 403",
        ),
        ("429=2", "fault '429=2': must be a share above 0 and up to 1, such as 0.2, or a count, such as 2x, got '2'"),
        ("429=0", "such as 2x, got '0'"),
        ("429=0x", "such as 2x, got '0x'"),
        ("429=-0.1", "such as 2x, got '-0.1'"),
        ("429=often", "such as 2x, got 'often'"),
        ("429=nan", "such as 2x, got 'nan'"),
        ("429=", "such as 2x, got ''"),
        ("429=٣x", "such as 2x, got '٣x'"),
        ("429:soon=0.1", "fault '429:soon=0.1': must be a number of seconds from 0 to 3600, got 'soon'"),
        ("slow=0.1", "fault 'slow=0.1': must be a number of seconds from 0 to 3600, got ''"),
        ("slow:3601=0.1", "must be a number of seconds from 0 to 3600, got '3601'"),
        ("413=0.1", "fault '413=0.1': 413 needs a size in bytes, such as 413:100000"),
        ("413:0=0.1", "413 needs a size"),
        ("400=0.1", "fault '400=0.1': 400 needs the positions that fail, from 0, such as 400:0+2"),
        ("400:1+=0.1", "400 needs the positions"),
        ("502:json=0.1", "fault '502:json=0.1': must be 502 or 502:html, got '502:json'"),
        ("taken:2=0.1", "fault 'taken:2=0.1': this kind takes nothing after a colon, got '2'"),
        ("seed=x", "'seed=x': a seed must be an integer"),
        ("429=0.7,502=0.6", "the shares of the faults must add up to at most 1, got 1.3"),
    ],
)
def test_a_wrong_fault_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Faults.parse(text)


# -- which requests


def test_the_same_seed_gives_the_same_faults() -> None:
    text = "429=0.2,502=0.1,taken=0.05,seed="
    first = names(Faults.parse(text + "7"), 500)
    assert names(Faults.parse(text + "7"), 500) == first
    assert names(Faults.parse(text + "8"), 500) != first


def test_shares_and_counts_are_exact() -> None:
    drawn = names(Faults.parse("502=0.1,429=2x,429:3=0.2,401=1x"), 10_003)
    assert drawn[:3] == ["429", "429", "401"]
    counted = Counter(drawn[3:])
    assert set(counted) == {"502", "429:3", ""}
    assert 900 < counted["502"] < 1100
    assert 1850 < counted["429:3"] < 2150
    assert names(Faults.parse(",".join(["429=0.1"] * 10)), 1000) == ["429"] * 1000


def test_faults_can_change_while_the_emulator_runs(start: Start) -> None:
    server, sender = start(faults="503=1")
    assert str(server.faults) == "503=1.0,seed=0"

    def ask(count: int) -> list[int]:
        return [sender.post(STRICT, [event()]).status for _ in range(count)]

    assert ask(2) == [503, 503]
    server.faults = "429=1x,401=1x"
    assert ask(3) == [429, 401, 200]
    server.clear()
    assert ask(3) == [429, 401, 200], "clear restarts the counts"
    server.faults = Faults.parse("502=0.5,seed=2")
    first = ask(20)
    server.faults = server.faults
    assert ask(20) == first
    assert set(first) == {200, 502}
    server.faults = None
    assert ask(2) == [200, 200]
    assert server.faults == Faults()
    with pytest.raises(ValueError, match="unknown kind 'x'"):
        server.faults = "x=1"


def test_faults_can_be_set_before_the_emulator_runs() -> None:
    emulator = Emulator()
    emulator.faults = "503=1"
    with emulator as server:
        sender = Sender(server.url)
        assert sender.post(STRICT, [event()]).status == 503
        sender.close()


# -- the effect of each kind


@pytest.mark.parametrize(
    ("text", "status", "header", "words"),
    [
        ("429=1", 429, None, b"Project exceeded rate limits."),
        ("429:2.5=1", 429, ("Retry-After", "2.5"), b"Project exceeded rate limits."),
        ("413:5000=1", 413, None, b"request exceeds max limit of 5000 bytes"),
        ("401=1", 401, None, b"Invalid credentials"),
        ("502=1", 502, ("Content-Type", "text/plain; charset=utf-8"), b"upstream connect error"),
        ("502:html=1", 502, ("Content-Type", "text/html"), b"<h1>502 Bad Gateway</h1>"),
        ("503=1", 503, ("Content-Type", "text/plain; charset=utf-8"), b"no healthy upstream"),
        ("503:html=1", 503, ("Content-Type", "text/html"), b"<h1>503 Service Unavailable</h1>"),
    ],
)
def test_a_fault_replaces_the_reply(
    start: Start, text: str, status: int, header: tuple[str, str] | None, words: bytes
) -> None:
    server, sender = start(faults=text)
    answer = sender.post(STRICT, [event()])
    assert answer.status == status
    assert words in answer.body
    if header is None:
        assert "Retry-After" not in answer.headers
    else:
        assert answer.headers[header[0]] == header[1]
    assert server.count() == 0
    [request] = server.requests()
    assert (request.status, request.fault) == (status, text.partition("=")[0])


def test_the_429_of_track_has_its_own_form(start: Start) -> None:
    server, sender = start(faults="429:2s")
    answer = sender.post("/track", [event(token="t")])
    assert (answer.status, answer.headers["Retry-After"], answer.json["status"]) == (429, "2", 0)
    assert server.count() == 0


def test_a_400_fails_some_positions_and_stores_the_others(start: Start) -> None:
    server, sender = start(faults="400:0+2+7=1")
    answer = sender.post(STRICT, [event(insert_id=f"id-{number}") for number in range(4)])
    assert answer.status == 400
    assert answer.json["num_records_imported"] == 2
    assert [(record["index"], record["insert_id"]) for record in answer.json["failed_records"]] == [
        (0, "id-0"),
        (2, "id-2"),
    ]
    assert answer.failures[0][2] == "the event is refused by a fault of the emulator"
    assert [each["properties"]["$insert_id"] for each in server.events()] == ["id-1", "id-3"]
    # Without strict the reply is about the batch, not about each event.
    assert sender.post("/import", [event(insert_id="a"), event(insert_id="b")]).body == b"1"
    assert sender.post("/import", [event(insert_id="c")]).body == b"0"
    assert server.count() == 3


def test_an_invalid_event_keeps_its_own_error(start: Start) -> None:
    _, sender = start(faults="400:0=1")
    [(_, field, _)] = sender.post(STRICT, [event("")]).failures
    assert field == "event"


def test_a_taken_request_is_stored_and_not_answered(start: Start) -> None:
    server, sender = start(faults="taken=1x")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        sender.post(STRICT, [event()])
    assert server.count() == 1
    assert sender.post(STRICT, [event()]).status == 200
    assert server.count() == 1
    assert [(each.status, each.events, each.fault) for each in server.requests()] == [(0, 1, "taken"), (200, 1, "")]


def test_a_slow_request_is_answered_after_the_delay(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep, delays = asyncio.sleep, list[float]()

    async def sleep_briefly(seconds: float) -> None:
        delays.append(seconds)
        await sleep(min(seconds, 0.1))

    monkeypatch.setattr(asyncio, "sleep", sleep_briefly)
    server, sender = start(faults="slow:17=1x")
    assert sender.post(STRICT, [event()]).status == 200
    assert 17 in delays
    assert [each.fault for each in server.requests()] == ["slow:17"]


def test_a_slow_request_is_stored_even_if_the_client_is_gone(start: Start) -> None:
    server, sender = start(faults="slow:2=1x")
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        sender.http.request(
            *("POST", server.url + STRICT),
            json=[event()],
            headers={"Authorization": "Basic dG9rZW46"},
            timeout=urllib3.Timeout(connect=20, read=0.05),
        )
    waited = time.monotonic() + 30
    while not server.requests() and time.monotonic() < waited:
        time.sleep(0.01)
    assert server.count() == 1


# -- together with `before`


def test_before_can_return_a_fault_and_takes_precedence(start: Start) -> None:
    def before(request: Request) -> Fault | None:
        named = {1: Fault(refuse=[1], name="mine"), 2: Fault(replies.rate_limited(), silent=True)}
        return named.get(request.number)

    server, sender = start(before=before, faults="503=3x")
    two = [event(insert_id="a"), event(insert_id="b")]
    assert [index for index, _, _ in sender.post(STRICT, two).failures] == [1]
    with pytest.raises(urllib3.exceptions.ProtocolError):
        sender.post(STRICT, two)
    assert sender.post(STRICT, two).status == 503, "the third of three"
    assert sender.post(STRICT, two).status == 200
    assert [(each.status, each.fault) for each in server.requests()] == [
        (400, "mine"),
        (0, ""),
        (503, "503"),
        (200, ""),
    ]


def test_stopping_does_not_wait_for_a_slow_reply() -> None:
    arrived = threading.Event()
    with Emulator(faults="slow:3600=1", before=lambda _: arrived.set()) as server:
        sender = Sender(server.url)
        timeout = urllib3.Timeout(connect=20, read=0.05)
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            sender.http.request("POST", server.url + "/track", body=b"[]", timeout=timeout)
        assert arrived.wait(20)
    sender.close()


# -- kinds that were added later


@pytest.mark.parametrize(
    ("status", "words", "title"),
    [
        (408, b"stream timeout", b"<h1>408 Request Timeout</h1>"),
        (414, b"request URI too long", b"<h1>414 Request-URI Too Large</h1>"),
        (500, b"internal server error", b"<h1>500 Internal Server Error</h1>"),
        (504, b"upstream request timeout", b"<h1>504 Gateway Timeout</h1>"),
    ],
)
def test_a_proxy_answers_with_text_or_html(
    server: Emulator, sender: Sender, status: int, words: bytes, title: bytes
) -> None:
    server.fail_next(str(status))
    server.fail_next(f"{status}:html")
    first, second = (sender.post(STRICT, [event()]) for _ in range(2))
    assert (first.status, second.status) == (status, status)
    assert title in first.body
    assert second.body == words


def test_a_reset_request_is_not_stored(start: Start) -> None:
    server, sender = start(faults="reset:1")
    with pytest.raises(urllib3.exceptions.ProtocolError) as error:
        sender.post(STRICT, [event()])
    assert "ConnectionResetError" in repr(error.value)
    assert server.count() == 0
    assert sender.post(STRICT, [event()]).status == 200
    assert [(each.status, each.fault) for each in server.requests()] == [(0, "reset"), (200, "")]


def test_a_limit_of_size_applies_to_the_json(start: Start) -> None:
    server, sender = start(faults="413:1KiB")
    many = [event(insert_id=f"id-{number}", text="x" * 50) for number in range(10)]
    for packed in [False, True]:
        answer = sender.post(STRICT, many, packed=packed)
        assert answer.status == 413
        assert answer.json["error"] == "request exceeds max limit of 1024 bytes"
    assert server.count() == 0
    assert sender.post(STRICT, many[:2]).status == 200
    assert [each.fault for each in server.requests()] == ["413:1KiB", "413:1KiB", ""]


def test_a_latency_delays_every_reply(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep, delays = asyncio.sleep, list[float]()

    async def sleep_briefly(seconds: float) -> None:
        delays.append(seconds)
        await sleep(0)

    monkeypatch.setattr("mixpress.emulator.app.asyncio.sleep", sleep_briefly)
    server, sender = start(faults="latency:40s±10,503:1,seed=2")
    assert [sender.post(STRICT, [event()]).status for _ in range(3)] == [503, 200, 200]
    waited = [each for each in delays if each >= 30]
    expected = [fault.delay for fault in islice(server.faults.sequence(), 3)]
    assert waited == expected
    assert [each.fault for each in server.requests()] == ["503,latency:40s±10", *["latency:40s±10"] * 2]
