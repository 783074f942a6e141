"""A client over real sockets, against the emulator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mixpress._core import Encoder, Limits
from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from mixpress.client.client import Client
from mixpress.emulator import Emulator, Request
from mixpress.errors import AuthError, TransportError
from mixpress.retry import RetryPolicy
from support.clients import ACCOUNT
from support.clocks import FakeClock
from support.events import bad, event, events, small_batches
from support.listener import closed_port

KNOWN = [("user", "a-well-kept-secret"), ("the-token", ""), ("the-secret", "")]


def test_five_thousand_events_arrive_in_three_gzipped_requests() -> None:
    with Emulator() as server, Client(ACCOUNT, base_url=server.url) as client:
        report = client.import_events(events(5000))
        held = server.events()
        requests = server.requests()
    assert (report.total, report.imported, report.requests) == (5000, 5000, 3)
    assert sorted(one["properties"]["$insert_id"] for one in held) == sorted(
        one["properties"]["$insert_id"] for one in events(5000)
    )
    assert {request.content_encoding for request in requests} == {"gzip"}
    assert report.bytes_sent == sum(request.body_bytes for request in requests)


def test_the_server_deduplicates_events_that_are_sent_again() -> None:
    with Emulator() as server, Client(ACCOUNT, base_url=server.url) as client:
        first = client.import_events(events(3000))
        second = client.import_events(events(3000))
        assert server.count() == 3000
    assert first.imported == second.imported == 3000


def test_refusals_of_the_server_have_the_index_in_the_iterable() -> None:
    """The encoder has a rule switched off that the server applies."""
    loose = Encoder(limits=Limits(rules={"distinct-id-disallowed": "off"}, max_batch_events=3))
    given = [event(0), "text", bad(2), event(3), event(4), bad(5), event(6)]
    with Emulator() as server, Client(ACCOUNT, base_url=server.url, encoder=loose) as client:
        report = client.import_events(given)
        held = server.count()
    assert (report.imported, report.rejected, report.refused) == (4, 1, 2)
    assert held == 4
    assert [(failure.index, failure.kind) for failure in report.failures] == [
        (1, "rejected"),
        (2, "refused"),
        (5, "refused"),
    ]
    assert report.failures[1].field == "properties.distinct_id"
    assert report.failures[1].insert_id == "event-2"


@pytest.mark.parametrize("encoding", [{"format": "ndjson"}, {"compression": None}, {"level": 9}])
def test_import_accepts_each_format_and_compression(encoding: dict[str, Any]) -> None:
    with Emulator() as server, Client(ACCOUNT, base_url=server.url, encoder=Encoder(**encoding)) as client:
        assert client.import_events(events(10)).imported == 10
        assert server.count() == 10


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("auth", [ACCOUNT, ProjectToken("the-token"), ProjectSecret("the-secret")])
def test_each_kind_of_credentials_is_accepted(auth: Any, strict: bool) -> None:
    with Emulator(credentials=KNOWN) as server, Client(auth, base_url=server.url, strict=strict) as client:
        assert client.import_events(events(3)).imported == 3
        assert server.count() == 3


@pytest.mark.parametrize("form", ["json", "form"])
def test_track_accepts_each_format(form: Any) -> None:
    now = 1_700_000_100.0
    encoder = Encoder("track", format=form, token="the-token", now=lambda: now)
    with Emulator(now=lambda: now) as server:
        auth = ProjectToken("the-token")
        with Client(auth, base_url=server.url, endpoint="track", encoder=encoder) as client:
            assert client.import_events(events(3)).imported == 3
        assert [one["properties"]["token"] for one in server.events(endpoint="/track")] == ["the-token"] * 3


def test_wrong_credentials_stop_an_import() -> None:
    wrong = ServiceAccount("user", "not-the-secret", project_id="17")
    with Emulator(credentials=KNOWN) as server, Client(wrong, base_url=server.url) as client:
        with pytest.raises(AuthError, match="401 Unauthorized: Invalid credentials") as caught:
            client.import_events(events(50_000))
        assert server.count() == 0
    report = caught.value.report
    assert report is not None
    assert 0 < report.undelivered == report.total < 50_000
    assert "not-the-secret" not in str(caught.value)


def test_a_port_where_nothing_listens_ends_an_import() -> None:
    with (
        closed_port() as port,
        Client(ACCOUNT, base_url=f"http://127.0.0.1:{port}", clock=FakeClock()) as client,
        pytest.raises(TransportError, match=f"connection to 127.0.0.1:{port} refused") as caught,
    ):
        client.import_events(events(10))
    assert caught.value.report is not None
    assert caught.value.report.undelivered == 10


class Failing:
    """Answers the first requests with these replies, and passes the others on."""

    def __init__(self, *replies: tuple[int, dict[str, str], bytes]) -> None:
        self._replies = list(replies)
        self._lock = threading.Lock()
        self.bodies: list[bytes] = []

    def __call__(self, request: Request) -> Any:
        with self._lock:
            self.bodies.append(request.body)
            return self._replies.pop(0) if self._replies else None


def test_a_retry_sends_identical_bytes_after_the_documented_waits() -> None:
    failing = Failing(
        (429, {"Retry-After": "3"}, b'{"error": "slow", "status": 0}'),
        (502, {}, b"<html>Bad Gateway</html>"),
        (503, {"Content-Type": "text/plain"}, b"upstream connect error"),
        (200, {}, b"<html>log in to the hotel's network</html>"),
    )
    clock = FakeClock()
    with Emulator(before=failing) as server, Client(ACCOUNT, base_url=server.url, clock=clock) as client:
        report = client.import_events(events(100))
        assert server.count() == 100
    assert (report.imported, report.retries) == (100, 4)
    assert len(set(failing.bodies)) == 1
    assert clock.waits == [3 + 3, 4 + 3, 8 + 3, 16 + 3]


def test_a_batch_too_large_for_the_server_is_split() -> None:
    with Emulator(max_body_bytes=2000) as server, Client(ACCOUNT, base_url=server.url) as client:
        report = client.import_events([*events(100), event(100, **{f"p{n}": "x" * 200 for n in range(20)})])
        assert server.count() == 100
    assert (report.imported, report.refused) == (100, 1)
    assert report.failures[0].index == 100
    assert "too large for this server" in report.failures[0].message


def test_an_interrupt_does_not_wait_for_a_silent_server() -> None:
    asked, interrupted = threading.Semaphore(0), threading.Event()
    in_time: list[bool] = []

    def stay_silent(_request: Request) -> None:
        asked.release()
        in_time.append(interrupted.wait(30))

    def given() -> Iterator[object]:
        yield event(0)
        yield event(1)
        assert all(asked.acquire(timeout=10) for _ in range(2))
        raise KeyboardInterrupt

    with Emulator(before=stay_silent) as server:
        client = Client(ACCOUNT, base_url=server.url, encoder=small_batches(1))
        with pytest.raises(KeyboardInterrupt):
            client.import_events(given())
        senders = [thread for thread in threading.enumerate() if thread.name == "mixpress-send"]
        for thread in senders:
            thread.join(10)  # on a busy machine it may take longer than the second that the import waits for it
        interrupted.set()
    assert not any(thread.is_alive() for thread in senders)
    assert in_time == [True, True]


def test_four_requests_are_under_way_at_once() -> None:
    together = threading.Barrier(4)

    def wait_for_the_others(request: Request) -> None:
        if request.number <= 4:
            together.wait(10)

    with Emulator(before=wait_for_the_others) as server:
        with Client(ACCOUNT, base_url=server.url, concurrency=4, encoder=small_batches(50)) as client:
            assert client.import_events(events(1000)).imported == 1000
        assert server.count() == 1000


def test_a_closed_client_can_be_used_again() -> None:
    with Emulator() as server:
        client = Client(ACCOUNT, base_url=server.url)
        client.import_events(events(1))
        client.close()
        assert client.import_events(events(2)).imported == 2
        client.close()


def test_events_are_undelivered_after_the_last_attempt() -> None:
    failing = Failing(*[(500, {}, b"")] * 3)
    policy = RetryPolicy(attempts=3)
    with Emulator(before=failing) as server:
        with Client(ACCOUNT, base_url=server.url, clock=FakeClock(), retry=policy) as client:
            report = client.import_events(events(10))
        assert server.count() == 0
    assert (report.undelivered, report.requests) == (10, 3)
