"""Arrow tables from any producer, in any number of record batches, and producers that fail."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest

from encoder.arrow_twin import NEEDED, compare, events_of, table_of, written
from encoder.twins import Outcome, outcome_of_core
from mixpress import Encoder


def test_every_kind_of_frame_gives_the_same_events() -> None:
    rows = [{**NEEDED, "$insert_id": f"i{row}", "a": [1, None], "b": {"c": "é" * 300}} for row in range(3)]
    table = pa.Table.from_pylist(rows)
    relation = duckdb.from_arrow(table)
    frames = [table, table.to_reader(), *table.to_batches(), polars.from_arrow(table), relation]
    expected = outcome_of_core(Encoder(compression=None).encode(events_of(table.to_batches())))
    assert len(expected.truncated) == 3
    for frame in frames:
        assert outcome_of_core(Encoder(compression=None).encode_arrow(frame)) == expected, type(frame)


def test_a_pandas_frame_is_encoded() -> None:
    frame = pandas.DataFrame(
        {
            "when": pandas.to_datetime([1_700_000_000_500, 1_700_000_001_000], unit="ms", utc=True),
            "user": pandas.array(["u", "v"], dtype="string"),
            "plan": pandas.Categorical(["pro", None]),
            "amount": [1.5, float("nan")],
        }
    )
    columns = {"time": "when", "distinct_id": "user"}
    encoded = Encoder(compression=None, insert_id="derive").encode_arrow(frame, event="Paid", columns=columns)
    first, second = json.loads(encoded.batches[0].body)
    assert list(first["properties"]) == ["time", "distinct_id", "plan", "amount", "$insert_id"]
    assert first["properties"]["time"] == 1_700_000_000_500
    assert list(second["properties"]) == ["time", "distinct_id", "$insert_id"]


class ArrayOnly:
    """A producer of Arrow data with one array and no stream."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        return self.array.__arrow_c_array__(requested_schema)


def test_an_array_of_structs_is_a_table() -> None:
    structs = pa.array([NEEDED, None, NEEDED])[1:]
    result = outcome_of_core(Encoder(compression=None).encode_arrow(ArrayOnly(structs)))
    assert result.batches[0][1] == [1]
    assert result.rejected == [(0, None, "", "event-not-object")]
    assert outcome_of_core(Encoder(compression=None).encode_arrow(pa.chunked_array([structs]))) == result


def test_indexes_count_across_record_batches() -> None:
    good, bad = table_of(1500), table_of(2, time=pa.array([None, None], pa.int64()))
    empty = good.slice(0, 0)
    outcome = compare(pa.concat_tables([empty, good, bad, empty, good, good]))
    assert [len(indexes) for _, indexes, _ in outcome.batches] == [2000, 2000, 500]
    assert [index for index, *_ in outcome.rejected] == [1500, 1501]
    assert outcome.batches[-1][1][-1] == 4501


@pytest.mark.parametrize("table", [table_of(0), table_of(3).slice(3), pa.Table.from_batches([], table_of().schema)])
def test_an_empty_table_gives_no_batch(table: pa.Table) -> None:
    assert compare(table) == Outcome([], [], [], [])


def test_a_slice_gives_only_its_rows() -> None:
    table = table_of(9, a=[[{"b": row}] * row for row in range(9)], c=pa.array(list("abcabcabc")).dictionary_encode())
    assert compare(table.slice(4, 3)).batches[0][0].count(b'{"b":5}') == 5


def reader_of(count: int, read: list[int], fail: bool = False) -> pa.RecordBatchReader:
    """Return a reader of record batches of 1500 rows, made as they are read; with `fail`, it raises at the end."""
    (batch,) = table_of(1500).to_batches()

    def pieces() -> Iterator[pa.RecordBatch]:
        for number in range(count):
            read.append(number)
            yield batch
        if fail:
            raise OSError("the disk is gone")

    return pa.RecordBatchReader.from_batches(batch.schema, pieces())


def test_no_more_is_read_than_a_batch_needs() -> None:
    read: list[int] = []
    batches = Encoder(compression=None).iter_batches(reader_of(100, read))
    assert (len(next(batches)), batches.total, read) == (2000, 2000, [0, 1])
    assert (len(next(batches)), batches.total, read) == (2000, 4000, [0, 1, 2])


def test_a_failing_producer_raises_after_the_rows_that_were_read() -> None:
    with pytest.raises(RuntimeError, match=r"failed after 1500 rows: .*the disk is gone"):
        Encoder().encode_arrow(reader_of(1, [], fail=True))
    batches = Encoder().iter_batches(reader_of(2, [], fail=True))
    assert [len(next(batches)), len(next(batches))] == [2000, 1000]
    with pytest.raises(RuntimeError, match=r"failed after 3000 rows: .*the disk is gone"):
        next(batches)
    assert list(batches) == []


def test_iter_batches_takes_the_same_arguments() -> None:
    table = table_of(2500, time=[None, 5] * 1250, ts=pa.array([1_700_000_000_000] * 2500, pa.timestamp("ms", "UTC")))
    rejected: list[Any] = []
    columns = {"time": "ts"}
    table = table.rename_columns({"time": "old"})
    batches = Encoder(compression=None).iter_batches(table, event="x", columns=columns, on_rejected=rejected.append)
    assert [batch.body for batch in batches] == [
        batch.body for batch in Encoder(compression=None).encode_arrow(table, event="x", columns=columns).batches
    ]
    assert rejected == []
    with pytest.raises(ValueError, match="no such column"):
        Encoder().iter_batches(table, columns={"time": "nowhere"})


def test_input_that_is_all_bad_is_reported_as_it_is_read() -> None:
    counts: list[int] = []
    read: list[int] = []
    reader = reader_of(4, read)
    batches = Encoder().iter_batches(
        reader, columns={"time": "event", "event": "time"}, on_rejected=lambda _: counts.append(len(read))
    )
    assert list(batches) == []
    assert (len(counts), counts[0]) == (6000, 1)


def test_a_table_is_released() -> None:
    table = table_of(5000, a=list(range(5000)))
    held = pa.total_allocated_bytes()
    for _ in range(3):
        Encoder().encode_arrow(table)
        Encoder().iter_batches(table.combine_chunks())
        next(Encoder().iter_batches(table.cast(pa.schema([("event", "large_string"), *list(table.schema)[1:]]))))
        with pytest.raises(ValueError, match="no such column"):
            Encoder().encode_arrow(table.slice(1), columns={"time": "nowhere"})
    assert pa.total_allocated_bytes() == held


def test_threads_can_share_an_encoder() -> None:
    table = table_of(3000, a=[[row, str(row)] for row in map(str, range(3000))])
    encoder = Encoder()
    expected = [batch.body for batch in Encoder().encode_arrow(table).batches]
    assert len(expected) == 2
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: encoder.encode_arrow(table), range(32)))
    assert [[batch.body for batch in result.batches] for result in results] == [expected] * 32


def run(code: str) -> str:
    """Run code in another process, as it may hang or crash, and return its output."""
    return subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True, check=True).stdout


def test_the_gil_is_released_while_rows_are_read() -> None:
    """The producer runs Python code in another thread once encoding has started, and would wait for the GIL forever."""
    code = """if True:
        import io, threading
        from pyarrow import csv
        from mixpress import Encoder

        begun = threading.Event()

        class Blocks(io.RawIOBase):
            count = 0

            def readable(self):
                return True

            def read(self, size=-1):
                self.count += 1
                if self.count > 3:
                    begun.wait()
                header = b"event,time,distinct_id,$insert_id\\n" if self.count == 1 else b""
                return header + b"e,1700000000,u,i\\n" * 4 if self.count < 6 else b""

        def now():
            begun.set()
            return 1700000000.0

        reader = csv.open_csv(Blocks(), csv.ReadOptions(block_size=100))
        print(Encoder(now=now).encode_arrow(reader).batches[0].count)
    """
    assert run(code) == "20\n"


@pytest.mark.parametrize("nest", ["pa.list_(kind)", "pa.struct({'a': kind})", "pa.map_(pa.string(), kind)"])
def test_no_nesting_overflows_the_stack(nest: str) -> None:
    """2000 levels are about as deep as pyarrow supports."""
    code = f"""if True:
        import pyarrow as pa
        from mixpress import Encoder
        kind = pa.int8()
        for _ in range(2000):
            kind = {nest}
        try:
            Encoder().encode_arrow(pa.table({{"event": ["e"], "a": pa.nulls(1, kind)}}))
        except ValueError as error:
            print(error)
    """
    assert run(code) == "a column's type has more than 200 levels: flatten it, or drop it\n"


def test_a_pandas_index_is_a_property() -> None:
    frame = table_of(3).to_pandas()
    assert "__index_level_0__" in written(frame.iloc[[2, 0, 1]])[0]["properties"]
    assert "__index_level_0__" not in written(frame.iloc[[2, 0, 1]].reset_index(drop=True))[0]["properties"]
