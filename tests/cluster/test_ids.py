"""Rows that have ids are encoded without deriving any, and the events are the same."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from cluster.rows import NOW, TASK
from mixpress.cluster.job import WriteJob
from mixpress.cluster.task_input import TaskInput, has_ids
from mixpress.files.mapper import mapper_of

COMPLETE: dict[str, Any] = {
    "texts": ["a", "b"],
    "large texts": pa.array(["a", "b"], pa.large_string()),
    "numbers": [1, 2],
    "an empty text": ["a", ""],
    "an invalid text": ["a", "x" * 100],
}
OTHERS: dict[str, Any] = {
    "a null": ["a", None],
    "floats": [1.5, float("nan")],
    "a dictionary": pa.array(["a", "b"]).dictionary_encode(),
    "no type": pa.nulls(2),
    "booleans": [True, False],
}


def batch(ids: Any) -> pa.RecordBatch:
    columns = {"event": ["A", "B"], "time": [NOW, NOW], "distinct_id": ["u", "v"], "$insert_id": ids}
    return pa.RecordBatch.from_pydict(columns)


def encoded(rows: pa.RecordBatch, **options: Any) -> tuple[list[bytes], list[Any]]:
    """Return the bodies and what was rejected, as a task encodes them; its client's encoder derives ids."""
    job = WriteJob.of(**options)
    [piece] = TaskInput([rows], TASK.name, job.encoder_of_rows_with_ids())
    found = piece.encode(job._encoder(None), mapper_of(job.mapping)).encoded
    return [one.body for one in found.batches], [(one.index, one.rule) for one in found.rejected]


def derived(rows: pa.RecordBatch, **options: Any) -> tuple[list[bytes], list[Any]]:
    """Return the same, if ids are derived wherever there is none."""
    job = WriteJob.of(**options)
    [piece] = TaskInput([rows], TASK.name, None)
    found = piece.encode(job._encoder(None), mapper_of(job.mapping)).encoded
    return [one.body for one in found.batches], [(one.index, one.rule) for one in found.rejected]


@pytest.mark.parametrize("ids", [*COMPLETE.values(), *OTHERS.values()], ids=[*COMPLETE, *OTHERS])
def test_the_events_are_those_of_an_encoder_that_derives_ids(ids: Any) -> None:
    assert encoded(batch(ids)) == derived(batch(ids))


@pytest.mark.parametrize("ids", COMPLETE.values(), ids=COMPLETE)
def test_nothing_is_derived_where_each_row_has_an_id(ids: Any) -> None:
    assert has_ids(batch(ids), WriteJob.of().mapping)


@pytest.mark.parametrize("ids", OTHERS.values(), ids=OTHERS)
def test_ids_are_derived_where_a_row_may_have_none(ids: Any) -> None:
    assert not has_ids(batch(ids), WriteJob.of().mapping)


@pytest.mark.parametrize(
    "options",
    [
        {"drop": ["$insert_id"]},
        {"rename": {"$insert_id": "id"}},
        {"insert_id_column": "event"},
        {"insert_id_from": ["time"]},
    ],
    ids=str,
)
def test_the_mapping_says_which_column_has_the_ids(options: dict[str, Any]) -> None:
    rows = batch(["a", "b"])
    assert encoded(rows, **options) == derived(rows, **options)


def test_events_of_the_api_have_their_ids_within() -> None:
    properties = [{"time": NOW, "distinct_id": "u", "$insert_id": None}] * 2
    rows = pa.RecordBatch.from_pydict({"event": ["A", "B"], "properties": properties, "$insert_id": ["a", "b"]})
    assert not has_ids(rows, WriteJob.of().mapping)


@pytest.mark.parametrize("options", [{"endpoint": "track"}, {"profiles": True}], ids=str)
def test_track_and_updates_have_one_encoder(options: dict[str, Any]) -> None:
    assert WriteJob.of(**options).encoder_of_rows_with_ids() is None
