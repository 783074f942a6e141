"""Draining a spool: delivered events leave the file, all others stay in it; on a fake server and a fake clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpress.client.drain_run import drain_spool
from mixpress.errors import AuthError, SpoolError, TransportError
from mixpress.report.report import Report
from mixpress.retry import RetryPolicy
from mixpress.spool import Spool
from mixpress.transport import Request, Response
from support.clients import client, kinds
from support.clocks import FakeClock
from support.events import sent
from support.replies import RESET, UNREACHED, answer, busy, ok, refusing
from support.server import FakeServer

from .makers import everything, spool, texts


def leave(path: Path, count: int, size: int = 2) -> None:
    """Leave events of an ended process in the file, all but the last `size` of them packed."""
    with spool(path, max_events=size) as queue:
        queue.append_many(texts(count))
        for _ in range(max(0, count - 1) // size):
            queue.pack()


def drain(path: Path, server: FakeServer, *, failed: bool = False, **options: Any) -> Report:
    clock = FakeClock()
    with spool(path, clock=clock) as queue, client(server, clock, **options) as sending:
        return drain_spool(sending.engine, queue, failed=failed)


def test_every_event_is_delivered_once(tmp_path: Path) -> None:
    leave(tmp_path / "a", 7)
    server = FakeServer()
    report = drain(tmp_path / "a", server)
    assert (report.total, report.imported, report.requests) == (7, 7, 4)
    assert server.imported == [f"event-{number}" for number in range(7)]
    assert report.bytes_sent == sum(len(request.body) for request in server.requests)
    assert everything(tmp_path / "a") == []


def test_draining_an_empty_spool_sends_nothing(tmp_path: Path) -> None:
    server = FakeServer()
    report = drain(tmp_path / "a", server)
    assert (report.total, server.requests) == (0, [])


def test_retries_are_identical_and_counted(tmp_path: Path) -> None:
    leave(tmp_path / "a", 1)
    server = FakeServer(busy(), RESET, ok())
    report = drain(tmp_path / "a", server)
    assert (report.imported, report.requests, report.retries) == (1, 3, 2)
    assert len({request.body for request in server.requests}) == 1


def test_an_undelivered_batch_stays_with_identical_bytes(tmp_path: Path) -> None:
    leave(tmp_path / "a", 5)
    down = FakeServer(answer(503, "later"))
    report = drain(tmp_path / "a", down, retry=RetryPolicy(attempts=2))
    assert (report.undelivered, report.imported, report.requests) == (5, 0, 6)
    with spool(tmp_path / "a") as queue:
        assert queue.stats().attempts == 6
    up = FakeServer()
    assert drain(tmp_path / "a", up).imported == 5
    assert {request.body for request in up.requests} == {request.body for request in down.requests}


def test_a_refused_event_is_reported_and_leaves_the_file(tmp_path: Path) -> None:
    leave(tmp_path / "a", 4)
    letter = tmp_path / "failed.ndjson"
    server = FakeServer(refusing(1), answer(500, ""))
    report = drain(tmp_path / "a", server, dead_letter=letter, retry=RetryPolicy(attempts=1))
    assert (report.imported, report.refused, report.undelivered) == (1, 1, 2)
    assert kinds(report) == {1: "refused", 2: "undelivered", 3: "undelivered"}
    [line] = letter.read_text().splitlines()
    assert json.loads(line)["event"] == json.loads(texts(2)[1])
    assert json.loads(line)["message"] == "no 1"
    assert everything(tmp_path / "a") == [2, 3]


def test_the_undelivered_half_of_a_split_batch_stays(tmp_path: Path) -> None:
    leave(tmp_path / "a", 4, size=10)

    def take_the_first_half(request: Request) -> Response:
        events = sent(request)
        if len(events) > 2:
            return answer(413, {"error": "too large"})
        return ok() if events[0]["properties"]["$insert_id"] == "event-0" else answer(500, "")

    report = drain(tmp_path / "a", FakeServer(take_the_first_half), retry=RetryPolicy(attempts=3))
    assert (report.imported, report.undelivered, report.requests) == (2, 2, 5)
    assert everything(tmp_path / "a") == [2, 3]


def test_a_failed_batch_is_sent_only_with_failed(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append_many(texts(2))
        batch = queue.pack()
        assert batch is not None
        queue.fail(batch, "404 Not Found")
    assert drain(tmp_path / "a", FakeServer()).total == 0
    assert drain(tmp_path / "a", FakeServer(), failed=True).imported == 2


def test_events_of_a_running_process_are_left_to_it(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as running:
        running.append_many(texts(2))
        assert drain(tmp_path / "a", FakeServer()).total == 0
        assert running.waiting[0] == 2


@pytest.mark.parametrize(
    ("reply", "error"), [(answer(401, "no"), AuthError), (UNREACHED, TransportError)], ids=["401", "unreached"]
)
def test_an_error_that_ends_the_drain_leaves_every_event_in_the_file(
    tmp_path: Path, reply: Any, error: type[Exception]
) -> None:
    leave(tmp_path / "a", 50)
    with pytest.raises(error) as caught:
        drain(tmp_path / "a", FakeServer(reply))
    report = caught.value.report  # type: ignore[attr-defined]
    assert 0 < report.undelivered == report.total
    assert everything(tmp_path / "a") == list(range(50))


def test_an_error_of_the_file_ends_the_drain_with_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path / "a", 6)

    def fail(queue: Spool, _batch: object) -> bool:
        raise SpoolError("the spool has no room", queue.path, "full")

    with monkeypatch.context() as patch:
        patch.setattr(Spool, "settle", fail)
        with pytest.raises(SpoolError, match="no room") as caught:
            drain(tmp_path / "a", FakeServer())
    report = caught.value.report
    assert report is not None
    assert report.imported + report.undelivered == report.total
    assert everything(tmp_path / "a") == list(range(6))


def test_an_interrupt_leaves_the_undelivered_events_in_the_file(tmp_path: Path) -> None:
    leave(tmp_path / "a", 6)

    def interrupt(_progress: object) -> None:
        raise KeyboardInterrupt

    with spool(tmp_path / "a") as queue, client(FakeServer()) as sending, pytest.raises(KeyboardInterrupt):
        drain_spool(sending.engine, queue, interrupt)
    left = everything(tmp_path / "a")
    assert left
    assert left == list(range(6 - len(left), 6))


@settings(max_examples=settings().max_examples // 20)
@given(
    st.lists(
        st.sampled_from(["ok", "busy", "reset", "413", "refuse-first", "garbage", "404"]), min_size=1, max_size=20
    ),
    st.integers(0, 12),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_every_event_is_settled_or_still_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, moves: list[str], count: int, size: int, concurrency: int
) -> None:
    """The sum is the number of events before, whatever the server replies."""
    path = tmp_path_factory.mktemp("spool") / "a"
    leave(path, count, size)
    replies: dict[str, Any] = {
        "ok": ok(),
        "busy": busy(),
        "reset": RESET,
        "413": answer(413, {"error": "too large"}),
        "refuse-first": refusing(0),
        "garbage": answer(200, "<html>"),
        "404": answer(404, ""),
    }
    server = FakeServer(*[replies[move] for move in moves], ok())
    report = drain(path, server, concurrency=concurrency, retry=RetryPolicy(attempts=2))
    left = everything(path)
    assert report.total == count
    assert report.undelivered == len(left) == len(set(left))
    undelivered = {failure.index for failure in report.failures if failure.kind == "undelivered"}
    assert len(undelivered) == len(left)
