"""Arrow data that lies about itself is an ordinary error that names the column."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import polars
import pyarrow as pa
import pytest

from encoder.arrow_twin import table_of, written
from mixpress import Encoder


@pytest.mark.parametrize(
    "kind",
    [
        pa.int64(),
        pa.list_(pa.field(b"\xff", pa.int64())),
        pa.struct([pa.field(b"a\xff", pa.string())]),
        pa.map_(pa.string(), pa.struct([pa.field(b"\xff", pa.int8())])),
    ],
)
def test_a_name_that_is_not_utf_8_is_an_error(kind: Any) -> None:
    name = b"\xff" if kind == pa.int64() else b"a"
    reader = pa.RecordBatchReader.from_batches(pa.schema([pa.field(name, kind)]), [])
    with pytest.raises(ValueError, match=r"name is not UTF-8: .*; rename the column"):
        Encoder().encode_arrow(reader, event="e")


def buffer_of(*numbers: int, of: Any = np.int32) -> pa.Buffer:
    return pa.py_buffer(np.array(numbers, of).tobytes())


def lists(*offsets: int) -> pa.Array:
    child = pa.array([1, 2], pa.int8())
    return pa.Array.from_buffers(pa.list_(pa.int8()), len(offsets) - 1, [None, buffer_of(*offsets)], children=[child])


def texts(*offsets: int) -> pa.Array:
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None, buffer_of(*offsets), pa.py_buffer(b"x" * 2000)])


def code(number: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0, number], pa.int8()), pa.array(["a"]), safe=False)


WRONG: dict[str, Callable[[], pa.Array]] = {
    "a code of a dictionary": lambda: code(9),
    "a negative code": lambda: code(-1),
    "a code of an empty dictionary": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 1], pa.int8()), pa.array([], pa.string()), safe=False
    ),
    "offsets of lists": lambda: lists(0, 900, 2),
    "descending offsets of texts": lambda: texts(0, 900, 2),
    "negative offsets": lambda: texts(0, -5, 2),
    "a negative last offset": lambda: texts(0, 1, -2),
    "a code in a list": lambda: pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), code(9)),
    "a code in a struct": lambda: pa.StructArray.from_arrays([code(9)], ["a"]),
    "offsets in a list of lists": lambda: pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), lists(0, 900, 2)),
    "run ends": lambda: pa.Array.from_buffers(
        pa.run_end_encoded(pa.int32(), pa.int8()),
        2,
        [None],
        children=[pa.Array.from_buffers(pa.int32(), 2, [None, buffer_of(5, 2)]), pa.array([1, 2], pa.int8())],
    ),
    "few children of a struct": lambda: pa.Array.from_buffers(
        pa.struct({"a": pa.int8()}), 2, [None], children=[pa.array([1], pa.int8())]
    ),
    "views of lists": lambda: pa.Array.from_buffers(
        pa.list_view(pa.int8()), 2, [None, buffer_of(0, 900), buffer_of(1, 1)], children=[pa.array([1], pa.int8())]
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_data_is_an_error_that_names_the_column(name: str) -> None:
    try:
        table = table_of(2, liar=WRONG[name]())
    except pa.ArrowInvalid as error:
        pytest.skip(f"this pyarrow refuses to make it: {error}")
    encoder = Encoder(compression=None)
    with pytest.raises(RuntimeError, match='column "liar" is not valid Arrow data'):
        encoder.encode_arrow(table)
    with pytest.raises(RuntimeError, match='column "liar" is not valid Arrow data'):
        encoder.encode_arrow(ArrayOnly(table))
    batches = encoder.iter_batches(table)
    with pytest.raises(RuntimeError, match=r'failed after 0 rows: .*column "liar" is not valid Arrow data'):
        next(batches)
    assert list(batches) == []
    assert len(encoder.encode_arrow(table_of(2)).batches[0]) == 2


class ArrayOnly:
    """A producer with one record batch and no stream."""

    def __init__(self, table: pa.Table) -> None:
        self.batch = pa.RecordBatch.from_arrays([column.chunk(0) for column in table.columns], table.column_names)

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        return self.batch.__arrow_c_array__(requested_schema)


def test_batches_before_a_wrong_one_are_returned() -> None:
    good, bad = table_of(2, x=code(0)), table_of(2, x=code(9))
    batches = Encoder(compression=None).iter_batches(pa.concat_tables([good, bad]))
    assert len(next(batches)) == 2
    with pytest.raises(RuntimeError, match="failed after 2 rows"):
        next(batches)
    assert list(batches) == []


def test_a_code_at_a_null_row_is_not_read() -> None:
    codes = pa.Array.from_buffers(pa.int8(), 2, [pa.py_buffer(b"\x01"), buffer_of(0, 9, of=np.int8)])
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["a"]), safe=False)
    assert [event["properties"].get("x") for event in written(table_of(2, x=column))] == ["a", None]


def test_texts_that_are_not_utf_8_are_still_repaired() -> None:
    text = pa.Array.from_buffers(pa.string(), 1, [None, buffer_of(0, 2), pa.py_buffer(b"a\xff")])
    assert written(table_of(1, x=text))[0]["properties"]["x"] == "a\ufffd"


def test_a_polars_column_of_nulls_is_left_out() -> None:
    frame = polars.DataFrame(
        {
            "event": ["e", "e"],
            "time": [1700000000] * 2,
            "distinct_id": ["u"] * 2,
            "$insert_id": ["i", "j"],
            "none": [None, None],
            "lists": [[None], []],
            "structs": [{"a": None, "b": 1}, {"a": None, "b": 2}],
            "deep": [[{"a": [None]}], None],
        }
    )
    assert frame.schema["none"] == polars.Null
    for given in (frame, frame.lazy().collect(), frame[1:], pa.table(frame)):
        first, *_ = json.loads(Encoder(compression=None).encode_arrow(given).batches[0].body)
        assert "none" not in first["properties"]
        assert first["properties"]["structs"] in ({"b": 1}, {"b": 2})
    events = json.loads(Encoder(compression=None).encode_arrow(frame).batches[0].body)
    assert [event["properties"]["lists"] for event in events] == [[None], []]
    assert events[0]["properties"]["deep"] == [{"a": [None]}]


@pytest.mark.parametrize(
    "kind", [polars.Int128, polars.List(polars.Int128), polars.Struct({"a": polars.Int128})], ids=str
)
def test_a_type_that_is_not_arrows_is_an_error_with_the_column_and_the_remedy(kind: Any) -> None:
    frame = polars.DataFrame({"event": ["e"], "time": [1700000000]}).with_columns(x=polars.lit(None, dtype=kind))
    said = r'^the Arrow source failed after 0 rows: the column "x" has values of the type "_pli128", .* cast the column'
    with pytest.raises(RuntimeError, match=said):
        Encoder().encode_arrow(frame)
