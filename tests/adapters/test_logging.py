from __future__ import annotations

import logging
import logging.config
import logging.handlers
import queue
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from mixpress import Client, Encoder
from mixpress.adapters.logging import MixpressHandler
from mixpress.emulator import Emulator

from .conftest import ACCOUNT

USER = {"distinct_id": "user-1"}


@pytest.fixture
def shop() -> Iterator[logging.Logger]:
    """A logger of an application, reset after the test."""
    logger = logging.getLogger("shop")
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers.clear()
    logger.propagate = True


def properties(server: Emulator) -> list[dict[str, Any]]:
    return [event["properties"] for event in server.events()]


def test_a_record_with_a_user_is_an_event(client: Client, server: Emulator, shop: logging.Logger) -> None:
    shop.addHandler(MixpressHandler(client))
    shop.info("paid %d %s", 5, "EUR", extra={**USER, "plan": "pro", "parts": [1, 2], "odd": object()})
    shop.info("without a user")
    assert client.flush().imported == 1
    (event,) = server.events()
    own = event["properties"]
    assert event["event"] == "Log Record"
    assert {name: own[name] for name in sorted(own) if name not in ("time", "$insert_id")} == {
        "distinct_id": "user-1",
        "level": "INFO",
        "logger": "shop",
        "message": "paid 5 EUR",
        "parts": [1, 2],
        "plan": "pro",
    }


def test_the_time_of_an_event_is_that_of_the_record(client: Client, server: Emulator) -> None:
    record = logging.makeLogRecord({"name": "shop", "msg": "paid", "created": 1_700_000_000.5, **USER})
    MixpressHandler(client).handle(record)
    client.flush()
    assert properties(server)[0]["time"] == 1_700_000_000_500


def test_an_exception_gives_its_type_and_not_its_message(
    client: Client, server: Emulator, shop: logging.Logger
) -> None:
    shop.addHandler(MixpressHandler(client))
    try:
        raise ValueError("card 4111")
    except ValueError:
        shop.exception("not paid", extra=USER)
    client.flush()
    assert properties(server)[0]["exception"] == "ValueError"
    assert "4111" not in str(server.events())


def test_functions_choose_the_name_user_and_properties(client: Client, server: Emulator, shop: logging.Logger) -> None:
    shop.addHandler(
        MixpressHandler(
            client,
            level="INFO",
            name=lambda record: None if record.funcName == "silent" else str(record.msg),
            distinct_id=lambda record: record.args[0] if isinstance(record.args, tuple) and record.args else None,
            properties=lambda record: {"where": record.name, "at": datetime(2026, 1, 1, tzinfo=timezone.utc)},
        )
    )

    def silent() -> None:
        shop.info("Hushed by %s", "user-1")

    silent()
    shop.debug("Too low for %s", "user-1")
    shop.info("Paid by %s", "user-7")
    assert client.flush().total == 1
    (event,) = server.events()
    assert (event["event"], event["properties"]["distinct_id"]) == ("Paid by %s", "user-7")
    assert event["properties"]["where"] == "shop"


def test_filters_and_ignored_loggers_apply(client: Client, server: Emulator, shop: logging.Logger) -> None:
    handler = MixpressHandler(client, ignore=("shop.sql",))
    handler.addFilter(lambda record: "secret" not in record.getMessage())
    shop.addHandler(handler)
    shop.info("a secret", extra=USER)
    logging.getLogger("shop.sql").info("select", extra=USER)
    logging.getLogger("shop.sql.pool").info("select", extra=USER)
    logging.getLogger("shop.sqlite").info("kept", extra=USER)
    assert client.flush().total == 1
    assert properties(server)[0]["message"] == "kept"


def test_the_handler_never_raises(full: Client, shop: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(_record: logging.LogRecord) -> Any:
        raise RuntimeError("broken")

    shop.propagate = False  # pytest's handler raises
    shop.addHandler(MixpressHandler(full))
    shop.addHandler(MixpressHandler(full, distinct_id=broken))
    shop.addHandler(MixpressHandler(full, name=broken))
    shop.addHandler(MixpressHandler(full, properties=broken))
    shop.info("%d", "not a number", extra=USER)
    shop.info("no room", extra=USER)
    for handler in shop.handlers:
        handler.handle(logging.makeLogRecord({"name": None, **USER}))
    assert full.flush().imported == 1
    assert "Logging error" not in capfd.readouterr().err


def test_log_records_of_sending_are_not_tracked(server: Emulator) -> None:
    """The handler gets all records of all loggers, DEBUG included. urllib3 logs each request."""
    urllib3_records = logging.handlers.BufferingHandler(10_000)
    root = logging.getLogger()
    before = root.level
    with Client(ACCOUNT, base_url=server.url, linger=0.01) as client:
        handler = MixpressHandler(client, distinct_id=lambda record: "anybody", name=lambda record: record.name)
        logging.getLogger("urllib3").addHandler(urllib3_records)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            logging.getLogger("shop").info("one")
            logging.getLogger("mixpress").warning("the client's own")
            for _ in range(5):
                client.flush()
        finally:
            root.removeHandler(handler)
            root.setLevel(before)
            logging.getLogger("urllib3").removeHandler(urllib3_records)
    assert urllib3_records.buffer
    assert {event["event"] for event in server.events()} <= {"shop", "asyncio"}  # the emulator's event loop logs too
    assert server.count("shop") == 1


def test_two_clients_do_not_track_each_other(server: Emulator, shop: logging.Logger) -> None:
    urllib3 = logging.getLogger("urllib3")
    urllib3.setLevel(logging.DEBUG)
    with Client(ACCOUNT, base_url=server.url) as one, Client(ACCOUNT, base_url=server.url) as other:
        handlers = [MixpressHandler(each, distinct_id=lambda record: "anybody") for each in (one, other)]
        for handler in handlers:
            urllib3.addHandler(handler)
            shop.addHandler(handler)
        try:
            shop.info("one")
            reports = [client.flush() for _ in range(3) for client in (one, other)]
        finally:
            urllib3.handlers.clear()
            urllib3.setLevel(logging.NOTSET)
    assert sum(report.total for report in reports) == 2


def test_a_queue_handler_does_not_hide_the_clients_threads(server: Emulator) -> None:
    """The listener's thread handles a record that was logged in a thread of the client."""
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    urllib3 = logging.getLogger("urllib3")
    urllib3.setLevel(logging.DEBUG)
    putting = logging.handlers.QueueHandler(records)
    with Client(ACCOUNT, base_url=server.url) as client:
        listener = logging.handlers.QueueListener(records, MixpressHandler(client, distinct_id=lambda record: "any"))
        urllib3.addHandler(putting)
        listener.start()
        try:
            client.track("Seen", "user-1")
            client.flush()
        finally:
            urllib3.removeHandler(putting)
            urllib3.setLevel(logging.NOTSET)
            listener.stop()
        assert client.stats().accepted == 1


CROSSING = """
import logging, sys, threading
from mixpress import Client, Encoder, ServiceAccount
from mixpress.adapters.logging import MixpressHandler

shop, user = logging.getLogger("shop"), {"distinct_id": "user-1"}
shop.setLevel(logging.INFO)
inside, beside = threading.Event(), threading.Event()

def convert(value):
    inside.set()
    beside.wait(0.5)
    shop.info("from within", extra=user)
    return "odd"

def log():
    inside.wait()
    shop.info("beside", extra={**user, "said": beside.set()})

account = ServiceAccount("user", "secret", project_id="17")
client = Client(account, base_url=sys.argv[1], encoder=Encoder(default=convert))
shop.addHandler(MixpressHandler(client))
tracking = threading.Thread(target=client.track, args=("Seen", "user-1", {"odd": object()}))
threads = [threading.Thread(target=log), tracking]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(client.close().imported)
"""


def test_values_may_log_while_another_thread_logs(server: Emulator) -> None:
    """`track` holds its lock and needs the handler's lock; the other thread, the other way round, would deadlock. So
    it runs in a process with a timeout.
    """
    command = [sys.executable, "-c", CROSSING, server.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("3\n", "")
    assert sorted(event["event"] for event in server.events()) == ["Log Record", "Log Record", "Seen"]


def test_a_value_that_logs_does_not_recurse(server: Emulator, shop: logging.Logger) -> None:
    class Odd:
        pass

    def convert(_value: object) -> str:
        shop.info("and again", extra=USER)
        return "odd"

    with Client(ACCOUNT, base_url=server.url, encoder=Encoder(default=convert)) as client:
        shop.addHandler(MixpressHandler(client, properties=lambda record: {"odd": Odd()}))
        shop.info("once", extra=USER)
        assert client.flush().total == 1


def test_dict_config_can_make_the_handler(client: Client, server: Emulator, shop: logging.Logger) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "incremental": False,
            "disable_existing_loggers": False,
            "handlers": {"events": {"class": "mixpress.adapters.logging.MixpressHandler", "client": client}},
            "loggers": {"shop": {"handlers": ["events"], "level": "INFO"}},
        }
    )
    shop.info("configured", extra=USER)
    client.flush()
    assert properties(server)[0]["message"] == "configured"


def test_closing_the_handler_does_not_close_the_client(client: Client, server: Emulator) -> None:
    handler = MixpressHandler(client)
    handler.acquire()
    handler.flush()
    handler.release()
    handler.close()
    client.track("Seen", "user-1")
    assert client.flush().imported == 1
