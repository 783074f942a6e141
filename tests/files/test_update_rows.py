"""A mapping of updates of profiles: which records are flat, and what becomes of their columns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mixpress import Encoder, Mapping
from mixpress.files import files
from mixpress.files.mapper import mapper_of
from strategies.records import HAS_CEL

needs_cel = pytest.mark.skipif(not HAS_CEL, reason="where needs the package of CEL")

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"profiles": 1}, "profiles must be True or False, got 1"),
    ({"groups": " "}, "groups must be a text that is not blank, got ' '"),
    ({"profiles": True, "groups": "company"}, "profiles and groups='company' are for different endpoints: give one"),
    (
        {"operation": "replace"},
        "operation must be one of set, set_once, add, union, append, remove, unset, delete, got 'replace'",
    ),
    ({"operation": "add"}, "operation is 'add', for updates: give profiles= or groups= too"),
    ({"group_id_column": "id"}, "group_id_column is 'id', for updates of groups: give groups= too"),
    ({"profiles": True, "group_id_column": "id"}, "group_id_column is 'id', for updates of groups: not with profiles="),
    ({"groups": "company", "distinct_id_column": "id"}, "distinct_id_column is 'id', for users: with groups= use"),
    ({"groups": "company", "operation": "append"}, "operation is 'append', which profiles of groups do not have"),
    ({"profiles": True, "placeholder_ids": "blank"}, "placeholder_ids is for events: an update needs the id"),
    *(
        ({"profiles": True, name: value}, f"{name} is for events, and an update of a profile has none of it: not with")
        for name, value in {
            "event": "Seen",
            "event_column": "action",
            "time_column": "ts",
            "time_format": "unix",
            "time_zone": "UTC",
            "time_offset": 2,
            "insert_id_column": "id",
            "insert_id_from": ["id"],
            "since": "2024-01-01",
            "until": "2024-01-01",
            "source": "segment",
        }.items()
    ),
    *(
        ({"profiles": True, "operation": "delete", name: value}, f"{name} is for properties, and operation='delete'")
        for name, value in {"rename": {"a": "b"}, "drop": ["a"], "keep": ["a"], "set": {"a": 1}}.items()
    ),
]


@pytest.mark.parametrize(("fields", "says"), WRONG)
def test_a_field_that_does_not_fit_is_named(fields: dict[str, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        Mapping(**fields)
    assert str(caught.value).startswith(says)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML needs Python 3.11")
@pytest.mark.parametrize(
    "mapping",
    [
        Mapping(profiles=True, distinct_id_column="id", operation="add", rename={"a": "time"}),
        Mapping(groups="company", group_id_column="id"),
    ],
)
def test_a_file_has_the_same_fields(mapping: Mapping, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(mapping.to_toml())
    assert Mapping.from_toml(tmp_path / "a.toml") == mapping


def updates(records: list[Any], **fields: Any) -> list[Any]:
    return mapper_of(Mapping(**{"profiles": True} | fields)).rows(records).events


EXPORTED = {"$distinct_id": "u", "$properties": {"$email": "a@b.c", "plan": "pro", "distinct_id": 5, "note": None}}


def test_an_exported_profile_is_set() -> None:
    assert updates([EXPORTED]) == [
        {"$distinct_id": "u", "$set": {"$email": "a@b.c", "plan": "pro", "distinct_id": 5}},
    ]
    options = {"drop": ["distinct_id"], "rename": {"plan": "Plan"}, "operation": "set_once", "set": {"$email": "x@y.z"}}
    assert updates([EXPORTED], **options) == [{"$distinct_id": "u", "$set_once": {"$email": "x@y.z", "Plan": "pro"}}]
    assert updates([EXPORTED], operation="delete") == [{"$distinct_id": "u", "$delete": ""}]
    assert updates([{"$group_id": 5, "$properties": {"a": 1}}], profiles=False, groups="company") == [
        {"$group_id": "5", "$set": {"a": 1}}
    ]


@needs_cel
def test_the_filters_see_the_properties_of_an_exported_profile() -> None:
    assert updates([EXPORTED], where="plan == 'free'") == []
    assert len(updates([EXPORTED], where="plan == 'pro'")) == 1


def test_the_column_of_the_id_may_have_the_name_of_the_api() -> None:
    row = {"$distinct_id": 17, "$email": "a@b.c", "plan": "pro"}
    assert updates([row]) == [{"$distinct_id": "17", "$set": {"$email": "a@b.c", "plan": "pro"}}]
    assert updates([{"$distinct_id": "u"}], operation="delete") == [{"$distinct_id": "u", "$delete": ""}]
    both = {"$distinct_id": "u", "distinct_id": "v", "a": 1}
    assert updates([both]) == [{"$distinct_id": "u", "$set": {"distinct_id": "v", "a": 1}}]
    assert updates([both], distinct_id_column="distinct_id")[0]["$distinct_id"] == "v"
    named = {"$distinct_id": "u", "$email": "a@b.c"}
    assert updates([named], distinct_id_column="$distinct_id") == [{"$distinct_id": "u", "$set": {"$email": "a@b.c"}}]


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"$distinct_id": "u", "$foo": 1}, "operation-unknown"),
        ({"$distinct_id": "u", "$token": "t"}, "operation-missing"),
        ({"$distinct_id": "u", "$token": "t", "plan": "pro"}, "unknown-field"),
    ],
)
def test_an_update_of_the_api_without_an_operation_is_rejected_as_such(record: dict[str, Any], rule: str) -> None:
    found = mapper_of(Mapping(profiles=True)).rows([record])
    assert found.events == [record]
    assert [one.rule for one in Encoder("engage", token="t").encode(found.events).rejected] == [rule]


def test_an_update_of_the_api_stays_as_it_is() -> None:
    given = [{"$distinct_id": "u", "$set": {"plan": None}}, {"$distinct_id": 7, "$frob": 1, "$unset": ["plan"]}]
    assert updates(given, drop=["plan"], rename={"$set": "x"}) == given


def test_the_columns_of_a_flat_record_are_set() -> None:
    row = {"uid": 17, "plan": "pro", "note": "x", "address": {"city": "Bonn", "zip": "53111"}, "time": 5, "gone": None}
    mapped = updates(
        [row], distinct_id_column="uid", drop=["note", "address.zip"], rename={"plan": "Plan"}, set={"time": 6}
    )
    assert mapped == [{"$distinct_id": "17", "$set": {"address": {"city": "Bonn"}, "time": 6, "Plan": "pro"}}]
    assert updates([row], distinct_id_column="uid", keep=["plan"]) == [{"$distinct_id": "17", "$set": {"plan": "pro"}}]


@pytest.mark.parametrize(
    ("operation", "operand"),
    [
        ("set", {"n": 1, "tags": ["a"]}),
        ("set_once", {"n": 1, "tags": ["a"]}),
        ("add", {"n": 1, "tags": ["a"]}),
        ("union", {"n": [1], "tags": ["a"]}),
        ("append", {"n": 1, "tags": ["a"]}),
        ("remove", {"n": 1, "tags": ["a"]}),
        ("unset", ["n", "tags"]),
        ("delete", ""),
    ],
)
def test_each_operation_takes_the_columns(operation: str, operand: object) -> None:
    row = {"distinct_id": "u", "n": 1, "tags": ["a"], "gone": None}
    assert updates([row], operation=operation) == [{"$distinct_id": "u", f"${operation}": operand}]


def test_a_row_of_a_group_has_its_id_and_the_encoder_its_key() -> None:
    mapper = mapper_of(Mapping(groups="company"))
    assert mapper.rows([{"group_id": 5, "seats": 2}]).events == [{"$group_id": "5", "$set": {"seats": 2}}]
    assert mapper.encoder_options() == {"group_key": "company"}


def test_a_record_without_the_column_of_the_id_is_a_problem() -> None:
    mapper = mapper_of(Mapping(profiles=True, distinct_id_column="uid"))
    mapped = mapper.rows([{"id": "u"}, 5, {"uid": "u"}])
    assert [(problem.record, problem.rule) for problem in mapped.problems] == [
        (0, "missing-column"),
        (1, "not-an-object"),
    ]
    assert (
        "there is no column 'uid', which distinct_id_column names; the columns are 'id'" in mapped.problems[0].message
    )
    assert list(mapped.records) == [2]


@needs_cel
def test_where_refers_to_the_members_of_a_record() -> None:
    records = [{"distinct_id": "u", "age": 3}, {"$distinct_id": "v", "$set": {"age": 30}}]
    assert mapper_of(Mapping(profiles=True, where="age == 3")).rows(records).records == [0]
    nested = mapper_of(Mapping(profiles=True, where="'$set' in record && record['$set'].age == 30"))
    assert nested.rows(records).records == [1]


def test_a_sample_has_the_same_users_for_rows_and_for_updates() -> None:
    ids = [f"user-{number}" for number in range(400)]
    flat = updates([{"distinct_id": id, "a": 1} for id in ids], sample=0.25)
    whole = updates([{"$distinct_id": id, "$set": {"a": 1}} for id in ids], sample=0.25)
    assert flat == whole
    assert 50 < len(flat) < 150


ROWS: list[dict[str, Any]] = [
    {"distinct_id": "u1", "plan": "pro", "age": 3},
    {"distinct_id": "u2", "plan": None, "age": 4},
    {"distinct_id": None, "plan": "free", "age": 5},
]


def write_csv(path: Path) -> None:
    lines = [",".join("" if value is None else str(value) for value in row.values()) for row in ROWS]
    path.write_text("\n".join(["distinct_id,plan,age", *lines]) + "\n")


def write_ndjson(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))


def write_parquet(path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(ROWS), path)


def encoded(path: Path, **fields: Any) -> tuple[list[Any], list[str]]:
    """Return the updates of a file, and the rules of those that can't be sent."""
    mapper = mapper_of(Mapping(**{"profiles": True} | fields))
    encoder = Encoder("engage", token="t", **mapper.encoder_options())
    [piece] = list(files.Files([str(path)], None))
    found = piece.encode(encoder, mapper)
    sent = [json.loads(text) for batch in found.encoded.batches for text in batch.events()]
    rules = [one.rule for one in found.encoded.rejected] + [problem.rule for problem in found.problems]
    return [{name: one[name] for name in one if name in ("$distinct_id", "$set")} for one in sent], rules


@pytest.mark.parametrize("write", [write_csv, write_ndjson, write_parquet])
def test_rows_of_each_format_become_the_same_updates(write: Any, tmp_path: Path) -> None:
    write(tmp_path / "a")
    found, rules = encoded(tmp_path / "a")
    assert found == [
        {"$distinct_id": "u1", "$set": {"plan": "pro", "age": 3}},
        {"$distinct_id": "u2", "$set": {"age": 4}},
    ]
    assert rules == ["distinct-id-missing"]


def test_columns_of_a_table_that_are_structs_are_updates(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    rows = [
        {"$distinct_id": "u1", "$set": {"plan": "pro", "age": None}, "$unset": None},
        {"$distinct_id": "u2", "$set": None, "$unset": ["plan"]},
    ]
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a")
    found, rules = encoded(tmp_path / "a")
    assert found == [{"$distinct_id": "u1", "$set": {"plan": "pro"}}, {"$distinct_id": "u2"}]
    assert rules == []


def test_a_null_of_an_update_of_the_api_is_sent(tmp_path: Path) -> None:
    """Also beside a flat record, for which the text is mapped and not passed as it is."""
    for more in ("", '{"distinct_id": "v", "a": 1}\n'):
        (tmp_path / "a").write_text('{"$distinct_id": "u", "$set": {"plan": null}}\n' + more)
        assert encoded(tmp_path / "a")[0][0] == {"$distinct_id": "u", "$set": {"plan": None}}
