"""The queue in a spool: each accepted event stays in the file until it has a verdict, and the counts add up."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from mixpress import AsyncClient, Client, Encoder, ProjectToken, RateLimit, Report
from mixpress.emulator import Emulator
from mixpress.errors import SpoolError
from mixpress.spool import Spool
from spool.makers import adds_up, change, everything, made, rows, track
from support.clients import ACCOUNT
from support.events import small_batches
from support.replies import answer, ok, refusing
from support.server import FakeServer


def test_an_event_is_in_the_file_when_track_returns(tmp_path: Path) -> None:
    with made(tmp_path / "a", FakeServer()) as client:
        track(client, 1)
        assert rows(tmp_path / "a") == 1
        assert client.stats().pending == 1


def test_a_flush_delivers_every_event_and_empties_the_file(tmp_path: Path) -> None:
    server = FakeServer()
    with made(tmp_path / "a", server, encoder=small_batches(3)) as client:
        track(client, *range(8))
        assert client.track("Seen", "null") is not None
        report = client.flush()
        assert (report.total, report.imported, report.rejected, report.pending) == (9, 8, 1, 0)
        assert [failure.index for failure in report.failures] == [8]
        assert adds_up(client.stats())
    assert sorted(server.imported) == [f"event-{number}" for number in range(8)]
    assert everything(tmp_path / "a") == []


def test_a_full_disk_raises_and_the_event_is_not_taken(tmp_path: Path) -> None:
    with made(tmp_path / "a", FakeServer()) as client:
        track(client, 1)
        connections = client.engine.queue._spool._session.connections  # type: ignore[attr-defined]
        [pages] = connections.writer.execute("PRAGMA page_count").fetchone()
        connections.writer.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SpoolError, match="no room"):
            client.track("Seen", "user", {"text": "x" * 200, "more": ["y" * 200] * 50})
        connections.writer.execute("PRAGMA max_page_count = 1000000")
        track(client, 2)
        report = client.flush()
        assert (report.total, report.imported) == (2, 2)
        assert adds_up(client.stats())


def test_events_taken_over_by_another_process_leave_the_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with made(tmp_path / "a", FakeServer()) as client:
        track(client, 1, 2, 3)
        change(tmp_path / "a", "DELETE FROM events")
        report = client.flush()
        assert (report.total, report.pending, client.stats().accepted) == (0, 0, 0)
        assert "3 events of the spool" in caplog.text


def test_refused_events_have_their_index(tmp_path: Path) -> None:
    with made(tmp_path / "a", FakeServer(refusing(1))) as client:
        client.track("Seen", "null")
        track(client, 1, 2)
        report = client.flush()
    assert {failure.index: failure.kind for failure in report.failures} == {0: "rejected", 2: "refused"}
    assert everything(tmp_path / "a") == []


def test_events_without_a_reply_stay_pending_and_the_next_flush_sends_them(
    tmp_path: Path,
) -> None:
    server = FakeServer(answer(503, "later"), answer(503, "later"), ok())
    with made(tmp_path / "a", server) as client:
        track(client, 1, 2)
        report = client.flush()
        assert (report.total, report.pending, report.requests) == (0, 2, 2)
        assert adds_up(client.stats())
        report = client.flush()
        assert (report.total, report.imported, report.pending) == (2, 2, 0)
        assert adds_up(client.stats())
    assert len({request.body for request in server.requests}) == 1


def test_close_leaves_the_rest_to_the_next_client_and_logs_its_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    down = FakeServer(answer(503, "later"))
    client = made(tmp_path / "a", down)
    track(client, 1, 2, 3)
    report = client.close()
    assert (report.total, report.pending, report.undelivered) == (0, 3, 0)
    assert "3 events stay in the spool" in caplog.text
    assert adds_up(client.stats())
    up = FakeServer()
    with made(tmp_path / "a", up) as other:
        report = other.flush()
        assert (report.total, report.imported) == (3, 3)
        assert adds_up(other.stats())
    assert up.requests[0].body == down.requests[0].body


def test_a_closed_client_that_is_used_again_delivers_what_it_left(tmp_path: Path) -> None:
    server = FakeServer(answer(503, "later"), answer(503, "later"), ok())
    client = made(tmp_path / "a", server)
    track(client, 1)
    client.close()
    track(client, 2)
    report = client.flush()
    assert (report.imported, report.pending) == (2, 0)
    assert client.stats().accepted == client.stats().imported == 2
    client.close()


def test_a_new_client_delivers_what_others_left_without_a_call(tmp_path: Path) -> None:
    with Spool(tmp_path / "a") as left:
        left.append(b'{"event":"Seen","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"event-1"}}')
    arrived = threading.Event()
    with made(tmp_path / "a", FakeServer(), on_report=lambda _: arrived.set()):
        assert arrived.wait(30)


def test_the_bounds_of_the_queue_do_not_bound_the_file(tmp_path: Path) -> None:
    """They count what is in memory; `track` neither blocks nor raises."""
    server = FakeServer(answer(503, "later"))
    with made(tmp_path / "a", server, encoder=small_batches(2), queue_size=2, on_full="raise") as client:
        track(client, *range(20))
        client.flush(timeout=0.2)
        assert len(client.engine.queue._jobs) <= 1  # type: ignore[attr-defined]
        assert client.stats().pending == 20
    assert len(everything(tmp_path / "a")) == 20


def test_a_damaged_file_is_an_error_when_the_client_is_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no database" * 1000)
    with pytest.raises(SpoolError, match="damaged"):
        made(tmp_path / "a", FakeServer())


def test_a_file_of_another_project_is_an_error(tmp_path: Path) -> None:
    client = made(tmp_path / "a", FakeServer(answer(503, "later")))
    track(client, 1)
    client.close()
    with pytest.raises(SpoolError, match="are for another project"):
        Client(ProjectToken("other"), base_url="http://127.0.0.1:8400", spool=tmp_path / "a", transport=FakeServer())


@pytest.mark.parametrize("settings", [{}, {"edition": 2022}, {"encoder": "base64"}])
def test_on_track_the_server_accepts_each_format(tmp_path: Path, settings: dict[str, Any]) -> None:
    token = ProjectToken("the-token")
    if settings.get("encoder"):
        settings = {"encoder": Encoder("track", format="form", form_base64=True, token=token.token)}
    with Emulator() as server:
        with Client(token, endpoint="track", base_url=server.url, spool=tmp_path / "a", **settings) as client:
            for number in range(60):
                client.track("Seen", f"user-{number}")
            assert client.flush().imported == 60
        assert server.count() == 60
        assert len(server.requests()) == (2 if "edition" in settings else 1)


def test_the_file_has_no_credentials(tmp_path: Path) -> None:
    with made(tmp_path / "a", FakeServer(answer(503, "later"))) as client:
        track(client, 1)
        client.flush()
        track(client, 2)
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"event-2" in written
    assert ACCOUNT.secret.encode() not in written
    assert ACCOUNT.headers()["Authorization"].split()[1].encode() not in written


def test_an_async_client_may_have_a_spool(tmp_path: Path) -> None:
    server = FakeServer()

    async def run() -> Report:
        async with AsyncClient(
            ACCOUNT, base_url="http://127.0.0.1:8400", transport=server, spool=tmp_path / "a", rate_limit=RateLimit()
        ) as client:
            await client.track("Seen", "user", insert_id="event-1")
            assert rows(tmp_path / "a") == 1
            return await client.flush()

    assert asyncio.run(run()).imported == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_reopens_the_file_with_no_events(tmp_path: Path) -> None:
    with Emulator() as server, Client(ACCOUNT, base_url=server.url, spool=tmp_path / "a", linger=3600) as client:
        track(client, *range(5))
        child = os.fork()
        if child == 0:
            try:
                assert client.stats().accepted == 0
                track(client, *range(100, 110))
                report = client.flush(30)
                client.close()
                os._exit(0 if report.imported == 10 else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert server.count() == 10
        assert client.flush(30).imported == 5
        assert server.count() == 15
