"""Columns are checked on the driver."""

from __future__ import annotations

from typing import Any

import pytest

from mixpress.cluster.columns import check_columns
from mixpress.cluster.job import WriteJob

FLAT = ["event", "time", "distinct_id"]
OF_API = {"event": None, "source": None, "properties": {"time": None, "distinct_id": None, "user": {"id": None}}}
NESTED = {"event": None, "time": None, "user": {"id": None, "plan": {"name": None}}, "tags": None}


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ({}, FLAT),
        ({}, ["event", "properties"]),
        ({}, ["event", "time", "$device_id"]),
        ({"event": "Order"}, ["time", "distinct_id"]),
        ({"event": "Order", "time_column": "at", "distinct_id_column": "user"}, ["at", "user"]),
        ({"distinct_id_column": "user.id"}, ["event", "time", "user"]),
        ({"insert_id_from": ["event", "n"]}, [*FLAT, "n"]),
        ({"insert_id_from": ["event", "n"], "event": "Order"}, [*FLAT[1:], "n"]),
        ({"set": {"distinct_id": "all"}}, ["event", "time"]),
        ({"source": "amplitude"}, ["anything"]),
        ({"profiles": True}, ["distinct_id", "plan"]),
        ({"profiles": True}, ["$distinct_id", "$set"]),
        ({"profiles": True, "retry_unsafe": True}, ["$distinct_id", "$add"]),
        ({"groups": "company"}, ["group_id"]),
        ({"drop": ["amount", "user.age"]}, [*FLAT, "amount", "user"]),
        ({"drop": ["amount"]}, ["event", "properties"]),
        ({"distinct_id_column": "user.id", "drop": ["user.plan.name", "tags.any"]}, NESTED),
        ({}, OF_API),
        ({"drop": ["user.id"], "rename": {"source": "from"}, "event_column": "event"}, OF_API),
        ({"insert_id_from": ["event", "time"]}, OF_API),
        ({"profiles": True}, {"distinct_id": None, "event": None, "properties": {"a": None}}),
    ],
)
def test_columns_that_can_be_written_pass(options: dict[str, Any], columns: Any) -> None:
    check_columns(WriteJob.of(**options), columns)


@pytest.mark.parametrize(
    ("options", "columns", "message"),
    [
        ({}, FLAT[1:], "there is no column 'event': name it with event_column="),
        ({}, FLAT[:2], "there is no column 'distinct_id': name it with distinct_id_column="),
        ({"identity": "original"}, ["event", "time", "$device_id"], "there is no column 'distinct_id'"),
        ({"event": "Order"}, ["distinct_id"], "there is no column 'time': name it with time_column="),
        ({"rename": {"a": "b"}}, FLAT, "there is no column 'a', which rename names; the columns are event, time"),
        ({"keep": ["a.b"]}, [*FLAT, "c"], "there is no column 'a.b', which keep names"),
        (
            {"drop": ["amuont"]},
            [*FLAT, "amount"],
            "there is no column 'amuont', which drop names; the columns are event",
        ),
        ({"distinct_id_column": "user.idd"}, NESTED, "there is no column 'user.idd', which distinct_id_column names"),
        (
            {"distinct_id_column": "user.id", "drop": ["user.plan.x"]},
            NESTED,
            "no column 'user.plan.x', which drop names",
        ),
        ({"time_column": "at"}, OF_API, "no column 'at', which time_column names; the columns are source, time, dist"),
        ({"rename": {"properties.user": "u"}}, OF_API, "there is no column 'properties.user', which rename names"),
        ({}, {"event": None, "properties": {"time": None}}, "there is no column 'distinct_id': name it with"),
        ({"insert_id_from": ["a"]}, FLAT, "there is no column 'a', which insert_id_from names"),
        ({"profiles": True}, ["id"], "there is no column 'distinct_id': name it with distinct_id_column="),
        ({"groups": "company"}, ["id"], "there is no column 'group_id': name it with group_id_column="),
        ({"profiles": True}, ["$distinct_id", "$add"], "the column '$add' counts twice when the engine repeats a task"),
        ({"event_column": "a"}, [], "the columns are none"),
        ({"event_column": "x"}, [f"c{n}" for n in range(30)], "c18, c19, ..."),
    ],
)
def test_a_table_that_cannot_be_written_is_refused(options: dict[str, Any], columns: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its message is compared below
        check_columns(WriteJob.of(**options), columns)
    assert message in str(caught.value)
