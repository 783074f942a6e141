"""Events out of Kafka: `deliver` commits what has its verdict, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mixpress.errors import TransportError

if TYPE_CHECKING:
    from mixpress.client.client import Client
    from mixpress.report.report import Report


class Message(Protocol):
    """What is asked of a message of `confluent_kafka`."""

    def error(self) -> Any: ...  # noqa: D102 - as confluent_kafka documents them
    def topic(self) -> str | None: ...  # noqa: D102
    def partition(self) -> int | None: ...  # noqa: D102
    def offset(self) -> int | None: ...  # noqa: D102
    def value(self) -> bytes | str | None: ...  # noqa: D102


class Consumer(Protocol):
    """What is asked of a `confluent_kafka.Consumer`, which is subscribed, with `enable.auto.commit` off."""

    def consume(self, num_messages: int, timeout: float) -> Sequence[Any]: ...  # noqa: D102
    def commit(self, *, message: Any, asynchronous: Literal[False]) -> Any: ...  # noqa: D102


def event_of(message: Message) -> object:
    """The JSON object that a message is. One without an `$insert_id` gets one made of topic, partition and offset, so
    that a message that is read twice is one event.
    """
    event = json.loads(message.value() or b"null")
    properties = event.get("properties") if isinstance(event, Mapping) else None
    if not isinstance(properties, Mapping) or "$insert_id" in properties:
        return event
    place = f"{message.topic()}:{message.partition()}:{message.offset()}"
    insert_id = hashlib.sha256(place.encode()).hexdigest()[:36]
    return {**event, "properties": {"$insert_id": insert_id, **properties}}


def deliver(
    consumer: Consumer,
    client: Client,
    *,
    to_event: Callable[[Any], object] = event_of,
    messages: int = 2000,
    timeout: float = 1.0,
    on_report: Callable[[Report], object] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Read messages, import the events in them, and commit their offsets when each has its verdict; until `stopped`.

    `to_event`: the event in a message. What it raises makes the message an event that is rejected, as other bad events
        are: it is in the report, and in the client's dead letter, and its offset is committed.
    `messages`, `timeout`: how many are read at once, and the seconds that are waited for them.
    `on_report`: called with the report on them, before they are committed.
    `stopped`: asked between two reads.

    At least once: what was read and not committed when the program ends is read again, and is the same event by its
    `$insert_id`. Raises `TransportError` where no answer came for an event, what `Client.import_events` raises, what
    the consumer raises, and `RuntimeError` for a message that is an error. Nothing is committed then: begin anew, with
    a consumer that begins where the last commit was.
    """
    while not stopped():
        found = consumer.consume(messages, timeout)
        for message in found:
            if message.error() is not None:
                raise RuntimeError(f"the consumer gave an error: {message.error()}")
        if not found:
            continue
        report = client.import_events(_events(found, to_event))
        if on_report is not None:
            on_report(report)
        if report.undelivered:
            error = TransportError(f"no answer came for {report.undelivered} of {report.total} events")
            error.report = report
            raise error
        for last in _last_of_each_partition(found):
            consumer.commit(message=last, asynchronous=False)


def _events(messages: Iterable[Any], to_event: Callable[[Any], object]) -> Iterable[object]:
    for message in messages:
        try:
            yield to_event(message)
        except Exception:  # noqa: BLE001 - a message that can't be read must not stop those behind it
            yield _as_it_is(message)


def _as_it_is(message: Message) -> str:
    """What the encoder rejects, and a dead letter keeps: text, and no event."""
    value = message.value() or b""
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return f"{message.topic()}[{message.partition()}]@{message.offset()}: {text}"


def _last_of_each_partition(messages: Iterable[Any]) -> Iterable[Any]:
    return {(message.topic(), message.partition()): message for message in messages}.values()
