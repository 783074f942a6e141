"""Segment: the mapping of messages that Segment's own client makes, and the adapter."""

from __future__ import annotations

import copy
import inspect
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segment.analytics import Client as Original

from compat.conftest import accepted
from mixpress import Client, Encoder
from mixpress.compat import segment
from mixpress.compat.segment import event_from_message, profiles_from_message
from mixpress.transport import Request, Response
from support.clients import client
from support.replies import ok
from support.server import FakeServer

WHEN = datetime(2024, 2, 29, 12, 30, 0, 123000, tzinfo=timezone.utc)
MESSAGE_ID = "5d958f87-16be-4a0e-8f5c-3a3c5ed6f6ab"
METHODS = ("track", "page", "screen", "identify", "group", "alias")
CONTEXT: dict[str, Any] = {
    "ip": "203.0.113.7",
    "userAgent": "Mozilla/5.0",
    "locale": "de-DE",
    "groupId": "acme",
    "page": {"url": "https://example.com/a?b", "referrer": "https://example.org/", "title": "A"},
    "os": {"name": "iOS", "version": "17.1"},
    "device": {"id": "dev-1", "manufacturer": "Apple", "model": "iPhone15,2", "name": "phone", "type": "ios"},
    "app": {"name": "Shop", "version": "2.1", "build": "210", "namespace": "com.example.shop"},
    "network": {"bluetooth": False, "carrier": "T-Mobile", "cellular": True, "wifi": False},
    "screen": {"width": 320, "height": 568, "density": 2},
    "location": {"city": "Bonn", "region": "NW", "country": "DE"},
    "campaign": {"name": "spring", "source": "news", "medium": "email", "term": "shoes", "content": "top"},
}


@pytest.fixture
def original() -> Original:
    """Segment's client, which makes messages and does not send them."""
    return Original("key", send=False)


def test_a_track_message_becomes_an_event(original: Original) -> None:
    _, message = original.track("user-1", "Signed Up", {"plan": "pro"}, CONTEXT, WHEN, "anon-1", {}, MESSAGE_ID)
    before = copy.deepcopy(message)
    event = event_from_message(message)
    properties = accepted(event)
    assert message == before
    assert event is not None
    assert event["event"] == "Signed Up"
    assert properties.pop("mp_lib") == "Segment: analytics-python"
    assert properties.pop("$lib_version") == message["context"]["library"]["version"]
    assert properties == {
        "time": 1709209800123,
        "$insert_id": MESSAGE_ID,
        "distinct_id": "user-1",
        "$user_id": "user-1",
        "$device_id": "anon-1",
        "plan": "pro",
        "ip": "203.0.113.7",
        "user_agent": "Mozilla/5.0",
        "$locale": "de-DE",
        "$group_id": "acme",
        "$current_url": "https://example.com/a?b",
        "$referrer": "https://example.org/",
        "$os": "iOS",
        "$os_version": "17.1",
        "$manufacturer": "Apple",
        "$model": "iPhone15,2",
        "$device": "phone",
        "$device_type": "ios",
        "$app_name": "Shop",
        "$app_version_string": "2.1",
        "$app_build_number": "210",
        "$app_namespace": "com.example.shop",
        "$bluetooth_enabled": False,
        "$carrier": "T-Mobile",
        "$cellular_enabled": True,
        "$wifi": False,
        "$screen_width": 320,
        "$screen_height": 568,
        "$screen_density": 2,
        "$city": "Bonn",
        "$region": "NW",
        "mp_country_code": "DE",
        "utm_campaign": "spring",
        "utm_source": "news",
        "utm_medium": "email",
        "utm_term": "shoes",
        "utm_content": "top",
    }


def test_ids_override_properties_and_properties_override_the_context(original: Original) -> None:
    properties = {"$os": "mine", "time": "12 minutes", "distinct_id": "other"}
    _, message = original.track("user-1", "Seen", properties, {"os": {"name": "iOS"}}, WHEN)
    found = accepted(event_from_message(message))
    assert found["$os"] == "mine"
    assert found["time"] == 1709209800123
    assert found["distinct_id"] == "user-1"


def test_an_anonymous_user_is_a_device(original: Original) -> None:
    _, message = original.track(anonymous_id="anon-1", event="Seen")
    found = accepted(event_from_message(message))
    assert (found["distinct_id"], found["$device_id"], "$user_id" in found) == ("$device:anon-1", "anon-1", False)


def test_the_device_of_the_context_is_used_without_an_anonymous_id(original: Original) -> None:
    _, message = original.track(12, "Seen", context={"device": {"id": "dev-1"}})
    found = accepted(event_from_message(message))
    assert (found["distinct_id"], found["$user_id"], found["$device_id"]) == ("12", "12", "dev-1")


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("page", "Pricing", "Viewed Pricing"),
        ("page", None, "Loaded a Page"),
        ("screen", "Cart", "Viewed Cart"),
        ("screen", None, "Loaded a Screen"),
    ],
)
def test_pages_and_screens_become_events(original: Original, kind: str, name: str | None, expected: str) -> None:
    _, message = getattr(original, kind)("user-1", "docs", name, {"title": "T"})
    event = event_from_message(message)
    found = accepted(event)
    assert event is not None
    assert event["event"] == expected
    assert (found.get("name"), found["category"], found["title"]) == (name, "docs", "T")


def test_identify_and_group_become_profile_updates(original: Original) -> None:
    traits = {"email": "a@b.c", "firstName": "A", "plan": "pro"}
    _, message = original.identify("user-1", traits, {"ip": "203.0.113.7"}, anonymous_id="anon-1")
    assert event_from_message(message) is None
    assert profiles_from_message(message) == [
        {
            "$distinct_id": "user-1",
            "$ip": "203.0.113.7",
            "$set": {"$email": "a@b.c", "$first_name": "A", "plan": "pro"},
        }
    ]
    _, message = original.group("user-1", "acme", {"name": "Acme", "seats": 5})
    assert event_from_message(message) is None
    assert profiles_from_message(message, "company") == [
        {"$group_key": "company", "$group_id": "acme", "$set": {"$name": "Acme", "seats": 5}}
    ]
    assert profiles_from_message(message)[0]["$group_key"] == "$group_id"


def test_an_alias_becomes_neither_event_nor_update(original: Original) -> None:
    _, message = original.alias("anon-1", "user-1")
    assert event_from_message(message) is None
    assert profiles_from_message(message) == []


@pytest.mark.parametrize("integrations", [{"Mixpanel": False}, {"All": False}])
def test_a_message_that_excludes_mixpanel_is_dropped(original: Original, integrations: dict[str, Any]) -> None:
    _, message = original.track("user-1", "Seen", integrations=integrations)
    assert event_from_message(message) is None
    _, message = original.identify("user-1", {"a": 1}, integrations=integrations)
    assert profiles_from_message(message) == []


def test_a_message_only_for_mixpanel_is_kept(original: Original) -> None:
    _, message = original.track("user-1", "Seen", integrations={"All": False, "Mixpanel": True})
    assert event_from_message(message) is not None


@pytest.mark.parametrize("method", METHODS)
def test_each_call_has_the_arguments_of_the_original(method: str) -> None:
    ours = inspect.signature(getattr(segment.Client, method)).parameters
    theirs = inspect.signature(getattr(Original, method)).parameters
    assert {name: argument.default for name, argument in ours.items()} == {
        name: argument.default for name, argument in theirs.items()
    }
    assert [*ours] == [*theirs]


@pytest.mark.parametrize("method", METHODS)
def test_each_call_returns_the_message_of_the_original(
    method: str, original: Original, make_client: Callable[..., Client]
) -> None:
    arguments: dict[str, Any] = {
        "user_id": "user-1",
        "previous_id": "anon-0",
        "group_id": 12,
        "event": "Seen",
        "name": "Pricing",
        "category": "docs",
        "properties": {"a": 1},
        "traits": {"a": 1},
        "context": {"ip": "203.0.113.7"},
        "anonymous_id": "anon-1",
        "message_id": MESSAGE_ID,
    }
    known = inspect.signature(getattr(Original, method)).parameters
    chosen = {name: value for name, value in arguments.items() if name in known}
    _, expected = getattr(original, method)(**copy.deepcopy(chosen))
    _, message = getattr(segment.Client(make_client()), method)(**chosen)
    assert expected.pop("timestamp")
    assert expected["context"].pop("library")
    assert message.pop("timestamp") is None
    assert {name: value for name, value in expected.items() if value is not None} == {
        name: value for name, value in message.items() if value is not None
    }


@pytest.fixture
def configured(make_client: Callable[..., Client], updates: list[dict[str, Any]]) -> Iterator[Client]:
    made = make_client()
    segment.configure(made, on_profile=updates.append)
    yield made
    segment.default_client = None


@pytest.fixture
def updates() -> list[dict[str, Any]]:
    return []


def test_the_functions_of_the_module_deliver(
    configured: Client, arrived: Callable[[], list[dict[str, Any]]], updates: list[dict[str, Any]]
) -> None:
    taken, message = segment.track("user-1", "Signed Up", {"plan": "pro"}, timestamp=WHEN, anonymous_id="anon-1")
    assert taken
    assert segment.page("user-1", name="Pricing")[0]
    assert segment.screen("user-1")[0]
    assert segment.identify("user-1", {"email": "a@b.c"})[0]
    assert segment.group("user-1", "acme", {"seats": 5})[0]
    assert segment.alias("anon-1", "user-1")[0]
    segment.flush()
    segment.join()
    found = arrived()
    assert [event["event"] for event in found] == ["Signed Up", "Viewed Pricing", "Loaded a Screen", "$create_alias"]
    assert found[0]["properties"] == {
        "plan": "pro",
        "$device_id": "anon-1",
        "distinct_id": "user-1",
        "$user_id": "user-1",
        "time": 1709209800123,
        "$insert_id": message["messageId"],
    }
    assert [update.get("$distinct_id") or update["$group_id"] for update in updates] == ["user-1", "acme"]


def test_shutdown_delivers_and_closes(configured: Client, server: FakeServer) -> None:
    segment.track("user-1", "Seen")
    segment.shutdown()
    assert len(server.imported) == 1
    assert configured.stats().imported == 1


def test_the_module_without_a_client_names_configure() -> None:
    with pytest.raises(RuntimeError, match=r"call configure\(mixpress.Client"):
        segment.track("user-1", "Seen")


def test_a_bad_event_is_logged_and_passed_to_on_failure(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Any] = []
    adapter = segment.Client(make_client(on_failure=failures.append))
    with caplog.at_level(logging.WARNING, "mixpress"):
        assert not adapter.track("null", "Seen", {"secret": "word"})[0]
        assert not adapter.track(event="Seen")[0]
        assert not adapter.track("user-1")[0]
        assert not adapter.track("user-1", "Seen", "no mapping")[0]  # type: ignore[arg-type]
    rules = ["distinct-id-disallowed", "distinct-id-missing", "event-type", "properties-type"]
    assert [failure.rule for failure in failures] == rules
    assert [record.message.rpartition(" ")[2] for record in caplog.records] == rules
    assert "word" not in caplog.text


def test_a_full_queue_is_logged_and_does_not_raise(caplog: pytest.LogCaptureFixture) -> None:
    answered = threading.Event()

    def answer_late(request: Request) -> Response:
        answered.wait()
        return ok()

    with client(FakeServer(answer_late), queue_size=1, on_full="raise") as full:
        adapter = segment.Client(full)
        try:
            with caplog.at_level(logging.WARNING, "mixpress"):
                assert [adapter.track("user-1", "Seen")[0] for _ in range(3)] == [True, False, False]
        finally:
            answered.set()
    assert caplog.text.count("an event was not accepted") == 1


def test_without_a_token_updates_are_dropped_with_one_warning(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture, server: FakeServer
) -> None:
    made = make_client()
    adapter = segment.Client(made)
    with caplog.at_level(logging.WARNING, "mixpress"):
        for _ in range(3):
            assert not adapter.identify("user-1", {"email": "a@b.c"})[0]
    assert [record.message.partition(" ")[0] for record in caplog.records] == ["identify"]
    assert "Client(..., token=...)" in caplog.text
    assert "a@b.c" not in caplog.text
    made.flush()
    assert server.requests == []


def test_an_exception_of_on_profile_is_logged(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    adapter = segment.Client(make_client(), on_profile=lambda update: 1 / 0)
    with caplog.at_level(logging.ERROR, "mixpress"):
        assert adapter.identify("user-1", {"a": 1})[0]
        assert adapter.identify("user-1", {"a": 1})[0]
    assert caplog.text.count("on_profile raised") == 1


def test_messages_are_imported_in_bulk(
    original: Original, make_client: Callable[..., Client], arrived: Callable[[], list[dict[str, Any]]]
) -> None:
    messages = [original.track(f"user-{number}", "Seen")[1] for number in range(5)]
    messages.append(original.identify("user-1", {"a": 1})[1])
    report = make_client().import_events(filter(None, map(event_from_message, messages)))
    assert (report.imported, report.total) == (5, 5)
    assert [event["properties"]["distinct_id"] for event in arrived()] == [f"user-{number}" for number in range(5)]


NAMES = st.sampled_from([*CONTEXT, "type", "event", "userId", "anonymousId", "properties", "context", "timestamp"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["track", "page", "identify"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=settings().max_examples // 4)
@given(st.dictionaries(NAMES, VALUES))
def test_no_message_raises(message: dict[str, Any]) -> None:
    event = event_from_message(message)
    profiles_from_message(message)
    if event is not None:
        Encoder().encode([event])
