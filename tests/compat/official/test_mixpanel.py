"""Our `Mixpanel`: the official class, whose events reach the encoder without being serialized first."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

import mixpanel
import pytest
import responses
from mixpanel.flags.types import LocalFlagsConfig, RemoteFlagsConfig

from mixpress.compat.mixpanel import BufferedConsumer, Consumer, Mixpanel, MixpanelException
from mixpress.emulator import Emulator
from support.events import sent
from support.replies import answer
from support.server import FakeServer

from .fast_consumers import ACCOUNT, RealTime, faked, fast, ids, urls
from .recorder import recording

TRACKING = {"track", "import_data", "alias", "merge", "people_update", "group_update"}
OURS = TRACKING | {"flush", "__init__", "__enter__", "__exit__", "__aenter__", "__aexit__"}
"""The methods that are overridden."""


def test_it_has_every_public_name_of_the_original_with_its_signature() -> None:
    for name, member in inspect.getmembers(mixpanel.Mixpanel):
        if name.startswith("_") and name not in OURS:
            continue
        assert name in dir(Mixpanel)
        if not inspect.isfunction(member):
            assert getattr(Mixpanel, name) is member
        else:
            original, mine = (inspect.signature(getattr(each, name)) for each in (mixpanel.Mixpanel, Mixpanel))
            assert [(one.name, one.kind, one.default) for one in mine.parameters.values()] == [
                (one.name, one.kind, one.default) for one in original.parameters.values()
            ]
    assert issubclass(Mixpanel, mixpanel.Mixpanel)


def test_only_the_methods_that_are_tested_here_are_overridden() -> None:
    own = {name for name, member in vars(Mixpanel).items() if inspect.isfunction(member)}
    assert {name for name in own if not name.startswith("_") or name.startswith("__")} == OURS


@pytest.mark.parametrize("make", [Consumer, BufferedConsumer])
def test_an_event_is_that_of_the_original_without_its_json(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    properties = {"plan": "pro", "at": datetime(2024, 2, 14, 1, 2, 3), "list": [1, {"a": None}], "distinct_id": "own"}
    events, now = [], time.time() // 60 * 60 + 0.25
    for kind in (mixpanel.Mixpanel, Mixpanel):
        server = FakeServer()
        with fast(make, transport=server, clock=RealTime(), linger=1e6, credentials=ACCOUNT) as consumer:
            client = kind("token", consumer)
            client._now = lambda: now
            monkeypatch.setattr(client, "_make_insert_id", lambda: "id")
            if kind is Mixpanel:
                monkeypatch.setattr(mixpanel, "json_dumps", None)
            client.import_data(None, "user", "Seen", 1_600_000_000, properties, {"meta": 1})
            client.track("user", "Seen", properties, {"meta": 1})
            consumer.flush()
        events.append([(request.url, sent(request)) for request in server.requests])
    original, ours = events
    assert ours == original
    assert len(ours) == 2


def test_equal_events_have_different_ids() -> None:
    with faked() as (consumer, server):
        client = Mixpanel("token", consumer)
        for _ in range(100):
            client.track("user", "Seen")
        client.flush()
        assert len({identifier for identifier in ids(sent(server.requests[0])) if len(identifier) == 32}) == 100


def test_a_custom_serializer_is_used() -> None:
    class Serializer(mixpanel.DatetimeSerializer):  # type: ignore[misc]
        def default(self, value: Any) -> Any:
            return f"a {type(value).__name__}"

    with faked() as (consumer, server):
        Mixpanel("token", consumer, Serializer).track("user", "Seen", {"id": uuid4(), "what": object()})
        consumer.flush()
        [one] = sent(server.requests[0])
    assert (one["properties"]["id"], one["properties"]["what"]) == ("a UUID", "a object")


def test_flush_raises_for_a_value_without_a_json_form() -> None:
    with faked() as (consumer, _):
        client = Mixpanel("token", consumer)
        client.track("user", "Seen", {"what": object()})
        with pytest.raises(MixpanelException, match=r"1 rejected; .*properties\.what"):
            client.flush()


def test_a_custom_consumer_gets_the_json() -> None:
    class Log:
        def __init__(self) -> None:
            self.messages: list[Any] = []

        def send(self, endpoint: str, message: str, key: Any = None) -> None:
            self.messages.append((endpoint, json.loads(message)["event"], key))

    log = Log()
    client = Mixpanel("token", consumer=log)
    client.track("user", "Seen")
    client.import_data("key", "user", "Imported", 5, api_secret="secret")
    client.flush()
    assert log.messages == [("events", "Seen", None), ("imports", "Imported", ("key", "secret"))]


def test_a_consumer_without_fast_sends_like_the_original() -> None:
    with responses.RequestsMock() as server:
        server.post("https://api.mixpanel.com/track", json={"status": 1})
        client = Mixpanel("token", BufferedConsumer())
        client.track("user", "Seen")
        client.flush()
        assert server.calls[0].request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_flush_flushes_the_official_consumer() -> None:
    with responses.RequestsMock() as server:
        server.post("https://api.mixpanel.com/track", json={"status": 1})
        client = Mixpanel("token", mixpanel.BufferedConsumer())
        client.track("user", "Seen")
        client.flush()
        assert len(server.calls) == 1


def test_every_endpoint_is_delivered() -> None:
    with Emulator() as server, recording() as others:
        with fast(**others.urls | urls(server), credentials=ACCOUNT) as consumer:
            client = Mixpanel("token", consumer)
            client.track("user", "Seen", {"plan": "pro"})
            client.import_data(None, "user", "Imported", 1_600_000_000)
            client.people_set("user", {"plan": "pro"})
            client.group_set("company", "acme", {"plan": "pro"})
            client.flush()
        assert sorted(one["event"] for one in server.events()) == ["Imported", "Seen"]
        assert sorted(request.path for request in others.requests) == [
            "/engage?verbose=1&ip=0",
            "/groups?verbose=1&ip=0",
        ]


# Its own consumer


def with_its_own_consumer(*answers: Any, **options: Any) -> tuple[Mixpanel, FakeServer]:
    """Return a `Mixpanel` whose own consumer sends to a fake server."""
    server = FakeServer(*answers)
    client = Mixpanel("token", **options)
    assert isinstance(client._default, BufferedConsumer)
    made = client._default._consumer._fast
    assert made is not None
    made._transport, made._options["transport"] = server, server
    return client, server


def test_the_end_of_a_with_block_delivers() -> None:
    client, server = with_its_own_consumer()
    with client as entered:
        assert entered is client
        client.track("user", "Seen", {"$insert_id": "one"})
    assert ids(sent(server.requests[0])) == ["one"]


def test_the_end_of_a_with_block_raises_for_lost_messages() -> None:
    client, _ = with_its_own_consumer(answer(200, "0"))
    with pytest.raises(MixpanelException, match="events: 1 of 1 messages failed"), client:
        client.track("user", "Seen")


def test_an_exception_in_a_with_block_takes_precedence(caplog: pytest.LogCaptureFixture) -> None:
    client, _ = with_its_own_consumer(answer(200, "0"))
    client.track("user", "Seen")
    with pytest.raises(KeyError), client:
        raise KeyError
    assert [record.levelno for record in caplog.records if "1 of 1 messages" in record.getMessage()] == [logging.ERROR]


def test_the_end_of_an_async_with_block_delivers() -> None:
    async def main() -> None:
        async with client:
            client.track("user", "Seen", {"$insert_id": "one"})

    client, server = with_its_own_consumer()
    asyncio.run(main())
    assert ids(sent(server.requests[0])) == ["one"]


def test_credentials_are_passed_to_its_own_consumer_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    client, server = with_its_own_consumer(credentials=ACCOUNT)
    with client:
        client.import_data(None, "user", "Seen", 1_600_000_000)
    assert "project_id=17" in server.requests[0].url
    assert caplog.records == []
    Mixpanel("token", BufferedConsumer(), credentials=ACCOUNT)
    assert "ignored when a custom consumer is provided" in caplog.text


# Feature flags


def test_feature_flags_are_those_of_the_original() -> None:
    client, server = with_its_own_consumer(
        local_flags_config=LocalFlagsConfig(enable_polling=False), remote_flags_config=RemoteFlagsConfig()
    )
    with client:
        assert client.remote_flags is client._remote_flags_provider
        client.local_flags._tracker("user", "$experiment_started", {"Variant name": "blue"})
    [one] = sent(server.requests[0])
    assert (one["event"], one["properties"]["Variant name"]) == ("$experiment_started", "blue")
    with pytest.raises(MixpanelException, match="No local flags provider initialized"):
        _ = Mixpanel("token").local_flags
