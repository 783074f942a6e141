"""Profile updates and aliases of other clients' calls are delivered to Mixpanel, as their own objects say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import amplitude as amplitude_library
import pytest
from amplitude import BaseEvent, EventOptions, EventPlugin, Identify, PluginType
from posthog import Posthog as OriginalPosthog
from segment.analytics import Client as OriginalSegment

from mixpress import Client, ProjectToken, ServiceAccount
from mixpress.compat import posthog, segment
from mixpress.compat.amplitude import Amplitude, profiles_from
from mixpress.compat.forward import GROUP_METHODS, USER_METHODS
from mixpress.emulator import Emulator
from support.clients import tracking
from support.clocks import StillClock
from support.events import sent
from support.profile_server import path_of, updates_of
from support.server import FakeServer

TOKEN = ProjectToken("a-project-token")
ADDED = {"$token": "a-project-token", "$ip": "0", "$ignore_time": True}
"""What mixpress adds to an update of a user."""
USER = EventOptions(user_id="user-1")


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    """A client of the server, whose updates are sent by a flush."""
    with tracking(server, auth=TOKEN, endpoint="track", encoder=None) as made:
        yield made


def updates_at(server: FakeServer, path: str) -> list[dict[str, Any]]:
    """Return the updates that arrived at a path, in order."""
    return [update for request in server.requests if path_of(request) == path for update in updates_of(request)]


def expected(updates: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return updates as they arrive: those of users, and those of groups."""
    users = [ADDED | update for update in updates if "$distinct_id" in update]
    return users, [update | {"$token": ADDED["$token"]} for update in updates if "$group_id" in update]


# Segment


def test_segments_traits_arrive_as_its_own_messages_say(client: Client, server: FakeServer) -> None:
    made: list[dict[str, Any]] = []
    for one in (OriginalSegment("key", send=False), segment.Client(client, group_key="company")):
        results = [
            one.identify("user-1", {"email": "a@b.c", "plan": "pro"}),
            one.identify("user-2", {"plan": "free"}, {"ip": "203.0.113.7"}),
            one.identify(anonymous_id="dev-1", traits={"plan": "free"}),
            one.identify("user-1", {"plan": "team"}, integrations={"Mixpanel": False}),
            one.group("user-1", 12, {"seats": 5}),
        ]
        assert all(accepted for accepted, _ in results)
        made = made or [message for _, message in results]
    assert client.flush().imported == 4
    updates = [update for message in made for update in segment.profiles_from_message(message, "company")]
    assert (updates_at(server, "/engage"), updates_at(server, "/groups")) == expected(updates)
    assert updates_at(server, "/engage")[1]["$ip"] == "203.0.113.7"


# PostHog


@pytest.fixture
def messages() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def original_posthog(messages: list[dict[str, Any]]) -> Iterator[OriginalPosthog]:
    """PostHog's client, whose messages are recorded and not sent."""

    def record(message: dict[str, Any]) -> None:
        messages.append(message)

    made = OriginalPosthog("key", host="http://127.0.0.1:9", before_send=record)
    yield made
    made.shutdown()


def test_posthogs_properties_arrive_as_its_own_messages_say(
    client: Client, server: FakeServer, original_posthog: OriginalPosthog, messages: list[dict[str, Any]]
) -> None:
    for one in (original_posthog, posthog.Posthog(client)):
        one.set(distinct_id="user-1", properties={"email": "a@b.c"})
        one.set_once(distinct_id=UUID(int=1), properties={"first": 1})
        one.group_identify("company", 12, {"seats": 5})  # type: ignore[arg-type]
        one.capture(
            "Seen", distinct_id="user-1", properties={"$set": {"a": 1}, "$set_once": {"b": 1}, "$unset": ["email", "c"]}
        )
    assert client.flush().imported == 7
    updates = [update for message in messages for update in posthog.profiles_from_message(message)]
    assert (updates_at(server, "/engage"), updates_at(server, "/groups")) == expected(updates)
    assert updates_at(server, "/engage")[-1]["$unset"] == ["$email", "c"]


# Amplitude


class Catch(EventPlugin):  # type: ignore[misc]  # its library has no types
    """Records the events that Amplitude's client would send, and drops them."""

    def __init__(self) -> None:
        super().__init__(PluginType.ENRICHMENT)
        self.events: list[Any] = []

    def execute(self, event: Any) -> None:
        self.events.append(event)


def identify() -> Any:
    """Return an `Identify` with every operation that has a counterpart."""
    return (
        Identify()
        .set("email", "a@b.c")
        .set_once("first", 1)
        .add("count", 2)
        .append("list", "a")
        .append("longer", ["b", "c"])
        .prepend("front", "b")
        .pre_insert("before", "c")
        .post_insert("after", ["d"])
        .remove("gone", ["e", "f"])
        .unset("name")
    )


def group_identify() -> Any:
    return Identify().set("seats", 5).set_once("first", 1).append("tags", ["a"]).remove("old", "b").unset("gone")


def test_amplitudes_operations_arrive_as_its_own_events_say(client: Client, server: FakeServer) -> None:
    catch = Catch()
    original = amplitude_library.Amplitude("key")
    original.add(catch)
    for one in (original, Amplitude(client)):
        one.identify(identify(), USER)
        one.identify(Identify().set("plan", "pro"), EventOptions(device_id="dev-1"))
        one.group_identify("company", "acme", group_identify(), USER)
        one.set_group("company", ["acme", "apex"], USER)
        one.track(BaseEvent("Seen", user_id="user-1", user_properties={"level": 3}, groups={"company": "acme"}))
    original.shutdown()
    updates = [update for event in catch.events for update in profiles_from(event)]
    assert client.flush().imported == len(updates) + 1
    assert (updates_at(server, "/engage"), updates_at(server, "/groups")) == expected(updates)
    assert {name for update in updates if "$distinct_id" in update for name in update} >= USER_METHODS.keys()
    assert {name for update in updates if "$group_id" in update for name in update} >= GROUP_METHODS.keys()


def test_amplitudes_lists_are_appended_and_removed_value_by_value() -> None:
    with Emulator() as server, Client(TOKEN, endpoint="track", base_url=server.url) as client:
        amplitude = Amplitude(client)
        amplitude.identify(Identify().append("tags", ["a", "b"]), USER)
        amplitude.identify(Identify().append("tags", "c"), USER)
        amplitude.identify(Identify().remove("tags", ["a", "c"]), USER)
        amplitude.flush()
        assert server.profile("user-1") == {"tags": ["b"]}


# All of them


CALLS: list[Callable[[Client, Any], object]] = [
    lambda client, on_profile: segment.Client(client, on_profile=on_profile).identify("null", {"a": 1}),
    lambda client, on_profile: segment.Client(client, on_profile=on_profile).group("u", "acme", {"a": object()}),
    lambda client, on_profile: posthog.Posthog(client, on_profile=on_profile).set(
        distinct_id="null", properties={"a": 1}
    ),
    lambda client, on_profile: Amplitude(client, on_profile=on_profile).identify(Identify().add("a", 1), {}),
]
"""Calls that update a profile in a way that breaks a rule."""


@pytest.mark.parametrize("call", CALLS)
def test_with_on_profile_nothing_is_sent(client: Client, server: FakeServer, call: Callable[..., object]) -> None:
    updates: list[dict[str, Any]] = []
    call(client, updates.append)
    segment.Client(client, on_profile=updates.append).identify("user-1", {"a": 1})
    client.flush()
    assert server.requests == []
    assert updates[-1] == {"$distinct_id": "user-1", "$set": {"a": 1}}


@pytest.mark.parametrize("call", CALLS)
def test_an_update_that_breaks_a_rule_is_logged(
    client: Client, server: FakeServer, caplog: pytest.LogCaptureFixture, call: Callable[..., object]
) -> None:
    with caplog.at_level(logging.WARNING, "mixpress"):
        result = call(client, None)
    assert result is None or not result[0]  # type: ignore[index]
    assert "was rejected" in caplog.text
    client.flush()
    assert server.requests == []


@pytest.mark.parametrize("call", ["set", "set_once"])
@pytest.mark.parametrize("id", [None, "", float("nan")])
def test_a_person_without_an_id_is_rejected_with_a_warning(
    client: Client, server: FakeServer, caplog: pytest.LogCaptureFixture, call: str, id: Any
) -> None:
    with caplog.at_level(logging.WARNING, "mixpress"):
        assert getattr(posthog.Posthog(client), call)(distinct_id=id, properties={"a": 1}) is None
    assert f"{call} was rejected: it names no user or group" in caplog.text
    client.flush()
    assert server.requests == []


@pytest.mark.parametrize(
    "call",
    [
        lambda client: posthog.Posthog(client).set(distinct_id="u", properties=[1]),  # type: ignore[arg-type]
        lambda client: posthog.Posthog(client).group_identify("company", "acme", "no"),  # type: ignore[arg-type]
        lambda client: segment.Client(client).identify("u", [1])[0] or None,  # type: ignore[arg-type]
        lambda client: segment.Client(client).group("u", "acme", 5)[0] or None,  # type: ignore[arg-type]
    ],
)
def test_properties_that_are_no_mapping_are_rejected_with_a_warning(
    client: Client, server: FakeServer, caplog: pytest.LogCaptureFixture, call: Callable[[Client], object]
) -> None:
    with caplog.at_level(logging.WARNING, "mixpress"):
        assert call(client) is None
    assert "was rejected: its properties must be a mapping, got" in caplog.text
    client.flush()
    assert server.requests == []


def test_a_call_without_properties_or_not_for_mixpanel_is_no_error(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mixpress"):
        assert segment.Client(client).identify("u")[0]
        assert segment.Client(client).identify("u", [1], integrations={"All": False})[0]  # type: ignore[arg-type]
        assert posthog.Posthog(client).set(distinct_id=None) is None
        assert posthog.Posthog(client).group_identify("company", "acme") is None
    assert caplog.text == ""


def test_a_full_queue_is_logged_and_does_not_raise(caplog: pytest.LogCaptureFixture) -> None:
    options: dict[str, Any] = {"endpoint": "track", "encoder": None, "queue_size": 1, "on_full": "raise"}
    with tracking(FakeServer(), auth=TOKEN, **options) as client, caplog.at_level(logging.WARNING, "mixpress"):
        adapter = segment.Client(client)
        assert [adapter.identify("user-1", {"a": 1})[0] for _ in range(3)] == [True, False, False]
    assert caplog.text.count("an update was not accepted") == 1


def test_a_service_account_with_a_token_updates_profiles() -> None:
    account = ServiceAccount("user", "a-well-kept-secret", project_id="17")
    with Emulator() as server, Client(account, token="token", base_url=server.url) as client:
        segment.Client(client, group_key="company").group("user-1", "acme", {"name": "Acme"})
        posthog.Posthog(client).set(distinct_id="user-1", properties={"email": "a@b.c"})
        client.flush()
        assert server.group("company", "acme") == {"$name": "Acme"}
        assert server.profile("user-1") == {"$email": "a@b.c"}


# Aliases


@contextmanager
def aliasing(server: FakeServer, **options: Any) -> Iterator[tuple[Client, list[Callable[[Any, Any], object]]]]:
    """Yield a client, and both calls with an old id and a new one."""
    with tracking(server, StillClock(), auth=TOKEN, endpoint="track", **options) as client:
        one, other = segment.Client(client), posthog.Posthog(client)
        yield client, [lambda old, new: one.alias(old, new)[0], other.alias]


def test_an_alias_is_that_of_the_libraries(
    original_posthog: OriginalPosthog, messages: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    original_posthog.alias("old", "new")
    [theirs] = messages
    server = FakeServer()
    with aliasing(server, encoder=None, identity="original") as (client, calls):
        assert all(call("old", "new") for call in calls)
        assert all(call(12, UUID(int=1)) for call in calls)
        client.flush()
    events = [event for request in server.requests for event in sent(request)]
    assert [event["event"] for event in events] == [theirs["event"]] * 4
    pairs = [(event["properties"]["distinct_id"], event["properties"]["alias"]) for event in events]
    assert pairs == [("old", "new")] * 2 + [("12", str(UUID(int=1)))] * 2
    assert pairs[0] == (theirs["properties"]["distinct_id"], theirs["properties"]["alias"])
    assert len(server.requests) == 1
    assert caplog.records == []


def test_an_alias_joins_two_users() -> None:
    with Emulator() as server, Client(TOKEN, endpoint="track", base_url=server.url) as client:
        adapter = segment.Client(client)
        adapter.identify("old", {"plan": "pro"})
        adapter.alias("old", "new")
        client.flush()
        assert server.profile("new") == {"plan": "pro"}


def test_a_project_with_simplified_identity_gets_no_alias(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer()
    with aliasing(server, encoder=None, identity="simplified") as (client, calls):
        assert not any(call("old", "new") for call in calls * 2)
        client.flush()
    assert [record.message.partition(" ignored: ")[0] for record in caplog.records] == ["alias", "alias"]
    assert "$device_id and $user_id" in caplog.text
    assert server.requests == []


def test_an_alias_that_is_refused_takes_no_other_event_with_it() -> None:
    """A project with simplified identity refuses all events of a request with an alias."""
    account = ServiceAccount("user", "a-well-kept-secret", project_id="17")
    with Emulator(identity="simplified") as server, Client(account, base_url=server.url) as client:
        adapter = segment.Client(client)
        adapter.track("user-1", "Before")
        assert adapter.alias("old", "new")[0]
        adapter.track("user-1", "After")
        report = client.flush()
        assert (report.imported, report.refused) == (2, 1)
        assert {event["event"] for event in server.events()} == {"Before", "After"}  # in requests of their own


@pytest.mark.parametrize(("old", "new"), [("", "new"), ("old", None), (["old"], "new"), ("old", float("nan"))])
def test_an_alias_without_two_ids_is_rejected(caplog: pytest.LogCaptureFixture, old: Any, new: Any) -> None:
    server = FakeServer()
    with aliasing(server, encoder=None) as (client, calls), caplog.at_level(logging.WARNING, "mixpress"):
        assert not any(call(old, new) for call in calls)
        client.flush()
    assert "alias was rejected: it needs two ids" in caplog.text
    assert server.requests == []


def test_an_alias_that_is_not_for_mixpanel_is_not_sent(client: Client, server: FakeServer) -> None:
    assert segment.Client(client).alias("old", "new", integrations={"All": False})[0]
    client.flush()
    assert server.requests == []
