"""Arrow tables: the mapping of columns to properties, and wrong arguments."""

from __future__ import annotations

from typing import Any

import polars
import pyarrow as pa
import pytest

from encoder.arrow_twin import NEEDED, compare, table_of, written
from mixpress import Encoder


def test_columns_are_named_and_keep_their_places() -> None:
    table = pa.table({"x": [1], "id": ["i"], "action": ["e"], "user": ["u"], "ts": [1_700_000_000]})
    columns = {"event": "action", "time": "ts", "distinct_id": "user", "$insert_id": "id"}
    ((body, _, _),) = compare(table, columns=columns).batches
    assert body == b'[{"event":"e","properties":{"x":1,"$insert_id":"i","distinct_id":"u","time":1700000000}}]'


def test_one_column_can_be_two_properties() -> None:
    table = pa.table({"event": ["e"], "time": [1_700_000_000], "user": ["u-1"]})
    (event,) = written(table, columns={"distinct_id": "user", "$insert_id": "user"})
    assert event["properties"] == {"time": 1_700_000_000, "distinct_id": "u-1", "$insert_id": "u-1"}


def test_a_constant_name_leaves_the_column_a_property() -> None:
    (event,) = written(table_of(), event="Signed Up")
    assert (event["event"], event["properties"]["event"]) == ("Signed Up", "e")
    (event,) = written(table_of(action=["a"]), columns={"event": "action"})
    assert (event["event"], event["properties"]["event"]) == ("a", "e")


def test_a_struct_column_can_hold_the_properties() -> None:
    properties = {name: value for name, value in NEEDED.items() if name != "event"}
    events = [{"event": "e", "properties": properties}, {"event": "e", "properties": None}]
    outcome = compare(pa.Table.from_pylist(events))
    assert outcome.batches[0][1] == [0]
    assert outcome.rejected == [(1, None, "properties", "properties-missing")]
    (event,) = written(pa.Table.from_pylist(events[:1]), columns={"time": "time"})
    assert event == events[0]
    (event,) = written(pa.table({"properties": [properties]}), event="constant")
    assert event["properties"] == properties
    (event,) = written(table_of(properties=[properties]))
    assert event["properties"]["properties"] == properties


@pytest.mark.parametrize(
    ("table", "named", "kind", "words"),
    [
        (table_of(), {"columns": {"tim": "x"}}, ValueError, ['"tim"', '"event", "time", "distinct_id", "$insert_id"']),
        (table_of(), {"columns": {"time": "ts"}}, ValueError, ['"time" is in "ts"', 'the columns are "event", "time"']),
        (table_of(), {"columns": {"event": "ts"}}, ValueError, ['"event" is in "ts"', "the columns are"]),
        (table_of(ts=[1]), {"columns": {"time": "ts"}}, ValueError, ['"time" and "ts"', 'as "time"', "rename or drop"]),
        (table_of(), {"event": "x", "columns": {"event": "event"}}, ValueError, ["both name the events"]),
        (table_of().drop_columns("event"), {}, ValueError, ['event="Signed Up"', 'columns={"event"', '"distinct_id"']),
        (pa.table({}), {}, ValueError, ["there are no columns"]),
        (table_of(**{f"c{at}": [1] for at in range(99)}), {"columns": {"time": "ts"}}, ValueError, ["and 63 more"]),
        (pa.table([[1], [2]], names=["a", "a"]), {"event": "e"}, ValueError, ['"a" and "a"']),
        (pa.table([["a"], ["b"]], names=["event", "event"]), {}, ValueError, ['two columns are named "event"']),
        (table_of(), {"event": 5}, TypeError, ["event must be text", "5"]),
        (table_of(), {"columns": 5}, TypeError, ["columns must be a dict", "5"]),
        (table_of(), {"columns": {"time": 5}}, TypeError, ["columns must be a dict", "{'time': 5}"]),
        ([{"event": "e"}], {}, TypeError, ["__arrow_c_stream__", "list", "encode()"]),
        (polars.DataFrame({"event": ["e"]}).lazy(), {}, TypeError, ["LazyFrame"]),
        (pa.chunked_array([[1]]), {}, TypeError, ["must be a table", "ChunkedArray", "Int64"]),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(table: Any, named: Any, kind: type[Exception], words: list[str]) -> None:
    with pytest.raises(kind) as raised:
        Encoder().encode_arrow(table, **named)
    assert all(word in str(raised.value) for word in words), str(raised.value)
