"""Tasks that fail and are repeated add nothing; a write that fails says what is known."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import ray

from cluster.rows import numbers, orders
from engines.ray.test_write import dataset, sink_of
from mixpress.emulator import Emulator
from mixpress.errors import TaskUndelivered

TWICE = {"max_retries": 2, "retry_exceptions": [TaskUndelivered]}


def noting_pid(folder: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a stage that leaves a file for each process that ran it."""

    def note(batch: dict[str, Any]) -> dict[str, Any]:
        (folder / str(os.getpid())).touch()
        return batch

    return note


def test_a_worker_that_is_killed_while_it_writes_is_replaced_and_adds_nothing(tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(request: object) -> None:
        """Kill the workers when the first request is there, and take it: they get no reply."""
        if not killed:
            killed.extend(int(path.name) for path in tmp_path.iterdir())
            for pid in killed:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    with Emulator(before=kill) as server:
        sink = sink_of(server)
        dataset(orders(3000), orders(3000, start=3000)).map_batches(noting_pid(tmp_path)).write_datasink(sink)
        assert numbers(server) == list(range(6000))
        assert len(server.requests()) > 4
    assert killed
    assert sink.report is not None
    assert sink.report.imported == 6000


def test_rows_without_an_answer_fail_the_write(
    emulator: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.fail_next("500")
    sink = sink_of(emulator, attempts=1, report=str(tmp_path / "report.json"), dead_letter=str(tmp_path / "failed"))
    with caplog.at_level(logging.ERROR, "mixpress"), pytest.raises(TaskUndelivered, match="3 undelivered") as caught:
        dataset(orders(3)).write_datasink(sink)
    assert caught.value.cause.report.undelivered == 3  # type: ignore[attr-defined] # Ray adds it
    assert sink.report is None
    [said] = [record.getMessage() for record in caplog.records if record.name == "mixpress"]
    assert said.startswith("the write failed: task 0: 3 rows: 0 imported, 0 rejected, 0 refused, 3 undelivered; ")
    assert "Write all rows again" in said
    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["ok"], written["committed"]) == (False, False)
    assert "3 undelivered" in written["error"]
    assert list((tmp_path / "failed").iterdir()) == []


def test_a_task_without_an_answer_is_repeated_if_ray_may(emulator: Emulator, tmp_path: Path) -> None:
    emulator.fail_next("drop-reply", 2)
    sink = sink_of(emulator, attempts=1, dead_letter=str(tmp_path))
    bad = orders(1, start=5000, user=["anonymous"])
    dataset(orders(3000), bad).write_datasink(sink, ray_remote_args=TWICE)
    assert numbers(emulator) == list(range(3000))
    assert sink.report is not None
    assert (sink.report.total, sink.report.imported, sink.report.rejected) == (3001, 3000, 1)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_task_without_an_answer_is_repeated_in_its_process_if_ray_data_may(emulator: Emulator) -> None:
    emulator.fail_next("drop-reply")
    sink, rows = sink_of(emulator, attempts=1), dataset(orders(30))
    rows.context.retried_map_errors, rows.context.max_map_retries = ["TaskUndelivered"], 1
    rows.write_datasink(sink)
    assert numbers(emulator) == list(range(30))
    assert sink.report is not None
    assert sink.report.imported == 30


def test_another_stage_that_fails_is_raised_as_ray_raises_it(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(batch: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError("in a stage")

    sink = sink_of(emulator)
    with caplog.at_level(logging.ERROR, "mixpress"), pytest.raises(ray.exceptions.RayTaskError):
        dataset(orders(3)).map_batches(fail).write_datasink(sink)
    assert any(message.startswith("the write failed: ") for message in caplog.messages)
    assert sink.report is None
