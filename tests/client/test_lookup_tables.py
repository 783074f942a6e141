"""`client.lookup_tables`, over a fake server and over the emulator."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import logging
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mixpress import AsyncClient, Client, LookupTable, ProjectSecret, ProjectToken
from mixpress.client.lookup_tables import AsyncLookupTables, LookupTables
from mixpress.emulator import Emulator
from mixpress.errors import AuthError, ClientClosed, LookupTableError, MixpressError, TransportError
from mixpress.retry import RetryPolicy
from mixpress.transport import Request, Response
from support.canary import AUTHS, CANARY, all_of, assert_silent
from support.clients import ACCOUNT, client
from support.clocks import FakeClock
from support.replies import RESET, UNREACHED, answer, busy, ok
from support.server import FakeServer

TEXT = b"id,name\na,x\nb,y\n"
LIST = answer(200, {"code": 200, "status": "OK", "results": [{"id": "t1", "name": "Songs"}]})


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(lookup_tables={"t1": "Songs"}) as server:
        yield server


# -- requests


def test_the_request_of_a_replacement() -> None:
    server = FakeServer(ok())
    with client(server) as made:
        done = made.lookup_tables.replace("t/1 é", TEXT)
    [request] = server.requests
    assert (request.method, request.url) == ("PUT", "http://127.0.0.1:8400/lookup-tables/t%2F1%20%C3%A9?project_id=17")
    assert (request.headers["Content-Type"], request.headers["Content-Encoding"]) == ("text/csv", "gzip")
    assert request.headers["Authorization"] == ACCOUNT.headers()["Authorization"]
    assert gzip.decompress(request.body) == TEXT
    assert (done.id, done.rows, done.columns, done.bytes) == ("t/1 é", 2, ("id", "name"), len(TEXT))
    assert (done.bytes_sent, done.attempts, done.elapsed) == (len(request.body), 1, 0.0)
    assert repr(done).startswith("LookupReplacement(id='t/1 é', rows=2, columns=('id', 'name'), bytes=16, bytes_sent=")


def test_a_replacement_without_gzip() -> None:
    server = FakeServer(ok())
    with client(server) as made:
        assert made.lookup_tables.replace("t1", TEXT, compression=None).bytes_sent == len(TEXT)
    [request] = server.requests
    assert request.body == TEXT
    assert "Content-Encoding" not in request.headers


def test_a_list_is_a_get() -> None:
    server = FakeServer(LIST)
    with client(server) as made:
        assert made.lookup_tables.list() == [LookupTable("t1", "Songs")]
    [request] = server.requests
    assert (request.method, request.body) == ("GET", b"")
    assert request.url == "http://127.0.0.1:8400/lookup-tables?project_id=17"


def test_a_project_secret_replaces_and_does_not_list() -> None:
    server = FakeServer(ok())
    with client(server, auth=ProjectSecret("a-well-kept-secret")) as made:
        made.lookup_tables.replace("t1", TEXT)
        with pytest.raises(AuthError, match="needs a ServiceAccount; this client has a ProjectSecret"):
            made.lookup_tables.list()
    [request] = server.requests
    assert request.url == "http://127.0.0.1:8400/lookup-tables/t1"


@pytest.mark.parametrize("endpoint", ["import", "track"])
def test_a_project_token_does_neither(endpoint: str) -> None:
    server = FakeServer(ok())
    with client(server, auth=ProjectToken("a-token"), endpoint=endpoint) as made:
        with pytest.raises(AuthError, match="needs a ServiceAccount or a ProjectSecret"):
            made.lookup_tables.replace("t1", TEXT)
        with pytest.raises(AuthError, match="has a ProjectToken"):
            made.lookup_tables.list()
        assert made.lookup_tables.replace("t1", TEXT, dry_run=True).bytes_sent == 0
    assert server.requests == []


def test_a_table_that_breaks_a_rule_is_not_sent() -> None:
    server = FakeServer(ok())
    with (
        client(server) as made,
        pytest.raises(LookupTableError, match=r"row 2 \(line 3\): its id 'a' is that of row 1"),
    ):
        made.lookup_tables.replace("t1", b"id,n\na,1\na,2\n")
    assert server.requests == []


def test_a_dry_run_only_checks() -> None:
    server = FakeServer(ok())
    with client(server) as made:
        done = made.lookup_tables.replace("t1", TEXT, dry_run=True)
        with pytest.raises(LookupTableError):
            made.lookup_tables.replace("t1", b"id\n", dry_run=True)
    assert (done.rows, done.bytes_sent, done.attempts, server.requests) == (2, 0, 0, [])


@pytest.mark.parametrize("id", ["", " ", ".", "..", "a\nb", 7, None])
def test_an_id_that_cannot_be(id: Any) -> None:
    server = FakeServer(ok())
    with client(server) as made, pytest.raises((TypeError, ValueError), match="the id of a lookup table must be"):
        made.lookup_tables.replace(id, TEXT)
    assert server.requests == []


def test_another_compression_is_an_error() -> None:
    with client(FakeServer()) as made, pytest.raises(ValueError, match='compression must be "gzip" or None'):
        made.lookup_tables.replace("t1", TEXT, compression="zstd")  # type: ignore[arg-type]


# -- retries


@pytest.mark.parametrize("trouble", [answer(503, "no healthy upstream"), answer(408, ""), RESET, answer(200, "<html>")])
def test_trouble_is_retried_with_the_same_bytes(trouble: Any, caplog: pytest.LogCaptureFixture) -> None:
    server, clock = FakeServer(trouble, trouble, ok()), FakeClock()
    with client(server, clock) as made:
        done = made.lookup_tables.replace("t1", TEXT)
    assert done.attempts == 3
    assert clock.waits == [2 + 3, 4 + 3]  # the backoff, and half of the jitter
    assert done.elapsed == 12
    assert len({request.body for request in server.requests}) == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


def test_a_list_is_retried() -> None:
    server = FakeServer(answer(502, ""), LIST)
    with client(server) as made:
        assert len(made.lookup_tables.list()) == 1


def test_the_policy_of_the_client_ends_the_attempts() -> None:
    server = FakeServer(answer(503, "no healthy upstream"))
    with client(server, retry=RetryPolicy(attempts=3)) as made:
        with pytest.raises(LookupTableError, match="given up after 3 attempts; last error: 503") as caught:
            made.lookup_tables.replace("t1", TEXT)
        assert (caught.value.kind, len(server.requests)) == ("undelivered", 3)


def test_a_server_that_is_not_there() -> None:
    server = FakeServer(UNREACHED)
    with client(server) as made, pytest.raises(TransportError) as caught:
        made.lookup_tables.replace("t1", TEXT)
    assert (caught.value.kind, len(server.requests)) == ("refused", 3)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (busy(), "rate-limited"),
        (busy(retry_after="5"), "rate-limited"),
        (answer(400, {"error": "no"}), "refused"),
        (answer(404, {"error": "no"}), "not-found"),
        (answer(413, {"error": "no"}), "too-large"),
        (answer(405, {"error": "no"}), "refused"),
    ],
)
def test_a_final_reply_is_not_retried_and_holds_no_event_back(reply: Response, kind: str) -> None:
    server, clock = FakeServer(reply, ok()), FakeClock()
    with client(server, clock) as made:
        with pytest.raises(LookupTableError) as caught:
            made.lookup_tables.replace("t1", TEXT)
        made.track("Seen", "u")
        made.flush()
    assert (caught.value.kind, caught.value.report, clock.waits) == (kind, None, [])
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_not_accepted(status: int) -> None:
    server = FakeServer(answer(status, {"error": "Invalid credentials"}))
    with client(server) as made:
        with pytest.raises(AuthError, match="Invalid credentials"):
            made.lookup_tables.replace("t1", TEXT)
        with pytest.raises(AuthError):
            made.lookup_tables.list()
    assert len(server.requests) == 2


def test_a_client_that_is_closed_ends_the_wait() -> None:
    waits = threading.Event()

    class Waiting(FakeClock):
        def wait(self, wake: threading.Event, seconds: float) -> None:
            waits.set()
            assert wake.wait(20)

    made, raised = client(FakeServer(answer(503, "")), Waiting()), []

    def call() -> None:
        try:
            made.lookup_tables.replace("t1", TEXT)
        except ClientClosed as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert waits.wait(20)
    made.close()
    thread.join(20)
    assert len(raised) == 1
    assert made.engine.calls == set()


# -- credentials


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
@pytest.mark.parametrize("status", [200, 400, 401, 404, 413, 418, 429, 503, None])
def test_no_credential_is_shown(auth: Any, status: int | None, caplog: pytest.LogCaptureFixture) -> None:
    """Neither where a peer repeats the request, nor where a transport raises what it was given."""
    caplog.set_level(logging.DEBUG)

    def repeat(request: Request) -> Response:
        if status is None:
            raise RuntimeError(f"{CANARY} {dict(request.headers)}")
        records = [{"index": 1, "message": CANARY}]
        return answer(status, {"error": f"{CANARY} {dict(request.headers)}", "failed_records": records})

    server = FakeServer(repeat)
    with client(server, auth=auth, retry=RetryPolicy(attempts=2)) as made:
        for call in (made.lookup_tables.list, lambda: made.lookup_tables.replace("t1", TEXT)):
            with pytest.raises((MixpressError, RuntimeError)) as caught:
                call()
            assert_silent(all_of(caught.value), caplog.text, repr(made.lookup_tables))
    assert_silent(*(request.url for request in server.requests), *map(repr, server.requests))


# -- over the emulator


def test_a_table_is_replaced_as_a_whole(emulator: Emulator) -> None:
    with Client(ACCOUNT, base_url=emulator.url) as made:
        [table] = made.lookup_tables.list()
        made.lookup_tables.replace(table.id, [{"id": "a", "plan": "pro", "seats": 3}])
        made.lookup_tables.replace(table.id, TEXT)
        assert emulator.lookup_table("t1") == [{"id": "a", "name": "x"}, {"id": "b", "name": "y"}]
        with pytest.raises(LookupTableError) as caught:
            made.lookup_tables.replace("t2", TEXT)
    assert caught.value.kind == "not-found"
    assert "Lookup table with id 't2' was not found." in str(caught.value)


def test_faults_of_the_server(emulator: Emulator) -> None:
    with Client(ACCOUNT, base_url=emulator.url, clock=FakeClock()) as made:
        emulator.faults = "502:1, drop-reply:1, reset:1"
        # A connection that ends before its reply, after it carried one, is renewed by the transport.
        assert made.lookup_tables.replace("t1", TEXT).attempts == 3
        assert [request.status for request in emulator.requests()] == [502, 0, 0, 200]
        emulator.faults = "400:1"
        with pytest.raises(LookupTableError) as caught:
            made.lookup_tables.replace("t1", b"id,n\nz,1\ny,2\n")
        assert [problem.row for problem in caught.value.problems] == [2]
        assert emulator.lookup_table("t1") == [{"id": "a", "name": "x"}, {"id": "b", "name": "y"}]


def test_more_than_a_hundred_replacements_of_a_day(emulator: Emulator) -> None:
    with Client(ACCOUNT, base_url=emulator.url) as made:
        for _ in range(100):
            made.lookup_tables.replace("t1", TEXT)
        with pytest.raises(LookupTableError) as caught:
            made.lookup_tables.replace("t1", TEXT)
    assert caught.value.kind == "rate-limited"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # of Python 3.12: the emulator has threads
def test_a_forked_child_replaces_a_table_with_sockets_of_its_own(emulator: Emulator) -> None:
    with Client(ACCOUNT, base_url=emulator.url) as made:
        made.lookup_tables.list()
        child = os.fork()
        if not child:
            signal.alarm(60)  # a child that stands still ends
            status = 1
            try:
                status = int(made.lookup_tables.replace("t1", TEXT).rows != 2)
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(made.lookup_tables.list()) == 1
    assert len(emulator.lookup_table("t1") or []) == 2


# -- AsyncClient


def test_the_async_client_has_the_same(emulator: Emulator) -> None:
    async def run() -> Any:
        async with AsyncClient(ACCOUNT, base_url=emulator.url) as made:
            [table] = await made.lookup_tables.list()
            done = await made.lookup_tables.replace(table.id, TEXT)
            with pytest.raises(LookupTableError):
                await made.lookup_tables.replace(table.id, b"id\n")
            return done

    assert asyncio.run(run()).rows == 2
    assert len(emulator.lookup_table("t1") or []) == 2


def test_a_cancelled_task_ends_the_wait_for_the_next_attempt() -> None:
    waits = threading.Event()

    class Waiting(FakeClock):
        def wait(self, wake: threading.Event, seconds: float) -> None:
            waits.set()
            assert wake.wait(20)

    async def run() -> None:
        made = AsyncClient(
            ACCOUNT, base_url="http://127.0.0.1:8400", transport=FakeServer(answer(503, "")), clock=Waiting()
        )
        task = asyncio.create_task(made.lookup_tables.replace("t1", TEXT))
        assert await asyncio.to_thread(waits.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_a_cancelled_task_ends_the_reading() -> None:
    reading, count = threading.Event(), 0

    def rows() -> Iterator[list[Any]]:
        nonlocal count
        yield ["id", "n"]
        for count in range(3_000_000):
            reading.set()
            yield [count, ""]

    async def run() -> None:
        made = AsyncClient(ACCOUNT, base_url="http://127.0.0.1:8400", transport=FakeServer())
        task = asyncio.create_task(made.lookup_tables.replace("t1", rows()))
        assert await asyncio.to_thread(reading.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert count < 1_000_000


@pytest.mark.parametrize("name", ["list", "replace"])
def test_both_have_the_same_arguments(name: str) -> None:
    sync, other = (inspect.signature(getattr(kind, name)) for kind in (LookupTables, AsyncLookupTables))
    assert list(sync.parameters.values()) == list(other.parameters.values())
    assert sync.return_annotation == other.return_annotation


def test_the_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    rows: list[list[object]] = [["id", "n"], *([number, ""] for number in range(12_000))]
    with client(FakeServer(ok())) as made:
        made.lookup_tables.replace("t1", rows, on_progress=lambda *now: told.append(now))
    assert [count for count, _ in told] == [10_000, 10_000]  # of the writing, and of the check
