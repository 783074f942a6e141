"""Carry out one task of a job: write the record batches that an engine gives to it, and wait for their verdicts."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress.client.file_import import import_pieces
from mixpress.client.file_options import FileOptions
from mixpress.cluster.dead_letters import TaskDeadLetter
from mixpress.cluster.report_sum import TaskReport, sentence
from mixpress.errors import TaskUndelivered
from mixpress.files.table_input import TableInput
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
    """Write record batches, and return when each row has its verdict.

    Raises what the engine raised while it gave the batches, what `Client.import_table` raises, `TaskUndelivered` if
    rows have no answer, and `DeadLetterError`: the engine then repeats the task, which adds nothing.
    """
    stream = _BatchStream(batches)
    if stream.is_empty:
        return TaskReport(task.name, ReportBuilder("events").report(elapsed=0.0))
    opened = nullcontext() if job.dead_letter is None else TaskDeadLetter(job.dead_letter, task.file)
    with opened as letter:
        report = _write(job, task, stream, None if letter is None else letter.path)
        if report.undelivered:
            raise _undelivered(task, report)
        if letter is not None:
            letter.publish()
    return TaskReport(task.name, report)


def _write(job: WriteJob, task: Task, stream: _BatchStream, dead_letter: str | None) -> Report:
    with job.client() as client:
        table = TableInput(stream, task.name)
        engine = client.engine_of(job.mapping)
        report = import_pieces(engine, table, job.mapping, FileOptions(dead_letter=dead_letter))
    if stream.raised is not None:
        raise stream.raised
    if table.damaged:
        raise OSError(f"{task.name}: {table.damaged[0]}")
    return report


def _undelivered(task: Task, report: Report) -> TaskUndelivered:
    reason = next((one.message for one in report.failures if one.kind == "undelivered"), "no answer came")
    error = TaskUndelivered(
        f"{task.name}: {sentence(report)}; {reason.rstrip('.')}. The rows without an answer may have arrived. Write them again: an "
        "event that the server has already adds nothing"
    )
    error.report = report
    return error


class _BatchStream:
    """Record batches of an iterator as a stream of Arrow. What the iterator raises is kept: the stream ends with a text
    of it alone, and an engine must get its own exception back.
    """

    def __init__(self, batches: Iterable[pyarrow.RecordBatch]) -> None:
        self.raised: BaseException | None = None
        iterator = iter(batches)
        self._first = next(iterator, None)
        self._rest = iterator

    @property
    def is_empty(self) -> bool:
        """Whether there is no batch, and so no schema."""
        return self._first is None

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        import pyarrow  # noqa: PLC0415 - an extra

        assert self._first is not None
        reader = pyarrow.RecordBatchReader.from_batches(self._first.schema, self._all())
        return reader.__arrow_c_stream__(requested_schema)

    def _all(self) -> Iterator[pyarrow.RecordBatch]:
        try:
            yield from chain([self._first], self._rest)
        except BaseException as error:
            self.raised = error
            raise
