"""A file that fails just when a verdict is to be entered: the verdict is known, counted once, and entered later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mixpress import Client
from mixpress.errors import SpoolError
from mixpress.queues.spooled import PAUSE
from mixpress.spool.spool import Spool
from mixpress.transport import Request
from support.fakes import Answer, FakeServer, answer, ids, ok

from .makers import HeldClock, adds_up, change, everything, made, rows, spool_of, track

FILLS = "mixpress-spool"


def write(client: Client, *, may: bool) -> None:
    """From now on the file may be written to, or not."""
    session = spool_of(client)._session
    with session.write_lock:
        session.connected().writer.execute(f"PRAGMA query_only = {int(not may)}")


def breaking(client: list[Client], *answers: Answer | Callable[[Request], Answer]) -> FakeServer:
    """A server whose answers find a file that can't be written to."""
    given = iter(answers)

    def answer_late(request: Request) -> Answer:
        write(client[0], may=False)
        reply = next(given)
        return reply(request) if callable(reply) else reply

    return FakeServer(answer_late)


def go_on(clock: HeldClock) -> None:
    """Until the thread that looks after the file has done so once more."""
    clock.go_on(clock.asleep(FILLS))
    clock.asleep(FILLS)


def test_it_is_entered_when_the_file_works_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
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


def test_a_flush_enters_it_too(tmp_path: Path) -> None:
    clients: list[Client] = []
    with made(tmp_path / "a", breaking(clients, ok(), ok()), clock=HeldClock()) as client:
        clients.append(client)
        track(client, 1)
        assert client.flush().imported == 1
        write(client, may=True)
        assert client.flush().total == 0
        assert rows(tmp_path / "a", "batches") == 0


def test_what_no_answer_came_for_waits_until_the_rest_is_out_of_the_file(tmp_path: Path) -> None:
    """One half of a batch is imported, the other is not, and the file holds the whole."""
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


def test_a_half_that_another_process_took_over_leaves_the_counts(tmp_path: Path) -> None:
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


def test_a_file_that_fails_to_the_end_is_sent_again_by_the_next_client(
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


def test_a_file_that_fails_keeps_no_client_from_closing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = made(tmp_path / "a", FakeServer(), clock=HeldClock())
    track(client, 1)
    write(client, may=False)
    intake = client.engine.queue
    assert client.close().pending == 1
    assert "can't be written to" in caplog.text
    assert intake.closed
    assert not any(thread.is_alive() for thread in intake._threads)  # type: ignore[attr-defined]
    assert rows(tmp_path / "a") == 1
