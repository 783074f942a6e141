"""Kafka, with confluent_kafka and the mock broker of librdkafka."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("confluent_kafka")  # it has no wheel for Python 3.15 yet

from confluent_kafka import OFFSET_STORED, Producer, TopicPartition
from confluent_kafka import Consumer as KafkaConsumer

from mixpress import Client, RetryPolicy
from mixpress.adapters.kafka import deliver
from mixpress.emulator import Emulator
from mixpress.errors import TransportError
from support.clients import ACCOUNT
from support.clocks import FakeClock
from support.events import event


@pytest.fixture
def broker() -> Producer:
    """A producer that runs librdkafka's mock cluster in this process, on the loopback, as long as it lives."""
    return Producer({"test.mock.num.brokers": 1, "log_level": 0})


@contextmanager
def reading(broker: Producer) -> Iterator[KafkaConsumer]:
    """A consumer that starts at the committed offset of its group."""
    (node,) = broker.list_topics(timeout=10).brokers.values()
    consumer = KafkaConsumer(
        {
            "bootstrap.servers": f"{node.host}:{node.port}",
            "group.id": "mixpress",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.assign([TopicPartition("shop", 0, OFFSET_STORED)])
        yield consumer
    finally:
        consumer.close()


def committed(consumer: KafkaConsumer) -> int:
    (place,) = consumer.committed([TopicPartition("shop", 0)], 10)
    return int(place.offset)


def test_confluent_kafka_reads_uncommitted_messages_again(broker: Producer) -> None:
    for number in range(5):
        broker.produce("shop", json.dumps(event(number)).encode(), partition=0)
    assert broker.flush(10) == 0
    settings: dict[str, Any] = {"clock": FakeClock(), "retry": RetryPolicy(attempts=1)}
    with Emulator(faults="502=1") as server, Client(ACCOUNT, base_url=server.url, **settings) as sender:
        with reading(broker) as consumer:
            with pytest.raises(TransportError):
                deliver(consumer, sender)
            assert committed(consumer) < 0  # librdkafka's constant for no committed offset
        assert server.count() == 0
        server.faults = None
        with reading(broker) as consumer:
            deliver(consumer, sender, stopped=lambda: server.count() == 5)
            assert committed(consumer) == 5
