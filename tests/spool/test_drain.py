"""What is left in a spool is delivered; what is not, stays in it. On a fake server and a fake clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpress.errors import AuthError, SpoolError, TransportError
from mixpress.report.report import Report
from mixpress.retry import RetryPolicy
from mixpress.spool import Spool
from mixpress.transport import Request, Response
from support.fakes import (
    RESET,
    UNREACHED,
    FakeClock,
    FakeServer,
    answer,
    busy,
    client,
    kinds,
    ok,
    refusing,
    sent,
)

from .makers import everything, spool, texts


def leave(path: Path, count: int, size: int = 2) -> None:
    """What a process that is gone has left: events, all but the last `size` of them in batches."""
    with spool(path, max_events=size) as queue:
        queue.append_many(texts(count))
        for _ in range(max(0, count - 1) // size):
            queue.pack()


def drain(path: Path, server: FakeServer, *, failed: bool = False, **options: Any) -> Report:
    clock = FakeClock()
    with spool(path, clock=clock) as queue, client(server, clock, **options) as sending:
        return sending._drain(queue, failed=failed)


def test_everything_is_delivered_once(tmp_path: Path) -> None:
    leave(tmp_path / "a", 7)
    server = FakeServer()
    report = drain(tmp_path / "a", server)
    assert (report.total, report.imported, report.requests) == (7, 7, 4)
    assert server.imported == [f"event-{number}" for number in range(7)]
    assert report.bytes_sent == sum(len(request.body) for request in server.requests)
    assert everything(tmp_path / "a") == []


def test_an_empty_spool_is_soon_drained(tmp_path: Path) -> None:
    server = FakeServer()
    report = drain(tmp_path / "a", server)
    assert (report.total, server.requests) == (0, [])


def test_retries_are_identical_and_counted(tmp_path: Path) -> None:
    leave(tmp_path / "a", 1)
    server = FakeServer(busy(), RESET, ok())
    report = drain(tmp_path / "a", server)
    assert (report.imported, report.requests, report.retries) == (1, 3, 2)
    assert len({request.body for request in server.requests}) == 1


def test_what_is_undelivered_stays_with_the_identical_bytes(tmp_path: Path) -> None:
    leave(tmp_path / "a", 5)
    down = FakeServer(answer(503, "later"))
    report = drain(tmp_path / "a", down, retry=RetryPolicy(attempts=2))
    assert (report.undelivered, report.imported, report.requests) == (5, 0, 6)
    with spool(tmp_path / "a") as queue:
        assert queue.stats().attempts == 6
    up = FakeServer()
    assert drain(tmp_path / "a", up).imported == 5
    assert {request.body for request in up.requests} == {request.body for request in down.requests}


def test_what_is_refused_is_told_and_gone(tmp_path: Path) -> None:
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


def test_of_a_batch_that_was_split_the_rest_stays(tmp_path: Path) -> None:
    leave(tmp_path / "a", 4, size=10)

    def take_the_first_half(request: Request) -> Response:
        events = sent(request)
        if len(events) > 2:
            return answer(413, {"error": "too large"})
        return ok() if events[0]["properties"]["$insert_id"] == "event-0" else answer(500, "")

    report = drain(tmp_path / "a", FakeServer(take_the_first_half), retry=RetryPolicy(attempts=3))
    assert (report.imported, report.undelivered, report.requests) == (2, 2, 5)
    assert everything(tmp_path / "a") == [2, 3]


def test_what_was_given_up_is_sent_when_it_is_asked_for(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append_many(texts(2))
        batch = queue.pack()
        assert batch is not None
        queue.fail(batch, "404 Not Found")
    assert drain(tmp_path / "a", FakeServer()).total == 0
    assert drain(tmp_path / "a", FakeServer(), failed=True).imported == 2


def test_a_running_processs_events_are_left_to_it(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as running:
        running.append_many(texts(2))
        assert drain(tmp_path / "a", FakeServer()).total == 0
        assert running.waiting[0] == 2


@pytest.mark.parametrize(
    ("reply", "error"), [(answer(401, "no"), AuthError), (UNREACHED, TransportError)], ids=["401", "nobody there"]
)
def test_an_error_that_ends_it_leaves_all_in_the_file(tmp_path: Path, reply: Any, error: type[Exception]) -> None:
    leave(tmp_path / "a", 50)
    with pytest.raises(error) as caught:
        drain(tmp_path / "a", FakeServer(reply))
    report = caught.value.report  # type: ignore[attr-defined]
    assert 0 < report.undelivered == report.total
    assert everything(tmp_path / "a") == list(range(50))


def test_a_file_that_fails_ends_it_with_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_interrupt_leaves_what_was_not_delivered(tmp_path: Path) -> None:
    leave(tmp_path / "a", 6)

    def interrupt(_progress: object) -> None:
        raise KeyboardInterrupt

    with spool(tmp_path / "a") as queue, client(FakeServer()) as sending, pytest.raises(KeyboardInterrupt):
        sending._drain(queue, interrupt)
    left = everything(tmp_path / "a")
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
def test_every_event_ends_in_one_place(
    tmp_path_factory: pytest.TempPathFactory, moods: list[str], count: int, size: int, concurrency: int
) -> None:
    """Delivered, refused, or still in the file: the sum is what was there, whatever the server does."""
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
    server = FakeServer(*[replies[mood] for mood in moods], ok())
    report = drain(path, server, concurrency=concurrency, retry=RetryPolicy(attempts=2))
    left = everything(path)
    assert report.total == count
    assert report.undelivered == len(left) == len(set(left))
    undelivered = {failure.index for failure in report.failures if failure.kind == "undelivered"}
    assert len(undelivered) == len(left)
