"""PostHog: the mapping of messages that PostHog's own client makes, and the adapter."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from posthog import Posthog as Original
from posthog.args import OptionalCaptureArgs, OptionalSetArgs

from compat.conftest import accepted
from mixpress import Client, Encoder
from mixpress.compat import posthog
from mixpress.compat.posthog import event_from_message, profiles_from_message
from support.server import FakeServer

WHEN = datetime(2024, 2, 29, 12, 30, 0, 123000, tzinfo=timezone.utc)
IN_MS = 1709209800123
UUID_GIVEN = "5d958f87-16be-4a0e-8f5c-3a3c5ed6f6ab"
OF_THE_SERVER = {"$is_server", "$lib_version", "$os", "$os_version", "$os_distro", "$python_runtime", "$python_version"}
"""Properties of the client and the machine that PostHog's client adds."""

PROPERTIES: dict[str, Any] = {
    "plan": "pro",
    "$browser": "Firefox",
    "$current_url": "https://example.com/",
    "$device_id": "dev-1",
    "$device_model": "Pixel",
    "$device_manufacturer": "Google",
    "$device_name": "phone",
    "$app_version": "2.1",
    "$app_build": "210",
    "$geoip_city_name": "Bonn",
    "$geoip_country_code": "DE",
    "$geoip_subdivision_1_name": "NRW",
    "$geoip_latitude": 50.7,
    "$geoip_longitude": 7.1,
    "$ip": "203.0.113.7",
    "$network_wifi": True,
    "$network_carrier": "T-Mobile",
    "$feature/new-page": True,
    "$active_feature_flags": ["new-page"],
}


@pytest.fixture
def messages() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def original(messages: list[dict[str, Any]]) -> Iterator[Original]:
    """PostHog's client, which makes messages and does not send them."""

    def keep(message: dict[str, Any]) -> dict[str, Any]:
        messages.append(copy.deepcopy(message))
        return message

    client = Original("key", host="http://127.0.0.1:1", send=False, sync_mode=True, before_send=keep)
    yield client
    client.shutdown()


def own(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in OF_THE_SERVER}


def test_a_capture_message_becomes_an_event(original: Original, messages: list[dict[str, Any]]) -> None:
    original.capture(
        "Signed Up",
        distinct_id="user-1",
        properties=PROPERTIES,
        groups={"company": "acme"},
        timestamp=WHEN,
        uuid=UUID_GIVEN,
        disable_geoip=False,
    )
    [message] = messages
    before = copy.deepcopy(message)
    event = event_from_message(message)
    assert message == before
    assert event is not None
    assert event["event"] == "Signed Up"
    found = accepted(event)
    assert found["$os"] == message["properties"]["$os"]
    assert own(found) == {
        "time": IN_MS,
        "$insert_id": UUID_GIVEN,
        "distinct_id": "user-1",
        "$user_id": "user-1",
        "$device_id": "dev-1",
        "company": "acme",
        "plan": "pro",
        "mp_lib": "posthog-python",
        "$browser": "Firefox",
        "$current_url": "https://example.com/",
        "$model": "Pixel",
        "$manufacturer": "Google",
        "$device": "phone",
        "$app_version_string": "2.1",
        "$app_build_number": "210",
        "$city": "Bonn",
        "mp_country_code": "DE",
        "$region": "NRW",
        "$latitude": 50.7,
        "$longitude": 7.1,
        "ip": "203.0.113.7",
        "$wifi": True,
        "$carrier": "T-Mobile",
    }


def test_the_ip_is_dropped_if_posthog_would_not_locate_it(original: Original, messages: list[dict[str, Any]]) -> None:
    original.capture("Seen", distinct_id="user-1", properties={"$ip": "203.0.113.7"})
    assert "ip" not in accepted(event_from_message(messages[0]))


def test_an_event_without_a_person_belongs_to_the_device(original: Original, messages: list[dict[str, Any]]) -> None:
    original.capture("Seen")
    found = accepted(event_from_message(messages[0]))
    assert found["distinct_id"] == f"$device:{messages[0]['distinct_id']}"
    assert found["$device_id"] == messages[0]["distinct_id"]
    assert "$user_id" not in found


def test_an_event_with_only_a_device_id_belongs_to_the_device(
    original: Original, messages: list[dict[str, Any]]
) -> None:
    original.capture("Seen", distinct_id="dev-1", properties={"$device_id": "dev-1"})
    found = accepted(event_from_message(messages[0]))
    assert (found["distinct_id"], found["$device_id"], "$user_id" in found) == ("$device:dev-1", "dev-1", False)


def test_profile_updates_are_not_events(original: Original, messages: list[dict[str, Any]]) -> None:
    original.set(distinct_id="user-1", properties={"email": "a@b.c", "plan": "pro"})
    original.set_once(distinct_id="user-1", properties={"first": 1})
    original.group_identify("company", "acme", {"name": "Acme"})
    original.alias("anon-1", "user-1")
    assert [event_from_message(message) for message in messages] == [None] * 4
    assert [profiles_from_message(message) for message in messages] == [
        [{"$distinct_id": "user-1", "$set": {"$email": "a@b.c", "plan": "pro"}}],
        [{"$distinct_id": "user-1", "$set_once": {"first": 1}}],
        [{"$group_key": "company", "$group_id": "acme", "$set": {"$name": "Acme"}}],
        [],
    ]


def test_an_event_can_also_update_a_profile(original: Original, messages: list[dict[str, Any]]) -> None:
    original.capture("Seen", distinct_id="user-1", properties={"$set": {"a": 1}, "$set_once": {"b": 2}})
    assert not {"$set", "$set_once"} & accepted(event_from_message(messages[0])).keys()
    assert profiles_from_message(messages[0]) == [
        {"$distinct_id": "user-1", "$set": {"a": 1}},
        {"$distinct_id": "user-1", "$set_once": {"b": 2}},
    ]


@pytest.mark.parametrize(
    ("method", "theirs"), [("capture", OptionalCaptureArgs), ("set", OptionalSetArgs), ("set_once", OptionalSetArgs)]
)
def test_each_call_has_the_arguments_of_the_original(method: str, theirs: Any) -> None:
    public = {name for name in theirs.__annotations__ if not name.startswith("_")}
    ours = inspect.signature(getattr(posthog.Posthog, method)).parameters
    assert {name for name, argument in ours.items() if argument.kind is argument.KEYWORD_ONLY} == public


@pytest.mark.parametrize("method", ["group_identify", "alias"])
def test_calls_with_positional_arguments_have_them_in_the_same_order(method: str) -> None:
    ours = inspect.signature(getattr(posthog.Posthog, method)).parameters
    assert [*ours] == [*inspect.signature(getattr(Original, method)).parameters]


@pytest.fixture
def updates() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def configured(make_client: Callable[..., Client], updates: list[dict[str, Any]]) -> Iterator[Client]:
    client = make_client()
    posthog.configure(client, on_profile=updates.append)
    yield client
    posthog.default_client = None


@pytest.mark.usefixtures("configured")
def test_a_call_gives_the_event_of_the_originals_message(
    original: Original, messages: list[dict[str, Any]], arrived: Callable[[], list[dict[str, Any]]]
) -> None:
    call: dict[str, Any] = {
        "distinct_id": "user-1",
        "properties": {"plan": "pro", "$ip": "203.0.113.7", "$set": {"a": 1}},
        "groups": {"company": "acme"},
        "timestamp": WHEN,
        "uuid": UUID_GIVEN,
    }
    assert original.capture("Seen", **call) == posthog.capture("Seen", **call) == UUID_GIVEN
    posthog.join()
    expected = event_from_message(messages[0])
    assert expected is not None
    del expected["properties"]["mp_lib"]
    expected["properties"] = own(expected["properties"])
    assert arrived() == [expected]


def test_the_functions_of_the_module_deliver(
    configured: Client, arrived: Callable[[], list[dict[str, Any]]], updates: list[dict[str, Any]]
) -> None:
    anonymous = posthog.capture("Seen")
    assert posthog.capture("Seen", distinct_id=UUID(int=1), uuid="no uuid", flags=object(), send_feature_flags=True)
    assert posthog.set(distinct_id="user-1", properties={"a": 1})
    assert posthog.set_once(distinct_id="user-1", properties={"a": 1})
    assert posthog.group_identify("company", "acme", {"b": 2})
    assert posthog.alias("anon-1", "user-1", uuid=UUID_GIVEN) == UUID_GIVEN
    assert posthog.set(properties={"a": 1}) is None
    posthog.join()
    first, second, third = (event["properties"] for event in arrived())
    assert (third["distinct_id"], third["alias"]) == ("anon-1", "user-1")
    assert first["$insert_id"] == anonymous
    assert first["distinct_id"] == f"$device:{first['$device_id']}"
    assert second["distinct_id"] == str(UUID(int=1))
    assert UUID(second["$insert_id"]).version == 4
    assert updates == [
        {"$distinct_id": "user-1", "$set": {"a": 1}},
        {"$distinct_id": "user-1", "$set_once": {"a": 1}},
        {"$group_key": "company", "$group_id": "acme", "$set": {"b": 2}},
    ]
    posthog.capture("Seen", distinct_id="user-1")
    posthog.shutdown()
    assert configured.stats().imported == 4


def test_the_ip_is_kept_if_geoip_is_enabled(
    make_client: Callable[..., Client], arrived: Callable[[], list[dict[str, Any]]]
) -> None:
    adapter = posthog.Posthog(make_client(), disable_geoip=False)
    adapter.capture("Seen", distinct_id="user-1", properties={"$ip": "203.0.113.7"})
    adapter.capture("Seen", distinct_id="user-1", properties={"$ip": "203.0.113.7"}, disable_geoip=True)
    adapter.join()
    assert [event["properties"].get("ip") for event in arrived()] == ["203.0.113.7", None]


def test_the_module_without_a_client_names_configure() -> None:
    with pytest.raises(RuntimeError, match=r"call configure\(mixpress.Client"):
        posthog.capture("Seen")


def test_a_bad_event_returns_none_and_is_logged(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Any] = []
    adapter = posthog.Posthog(make_client(on_failure=failures.append))
    with caplog.at_level(logging.WARNING, "mixpress"):
        assert adapter.capture("Seen", distinct_id="null") is None
        assert adapter.capture(12, distinct_id="user-1") is None  # type: ignore[arg-type]
        assert adapter.capture("Seen", properties=[1]) is None  # type: ignore[arg-type]
    rules = ["distinct-id-disallowed", "event-type", "properties-type"]
    assert [failure.rule for failure in failures] == rules
    assert [record.message.rpartition(" ")[2] for record in caplog.records] == rules


def test_without_a_token_updates_are_dropped_with_one_warning(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    adapter = posthog.Posthog(make_client())
    with caplog.at_level(logging.WARNING, "mixpress"):
        for _ in range(3):
            assert adapter.set(distinct_id="user-1", properties={"email": "a@b.c"}) is None
            assert adapter.capture("Seen", distinct_id="user-1", properties={"$set": {"email": "a@b.c"}})
    names = [record.message.partition(" ignored: ")[0] for record in caplog.records]
    assert names == ["set", "a capture's $set"]
    assert "a@b.c" not in caplog.text


def test_messages_are_imported_in_bulk(
    original: Original, messages: list[dict[str, Any]], make_client: Callable[..., Client], server: FakeServer
) -> None:
    for number in range(5):
        original.capture("Seen", distinct_id=f"user-{number}")
    original.set(distinct_id="user-1", properties={"a": 1})
    report = make_client().import_events(filter(None, map(event_from_message, messages)))
    assert (report.imported, report.total) == (5, 5)
    assert server.imported == [message["uuid"] for message in messages[:5]]


NAMES = st.sampled_from(
    ["event", "distinct_id", "properties", "timestamp", "uuid", "$set", "$groups", "$device_id", "$ip", "$group_set"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["$groupidentify", "$set"]),
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
