"""Streams: one report for each micro-batch, and a micro-batch that Spark repeats adds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from engines.spark.conftest import numbers
from mixpress.emulator import Emulator
from mixpress.spark import write

SCHEMA = "event string, time long, distinct_id string, number long"
Stream = Callable[..., None]


@pytest.fixture
def arrive(tmp_path: Path) -> Callable[[int], None]:
    """Put a file with ten orders, from this number on, where the stream reads; the first of them is bad."""
    (tmp_path / "in").mkdir()

    def put(start: int) -> None:
        orders = [
            {"event": "Order", "time": 1700000000 + n, "distinct_id": f"u-{n}" if n % 10 else "null", "number": n}
            for n in range(start, start + 10)
        ]
        Path(tmp_path, "in", f"{start}.json").write_text("\n".join(map(json.dumps, orders)))

    return put


@pytest.fixture
def run(registered: SparkSession, emulator: Emulator, tmp_path: Path) -> Stream:
    """Write the files that have arrived, one in a micro-batch, until none is left."""

    def start(**options: Any) -> None:
        files = registered.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).json(str(tmp_path / "in"))
        writer = files.repartition(2).writeStream.format("mixpress").option("checkpointLocation", str(tmp_path / "at"))
        places = {"report": str(tmp_path / "reports"), "dead_letter": str(tmp_path / "failed")}
        query = writer.options(base_url=emulator.url, **places, **options).trigger(availableNow=True).start()
        query.awaitTermination()

    return start


def reports(folder: Path) -> dict[str, tuple[bool, int, int]]:
    found = {path.name: json.loads(path.read_text()) for path in (folder / "reports").iterdir()}
    assert all(name == f"batch-{one['batch']:08d}.json" for name, one in found.items())
    return {name: (one["committed"], one["imported"], one["rejected"]) for name, one in sorted(found.items())}


def failed(folder: Path) -> dict[str, int]:
    paths = sorted((folder / "failed").iterdir())
    return {path.name: len(path.read_text().splitlines()) for path in paths}


def test_a_stream_has_a_report_for_each_micro_batch_also_after_a_restart(
    arrive: Callable[[int], None], run: Stream, emulator: Emulator, tmp_path: Path
) -> None:
    arrive(0)
    arrive(10)
    run()
    arrive(20)
    run()
    each = (True, 9, 1)
    assert reports(tmp_path) == {f"batch-0000000{batch}.json": each for batch in range(3)}
    assert numbers(emulator) == [number for number in range(30) if number % 10]


def test_a_micro_batch_that_is_repeated_adds_nothing_and_replaces_its_files(
    arrive: Callable[[int], None], run: Stream, emulator: Emulator, tmp_path: Path
) -> None:
    arrive(0)
    arrive(10)
    run()
    before, letters = reports(tmp_path), failed(tmp_path)
    assert sum(letters.values()) == 2
    for path in tmp_path.glob("at/commits/*1*"):
        path.unlink()
    [report] = tmp_path.glob("reports/*1.json")
    report.unlink()
    requests = len(emulator.requests())
    run()
    assert len(emulator.requests()) > requests
    assert emulator.count() == 18
    assert (reports(tmp_path), failed(tmp_path)) == (before, letters)


def test_a_micro_batch_that_fails_says_so_in_its_report_until_it_is_repeated(
    arrive: Callable[[int], None], run: Stream, emulator: Emulator, tmp_path: Path
) -> None:
    arrive(0)
    emulator.faults = "503"
    with pytest.raises(StreamingQueryException, match="batch 0, partition"):
        run(attempts=1)
    [found] = [json.loads(path.read_text()) for path in (tmp_path / "reports").iterdir()]
    assert (found["ok"], found["committed"], found["batch"], found["imported"]) == (False, False, 0, 0)
    emulator.faults = None
    run(attempts=1)
    assert reports(tmp_path) == {"batch-00000000.json": (True, 9, 1)}


def test_the_helper_refuses_a_stream(spark: SparkSession, emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="frame.writeStream.format"):
        write(spark.readStream.format("rate").load(), base_url=emulator.url)
