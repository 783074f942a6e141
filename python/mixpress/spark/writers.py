"""The writers of batches and streams. Spark pickles them: `write` runs in the tasks, the rest beside the driver."""

from __future__ import annotations

import pickle
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mixpress.cluster.report_file import write_report
from mixpress.cluster.task import Task, run_task
from mixpress.spark.engine import (
    DataSourceArrowWriter,
    DataSourceStreamArrowWriter,
    WriterCommitMessage,
    local_property,
    partition_id,
)
from mixpress.spark.outcome import Outcome, say, say_report_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow

    from mixpress.cluster.job import WriteJob
    from mixpress.cluster.report_sum import TaskReport

BATCH_ID = "streaming.sql.batchId"
QUERY_ID = "sql.streaming.queryId"
"""Properties of the tasks of a stream, of `MicroBatchExecution` and `StreamExecution` in Spark."""


@dataclass
class TaskMessage(WriterCommitMessage):  # type: ignore[misc] # PySpark is an extra
    """What a task tells the driver. A task that failed has none."""

    report: TaskReport


Messages: TypeAlias = "Sequence[TaskMessage | None]"


class BatchWriter(DataSourceArrowWriter):  # type: ignore[misc] # as above
    """Writes one DataFrame. `write_id` tells its files in the dead letter from those of other writes."""

    def __init__(self, job: WriteJob, write_id: str, started: float, outcome_file: str | None) -> None:
        self._job = job
        self._write_id = write_id
        self._started = started
        self._outcome_file = outcome_file

    def write(self, iterator: Iterator[pyarrow.RecordBatch]) -> TaskMessage:
        """Write the rows of one partition, and return when each has its verdict."""
        number = partition_id()
        task = Task(f"partition {number}", f"part-{number:05d}-{self._write_id}.ndjson")
        return TaskMessage(run_task(self._job, task, iterator))

    def commit(self, messages: Messages) -> None:
        """Sum the tasks up, and write the report."""
        self._end(messages, committed=True)

    def abort(self, messages: Messages) -> None:
        """Say what the tasks that ended had sent, and write the report."""
        self._end(messages, committed=False)

    def _end(self, messages: Messages, *, committed: bool) -> None:
        outcome = outcome_of(messages, committed=committed, elapsed=time.time() - self._started)
        say(outcome)
        outcome = with_file(outcome, self._job.report)
        if self._outcome_file is None:
            say_report_error(outcome)
        else:  # `write` says it, in the program's own log
            with suppress(OSError):  # its folder is on another machine
                Path(self._outcome_file).write_bytes(pickle.dumps(outcome))


class StreamWriter(DataSourceStreamArrowWriter):  # type: ignore[misc] # as above
    """Writes the micro-batches of a stream."""

    def __init__(self, job: WriteJob) -> None:
        self._job = job

    def write(self, iterator: Iterator[pyarrow.RecordBatch]) -> TaskMessage:
        """Write the rows of one partition of a micro-batch, and return when each has its verdict."""
        batch, number, query = int(local_property(BATCH_ID)), partition_id(), local_property(QUERY_ID)
        file = f"batch-{batch:08d}-part-{number:05d}-{query[:8]}.ndjson"
        return TaskMessage(run_task(self._job, Task(f"batch {batch}, partition {number}", file), iterator))

    def commit(self, messages: Messages, batchId: int) -> None:  # noqa: N803 - Spark's name
        """Sum the tasks of a micro-batch up, and write its report."""
        self._end(messages, batchId, committed=True)

    def abort(self, messages: Messages, batchId: int) -> None:  # noqa: N803 - as above
        """Say what the tasks of a micro-batch that ended had sent, and write its report."""
        self._end(messages, batchId, committed=False)

    def _end(self, messages: Messages, batch: int, *, committed: bool) -> None:
        outcome = outcome_of(messages, committed=committed, batch=batch)
        say(outcome)
        folder = self._job.report
        say_report_error(with_file(outcome, folder and f"{folder.rstrip('/')}/batch-{batch:08d}.json"))


def with_file(outcome: Outcome, path: str | None) -> Outcome:
    """Write the report of an outcome, if it has a file, and return the outcome, with the reason if that failed.

    An error here would make Spark abort a write whose rows have all arrived.
    """
    try:
        if path is not None:
            write_report(path, outcome.members())
    except OSError as error:
        return replace(outcome, report_error=str(error))
    return outcome


def outcome_of(
    messages: Messages, *, committed: bool, elapsed: float | None = None, batch: int | None = None
) -> Outcome:
    """Return the outcome of a write. Spark has no start of a micro-batch: it took as long as its longest task."""
    return Outcome.of([message and message.report for message in messages], committed, elapsed, batch)
