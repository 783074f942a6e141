"""`GET /_emulator/live`: changes as server-sent events."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3
from starlette.types import Message

from mixpress.emulator import Emulator
from mixpress.emulator.control import live as module
from mixpress.emulator.control.live import Live

from .sender import Sender, event

STRICT = "/import?strict=1"


class Stream:
    """A client of the stream."""

    def __init__(self, server: Emulator) -> None:
        url = urllib3.util.parse_url(server.url)
        self.connection = http.client.HTTPConnection(str(url.host), url.port, timeout=20)
        self.connection.request("GET", "/_emulator/live")
        self.reply = self.connection.getresponse()

    def next_line(self) -> str:
        """Return the next line that is not empty; an empty text at the end."""
        while (line := self.reply.readline().decode()) == "\n":
            pass
        return line.rstrip("\n")

    def next_change(self) -> dict[str, int]:
        while (line := self.next_line()) != "event: change":
            assert line, "the stream ended"
            assert not line.startswith(":"), "nothing changed for 15 seconds"
        found: dict[str, int] = json.loads(self.next_line().removeprefix("data: "))
        return found

    def wait_for(self, **numbers: int) -> dict[str, int]:
        while (found := self.next_change()) != {**found, **numbers}:
            pass
        return found


@contextmanager
def following(server: Emulator) -> Iterator[Stream]:
    stream = Stream(server)
    try:
        yield stream
    finally:
        stream.connection.close()
        stream.reply.close()


def test_a_client_hears_of_requests_and_of_reset(server: Emulator, sender: Sender) -> None:
    with following(server) as stream:
        assert stream.reply.headers["Content-Type"].startswith("text/event-stream")
        assert stream.reply.headers["Cache-Control"] == "no-store"
        assert stream.next_line() == "retry: 2000"
        assert stream.next_change() == {"last_id": 0, "stored": 0, "requests": 0, "refused": 0}
        sender.post(STRICT, [event(), event(insert_id="")])
        assert stream.wait_for(stored=1) == {"last_id": 1, "stored": 1, "requests": 1, "refused": 1}
        server.clear()
        assert stream.wait_for(stored=0) == {"last_id": 0, "stored": 0, "requests": 0, "refused": 0}


def test_a_client_hears_of_a_new_lookup_table(server: Emulator, sender: Sender) -> None:
    with following(server) as stream:
        start = stream.next_change()
        server.add_lookup_table("t1")
        assert stream.next_change() == start
        assert sender.request("PUT", "/_emulator/lookup-tables/t2").status == 200
        assert stream.next_change() == start


def test_all_clients_hear_of_the_last_change(server: Emulator, sender: Sender) -> None:
    streams = [Stream(server) for _ in range(20)]
    for number in range(30):
        sender.post(STRICT, [event(insert_id=f"id-{number}")])
    for stream in streams:
        assert stream.wait_for(stored=30)["requests"] == 30
        stream.reply.close()
        stream.connection.close()


@pytest.mark.parametrize("count", [1, 20])
def test_the_emulator_stops_while_clients_follow(count: int) -> None:
    with Emulator() as server:
        streams = [Stream(server) for _ in range(count)]
        for stream in streams:
            stream.next_change()
    for stream in streams:
        while stream.next_line():
            pass  # the stream ends as HTTP prescribes; anything else raises IncompleteRead
        stream.reply.close()
        stream.connection.close()


def test_the_emulator_stops_while_a_client_does_not_read() -> None:
    with Emulator() as server:
        stream = Stream(server)
    stream.reply.close()
    stream.connection.close()


def test_too_many_clients_are_refused(server: Emulator, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LISTENERS", 0)
    answer = sender.request("GET", "/_emulator/live")
    assert (answer.status, answer.json) == (400, {"error": "too many clients follow /_emulator/live; close some"})


# -- without a server


class Client:
    """The ASGI side of a client that receives messages, until it leaves."""

    def __init__(self, live: Live) -> None:
        self.parts: list[bytes] = []
        self.left = asyncio.Event()
        self.got = asyncio.Event()
        self.task = asyncio.ensure_future(live.follow(self.receive, self.send))

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, part: bytes) -> None:
        self.parts.append(part)
        self.got.set()

    async def wait_for(self, part: bytes) -> None:
        while not any(part in sent for sent in self.parts):
            await asyncio.wait_for(self.got.wait(), 20)
            self.got.clear()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


def test_a_silent_stream_has_comments() -> None:
    async def test() -> None:
        live = Live(lambda: asyncio.sleep(0, {"stored": 1}), interval=0, silence=0)
        client = Client(live)
        await client.wait_for(b": still here\n\n")
        live.stop()
        await asyncio.wait_for(client.task, 20)

    run(test)


def test_many_changes_are_one_message() -> None:
    async def test() -> None:
        reads = 0
        may_read = asyncio.Event()

        async def numbers() -> int:
            nonlocal reads
            reads += 1
            await may_read.wait()
            return reads

        live = Live(numbers, interval=0)
        client = Client(live)
        await asyncio.sleep(0)
        for _ in range(1000):
            live.changed()
            await asyncio.sleep(0)
        may_read.set()
        await client.wait_for(b"data: 2\n\n")  # those that came while the first was read
        assert reads == 2
        live.stop()
        await asyncio.wait_for(client.task, 20)

    run(test)


def test_a_client_that_leaves_is_forgotten_and_the_last_one_ends_the_work() -> None:
    async def test() -> None:
        before = asyncio.all_tasks()
        live = Live(lambda: asyncio.sleep(0, 1), interval=0)
        clients = [Client(live), Client(live)]
        for client in clients:
            await client.wait_for(b"data: 1")
        others = asyncio.all_tasks() - before
        for client in clients:
            client.left.set()
            await asyncio.wait_for(client.task, 20)
        assert not live._listeners
        await asyncio.wait_for(asyncio.wait(others), 20)
        assert asyncio.all_tasks() == before
        live.changed()  # nobody listens
        again = Client(live)
        await again.wait_for(b"data: 1")
        live.stop()
        await asyncio.wait_for(again.task, 20)

    run(test)


def test_a_slow_client_has_room_for_one_message() -> None:
    async def test() -> None:
        count = 0

        async def numbers() -> int:
            nonlocal count
            count += 1
            return count

        live = Live(numbers, interval=0)
        may_send = asyncio.Event()
        client = Client(live)
        plain = client.send

        async def slow(part: bytes) -> None:
            await may_send.wait()
            await plain(part)

        client.task.cancel()
        client.task = asyncio.ensure_future(live.follow(client.receive, slow))
        while count < 50:
            live.changed()
            await asyncio.sleep(0)
        may_send.set()
        while client.parts[-1:] != [b"event: change\ndata: %d\n\n" % count]:
            await asyncio.sleep(0)
        assert len(client.parts) < 10
        live.stop()
        await asyncio.wait_for(client.task, 20)

    run(test)


def test_numbers_that_cannot_be_read_do_not_end_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        answers = iter([OSError("disk")])

        async def numbers() -> int:
            for error in answers:
                raise error
            return 7

        live = Live(numbers, interval=0)
        client = Client(live)
        while not caplog.records:
            await asyncio.sleep(0)
        live.changed()
        await client.wait_for(b"data: 7")
        live.stop()
        await asyncio.wait_for(client.task, 20)

    run(test)
    assert "the live numbers cannot be read" in caplog.text


def test_a_stopped_emulator_may_be_stopped_and_told_again() -> None:
    live = Live(lambda: asyncio.sleep(0, 1))
    live.changed()
    live.stop()

    async def test() -> None:
        client = Client(live)
        await asyncio.wait_for(client.task, 20)
        assert client.parts == [b"retry: 2000\n\n"]

    run(test)
    live.stop()  # its loop is closed
