"""The exports of other tools: the examples of their documents, with values of our own, become events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress import Encoder, Mapping
from mixpress.files.mapper import MappedRows, mapper_of
from mixpress.files.vendors import VENDORS
from mixpress.files.vendors.snowplow import COLUMNS
from strategies.records import HAS_CEL

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["[1]", '{"data": 5}']),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)

NOON = 1_580_558_523_456
"""2020-02-01 12:02:03.456 UTC."""


def mapped(vendor: str, *records: object, **changes: Any) -> MappedRows:
    return mapper_of(Mapping.vendor(vendor, **changes)).rows(records)


def event(vendor: str, record: object, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Return the name and the properties of the event of a record, which the encoder accepts."""
    rows = mapped(vendor, record, **changes)
    assert rows.problems == []
    (made,) = rows.events
    encoder = Encoder(insert_id="derive" if vendor == "ga4" else "require", compression=None)
    encoded = encoder.encode([made])
    assert not encoded.rejected
    written = json.loads(encoded.batches[0].events()[0])
    return written["event"], written["properties"]


# --- Amplitude: https://amplitude.com/docs/apis/analytics/export ---

AMPLITUDE = {
    "server_received_time": "2020-02-01 12:02:04.100000",
    "app": 123456,
    "device_carrier": None,
    "$schema": 13,
    "city": "San Francisco",
    "user_id": "user-17",
    "uuid": "f4fc7a94-4501-11ea-b77f-2e728ce88125",
    "event_time": "2020-02-01 12:02:03.456000",
    "platform": "iOS",
    "os_version": "13.3",
    "amplitude_id": 99887766554,
    "processed_time": "2020-02-01 12:02:05.000000",
    "version_name": "2.4.0",
    "ip_address": "203.0.113.7",
    "paying": True,
    "dma": "San Francisco-Oakland-San Jose, CA",
    "group_properties": {},
    "user_properties": {"plan": "pro"},
    "client_upload_time": "2020-02-01 12:02:04.000000",
    "$insert_id": "27f2c1a4-1cf5-4f3c-8a52-56a0b1d1a2b3",
    "event_type": "watch_tutorial",
    "library": "amplitude-ios/4.9.3",
    "device_type": "Apple iPhone",
    "device_manufacturer": "Apple",
    "event_properties": {"lesson": 3, "time": "long"},
    "groups": {"company": "Acme"},
    "session_id": 1580558500000,
    "device_id": "C8F9E604-F01A-4BD9-95C6-8E5357DF265D",
    "os_name": "ios",
    "country": "United States",
    "language": "English",
    "region": "California",
}


def test_an_export_of_amplitude() -> None:
    name, properties = event("amplitude", AMPLITUDE)
    assert name == "watch_tutorial"
    assert properties["time"] == NOON
    assert properties["$insert_id"] == AMPLITUDE["$insert_id"]
    assert properties["distinct_id"] == properties["$user_id"] == "user-17"
    assert properties["$device_id"] == AMPLITUDE["device_id"]
    assert (properties["lesson"], properties["time_property"], properties["company"]) == (3, "long", "Acme")
    assert (properties["$os"], properties["$city"], properties["ip"]) == ("ios", "San Francisco", "203.0.113.7")


def test_amplitudes_profile_updates_are_left_out_and_its_uuid_is_the_id_if_there_is_no_other() -> None:
    without = {name: value for name, value in AMPLITUDE.items() if name != "$insert_id"}
    rows = mapped("amplitude", AMPLITUDE | {"event_type": "$identify"}, without)
    assert list(rows.records) == [1]
    assert rows.events[0]["properties"]["$insert_id"] == AMPLITUDE["uuid"]


# --- Segment: https://segment.com/docs/connections/spec/common ---

SEGMENT = {
    "anonymousId": "507f191e810c19729de860ea",
    "context": {
        "app": {"name": "InitechGlobal", "version": "545"},
        "campaign": {"name": "TPS Innovation Newsletter", "source": "Newsletter"},
        "ip": "203.0.113.8",
        "library": {"name": "analytics.js", "version": "2.11.1"},
        "page": {"url": "https://initech.example/academy/", "referrer": ""},
        "userAgent": "Mozilla/5.0",
    },
    "integrations": {"All": True, "Mixpanel": True},
    "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
    "originalTimestamp": "2020-02-01T12:02:03.000Z",
    "receivedAt": "2020-02-01T12:02:05.909Z",
    "sentAt": "2020-02-01T12:02:03.707Z",
    "timestamp": "2020-02-01T12:02:03.456Z",
    "userId": "97980cfea0067",
    "version": 2,
}


def test_calls_of_segment() -> None:
    track = SEGMENT | {"type": "track", "event": "Registered", "properties": {"plan": "Pro Annual"}}
    name, properties = event("segment", track)
    assert (name, properties["plan"], properties["time"]) == ("Registered", "Pro Annual", NOON)
    assert (properties["distinct_id"], properties["$device_id"]) == ("97980cfea0067", SEGMENT["anonymousId"])
    assert properties["$insert_id"] == SEGMENT["messageId"]
    assert (properties["utm_source"], properties["$app_version_string"]) == ("Newsletter", "545")
    page = SEGMENT | {"type": "page", "name": "Home", "properties": {"title": "Welcome"}}
    assert event("segment", page)[0] == "Viewed Home"
    assert event("segment", SEGMENT | {"type": "screen"})[0] == "Loaded a Screen"


def test_segments_calls_about_profiles_are_left_out() -> None:
    calls = [SEGMENT | {"type": kind, "traits": {"name": "Peter"}} for kind in ("identify", "group", "alias")]
    assert mapped("segment", *calls) == ([], [], [])


def test_a_record_of_another_tool_is_a_problem() -> None:
    rows = mapped("segment", AMPLITUDE, {"type": "poll"}, "text", 5, None, [])
    assert [problem.rule for problem in rows.problems] == ["not-an-event"] * 6
    assert "no 'type'" in rows.problems[0].message
    assert "'poll'" in rows.problems[1].message


# --- PostHog: https://posthog.com/docs/cdp/batch-exports/s3 ---

POSTHOG = {
    "uuid": "0190a3c5-2a8f-7c8e-b35c-2f0e1c6a9d11",
    "event": "$pageview",
    "properties": {"$current_url": "https://hogflix.example/", "$geoip_city_name": "Sydney", "$device_id": "device-1"},
    "distinct_id": "user-9",
    "person_id": "0190a3c5-0000-7c8e-b35c-2f0e1c6a9d11",
    "person_properties": {"email": "max@hogflix.example"},
    "team_id": 1,
    "timestamp": "2020-02-01T12:02:03.456000+00:00",
    "created_at": "2020-02-01T12:02:04.000000+00:00",
}


@pytest.mark.parametrize("write", [lambda value: value, json.dumps], ids=["JSON lines", "Parquet"])
def test_a_batch_export_of_posthog(write: Any) -> None:
    name, properties = event("posthog", POSTHOG | {"properties": write(POSTHOG["properties"])})
    assert (name, properties["time"], properties["$insert_id"]) == ("$pageview", NOON, POSTHOG["uuid"])
    assert (properties["distinct_id"], properties["$city"]) == ("user-9", "Sydney")


def test_posthogs_records_of_persons_are_left_out() -> None:
    assert mapped("posthog", POSTHOG | {"event": "$identify"}, POSTHOG | {"event": "$set"}).events == []


# --- Google Analytics 4: https://support.google.com/analytics/answer/7029846 ---

GA4 = {
    "event_date": "20200201",
    "event_timestamp": "1580558523456789",
    "event_name": "page_view",
    "event_params": [
        {"key": "page_location", "value": {"string_value": "https://shop.example/"}},
        {"key": "ga_session_id", "value": {"int_value": "661084800"}},
        {"key": "value", "value": {"double_value": 1.5, "string_value": None}},
        {"key": "empty", "value": {}},
    ],
    "user_id": None,
    "user_pseudo_id": "1026454.4271112504",
    "user_properties": [{"key": "plan", "value": {"string_value": "pro", "set_timestamp_micros": "1"}}],
    "device": {"category": "mobile", "operating_system": "Android", "web_info": {"browser": "Chrome"}},
    "geo": {"country": "Germany", "region": "", "city": "Munich"},
    "traffic_source": {"name": "(direct)", "medium": "(none)", "source": "(direct)"},
    "stream_id": "2100450278",
    "platform": "WEB",
    "items": [],
    "ecommerce": {},
}


def test_a_row_of_google_analytics() -> None:
    name, properties = event("ga4", GA4)
    assert (name, properties["time"]) == ("page_view", NOON)
    assert properties["distinct_id"] == "$device:1026454.4271112504"
    assert properties["$current_url"] == "https://shop.example/"
    assert (properties["ga_session_id"], properties["value"]) == (661084800, 1.5)
    assert (properties["$browser"], properties["$os"], properties["$city"]) == ("Chrome", "Android", "Munich")
    assert properties["user_properties"] == {"plan": "pro"}
    assert "items" not in properties
    assert "empty" not in properties


def test_google_analytics_has_no_unique_id() -> None:
    assert mapper_of(Mapping.vendor("ga4")).encoder_options() == {"insert_id": "derive"}


# --- Heap: https://help.heap.io/heap-connect/heap-connect-guide/data-schema ---

HEAP = {
    "event_id": 2519881427393781,
    "user_id": 8442182373017561,
    "session_id": 3713221982312,
    "time": "2020-02-01 12:02:03.456",
    "event_table_name": "signup_submit_form",
    "identity": None,
    "browser": "Chrome 79",
    "country": "US",
    "path": "/signup",
    "utm_source": "",
}


def test_a_row_of_heap() -> None:
    name, properties = event("heap", HEAP)
    assert (name, properties["time"]) == ("signup_submit_form", NOON)
    assert (properties["distinct_id"], properties["$device_id"]) == ("$device:8442182373017561", "8442182373017561")
    assert (properties["$browser"], properties["path"]) == ("Chrome 79", "/signup")
    assert "utm_source" not in properties
    upper = {name.upper(): value for name, value in HEAP.items()} | {"IDENTITY": "max@example.com"}
    assert event("heap", upper)[1]["distinct_id"] == "max@example.com"


def test_the_table_of_one_event_of_heap_needs_its_name() -> None:
    without = {name: value for name, value in HEAP.items() if name != "event_table_name"}
    assert event("heap", without, event="Signed Up")[0] == "Signed Up"


# --- Mixpanel: https://docs.mixpanel.com/reference/raw-event-export ---

MIXPANEL = {
    "event": "Signed up",
    "properties": {
        "time": 1580558523,
        "$insert_id": "hpuDqcvpltpCjBsebtxwadtEBDnFAdycabFb",
        "mp_processing_time_ms": 1580558530000,
        "distinct_id": "user-3",
        "Plan": "pro",
    },
}


def test_a_raw_export_of_mixpanel() -> None:
    name, properties = event("mixpanel", MIXPANEL)
    assert (name, properties["time"], properties["Plan"]) == ("Signed up", 1_580_558_523_000, "pro")
    assert "mp_processing_time_ms" not in properties


def test_the_local_times_of_old_projects_of_mixpanel_are_made_utc() -> None:
    assert event("mixpanel", MIXPANEL, time_offset=-8)[1]["time"] == 1_580_558_523_000 + 8 * 3_600_000
    assert event("mixpanel", MIXPANEL, time_zone="America/Los_Angeles")[1]["time"] == 1_580_558_523_000 + 8 * 3_600_000
    summer = MIXPANEL | {"properties": MIXPANEL["properties"] | {"time": 1_595_000_000}}  # type: ignore[operator]
    assert event("mixpanel", summer, time_zone="America/Los_Angeles")[1]["time"] == 1_595_000_000_000 + 7 * 3_600_000


# --- Snowplow: https://docs.snowplow.io/docs/fundamentals/canonical-event ---

SNOWPLOW = {
    "app_id": "shop",
    "platform": "web",
    "collector_tstamp": "2020-02-01 12:02:05.000",
    "dvce_created_tstamp": "2020-02-01 12:02:02.000",
    "derived_tstamp": "2020-02-01 12:02:03.456",
    "event": "unstruct",
    "event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb",
    "user_id": "user-5",
    "domain_userid": "b53a-4b13",
    "domain_sessionidx": 3,
    "geo_city": "Berlin",
    "geo_country": "DE",
    "page_url": "https://shop.example/cart",
    "mkt_source": "newsletter",
    "event_vendor": "com.acme",
    "event_name": "checkout_started",
    "unstruct_event": json.dumps(
        {
            "schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
            "data": {"schema": "iglu:com.acme/checkout_started/jsonschema/1-0-0", "data": {"items": 2, "total": 9.5}},
        }
    ),
    "contexts": json.dumps(
        {
            "schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0",
            "data": [{"schema": "iglu:org.w3/PerformanceTiming/jsonschema/1-0-0", "data": {"load": 12}}],
        }
    ),
}


def as_line(row: dict[str, Any]) -> str:
    return "\t".join(str(row.get(name, "")) for name in COLUMNS)


@pytest.mark.parametrize("write", [dict, as_line], ids=["row", "line"])
def test_an_enriched_event_of_snowplow(write: Any) -> None:
    name, properties = event("snowplow", write(SNOWPLOW))
    assert (name, properties["time"], properties["$insert_id"]) == ("checkout_started", NOON, SNOWPLOW["event_id"])
    assert (properties["distinct_id"], properties["$device_id"]) == ("user-5", "b53a-4b13")
    assert (properties["items"], properties["total"], properties["domain_sessionidx"]) == (2, 9.5, 3)
    assert (properties["$current_url"], properties["utm_source"]) == ("https://shop.example/cart", "newsletter")
    assert properties["contexts_org_w3_performance_timing_1"] == {"load": 12}


def test_a_structured_event_of_snowplow_is_named_by_its_action() -> None:
    row = SNOWPLOW | {"event": "struct", "event_name": "event", "se_action": "play", "se_category": "video"}
    assert event("snowplow", row)[0] == "play"


def test_a_column_of_snowplow_named_by_its_schema_is_spread() -> None:
    row = {name: value for name, value in SNOWPLOW.items() if name != "unstruct_event"}
    row["unstruct_event_com_acme_checkout_started_1"] = {"items": 4}
    assert event("snowplow", row)[1]["items"] == 4


def test_a_short_line_is_no_event_of_snowplow() -> None:
    (problem,) = mapped("snowplow", "a\tb").problems
    assert (problem.rule, problem.message) == ("not-an-event", "the line has 2 fields; an enriched event has 131")


# --- all of them ---


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("record", [None, 5, "", "text", [], {}, {"event": None}, {"properties": []}])
def test_a_record_that_is_none_of_the_vendors_is_a_problem(vendor: str, record: object) -> None:
    rows = mapped(vendor, record)
    assert (rows.events, [problem.rule for problem in rows.problems]) == ([], ["not-an-event"])


@pytest.mark.skipif(not HAS_CEL, reason="the package has no wheel for it")
def test_the_other_options_refer_to_the_events_that_are_made() -> None:
    rows = mapped(
        "mixpanel",
        MIXPANEL,
        rename={"Plan": "plan"},
        set={"from": "old"},
        where="event == 'Signed up' && Plan == 'pro'",
    )
    properties = rows.events[0]["properties"]
    assert (properties["plan"], properties["from"], "Plan" in properties) == ("pro", "old", False)
    assert mapped("mixpanel", MIXPANEL, where="Plan == 'free'").events == []
    assert mapped("mixpanel", MIXPANEL, since="2021-01-01").events == []


def test_an_unknown_vendor_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"source must be one of amplitude, .*, got 'adobe'"):
        Mapping.vendor("adobe")


EXAMPLES: list[tuple[str, Any]] = [
    ("amplitude", AMPLITUDE),
    ("ga4", GA4),
    ("heap", HEAP),
    ("mixpanel", MIXPANEL),
    ("posthog", POSTHOG),
    ("segment", SEGMENT | {"type": "track", "event": "Seen", "properties": {"a": 1}}),
    ("snowplow", SNOWPLOW),
]
NAMES = ["plan", "ingestion_metadata", "price", "integrations", "traits", "country", "identity", "contexts", "$groups"]


@given(st.sampled_from(EXAMPLES), st.data())
def test_no_value_of_a_record_stops_an_import(example: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    vendor, record = example
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from([*record, *NAMES]))
        inner = record.get(name)
        if isinstance(inner, dict) and inner and data.draw(st.booleans()):
            record = record | {name: inner | {data.draw(st.sampled_from(list(inner))): data.draw(json_values)}}
        else:
            record = record | {name: data.draw(json_values)}
    rows = mapped(vendor, record)
    assert len(rows.events) + len(rows.problems) <= 1
    Encoder(insert_id="derive").encode(rows.events)
