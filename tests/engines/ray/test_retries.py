"""Tasks that fail and are repeated add nothing; a write that fails says what is known."""

from __future__ import annotations

import json
import logging
import os
import signal
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import ray

from cluster.rows import numbers, orders
from engines.ray.test_write import ORDERS, dataset, sink_of
from mixpress.cluster.report_sum import TaskReport
from mixpress.emulator import Emulator
from mixpress.errors import TaskUndelivered
from mixpress.ray import MixpressDatasink

TWICE = {"max_retries": 2, "retry_exceptions": [TaskUndelivered]}


def noting_pid(folder: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a stage that leaves a file for each process that ran it."""

    def note(batch: dict[str, Any]) -> dict[str, Any]:
        (folder / str(os.getpid())).touch()
        return batch

    return note


class NotingSink(MixpressDatasink):
    """Leaves a file for each attempt in the folder of the dead letter."""

    def write(self, blocks: Iterable[Any], ctx: Any) -> TaskReport:
        Path(str(self._job.dead_letter), f"attempt-{uuid.uuid4().hex}").touch()
        return super().write(blocks, ctx)


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


def fail(row: dict[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError("in a stage.\nMore of it")


def fail_again(row: dict[str, Any]) -> dict[str, Any]:
    try:
        return fail(row)
    except ZeroDivisionError as error:
        raise LookupError("no price") from error


def fail_by_assertion(row: dict[str, Any]) -> dict[str, Any]:
    raise AssertionError


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (fail, "a stage raised ZeroDivisionError: in a stage"),
        (fail_again, "a stage raised LookupError: no price"),
        (fail_by_assertion, "a stage raised AssertionError"),
    ],
)
def test_another_stage_that_fails_is_raised_as_ray_raises_it_and_named(
    emulator: Emulator, caplog: pytest.LogCaptureFixture, tmp_path: Path, stage: Any, said: str
) -> None:
    sink = sink_of(emulator, report=str(tmp_path / "report.json"))
    with caplog.at_level(logging.ERROR, "mixpress"), pytest.raises(ray.exceptions.RayTaskError):
        dataset(orders(3)).map(stage).write_datasink(sink)
    [message] = [record.getMessage() for record in caplog.records if record.name == "mixpress"]
    assert message.startswith(f"the write failed: {said}. Other tasks may have sent their rows. Write all rows again: ")
    assert json.loads((tmp_path / "report.json").read_text())["error"] == said
    assert sink.report is None


def test_a_write_that_fails_before_its_tasks_says_that_no_row_was_sent(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    sink = sink_of(emulator, drop=["x"])
    dataset(orders(3, x=[1, 2, 3])).write_datasink(sink)
    with caplog.at_level(logging.ERROR, "mixpress"), pytest.raises(ValueError, match="there is no column 'x'"):
        dataset(orders(3)).write_datasink(sink)
    [message] = [record.getMessage() for record in caplog.records if record.name == "mixpress"]
    assert message.startswith("the write failed: there is no column 'x', which drop names; ")
    assert message.endswith(". No row was sent")
    assert sink.report is None


def test_a_task_that_finds_no_server_is_repeated_if_ray_may(tmp_path: Path) -> None:
    with Emulator() as server:
        url = server.url
    sink = NotingSink(**ORDERS, base_url=url, rate_limit=None, attempts=1, dead_letter=tmp_path)
    with pytest.raises(TaskUndelivered, match="refused"):
        dataset(orders(3)).write_datasink(sink, ray_remote_args=TWICE)
    assert len(list(tmp_path.iterdir())) == 3
