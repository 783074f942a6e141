"""A dataset is written by the tasks of Ray: each row is sent once, and the report has all of them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import ray.data

from cluster.rows import NOW, lines, numbers, orders
from mixpress.emulator import Emulator
from mixpress.ray import MixpressDatasink

ORDERS: dict[str, Any] = {"event": "Order", "time_column": "at", "distinct_id_column": "user"}


def sink_of(server: Emulator, **options: Any) -> MixpressDatasink:
    return MixpressDatasink(**{"base_url": server.url, "rate_limit": None} | ORDERS | options)


def dataset(*batches: pa.RecordBatch) -> ray.data.Dataset:
    """Return a dataset of one block, and so one task, for each batch."""
    return ray.data.from_arrow([pa.Table.from_batches([batch]) for batch in batches])


def properties(server: Emulator) -> list[dict[str, Any]]:
    """Return the properties of the events that a server has, by number."""
    return sorted((event["properties"] for event in server.events()), key=lambda found: found["n"])


def test_each_row_arrives_and_is_counted(emulator: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = sink_of(emulator, report=str(tmp_path / "report.json"))
    with caplog.at_level(logging.INFO, "mixpress"):
        dataset(orders(30), orders(40, start=30), orders(30, start=70)).write_datasink(sink)
    assert numbers(emulator) == list(range(100))
    assert sink.report is not None
    assert (sink.report.total, sink.report.imported) == (100, 100)
    assert "100 rows: 100 imported, 0 rejected, 0 refused, 0 undelivered" in caplog.messages
    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["ok"], written["committed"], written["tasks"]) == (True, True, 3)
    assert written["imported"] == 100


def test_small_blocks_are_written_together(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    sink = sink_of(emulator)
    dataset(*(orders(600, start=600 * n) for n in range(8))).write_datasink(sink)
    assert numbers(emulator) == list(range(4800))
    assert sink.report is not None
    assert sink.report.requests == 4


def test_a_second_write_adds_nothing(emulator: Emulator) -> None:
    sink = sink_of(emulator)
    for _ in range(2):
        dataset(orders(10), orders(10, start=10)).write_datasink(sink)
        assert sink.report is not None
        assert sink.report.imported == 20
    assert numbers(emulator) == list(range(20))


def test_blocks_of_pandas_are_written_without_their_index(emulator: Emulator) -> None:
    frame = orders(3, note=["a", None, "b"], score=[1.5, float("nan"), None]).to_pandas().set_index(pd.Index([7, 8, 9]))
    ray.data.from_pandas(frame).write_datasink(sink_of(emulator))
    found = properties(emulator)
    assert [one.get("note") for one in found] == ["a", None, "b"]
    assert [one.get("score") for one in found] == [1.5, None, None]
    assert {*found[0]} == {"time", "distinct_id", "$insert_id", "n", "note", "score"}


def test_nested_columns_and_tensors_are_lists_and_objects(emulator: Emulator) -> None:
    def add(batch: dict[str, Any]) -> dict[str, Any]:
        count = len(batch["n"])
        ragged = [np.arange(n + 1) for n in range(count)]
        return {**batch, "flat": np.ones((count, 3)), "square": np.ones((count, 2, 2), dtype=int), "ragged": ragged}

    more: dict[str, Any] = {"items": [[{"sku": "a", "count": 2}], []]}
    dataset(orders(2, **more)).map_batches(add).write_datasink(sink_of(emulator))
    first, second = properties(emulator)
    assert first["items"] == [{"sku": "a", "count": 2}]
    assert (first["flat"], first["square"]) == ([1.0, 1.0, 1.0], [[1, 1], [1, 1]])
    assert (first["ragged"], second["ragged"]) == ([0], [0, 1])


def test_updates_of_profiles_and_of_groups_are_written(emulator: Emulator) -> None:
    rows = dataset(*(orders(5, start=5 * n) for n in range(2)))
    rows.write_datasink(MixpressDatasink(base_url=emulator.url, profiles=True, distinct_id_column="user"))
    assert len(emulator.profiles()) == 10
    rows.write_datasink(MixpressDatasink(base_url=emulator.url, groups="account", group_id_column="user"))
    assert {group["group_key"] for group in emulator.groups()} == {"account"}
    assert len(emulator.groups()) == 10


def test_rejected_rows_are_in_the_dead_letter_of_their_task(emulator: Emulator, tmp_path: Path) -> None:
    bad = pa.RecordBatch.from_pydict({"at": [NOW, NOW], "user": ["u10", "anonymous"], "n": [10, 11]})
    sink = sink_of(emulator, dead_letter=str(tmp_path))
    dataset(orders(10), bad).write_datasink(sink)
    assert sink.report is not None
    assert (sink.report.imported, sink.report.rejected) == (11, 1)
    assert str(sink.report.failures[0].place) == "task 1: row 2"
    [file] = tmp_path.iterdir()
    assert file.name.startswith("part-00001-")
    assert [line["event"]["n"] for line in lines(file)] == [11]
    [again] = ray.data.read_json(str(tmp_path), file_extensions=["ndjson"]).take_all()
    assert (again["event"]["user"], again["row"]) == ("anonymous", 2)


@pytest.mark.parametrize(
    "empty",
    [
        lambda: ray.data.from_items([]),
        lambda: dataset(orders(0)),
        lambda: dataset(orders(3)).map_batches(lambda batch: {name: column[:0] for name, column in batch.items()}),
    ],
    ids=["no blocks", "a block", "a stage"],
)
def test_a_dataset_without_rows_has_an_empty_report(emulator: Emulator, empty: Any) -> None:
    sink = sink_of(emulator)
    empty().write_datasink(sink)
    assert sink.report is not None
    assert sink.report.total == 0


def test_a_name_that_no_column_has_fails_before_a_row_is_sent(emulator: Emulator) -> None:
    sink = sink_of(emulator, time_column="when")
    with pytest.raises(ValueError, match=r"no column 'when', which time_column names; the columns are at, user, n"):
        dataset(orders(3)).write_datasink(sink)
    assert emulator.requests() == []
    assert sink.report is None


@pytest.mark.parametrize(
    ("options", "name"),
    [({"drop": ["amuont"]}, "amuont"), ({"drop": ["item.skv"]}, "item.skv")],
    ids=["a column", "a field"],
)
def test_a_name_to_drop_that_no_column_has_fails_before_a_row_is_sent(
    emulator: Emulator, options: dict[str, Any], name: str
) -> None:
    rows = dataset(orders(3, item=[{"sku": "a"}] * 3))
    with pytest.raises(ValueError, match=f"there is no column '{name}', which drop names"):
        rows.write_datasink(sink_of(emulator, **options))
    assert emulator.requests() == []


def test_names_within_the_properties_of_events_are_checked_too(emulator: Emulator) -> None:
    rows = ray.data.from_items([{"event": "Order", "properties": {"time": NOW, "distinct_id": "u1", "n": 1}}])
    with pytest.raises(ValueError, match="there is no column 'at', which time_column names"):
        rows.write_datasink(MixpressDatasink(base_url=emulator.url, time_column="at"))
    assert emulator.requests() == []
    rows.write_datasink(MixpressDatasink(base_url=emulator.url))
    assert numbers(emulator) == [1]


def test_a_column_of_values_that_arrow_has_no_type_for_can_be_left_out(emulator: Emulator) -> None:
    mixed = [{"at": NOW, "user": "u1", "n": 1, "odd": 1}, {"at": NOW, "user": "u2", "n": 2, "odd": "x"}]
    rows = ray.data.from_pandas(pd.DataFrame(mixed))
    with pytest.raises(
        ValueError, match=r"the column 'odd' has values of different types.* leave the column out by drop="
    ):
        rows.write_datasink(sink_of(emulator))
    assert emulator.requests() == []
    rows.write_datasink(sink_of(emulator, drop=["odd"]))
    assert numbers(emulator) == [1, 2]


def test_a_report_that_cannot_be_written_is_an_error_after_the_rows(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sink = sink_of(emulator, report=str(tmp_path / "file" / "report.json"))
    with pytest.raises(OSError, match="the report can't be written to"):
        dataset(orders(3)).write_datasink(sink)
    assert sink.report is not None
    assert sink.report.imported == 3
