"""Amplitude: the mapping of events of Amplitude's own library, as its client passes them on, and the adapter."""

from __future__ import annotations

import copy
import enum
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import amplitude as original_library
import pytest
from amplitude import BaseEvent, EventOptions, EventPlugin, Identify, IngestionMetadata, Plan, PluginType, Revenue
from amplitude.event import EVENT_KEY_MAPPING
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.conftest import accepted
from mixpress import Client, Encoder
from mixpress.compat.amplitude import Amplitude, event_from, profiles_from
from support.server import FakeServer

UUID_GIVEN = "5d958f87-16be-4a0e-8f5c-3a3c5ed6f6ab"
IN_MS = 1709209800123
USER = EventOptions(user_id="user-1")


class Catch(EventPlugin):  # type: ignore[misc]  # its library has no types
    """Records the events that Amplitude's client would send, and drops them."""

    def __init__(self) -> None:
        super().__init__(PluginType.ENRICHMENT)
        self.events: list[Any] = []

    def execute(self, event: Any) -> None:
        self.events.append(event)


@pytest.fixture
def caught() -> Catch:
    return Catch()


@pytest.fixture
def original(caught: Catch) -> Iterator[Any]:
    client = original_library.Amplitude("key")
    client.add(caught)
    yield client
    client.shutdown()


def full_event() -> Any:
    return BaseEvent(
        "Signed Up",
        user_id="user-1",
        device_id="dev-1",
        time=IN_MS,
        insert_id=UUID_GIVEN,
        event_properties={"plan": "pro", "nothing": None},
        user_properties={"level": 3},
        groups={"company": ["acme", "apex"]},
        app_version="2.1",
        platform="iOS",
        os_name="iOS",
        os_version="17.1",
        device_brand="Apple",
        device_manufacturer="Apple",
        device_model="iPhone15,2",
        carrier="T-Mobile",
        country="DE",
        region="NRW",
        city="Bonn",
        dma="no",
        language="German",
        price=3.5,
        quantity=2,
        revenue=7.0,
        product_id="shoe",
        revenue_type="sale",
        currency="EUR",
        location_lat=50.7,
        location_lng=7.1,
        ip="203.0.113.7",
        idfa="a",
        idfv="b",
        adid="c",
        android_id="d",
        event_id=4,
        session_id=IN_MS,
        plan=Plan(branch="main", version="1"),
        ingestion_metadata=IngestionMetadata("source", "1"),
        partner_id="partner",
        user_agent="Mozilla/5.0",
    )


def test_an_event_becomes_an_event_of_mixpanel(original: Any, caught: Catch) -> None:
    original.track(full_event())
    [theirs] = caught.events
    before = copy.deepcopy(vars(theirs))
    event = event_from(theirs)
    assert event is not None
    assert event["event"] == "Signed Up"
    properties = accepted(event)
    assert {name: value for name, value in vars(theirs).items() if name not in {"plan", "ingestion_metadata"}} == {
        name: value for name, value in before.items() if name not in {"plan", "ingestion_metadata"}
    }
    assert properties == {
        "time": IN_MS,
        "$insert_id": UUID_GIVEN,
        "distinct_id": "user-1",
        "$user_id": "user-1",
        "$device_id": "dev-1",
        "plan": "pro",
        "level": 3,
        "company": ["acme", "apex"],
        "mp_lib": theirs.library,
        "$app_version_string": "2.1",
        "platform": "iOS",
        "$os": "iOS",
        "$os_version": "17.1",
        "$brand": "Apple",
        "$manufacturer": "Apple",
        "$model": "iPhone15,2",
        "$carrier": "T-Mobile",
        "mp_country_code": "DE",
        "$region": "NRW",
        "$city": "Bonn",
        "dma": "no",
        "language": "German",
        "price": 3.5,
        "quantity": 2,
        "revenue": 7.0,
        "productId": "shoe",
        "revenueType": "sale",
        "currency": "EUR",
        "location_lat": 50.7,
        "location_lng": 7.1,
        "ip": "203.0.113.7",
        "idfa": "a",
        "idfv": "b",
        "adid": "c",
        "android_id": "d",
        "event_id": 4,
        "session_id": IN_MS,
        "ingestion_metadata": {"source_name": "source", "source_version": "1"},
        "partner_id": "partner",
        "user_agent": "Mozilla/5.0",
    }


def test_every_field_of_an_event_is_mapped() -> None:
    """Each field of the library's own table changes the event when it is set."""
    elsewhere = {"event_type", "event_properties", "group_properties"}
    bare = event_from(BaseEvent("Seen", user_id="user-1"))
    for name in EVENT_KEY_MAPPING.keys() - elsewhere - {"user_id"}:
        event = BaseEvent("Seen", user_id="user-1")
        event[name] = getattr(full_event(), name, None) or "word"
        assert event_from(event) != bare, name


def test_the_body_for_amplitudes_api_gives_the_same_event(original: Any, caught: Catch) -> None:
    original.track(full_event())
    [theirs] = caught.events
    assert event_from(theirs.get_event_body()) == event_from(theirs)


def test_a_row_of_amplitudes_export_becomes_an_event() -> None:
    row = {
        "event_type": "Seen",
        "event_time": "2024-02-29 12:30:00.123000",
        "$insert_id": UUID_GIVEN,
        "user_id": None,
        "device_id": "dev-1",
        "ip_address": "203.0.113.7",
        "country": "Germany",
        "event_properties": {"plan": "pro"},
        "user_properties": {},
        "groups": {},
    }
    assert accepted(event_from(row)) == {
        "time": IN_MS,
        "$insert_id": UUID_GIVEN,
        "$device_id": "dev-1",
        "distinct_id": "$device:dev-1",
        "ip": "203.0.113.7",
        "country": "Germany",
        "plan": "pro",
    }


def test_the_os_of_a_web_event_is_its_browser() -> None:
    event = BaseEvent("Seen", user_id="user-1", platform="Web", os_name="Firefox", os_version="120")
    found = event_from(event)
    assert found is not None
    assert found["properties"]["$browser"] == "Firefox"
    assert found["properties"]["$browser_version"] == "120"
    assert not {"$os", "$os_version"} & found["properties"].keys()


def test_a_revenue_becomes_an_event(original: Any, caught: Catch) -> None:
    revenue = Revenue(3.5, 2, "shoe", "sale", "r", "s", {"size": 43}, 7.0, "EUR")
    original.revenue(revenue, USER)
    event = event_from(caught.events[0])
    found = accepted(event)
    assert event is not None
    assert event["event"] == "revenue_amount"
    del found["time"], found["$insert_id"], found["mp_lib"]
    assert found == {
        "distinct_id": "user-1",
        "$user_id": "user-1",
        "price": 3.5,
        "quantity": 2,
        "productId": "shoe",
        "revenueType": "sale",
        "receipt": "r",
        "receiptSig": "s",
        "revenue": 7.0,
        "currency": "EUR",
        "size": 43,
    }


def identify() -> Any:
    """Return an `Identify` with every operation except `clear_all`, which has no counterpart."""
    return (
        Identify()
        .set("email", "a@b.c")
        .set_once("first", 1)
        .add("count", 2)
        .append("list", "a")
        .prepend("front", "b")
        .pre_insert("before", "c")
        .post_insert("after", ["d"])
        .remove("gone", "e")
        .unset("name")
    )


def test_an_identify_becomes_profile_updates(original: Any, caught: Catch) -> None:
    original.identify(identify(), USER)
    [event] = caught.events
    assert event_from(event) is None
    updates = profiles_from(event)
    assert {update.pop("$distinct_id") for update in updates} == {"user-1"}
    assert updates == [
        {"$set": {"$email": "a@b.c"}},
        {"$set_once": {"first": 1}},
        {"$add": {"count": 2}},
        {"$append": {"list": "a"}},
        {"$append": {"front": "b"}},
        {"$union": {"before": ["c"]}},
        {"$union": {"after": ["d"]}},
        {"$remove": {"gone": "e"}},
        {"$unset": ["$name"]},
    ]


def test_a_group_identify_becomes_group_updates(original: Any, caught: Catch) -> None:
    original.group_identify("company", "acme", Identify().set("seats", 5).append("tags", "a"), USER)
    [event] = caught.events
    assert event_from(event) is None
    group = {"$group_key": "company", "$group_id": "acme"}
    assert profiles_from(event) == [group | {"$set": {"seats": 5}}, group | {"$union": {"tags": ["a"]}}]


@pytest.mark.parametrize("method", ["track", "identify", "group_identify", "revenue", "set_group"])
def test_each_call_has_the_arguments_of_the_original(method: str) -> None:
    ours = inspect.signature(getattr(Amplitude, method)).parameters
    assert [*ours] == [*inspect.signature(getattr(original_library.Amplitude, method)).parameters]


def test_each_call_has_the_effect_of_the_originals_events(
    original: Any, caught: Catch, make_client: Callable[..., Client], server: FakeServer
) -> None:
    updates: list[dict[str, Any]] = []
    ours = Amplitude(make_client(), on_profile=updates.append)
    for client in (original, ours):
        client.track(full_event())
        client.identify(identify(), USER)
        client.group_identify("company", "acme", Identify().set("seats", 5), USER)
        client.set_group("company", "acme", USER)
        client.revenue(Revenue(3.5), USER)
    assert updates == [update for event in caught.events for update in profiles_from(event)]
    assert ours.flush() == []
    assert len(server.imported) == sum(event_from(event) is not None for event in caught.events) == 2


def test_the_client_adds_time_and_id_to_an_event(
    make_client: Callable[..., Client], arrived: Callable[[], list[dict[str, Any]]]
) -> None:
    client = make_client()
    ours = Amplitude(client)
    ours.track(BaseEvent("Seen", user_id="user-1", event_properties={"plan": Plans.PRO}))
    ours.shutdown()
    [event] = arrived()
    assert event["properties"].pop("$insert_id")
    assert event["properties"] == {
        "time": 1_800_000_000_000,
        "distinct_id": "user-1",
        "$user_id": "user-1",
        "plan": "p",
    }
    assert client.stats().imported == 1


class Plans(enum.Enum):
    PRO = "p"


def test_a_bad_event_is_logged_and_passed_to_on_failure(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Any] = []
    ours = Amplitude(make_client(on_failure=failures.append))
    with caplog.at_level(logging.WARNING, "mixpress"):
        ours.track(BaseEvent("Seen"))
        ours.track(BaseEvent("Seen", user_id="null"))
        ours.track(None)
        ours.track({"event_type": "Seen", "event_properties": [1]})
    rules = ["distinct-id-missing", "distinct-id-disallowed", "event-type", "properties-type"]
    assert [failure.rule for failure in failures] == rules
    assert [record.message.rpartition(" ")[2] for record in caplog.records] == rules


def test_calls_without_effect_are_logged_once(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    ours = Amplitude(make_client())
    with caplog.at_level(logging.WARNING, "mixpress"):
        for _ in range(3):
            ours.identify(identify(), USER)
            ours.identify(Identify().clear_all(), USER)
            ours.group_identify("company", "acme", Identify().add("seats", 1), USER)
            ours.revenue(Revenue(3), USER)  # the original requires a float
    assert [record.message.partition(" ignored: ")[0] for record in caplog.records] == [
        "the profile of an identify",
        "$clearAll",
        "$add",
        "a Revenue",
    ]
    reasons = [record.message.split(": ")[1].partition(";")[0] for record in caplog.records]
    assert reasons[1:3] == [
        "Mixpanel's profiles have no such operation",
        "Mixpanel's profiles of groups have no such operation",
    ]
    assert "a@b.c" not in caplog.text


def test_events_are_imported_in_bulk(make_client: Callable[..., Client], original: Any, caught: Catch) -> None:
    for number in range(5):
        original.track(BaseEvent("Seen", user_id=f"user-{number}"))
    original.identify(identify(), USER)
    report = make_client().import_events(filter(None, map(event_from, caught.events)))
    assert (report.imported, report.total) == (5, 5)


NAMES = st.sampled_from(
    ["event_type", "user_id", "event_properties", "user_properties", "groups", "group_properties", "time", "country"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["$identify", "Web"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.sampled_from(["$set", "$unset"]), inner, max_size=5)
    ),
    max_leaves=8,
)


@settings(max_examples=settings().max_examples // 4)
@given(st.dictionaries(NAMES, VALUES))
def test_no_mapping_raises(event: dict[str, Any]) -> None:
    found = event_from(event)
    profiles_from(event)
    if found is not None:
        Encoder().encode([found])
