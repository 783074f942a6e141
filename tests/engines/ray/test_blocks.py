"""Blocks of a task may have different schemas, and types that Arrow alone has not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ray.data.block import BlockAccessor
from ray.data.extensions import TensorArray

from cluster.rows import NOW, numbers, orders
from engines.ray.test_write import sink_of
from mixpress.emulator import Emulator
from mixpress.files.mapping import Mapping
from mixpress.ray.blocks import record_batches


def values(column: Any) -> list[Any]:
    """Return the values of the column `x` of a block, as they are sent."""
    block = column if isinstance(column, pd.DataFrame) else BlockAccessor.batch_to_block({"x": column})
    return [row["x"] for batch in record_batches([block], Mapping()) for row in batch.to_pylist()]


def test_blocks_of_different_columns_and_kinds_are_one_task(emulator: Emulator) -> None:
    blocks = [
        pa.Table.from_batches([orders(2)]),
        pd.DataFrame({"at": [NOW], "user": ["u2"], "n": [2], "city": ["Oslo"]}),
        pa.Table.from_batches([orders(0)]),
        pa.table({"at": ["2024-01-01"], "user": ["u3"], "n": [3]}),
    ]
    done = sink_of(emulator).write(blocks, SimpleNamespace(task_idx=0))
    assert (done.task, done.report.imported) == ("task 0", 4)
    assert numbers(emulator) == [0, 1, 2, 3]


def test_a_task_checks_the_columns_if_the_driver_could_not(emulator: Emulator) -> None:
    sink = sink_of(emulator, time_column="when")
    sink.on_write_start()
    with pytest.raises(ValueError, match="no column 'when', which time_column names"):
        sink.write([pa.Table.from_batches([orders(2)])], SimpleNamespace(task_idx=0))
    assert emulator.requests() == []


TENSORS: dict[str, tuple[Any, list[Any]]] = {
    "vectors": (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
    "matrices": (np.arange(8).reshape(2, 2, 2), [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]),
    "vectors of different lengths": ([np.arange(1), np.arange(3)], [[0], [0, 1, 2]]),
    "matrices of different sizes": ([np.ones((1, 2)), np.ones((2, 1))], [[[1.0, 1.0]], [[1.0], [1.0]]]),
    "tensors of pandas": (pd.DataFrame({"x": TensorArray(np.arange(4).reshape(2, 2))}), [[0, 1], [2, 3]]),
    "lists of dicts": (
        np.array([np.array([{"a": np.arange(2)}], dtype=object), np.array([], dtype=object), None], dtype=object),
        [[{"a": [0, 1]}], [], None],
    ),
}


@pytest.mark.parametrize(("column", "expected"), TENSORS.values(), ids=TENSORS)
def test_tensors_and_objects_are_lists(column: Any, expected: list[Any]) -> None:
    assert values(column) == expected


def test_tensors_of_arrow_are_lists() -> None:
    vectors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(6).reshape(2, 3))
    matrices = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(8).reshape(2, 2, 2))
    [batch] = record_batches([pa.table({"x": vectors, "y": matrices})], Mapping())
    assert batch.to_pylist() == [
        {"x": [0, 1, 2], "y": [[0, 1], [2, 3]]},
        {"x": [3, 4, 5], "y": [[4, 5], [6, 7]]},
    ]


@pytest.mark.parametrize("kept", [Mapping(drop=["x"]), Mapping(keep=["y"])], ids=["drop", "keep"])
def test_objects_that_are_not_sent_are_left_out(kept: Mapping) -> None:
    block = BlockAccessor.batch_to_block({"x": np.array([object()]), "y": np.array([1])})
    with pytest.raises(ValueError, match="the column 'x' has values of different types"):
        list(record_batches([block], Mapping()))
    assert [batch.to_pylist() for batch in record_batches([block], kept)] == [[{"y": 1}]]
