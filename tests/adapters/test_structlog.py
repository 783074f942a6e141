from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from mixpress import Client
from mixpress.adapters.structlog import MixpressProcessor
from mixpress.emulator import Emulator


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def configure(processor: MixpressProcessor) -> io.StringIO:
    """Configure structlog's usual processors and ours, and return the stream that it writes to."""
    written = io.StringIO()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            processor,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(written),
        cache_logger_on_first_use=False,
    )
    return written


def test_an_entry_with_a_user_is_tracked_and_logged(client: Client, server: Emulator) -> None:
    written = configure(MixpressProcessor(client))
    log = structlog.get_logger()
    log.info("Paid", distinct_id="user-1", amount=5)
    log.info("without a user", amount=6)
    log.debug("Too low", distinct_id="user-1")
    assert client.flush().imported == 1
    (event,) = server.events()
    own = event["properties"]
    assert event["event"] == "Paid"
    assert {name: own[name] for name in own if name not in ("time", "$insert_id")} == {
        "distinct_id": "user-1",
        "amount": 5,
        "level": "info",
    }
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["event"], line["amount"]) for line in lines] == [("Paid", 5), ("without a user", 6)]
    assert lines[0]["distinct_id"] == "user-1"


def test_the_user_can_be_bound_to_the_context(client: Client, server: Emulator) -> None:
    configure(MixpressProcessor(client))
    structlog.contextvars.bind_contextvars(distinct_id="user-9")
    try:
        raise ValueError("card 4111")
    except ValueError:
        structlog.get_logger().exception("Not Paid")
    client.flush()
    (event,) = server.events()
    assert (event["event"], event["properties"]["distinct_id"]) == ("Not Paid", "user-9")
    assert "4111" not in str(event)


def test_functions_choose_the_name_user_and_properties(client: Client, server: Emulator) -> None:
    configure(
        MixpressProcessor(
            client,
            name=lambda entry: entry.get("track"),
            distinct_id=lambda entry: entry.get("user"),
            properties=lambda entry: {"plan": entry["plan"]},
        )
    )
    log = structlog.get_logger()
    log.info("a user has paid", user=7, track="Paid", plan="pro")
    log.info("a user has looked", user=7, plan="pro")
    assert client.flush().total == 1
    (event,) = server.events()
    assert (event["event"], event["properties"]["distinct_id"], event["properties"]["plan"]) == ("Paid", "7", "pro")


def test_the_processor_never_raises_and_never_blocks(full: Client) -> None:
    def broken(_entry: Any) -> Any:
        raise RuntimeError("broken")

    for options in ({}, {"name": broken}, {"distinct_id": broken}, {"properties": broken}):
        written = configure(MixpressProcessor(full, **options))
        structlog.get_logger().info("Paid", distinct_id="user-1")
        assert json.loads(written.getvalue())["event"] == "Paid"
    assert full.flush().total == 1


def test_log_records_of_the_client_are_not_tracked(client: Client, server: Emulator) -> None:
    processor = MixpressProcessor(client, distinct_id=lambda entry: "anybody", name=lambda entry: entry["event"])
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[processor],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    loggers = [logging.getLogger(name) for name in ("shop", "mixpress", "urllib3")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        logging.getLogger("shop").info("of the shop")
        logging.getLogger("mixpress").info("of the client")
        for _ in range(3):
            client.flush()
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    assert [event["event"] for event in server.events()] == ["of the shop"]
    assert "POST" in written.getvalue()  # urllib3 logged the request
    assert "of the client" in written.getvalue()
