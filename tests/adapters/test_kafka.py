"""Kafka, with a fake consumer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mixpress import AuthError, RetryPolicy
from mixpress.adapters.kafka import deliver, event_of
from mixpress.errors import TransportError
from support.clients import client
from support.events import event, ids
from support.replies import RESET, answer, ok, refusing
from support.server import FakeServer


@dataclass
class Message:
    """A message with the methods that the adapter calls."""

    content: Any
    number: int = 0
    part: int = 0
    trouble: Any = None

    def error(self) -> Any:
        return self.trouble

    def topic(self) -> str:
        return "shop"

    def partition(self) -> int:
        return self.part

    def offset(self) -> int:
        return self.number

    def value(self) -> Any:
        return self.content


def messages(*events: Any, part: int = 0) -> list[Message]:
    return [Message(json.dumps(each).encode(), number, part) for number, each in enumerate(events)]


@dataclass
class Consumer:
    """A consumer of a partitioned log, from the committed offsets on."""

    log: list[Message]
    committed: dict[int, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unread = [each for each in self.log if each.number >= self.committed.get(each.part, 0)]

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        assert timeout == 1.0
        given, self.unread = self.unread[:num_messages], self.unread[num_messages:]
        self.order.append(f"read {len(given)}")
        return given

    def commit(self, *, message: Message, asynchronous: bool) -> None:
        assert not asynchronous
        self.order.append(f"commit {message.part}:{message.number}")
        self.committed[message.part] = message.number + 1

    def done(self) -> bool:
        return not self.unread


def test_offsets_are_committed_after_the_replies() -> None:
    consumer = Consumer(messages(*map(event, range(5))))

    def taken(_request: Any) -> Any:
        consumer.order.append("sent")
        return ok()

    deliver(consumer, client(FakeServer(taken)), messages=3, stopped=consumer.done)
    assert consumer.order == ["read 3", "sent", "commit 0:2", "read 2", "sent", "commit 0:4"]


def test_each_partition_is_committed_at_its_last_message() -> None:
    parts = [messages(event(0), event(1)), messages(event(2), part=1)]
    consumer = Consumer([parts[0][0], parts[1][0], parts[0][1]])
    deliver(consumer, client(FakeServer()), stopped=consumer.done)
    assert consumer.committed == {0: 2, 1: 1}


def test_undelivered_events_are_read_again_with_the_same_ids() -> None:
    """As if the program ended in between, and the server had stored the events of the request without a reply."""
    nameless = event(1)
    del nameless["properties"]["$insert_id"]
    server = FakeServer(ok(), RESET)
    consumer = Consumer(messages(event(0), nameless))
    with pytest.raises(TransportError, match="1 of 1 events got no answer") as caught:
        deliver(consumer, client(server, retry=RetryPolicy(attempts=1)), messages=1, stopped=consumer.done)
    assert caught.value.report is not None
    assert caught.value.report.undelivered == 1
    assert consumer.committed == {0: 1}
    again = Consumer(consumer.log, consumer.committed)
    later = FakeServer()
    deliver(again, client(later), stopped=again.done)
    assert again.committed == {0: 2}
    assert ids(later.requests[0]) == ids(server.requests[1])
    assert len(ids(later.requests[0])[0]) == 36


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_commit_nothing(status: int) -> None:
    consumer = Consumer(messages(event(0)))
    with pytest.raises(AuthError):
        deliver(consumer, client(FakeServer(answer(status, {"error": "no"}))), stopped=consumer.done)
    assert consumer.committed == {}


def test_refused_and_rejected_events_are_committed(tmp_path: Path) -> None:
    log = [*messages(event(0), event(1)), Message(b"no json", 2), Message(None, 3), Message(b"[1]", 4)]
    consumer = Consumer(log)
    reports: list[Any] = []
    letter = tmp_path / "failed.ndjson"
    deliver(
        consumer,
        client(FakeServer(refusing(1)), dead_letter=letter),
        on_report=reports.append,
        stopped=consumer.done,
    )
    (report,) = reports
    assert (report.imported, report.refused, report.rejected) == (1, 1, 3)
    assert consumer.committed == {0: 5}
    assert "shop[0]@2: no json" in letter.read_text()


def test_a_report_that_raises_commits_nothing() -> None:
    def on_report(_report: Any) -> None:
        raise LookupError("the caller's own")

    consumer = Consumer(messages(event(0)))
    with pytest.raises(LookupError):
        deliver(consumer, client(FakeServer()), on_report=on_report, stopped=consumer.done)
    assert consumer.committed == {}


def test_an_error_of_the_consumer_raises_before_anything_is_sent() -> None:
    consumer = Consumer([*messages(event(0)), Message(None, trouble="the broker is gone")])
    server = FakeServer()
    with pytest.raises(RuntimeError, match="the broker is gone"):
        deliver(consumer, client(server), stopped=consumer.done)
    assert (consumer.committed, server.requests) == ({}, [])


def test_an_empty_topic_is_polled_again() -> None:
    consumer, asked = Consumer([]), iter([False, False, True])
    deliver(consumer, client(FakeServer()), stopped=lambda: next(asked))
    assert consumer.order == ["read 0", "read 0"]


def test_an_event_without_an_id_gets_one_of_its_offset() -> None:
    (kept,) = messages(event(0))
    assert event_of(kept) == event(0)
    nameless = {"event": "Seen", "properties": {"distinct_id": "u"}}
    one, two = (event_of(Message(json.dumps(nameless), number)) for number in (1, 2))
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    assert one["properties"]["$insert_id"] != two["properties"]["$insert_id"]
    assert one == event_of(Message(json.dumps(nameless), 1))
