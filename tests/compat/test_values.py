"""What is in an event never raises, and is never taken for something else, in all three clients."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timezone, tzinfo
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mixpress import Client
from mixpress.compat import amplitude, posthog, segment
from mixpress.files.vendors.values import TIME, missing

MISSING = [
    None,
    float("nan"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT", "ns"),
    np.float64("nan"),
    Decimal("NaN"),
    Decimal("sNaN"),
]


class Hostile:
    """Raises whatever is asked of it."""

    def _fail(self, *_: object) -> Any:
        raise RuntimeError("hostile")

    __str__ = __bool__ = __eq__ = __ne__ = __repr__ = _fail
    __hash__ = object.__hash__


class HostileZone(tzinfo):
    def utcoffset(self, _moment: datetime | None) -> Any:
        raise RuntimeError("hostile")

    dst = tzname = utcoffset


VALUES: list[Any] = [
    *MISSING,
    Hostile(),
    datetime(2024, 1, 1, tzinfo=HostileZone()),
    np.array([1, 2]),
    pd.Series([1, 2]),
    {},
    [],
]


@pytest.mark.parametrize("value", MISSING)
def test_missing_values_are_recognised(value: object) -> None:
    assert missing(value)


@pytest.mark.parametrize("value", [0, "", False, "nan", [], np.array([float("nan")] * 2), pd.Series([1.0]), Hostile()])
def test_other_values_are_not_missing(value: object) -> None:
    assert not missing(value)


@pytest.mark.parametrize("value", ["19:30", 42, 99_999_999_999, None])
def test_a_property_named_time_is_a_property(
    make_client: Callable[..., Client], arrived: Callable[[], list[dict[str, Any]]], value: object
) -> None:
    client = make_client()
    assert segment.Client(client).track("u", "Booked", {"time": value})[0]
    assert posthog.Posthog(client).capture("Booked", distinct_id="u", properties={"time": value})
    amplitude.Amplitude(client).track({"event_type": "Booked", "user_id": "u", "event_properties": {"time": value}})
    client.flush()
    found = [event["properties"] for event in arrived()]
    assert len(found) == 3
    assert [one.get(TIME) for one in found] == [value] * 3
    assert all(abs(one["time"] / 1000 - time.time()) < 3600 * 24 * 365 * 40 for one in found)


def test_a_property_named_time_does_not_replace_the_timestamp() -> None:
    when, given = "2024-02-29T12:30:00.123Z", {"time": 42}
    events = [
        segment.event_from_message(
            {"type": "track", "event": "e", "userId": "u", "timestamp": when, "properties": given}
        ),
        posthog.event_from_message({"event": "e", "distinct_id": "u", "timestamp": when, "properties": given}),
        amplitude.event_from({"event_type": "e", "user_id": "u", "time": when, "event_properties": given}),
    ]
    for event in events:
        assert event is not None
        assert (event["properties"]["time"], event["properties"][TIME]) == (1709209800123, 42)


@pytest.mark.parametrize("on_profile", [None, lambda _update: None], ids=["sent", "to on_profile"])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_no_call_raises_for_a_value(
    make_client: Callable[..., Client], value: Any, on_profile: Callable[[Any], object] | None
) -> None:
    client = make_client(token="a-project-token")
    one = segment.Client(client, on_profile=on_profile, group_key=value)
    other = posthog.Posthog(client, on_profile=on_profile)
    third = amplitude.Amplitude(client, on_profile=on_profile)
    methods: list[Callable[..., object]] = [one.track, one.page, one.screen, one.identify, one.group]
    for method in methods:
        method(value, "x")
        method("u", value)
        for name in ("context", "timestamp", "anonymous_id", "integrations", "message_id"):
            method("u", "x", **{name: value})
    one.track("u", "e", value)
    one.alias(value, value)
    one.identify("u", value)
    one.group("u", "g", value)
    for name in ("distinct_id", "properties", "timestamp", "uuid", "groups"):
        other.capture("e", **{"distinct_id": "u", name: value})
        other.set(**{"distinct_id": "u", "properties": {"a": 1}, name: value} if name != "groups" else {})
    for name in ("$device_id", "$user_id", "$set", "$groups", "$geoip_disable", "$process_person_profile"):
        other.capture("e", distinct_id="u", properties={name: value})
    other.capture(value, distinct_id="u")
    other.group_identify(value, value, value)
    other.group_identify(value, "acme", {"a": value})
    other.alias(value, "new")
    other.alias("old", value)
    one.alias("old", value, integrations=value, timestamp=value)
    other.capture("e", distinct_id="u", properties={"$unset": [value]})
    for name in ("event_type", "user_id", "device_id", "time", "insert_id", "event_properties", "user_properties"):
        third.track({"event_type": "e", "user_id": "u", name: value})
    for name in ("groups", "group_properties", "country", "platform", "plan", "price"):
        third.track({"event_type": "e", "user_id": "u", name: value})
    third.track({"event_type": "e", "groups": {"g": value}, "group_properties": {"a": value}})
    third.identify(SimpleNamespace(user_properties=value), {"user_id": "u"})
    third.set_group("team", value, {"user_id": value})
    for name in ("$set", "$setOnce", "$add", "$append", "$prepend", "$preInsert", "$postInsert", "$remove", "$unset"):
        for change in (value, {"a": value}, {"a": [value]}):
            third.identify(SimpleNamespace(user_properties={name: change}), {"user_id": "u"})
            third.group_identify("team", "acme", SimpleNamespace(user_properties={name: change}), {"user_id": "u"})
    client.flush()


@pytest.mark.parametrize("id", MISSING, ids=lambda value: type(value).__name__)
def test_a_missing_value_is_no_id(
    make_client: Callable[..., Client], arrived: Callable[[], list[dict[str, Any]]], id: object
) -> None:
    client = make_client()
    updates: list[dict[str, Any]] = []
    one = segment.Client(client, on_profile=updates.append)
    other = posthog.Posthog(client, on_profile=updates.append)
    third = amplitude.Amplitude(client, on_profile=updates.append)
    assert not one.track(id, "Seen")[0]
    assert not one.identify(id, {"plan": "pro"})[0]
    assert not one.group("u", id, {"plan": "pro"})[0]
    assert other.set(distinct_id=id, properties={"plan": "pro"}) is None
    assert other.group_identify("company", id, {"plan": "pro"}) is None  # type: ignore[arg-type]
    assert other.capture("Seen", distinct_id=id)  # as a random device
    third.track({"event_type": "Seen", "user_id": id, "user_properties": {"plan": "pro"}})
    third.track({"event_type": "$groupidentify", "groups": {"team": id}, "group_properties": {"$set": {"a": 1}}})
    client.flush()
    assert updates == []
    [event] = arrived()
    assert event["properties"]["distinct_id"].startswith("$device:")


def test_an_update_without_an_id_is_rejected_with_a_warning(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mixpress"):
        accepted, _ = segment.Client(make_client(), on_profile=print).identify(traits={"plan": "pro"})
    assert not accepted
    assert "identify was rejected: it names no user or group" in caplog.text
    assert segment.profiles_from_message({"type": "identify", "traits": {"a": 1}}) == []
    assert posthog.profiles_from_message({"event": "$set", "$set": {"a": 1}}) == []
    assert amplitude.profiles_from({"event_type": "$identify", "user_properties": {"a": 1}}) == []


@pytest.mark.parametrize("timestamp", ["nonsense", "", object(), True, datetime(2024, 1, 1, tzinfo=HostileZone())])
def test_posthogs_unreadable_timestamp_is_now(
    make_client: Callable[..., Client],
    arrived: Callable[[], list[dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
    timestamp: Any,
) -> None:
    client = make_client()
    with caplog.at_level(logging.WARNING, "mixpress"):
        assert posthog.Posthog(client).capture("Seen", distinct_id="u", timestamp=timestamp)
    client.flush()
    assert len(arrived()) == 1
    assert "a timestamp could not be read" in caplog.text


def test_a_readable_timestamp_is_kept(
    make_client: Callable[..., Client], arrived: Callable[[], list[dict[str, Any]]]
) -> None:
    client = make_client()
    when = datetime(2024, 2, 29, 12, 30, 0, 123000, tzinfo=timezone.utc)
    for timestamp in (when, when.isoformat()):
        assert posthog.Posthog(client).capture("Seen", distinct_id="u", timestamp=timestamp)
    client.flush()
    assert [event["properties"]["time"] for event in arrived()] == [1709209800123] * 2
