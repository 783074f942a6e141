"""Record batches of orders, and tasks that write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from mixpress.cluster.job import WriteJob
from mixpress.cluster.report_sum import TaskReport
from mixpress.cluster.task import Task, run_task
from mixpress.emulator import Emulator

TASK = Task("partition 3", "part-00003.ndjson")
NOW = 1_700_000_000


def orders(count: int, start: int = 0, **more: Any) -> pa.RecordBatch:
    """Return rows with a number each; `more` are columns beside."""
    numbers = range(start, start + count)
    columns = {"at": [NOW + n for n in numbers], "user": [f"u{n}" for n in numbers], "n": list(numbers)}
    return pa.RecordBatch.from_pydict(columns | more)


def job(server: Emulator, **options: Any) -> WriteJob:
    """Return a job that writes orders, each request once."""
    mapping = {"event": "Order", "time_column": "at", "distinct_id_column": "user"}
    once: dict[str, Any] = {"base_url": server.url, "attempts": 1, "rate_limit": None}
    return WriteJob.of(**once | mapping | options)


def write(server: Emulator, batches: Iterable[pa.RecordBatch], **options: Any) -> TaskReport:
    """Write record batches as one task."""
    return run_task(job(server, **options), TASK, batches)


def numbers(server: Emulator) -> list[int]:
    """Return the numbers of the events that a server has, in order."""
    return sorted(event["properties"]["n"] for event in server.events())


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a dead letter."""
    return [json.loads(line) for line in path.read_text().splitlines()]
