"""A file that fails when a verdict is entered: the verdict is counted once, and entered when the file works again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mixpress import Client
from mixpress.errors import SpoolError
from mixpress.queues.spooled import PAUSE
from mixpress.spool.spool import Spool
from mixpress.transport import Request
from support.clocks import HeldClock
from support.events import ids
from support.replies import Answer, answer, ok
from support.server import FakeServer

from .makers import adds_up, change, everything, made, rows, spool_of, track

FILLS = "mixpress-spool"


def write(client: Client, *, may: bool) -> None:
    """Allow or forbid writes to the file from now on."""
    session = spool_of(client)._session
    with session.write_lock:
        session.connected().writer.execute(f"PRAGMA query_only = {int(not may)}")


def breaking(client: list[Client], *answers: Answer | Callable[[Request], Answer]) -> FakeServer:
    """A server that forbids writes to the file before each reply."""
    given = iter(answers)

    def answer_late(request: Request) -> Answer:
        write(client[0], may=False)
        reply = next(given)
        return reply(request) if callable(reply) else reply

    return FakeServer(answer_late)


def go_on(clock: HeldClock) -> None:
    """Let the thread of the spool do one more round."""
    clock.go_on(clock.asleep(FILLS))
    clock.asleep(FILLS)


def test_a_verdict_is_entered_when_the_file_works_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clients: list[Client] = []
    clock, server = HeldClock(), breaking(clients, ok())
    with made(tmp_path / "a", server, clock=clock) as client:
        clients.append(client)
        track(client, 1, 2, 3)
        report = client.flush()
        assert (report.total, report.imported, report.pending) == (3, 3, 0)
        assert "can't be written to" in caplog.text
        assert clock.asleep(FILLS) <= clock.now + PAUSE
        go_on(clock)
        assert rows(tmp_path / "a", "batches") == 1  # it still fails
        write(client, may=True)
        go_on(clock)
        assert rows(tmp_path / "a", "batches") == 0
        assert client.flush().total == 0
        assert (client.stats().accepted, client.stats().imported) == (3, 3)
        assert client.engine.queue._held == 0
    assert len(server.requests) == 1


def test_a_flush_enters_a_late_verdict(tmp_path: Path) -> None:
    clients: list[Client] = []
    with made(tmp_path / "a", breaking(clients, ok(), ok()), clock=HeldClock()) as client:
        clients.append(client)
        track(client, 1)
        assert client.flush().imported == 1
        write(client, may=True)
        assert client.flush().total == 0
        assert rows(tmp_path / "a", "batches") == 0


def test_a_half_without_a_reply_waits_until_the_other_half_is_entered(tmp_path: Path) -> None:
    """One half of a batch is imported, the other is not, and the file still has the whole."""
    clients: list[Client] = []
    later = answer(503, "later")
    server = breaking(clients, answer(413, {"code": 413, "error": "too large"}), ok(), later, later, ok())
    with made(tmp_path / "a", server, clock=HeldClock(), concurrency=1) as client:
        clients.append(client)
        track(client, *range(4))
        report = client.flush()
        assert (report.imported, report.pending, len(server.requests)) == (2, 2, 4)
        assert adds_up(client.stats())
        with pytest.raises(SpoolError, match="can't be written to"):
            client.flush()
        assert len(server.requests) == 4  # the half has no row yet, so it is not sent
        write(client, may=True)
        report = client.flush()
        assert (report.total, report.imported, report.pending) == (2, 2, 0)
        assert (client.stats().accepted, client.stats().imported) == (4, 4)
        write(client, may=True)
        client.flush()
        assert adds_up(client.stats())
    assert [ids(request) for request in server.requests[1:]] == [
        ["event-0", "event-1"],
        *[["event-2", "event-3"]] * 3,
    ]
    assert everything(tmp_path / "a") == []


def test_a_half_taken_over_by_another_process_leaves_the_counts(tmp_path: Path) -> None:
    clients: list[Client] = []
    later = answer(503, "later")
    server = breaking(clients, answer(413, {"code": 413, "error": "too large"}), ok(), later, later)
    with made(tmp_path / "a", server, clock=HeldClock(), concurrency=1) as client:
        clients.append(client)
        track(client, *range(4))
        assert client.flush().pending == 2
        change(tmp_path / "a", "DELETE FROM batches")
        write(client, may=True)
        report = client.flush()
        assert (report.total, report.pending) == (0, 0)
        assert (client.stats().accepted, client.stats().imported, client.stats().pending) == (2, 2, 0)


def test_the_next_client_resends_a_batch_whose_verdict_was_never_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(queue: Spool, _batch: object) -> bool:
        raise SpoolError("no room", queue.path, "full")

    first, second = FakeServer(), FakeServer()
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "settle", fail)
        with made(tmp_path / "a", first, clock=HeldClock()) as client:
            track(client, 1, 2)
            assert client.flush().imported == 2
        assert "2 events that the server has could not be taken out of the spool" in caplog.text
        assert "stay in the spool" not in caplog.text
    with made(tmp_path / "a", second, clock=HeldClock()) as client:
        assert client.flush().imported == 2
    assert [request.body for request in first.requests] == [request.body for request in second.requests]
    assert everything(tmp_path / "a") == []


def test_a_client_closes_when_its_file_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = made(tmp_path / "a", FakeServer(), clock=HeldClock())
    track(client, 1)
    write(client, may=False)
    intake = client.engine.queue
    assert client.close().pending == 1
    assert "can't be written to" in caplog.text
    assert intake.closed
    assert not any(thread.is_alive() for thread in intake._threads)  # type: ignore[attr-defined]
    assert rows(tmp_path / "a") == 1
