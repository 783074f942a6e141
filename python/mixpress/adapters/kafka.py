"""Import events from Kafka: `deliver` commits an offset only when its event has a verdict."""

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
    """The methods that a message must have; a `confluent_kafka.Message` does."""

    def error(self) -> Any: ...  # noqa: D102 - as confluent_kafka documents them
    def topic(self) -> str | None: ...  # noqa: D102
    def partition(self) -> int | None: ...  # noqa: D102
    def offset(self) -> int | None: ...  # noqa: D102
    def value(self) -> bytes | str | None: ...  # noqa: D102


class Consumer(Protocol):
    """The methods that a consumer must have.

    A subscribed `confluent_kafka.Consumer` with `enable.auto.commit` off has them.
    """

    def consume(self, num_messages: int, timeout: float) -> Sequence[Any]: ...  # noqa: D102
    def commit(self, *, message: Any, asynchronous: Literal[False]) -> Any: ...  # noqa: D102


def event_of(message: Message) -> object:
    """Return the JSON object in a message, with an `$insert_id` made of topic, partition and offset if it has none.

    A message that is read twice therefore gives one event.
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
    """Read messages, import their events, and commit the offsets once each event has a verdict, until `stopped`.

    `to_event`: returns the event in a message. A message for which it raises is rejected like any other bad event: it
        is in the report and in the client's dead letter, and its offset is committed.
    `messages`, `timeout`: messages to read at once, and the seconds to wait for them.
    `on_report`: called with the report on these messages, before they are committed.
    `stopped`: called before each read; true ends the loop.

    Delivery is at least once: messages that were read but not committed when the program ends are read again, and
    deduplicated by `$insert_id`.

    Raises `TransportError` if an event got no answer, `RuntimeError` for a message that is an error, and the exceptions
    of `Client.import_events` and of the consumer. Nothing is committed then: call it again with a new consumer, which
    continues at the last commit.
    """
    while not stopped():
        batch = consumer.consume(messages, timeout)
        for message in batch:
            if message.error() is not None:
                raise RuntimeError(f"the consumer returned an error: {message.error()}")
        if not batch:
            continue
        report = client.import_events(_events(batch, to_event))
        if on_report is not None:
            on_report(report)
        if report.undelivered:
            error = TransportError(f"{report.undelivered} of {report.total} events got no answer")
            error.report = report
            raise error
        for last in _last_of_each_partition(batch):
            consumer.commit(message=last, asynchronous=False)


def _events(messages: Iterable[Any], to_event: Callable[[Any], object]) -> Iterable[object]:
    for message in messages:
        try:
            yield to_event(message)
        except Exception:  # noqa: BLE001 - an unreadable message must not stop the following ones
            yield _unreadable(message)


def _unreadable(message: Message) -> str:
    """Return the message as a string, which the encoder rejects and the dead letter keeps."""
    value = message.value() or b""
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return f"{message.topic()}[{message.partition()}]@{message.offset()}: {text}"


def _last_of_each_partition(messages: Iterable[Any]) -> Iterable[Any]:
    return {(message.topic(), message.partition()): message for message in messages}.values()
