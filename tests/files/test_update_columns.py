"""A mapping of columns makes the updates that a mapping of their rows makes."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from files.test_columns import KINDS, plain
from mixpress import Encoder, Limits, Mapping
from mixpress.files.checked_updates import Operation
from mixpress.files.columns import values_of
from mixpress.files.mapper import Mapper, encode_batch, map_table_rows, mapper_of
from strategies.arrow import arrays
from strategies.records import NAMES, record_batches

OFF = dict.fromkeys(("distinct-id-missing", "distinct-id-type", "distinct-id-disallowed", "add-not-a-number"), "off")
LENIENT = Encoder("engage", token="t", limits=Limits(rules=OFF))
"""Encodes nearly all, so that nearly all is compared."""
OPERATIONS: tuple[Operation, ...] = ("set", "set_once", "add", "union", "append", "remove", "delete")


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    """Mappings whose operation takes columns."""
    options: dict[str, Any] = {"operation": draw(st.sampled_from(OPERATIONS))}
    options["distinct_id_column"] = draw(st.sampled_from([None, "user", "distinct_id", "n.a", "missing"]))
    options["sample"] = draw(st.sampled_from([None, 0.5, 1]))
    if options["operation"] != "delete":
        names = list(draw(st.permutations(sorted({*NAMES, "n.b.c", "n.z", "plan.x"}))))
        options["drop"] = draw(st.sampled_from([(), (names.pop(), names.pop())]))
        options["rename"] = {names.pop(): "renamed", names.pop(): "plan"} if draw(st.booleans()) else {}
        options["keep"] = tuple(names[:6]) if draw(st.booleans()) else ()
        options["set"] = draw(st.sampled_from([{}, {"plan": "x", "many": ["a"]}, {"n": 5}]))
    return Mapping(profiles=True, **options)


def compare(mapper: Mapper, batch: pa.RecordBatch) -> None:
    """Check that a batch has the same outcome by its columns and by its rows."""
    piece = encode_batch(LENIENT, mapper, batch)
    rows = map_table_rows(mapper, values_of(batch))
    encoded = LENIENT.encode(rows.events)
    assert (list(piece.records), list(piece.problems)) == (list(rows.records), rows.problems)
    assert written(piece.encoded) == written(encoded)
    assert outcome(piece.encoded.rejected) == outcome(encoded.rejected)
    assert outcome(piece.encoded.warnings) == outcome(encoded.warnings)


def written(encoded: Any) -> Any:
    """Return the updates of all batches; their members have an order of no meaning."""
    return plain([json.loads(update) for batch in encoded.batches for update in batch.events()])


def outcome(found: Any) -> set[Any]:
    return {(one.index, one.rule) for one in found}


@settings(max_examples=300)
@given(record_batches(), mappings())
def test_columns_are_rows(batch: pa.RecordBatch, mapping: Mapping) -> None:
    mapper = mapper_of(mapping)
    assert mapper.takes_columns(batch)
    compare(mapper, batch)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("names", "flat"),
    [
        (["$distinct_id", "plan"], True),
        (["$distinct_id", "$email", "distinct_id"], True),
        (["$distinct_id"], True),
        (["$distinct_id", "$email"], False),
        (["$distinct_id", "plan", "$token"], False),
        (["$group_id", "plan"], True),
    ],
)
def test_the_column_of_the_id_may_have_the_name_of_the_api(names: list[str], flat: bool, operation: Operation) -> None:
    batch = pa.RecordBatch.from_pydict({name: [f"{name}{row}" for row in range(3)] for name in names})
    mapper = mapper_of(Mapping(profiles=True, operation=operation))
    assert mapper.takes_columns(batch) == flat
    compare(mapper, batch)
    compare(mapper_of(Mapping(profiles=True, operation=operation, distinct_id_column="$distinct_id")), batch)


def test_exported_profiles_of_a_table_are_set() -> None:
    exported = {"$distinct_id": ["u", "v"], "$properties": [{"$email": "a@b.c", "n": 1}, {"$email": None, "n": 2}]}
    mapper = mapper_of(Mapping(profiles=True))
    piece = encode_batch(
        Encoder("engage", token="t", ip=True, ignore_time=False), mapper, pa.RecordBatch.from_pydict(exported)
    )
    assert [update["$set"] for update in written(piece.encoded)] == [{"$email": "a@b.c", "n": 1}, {"n": 2}]


def test_runs_of_text_views_are_decoded() -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 4], pa.int16()), pa.array(["x", None], pa.string_view()))
    batch = pa.RecordBatch.from_arrays([pa.array(["u", "v", "w"]), runs.slice(1)], names=["distinct_id", "a"])
    compare(mapper_of(Mapping(profiles=True)), batch)
    events = mapper_of(Mapping(event="e")).columns(batch)
    assert events.table["a"].to_pylist() == ["x", None, None]


@st.composite
def batches_of_any_kind(draw: st.DrawFn) -> pa.RecordBatch:
    ids = pa.array(["u", "v", "w"])
    return pa.RecordBatch.from_arrays([ids, draw(arrays(3)), draw(arrays(3))], names=["distinct_id", "a", "b"])


def fits_python(batch: pa.RecordBatch) -> bool:
    """Return whether Python has all values: no date after the year 9999, and no time that pandas takes for none. A row
    leaves them out.
    """
    try:
        return not any("NaT" in str(column.to_pylist(maps_as_pydicts="lossy")) for column in batch.columns)
    except (ValueError, OverflowError):
        return False


def test_a_date_that_json_has_no_form_for_is_rejected() -> None:
    batch = pa.RecordBatch.from_pydict({"distinct_id": ["u"], "at": pa.array([2**40], pa.timestamp("s"))})
    [rejection] = encode_batch(LENIENT, mapper_of(Mapping(profiles=True)), batch).encoded.rejected
    assert (rejection.field, rejection.rule) == ("$set.at", "unsupported-type")


@pytest.mark.filterwarnings("ignore:Encountered key")  # by the maps of Arrow
@settings(max_examples=300)
@given(batches_of_any_kind().filter(fits_python), st.sampled_from(OPERATIONS))
def test_columns_of_any_kind_are_rows(batch: pa.RecordBatch, operation: Operation) -> None:
    compare(mapper_of(Mapping(profiles=True, operation=operation)), batch)


@pytest.mark.parametrize("operation", ["set", "union"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_mapped_as_in_rows(kind: str, operation: Operation) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["u", "v", "w"]), KINDS[kind]], names=["distinct_id", "a"])
    compare(mapper_of(Mapping(profiles=True, operation=operation)), batch)


def test_no_row_becomes_an_object_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the rows were mapped one by one")

    batch = pa.RecordBatch.from_pydict({"distinct_id": [1, 2], "tags": ["a", None], "n": [{"x": None}, None]})
    mapper = mapper_of(Mapping(profiles=True, operation="union"))
    monkeypatch.setattr(type(mapper), "rows", fail)
    piece = encode_batch(Encoder("engage", token="t", ip=True, ignore_time=False), mapper, batch)
    assert written(piece.encoded) == [
        {"$distinct_id": "1", "$union": {"tags": ["a"], "n": [{}]}, "$token": "t"},
        {"$distinct_id": "2", "$union": {}, "$token": "t"},
    ]


@pytest.mark.parametrize(
    ("mapping", "names"),
    [
        (Mapping(profiles=True, operation="unset"), ["distinct_id", "a"]),
        (Mapping(profiles=True, set={"a": {"b": 1}}), ["distinct_id", "a"]),
        (Mapping(profiles=True), ["$distinct_id", "$set"]),
    ],
)
def test_others_need_rows(mapping: Mapping, names: list[str]) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(["u"])] * 2, names=names)
    mapper = mapper_of(mapping)
    assert not mapper.takes_columns(batch)
    with pytest.raises(TypeError, match=r"pass batch\.to_pylist"):
        mapper.columns(batch)


def test_the_rows_of_groups_have_their_id() -> None:
    batch = pa.RecordBatch.from_pydict({"group_id": [7], "seats": [2]})
    mapped = mapper_of(Mapping(groups="company")).columns(batch)
    assert mapped.table.to_pylist() == [{"$group_id": "7", "$set": {"seats": 2}}]
    missing = mapper_of(Mapping(groups="company", group_id_column="id")).columns(batch)
    assert [problem.message for problem in missing.problems] == [
        "there is no column 'id', which group_id_column names; the columns are 'group_id', 'seats'"
    ]
