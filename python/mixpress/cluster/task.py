"""Carry out one task of a job: write the record batches that an engine gives to it, and wait for their verdicts."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from mixpress.client.file_import import import_pieces
from mixpress.client.file_options import FileOptions
from mixpress.cluster.dead_letters import TaskDeadLetter
from mixpress.cluster.report_sum import TaskReport, sentence
from mixpress.errors import TaskUndelivered, TransportError
from mixpress.files.table_input import BatchInput
from mixpress.report.builder import ReportBuilder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow

    from mixpress.cluster.job import WriteJob
    from mixpress.report.report import Report


class Task(NamedTuple):
    """A part of a job, by the names that each of its attempts has."""

    name: str
    """As people read it, such as `partition 3`."""
    file: str
    """The name of its file in the dead letter."""


def run_task(job: WriteJob, task: Task, batches: Iterable[pyarrow.RecordBatch]) -> TaskReport:
    """Write record batches, whose schemas may differ, and return when each row has its verdict.

    Raises what the engine raised while it gave the batches, what `Client.import_table` raises, `TaskUndelivered` if
    rows have no answer, and `DeadLetterError`: the engine may then repeat the task, which adds nothing. A
    `TransportError` is raised only if a retry can't help: it is `TaskUndelivered` otherwise. Without rows it needs no
    credentials.
    """
    rows = _Rows(batches)
    if rows.is_empty:
        return TaskReport(task.name, ReportBuilder("events").report(elapsed=0.0))
    opened = nullcontext() if job.dead_letter is None else TaskDeadLetter(job.dead_letter, task.file)
    with opened as letter:
        report = _write(job, task, rows, None if letter is None else letter.path)
        if report.undelivered:
            reason = next((one.message for one in report.failures if one.kind == "undelivered"), "no answer came")
            raise _undelivered(task, report, reason)
        if letter is not None:
            letter.publish()
    return TaskReport(task.name, report)


def _write(job: WriteJob, task: Task, rows: _Rows, dead_letter: str | None) -> Report:
    source = BatchInput(rows, task.name)
    with job.client() as client:
        try:
            report = import_pieces(
                client.engine_of(job.mapping), source, job.mapping, FileOptions(dead_letter=dead_letter)
            )
        except TransportError as error:
            if not error.retryable or error.report is None:
                raise
            raise _undelivered(task, error.report, str(error)) from error
        finally:
            rows.reraise()
    if source.damaged:
        raise OSError(f"{task.name}: {source.damaged[0]}")
    return report


def _undelivered(task: Task, report: Report, reason: str) -> TaskUndelivered:
    error = TaskUndelivered(
        f"{task.name}: {sentence(report)}; {reason.rstrip('.')}. The rows without an answer may have arrived. Write "
        "them again: an event that the server has already adds nothing"
    )
    error.report = report
    return error


class _Rows:
    """The record batches of an engine that have rows. What its iterator raises is kept: an import raises an error of
    its own, and an engine must get its own exception back.
    """

    def __init__(self, batches: Iterable[pyarrow.RecordBatch]) -> None:
        self._raised: Exception | None = None
        self._rest = (batch for batch in batches if batch.num_rows)
        self._first = next(self._rest, None)

    @property
    def is_empty(self) -> bool:
        """Whether there is no row."""
        return self._first is None

    def __iter__(self) -> Iterator[pyarrow.RecordBatch]:
        first, self._first = self._first, None
        try:
            yield from chain([first], self._rest)
        except Exception as error:
            self._raised = error
            raise

    def reraise(self) -> None:
        """Raise what the engine's iterator raised, if it did."""
        if self._raised is not None:
            raise self._raised
