"""A mapping makes events of records, one after another."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress import Encoder, Mapping
from mixpress.files.mapper import mapper_of
from strategies.records import HAS_CEL, NAMES, mappings, written_times

needs_cel = pytest.mark.skipif(not HAS_CEL, reason="the package has no wheel for it")

ROW: dict[str, Any] = {
    "ts": "2024-01-31 12:00:00",
    "action": "Paid",
    "user": 17,
    "order": "A-1",
    "plan": "pro",
    "context": {"ip": "203.0.113.7", "page": {"path": "/cart"}},
}
COLUMNS: dict[str, Any] = {
    "time_column": "ts",
    "event_column": "action",
    "distinct_id_column": "user",
    "insert_id_column": "order",
}
FIELDS = {"time": 1_706_702_400_000, "distinct_id": "17", "$insert_id": "A-1"}
REST = {"plan": "pro", "context": ROW["context"]}


def event(record: dict[str, Any], **options: Any) -> dict[str, Any]:
    rows = mapper_of(Mapping(**options)).rows([record])
    assert rows.problems == []
    return rows.events[0]


def properties(record: dict[str, Any] = ROW, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = event(record, **options)["properties"]
    return found


def problem(record: object, **options: Any) -> tuple[str, str, str]:
    rows = mapper_of(Mapping(**options)).rows([record])
    assert rows.events == []
    (found,) = rows.problems
    return found.rule, found.field, found.message


def taken(*records: dict[str, Any], **options: Any) -> list[int]:
    rows = mapper_of(Mapping(**options)).rows(records)
    assert rows.problems == []
    return list(rows.records)


def test_columns_become_the_fields_and_the_others_properties() -> None:
    assert event(ROW, **COLUMNS) == {"event": "Paid", "properties": FIELDS | REST}


def test_the_names_of_the_api_are_the_default() -> None:
    flat = {"event": "Seen", "time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i", "plan": "pro"}
    fields = {"time": 1_700_000_000_000, "distinct_id": "u", "$insert_id": "i"}
    assert event(flat) == {"event": "Seen", "properties": fields | {"plan": "pro"}}


def test_one_name_for_all_leaves_a_column_called_event_a_property() -> None:
    made = event({"event": "x", "time": 1}, event="Seen")
    assert made == {"event": "Seen", "properties": {"time": 1, "event": "x"}}


def test_an_event_of_the_api_is_mapped_by_its_properties() -> None:
    record = {"event": "Seen", "properties": {"at": 1_700_000_000, "plan": "pro"}, "userId": "u"}
    made = event(record, time_column="at", distinct_id_column="userId", rename={"plan": "Plan"})
    assert made == {"event": "Seen", "properties": {"time": 1_700_000_000_000, "distinct_id": "u", "Plan": "pro"}}


def test_another_column_called_like_a_field_is_kept_under_another_name() -> None:
    made = properties({**ROW, "time": "noon", "distinct_id": "old"}, **COLUMNS)
    assert (made["time_property"], made["distinct_id_property"]) == ("noon", "old")


def test_names_with_dots_reach_into_objects_and_a_whole_name_comes_first() -> None:
    record = {"a": {"at": 1_700_000_000, "b": {"id": "u"}}}
    made = properties(record, event="Seen", time_column="a.at", distinct_id_column="a.b.id")
    assert (made["time"], made["distinct_id"], made["a"]) == (1_700_000_000_000, "u", record["a"])
    whole = properties({**record, "a.at": 1_600_000_000}, event="Seen", time_column="a.at")
    assert whole["time"] == 1_600_000_000_000


def test_rename_drop_keep_and_set() -> None:
    only = FIELDS
    assert properties(**COLUMNS, drop=["context"]) == only | {"plan": "pro"}
    assert properties(**COLUMNS, keep=["plan"]) == only | {"plan": "pro"}
    assert properties(**COLUMNS, rename={"plan": "Plan"}, keep=["none"]) == only | {"Plan": "pro"}
    assert properties(**COLUMNS, keep=["plan"], set={"plan": "x", "n": [1]}) == only | {"plan": "x", "n": [1]}
    assert properties(**COLUMNS, rename={"user": "User"}, keep=["none"]) == only | {"User": 17}


def test_nested_members_are_dropped_kept_and_renamed_without_a_change_of_the_record() -> None:
    before = json.dumps(ROW)
    assert properties(**COLUMNS, drop=["context.ip"])["context"] == {"page": {"path": "/cart"}}
    assert properties(**COLUMNS, keep=["context.page.path"]) == FIELDS | {"context.page.path": "/cart"}
    made = properties(**COLUMNS, rename={"context.page.path": "path"})
    assert (made["path"], made["context"]) == ("/cart", {"ip": "203.0.113.7", "page": {}})
    assert json.dumps(ROW) == before


def test_a_column_without_a_name_as_pandas_writes_its_index_can_be_dropped() -> None:
    assert properties({"": 0, "a": 1}, event="Seen", drop=[""]) == {"a": 1}


def test_a_renamed_column_replaces_a_property_of_that_name() -> None:
    assert properties({**ROW, "b": 1}, **COLUMNS, rename={"b": "plan"})["plan"] == 1


def test_placeholders_are_blanked_if_wanted() -> None:
    assert properties(ROW | {"user": "NULL"}, **COLUMNS, placeholder_ids="blank")["distinct_id"] == ""
    assert properties(ROW | {"user": 0}, **COLUMNS, placeholder_ids="blank")["distinct_id"] == ""
    assert properties(ROW | {"user": "NULL"}, **COLUMNS)["distinct_id"] == "NULL"


def test_a_missing_field_is_left_to_the_encoder() -> None:
    made = properties(ROW | {"user": None, "ts": " "}, **COLUMNS)
    assert "distinct_id" not in made
    assert "time" not in made


# --- problems ---


def test_an_unreadable_time_names_the_value_and_the_column() -> None:
    assert problem(ROW | {"ts": "31/01/2024"}, **COLUMNS) == (
        "unreadable-time",
        "ts",
        "'ts' has '31/01/2024', which is neither ISO 8601 nor a number: give a time_format",
    )
    message = problem({"time": "x" * 1000}, event="Seen")[2]
    assert len(message) < 200


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    assert problem({"a": 1, "b": 2}, time_column="ts", event="Seen") == (
        "missing-column",
        "ts",
        "there is no column 'ts', which time_column names; the columns are 'a', 'b'",
    )
    assert problem({}, event_column="action")[2].endswith("the columns are none")
    assert problem(dict.fromkeys(map(str, range(50))), event_column="x")[2].endswith("'19', ...")


def test_events_without_any_column_of_their_id_are_problems_since_all_would_have_the_same() -> None:
    rule, field, message = problem({"time": 1, "order": "A"}, event="Seen", insert_id_from=["ordr"])
    assert (rule, field) == ("missing-column", "ordr")
    assert "which insert_id_from names; the columns are 'time', 'order'" in message
    for record in ({"ordr": None}, {"$insert_id": "i"}):
        assert properties(record, event="Seen", insert_id_from=["ordr"])
    assert event({"time": 1}, event="Seen", insert_id_from=["event", "ordr"])


@pytest.mark.parametrize("record", ["not JSON", 5, None, [1], True])
def test_a_record_that_is_no_object_is_a_problem(record: object) -> None:
    rule, _, message = problem(record, event="Seen")
    assert rule == "not-an-object"
    assert repr(record) in message


# --- filters ---


@needs_cel
def test_where_selects_records() -> None:
    rows: list[dict[str, Any]] = [{"plan": "pro", "n": 1}, {"plan": "free", "n": 2}, {"n": 3}]
    assert taken(*rows, event="Seen", where="plan == 'pro'") == [0]
    assert taken(*rows, event="Seen", where="n > 1 || plan == 'pro'") == [0, 1, 2]
    assert taken(*rows, event="Seen", where="'plan' in record && record['plan'] == 'free'") == [1]
    assert taken(*rows, event="Seen", where="has(record.plan)") == [0, 1]
    events = [{"event": "A", "properties": {}}, {"event": "B", "properties": {}}]
    assert taken(*events, where="event == 'B'") == [1]


@needs_cel
def test_a_record_for_which_where_fails_is_a_problem() -> None:
    rule, _, message = problem({"n": "x"}, event="Seen", where="n > 1")
    assert rule == "where-failed"
    assert message.startswith("where 'n > 1' can't be evaluated: No such overload: the operation is not defined")
    assert "there is no member 'x'" in problem({}, event="Seen", where="record['x'] == 1")[2]
    assert "its value is 'x', which is neither true nor false" in problem({"n": "x"}, event="Seen", where="n")[2]


@needs_cel
def test_threads_share_an_expression() -> None:
    mapper = mapper_of(Mapping(event="Seen", where="n % 2 == 0 && text.startsWith('a')"))
    rows = [{"n": n, "text": "ab"} for n in range(1000)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: list(mapper.rows(rows).records), range(8)))
    assert found == [list(range(0, 1000, 2))] * 8


def test_since_and_until_select_by_the_events_time() -> None:
    rows = [{"time": f"2024-01-{day:02d}T{hour}"} for day in (30, 31) for hour in ("00:00:00Z", "23:59:59.999Z")]
    rows.append({"time": "2024-02-01T00:00:00Z"})
    assert taken(*rows, event="Seen", since="2024-01-31") == [2, 3, 4]
    assert taken(*rows, event="Seen", until="2024-01-31") == [0, 1, 2, 3]
    assert taken(*rows, event="Seen", until="2024-01-31T00:00:00Z") == [0, 1]
    assert taken(*rows, event="Seen", since="2024-01-31", time_zone="Asia/Tokyo") == [1, 2, 3, 4]


def test_a_record_without_a_time_is_not_left_out_by_its_time() -> None:
    """It has no time to be compared, and leaving it out would hide the mistake."""
    assert taken({"time": None}, event="Seen", since="2024-01-01") == [0]


def test_a_sample_has_whole_users_and_is_the_same_in_every_run() -> None:
    rows = [{"distinct_id": f"user-{number % 1000}"} for number in range(3000)]
    found = taken(*rows, event="Seen", sample=0.2)
    assert found == taken(*rows, event="Seen", sample=0.2)
    assert {number % 1000 for number in found} == {number for number in found if number < 1000}
    assert 150 < len(found) / 3 < 250
    assert set(found) < set(taken(*rows, event="Seen", sample=0.5))
    assert found[:3] == [0, 8, 10]  # the hash is part of what is promised: a later version resumes a run


def test_a_sample_of_events_without_a_user_is_by_their_id() -> None:
    rows = [{"$insert_id": f"id-{number}", "distinct_id": ""} for number in range(1000)]
    assert 400 < len(taken(*rows, event="Seen", sample=0.5)) < 600


# --- what the mapper says of itself ---


def test_json_passes_only_if_nothing_is_changed() -> None:
    assert mapper_of(None).passes_json
    assert mapper_of(Mapping(insert_id_from=["a"])).passes_json
    assert not mapper_of(Mapping(set={"a": 1})).passes_json
    assert not mapper_of(Mapping.vendor("mixpanel")).passes_json


def test_an_object_for_every_event_and_a_vendor_need_rows() -> None:
    assert mapper_of(Mapping(set={"a": 1, "b": ["x"]})).takes_columns(None)
    assert not mapper_of(Mapping(set={"a": {"b": 1}})).takes_columns(None)
    assert not mapper_of(Mapping.vendor("heap")).takes_columns(None)
    with pytest.raises(TypeError, match=r"pass batch\.to_pylist"):
        mapper_of(Mapping.vendor("heap")).columns(None)


def test_the_columns_of_an_id_are_named_as_they_are_sent() -> None:
    mapping = Mapping(
        insert_id_from=["ts", "action", "user", "order", "plan", "other"], rename={"plan": "Plan"}, **COLUMNS
    )
    assert mapper_of(mapping).encoder_options() == {
        "insert_id": "derive",
        "insert_id_from": ["time", "event", "distinct_id", "$insert_id", "Plan", "other"],
    }
    assert mapper_of(None).encoder_options() == {}


def test_many_kinds_of_records_take_bounded_memory() -> None:
    mapper = mapper_of(Mapping(event="Seen"))
    mapper.rows({f"column-{number}": 1} for number in range(5000))
    assert len(mapper._steps._named) <= 1000  # type: ignore[attr-defined]


def test_a_mapping_for_where_without_the_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel", None)
    with pytest.raises(ModuleNotFoundError, match=r"where needs") as caught:
        Mapping(where="true")
    assert caught.value.name == "cel"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | written_times(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "c", "time"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), json_values, max_size=6) | json_values, max_size=4), mappings())
def test_each_record_is_an_event_a_problem_or_left_out_whatever_it_holds(records: list[Any], mapping: Mapping) -> None:
    rows = mapper_of(mapping).rows(records)
    assert len(rows.events) == len(rows.records)
    numbers = [*rows.records, *(problem.record for problem in rows.problems)]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(range(len(records)))
    filters = {"where", "since", "until", "sample"} & mapping.changed().keys()
    assert filters or len(numbers) == len(records)
    assert all(isinstance(event["properties"], dict) for event in rows.events)
    Encoder().encode(rows.events)
