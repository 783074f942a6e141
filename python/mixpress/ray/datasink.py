"""`MixpressDatasink`: writes the rows of a dataset of Ray."""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from mixpress._core import Limits
from mixpress.cluster.checks import check_secret
from mixpress.cluster.columns import check_columns
from mixpress.cluster.job import WriteJob
from mixpress.cluster.report_file import write_report
from mixpress.cluster.report_sum import sentence, sum_reports
from mixpress.cluster.shared_limit import SHARED, share_limit
from mixpress.cluster.task import Task, run_task
from mixpress.ray.blocks import columns_of, record_batches
from mixpress.ray.engine import Datasink, driver_host
from mixpress.ray.failure import reason_of
from mixpress.report.as_json import as_members

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from typing import Literal

    import pyarrow

    from mixpress.address import Region
    from mixpress.cluster.report_sum import TaskReport
    from mixpress.files.mapping import Mapping
    from mixpress.lease.lease import Lease
    from mixpress.report.report import Report
    from mixpress.send.rate_limit import RateLimit

logger = logging.getLogger("mixpress")
SOME_SENT = (
    "Other tasks may have sent their rows. Write all rows again: an event that the server has already adds nothing"
)


class MixpressDatasink(Datasink):  # type: ignore[misc] # Ray is an extra
    """Writes the rows of a dataset as events, or as updates of profiles.

        sink = MixpressDatasink(event="Order", time_column="at", distinct_id_column="user", region="eu")
        dataset.write_datasink(sink)
        print(sink.report)

    - `mapping`: how rows become events, or updates of profiles. Its fields are options too: `event="Order"`.
    - `base_url`, `region`: the server, as of `Client`.
    - `credentials`: where a task finds them, `"environment"` or `"file:PATH"`.
    - `dead_letter`: a folder that all nodes reach, as an absolute path or a URL of fsspec: a file of the failed rows of
      each task.
    - `report`: where the driver writes the report as JSON.
    - `rate_limit`: `"shared"` is the documented limit, lent to the tasks by this process while it writes; without
      credentials here, or `MIXPRESS_LEASE_SECRET`, each task has the documented limit, as with `"documented"`. A
      `RateLimit` is that of each task, a `Lease` without a secret that of a server of yours, None is no limit.
    - `options`: the other options of `mixpress.cluster.job.WriteJob`.

    Raises `TypeError` or `ValueError` for wrong options. `write_datasink` raises `ValueError` for columns that the
    first block has not, before a task starts, and what a task raised: `TaskUndelivered` if rows have no answer. Ray
    repeats a task whose worker ended, and for an exception only if `ray_remote_args` says so: docs/ray.md.
    """

    report: Report | None = None
    """The report of all tasks of the last write; None before its end, and if it failed."""

    def __init__(
        self,
        mapping: Mapping | None = None,
        *,
        base_url: str | None = None,
        region: Region | None = None,
        credentials: str = "environment",
        dead_letter: str | os.PathLike[str] | None = None,
        report: str | os.PathLike[str] | None = None,
        rate_limit: RateLimit | Lease | Literal["shared", "documented"] | None = SHARED,
        **options: Any,
    ) -> None:
        given = {"base_url": base_url, "region": region, "credentials": credentials, "dead_letter": dead_letter}
        check_secret(rate_limit)
        limit = {} if rate_limit == SHARED else {"rate_limit": rate_limit}
        self._job = WriteJob.of(mapping, **given, report=report, **limit, **options)
        self._is_shared = rate_limit == SHARED
        self._lent: WriteJob | None = None
        self._lending = ExitStack()
        self._started: float | None = None
        self._is_sending = False
        """Whether tasks may have started."""
        self._is_complete = False
        """Whether the tasks have ended well, and only the report is to be written."""
        self._write_id = ""
        self._is_checked = False

    @property
    def min_rows_per_write(self) -> int:
        """The rows of a full request: Ray gives smaller blocks to one task."""
        return Limits.documented().max_batch_events

    def __getstate__(self) -> dict[str, Any]:
        """Return what a task needs."""
        return {"_job": self._lent or self._job, "_write_id": self._write_id, "_is_checked": self._is_checked}

    def on_write_start(self, schema: pyarrow.Schema | None = None) -> None:
        """Check the columns of the first block, and lend the limit. Ray calls this on the driver. Older versions give
        no schema, and the tasks check theirs.
        """
        self._begin()
        if schema is not None and schema.names:
            self._check(schema)
        if self._is_shared:
            self._lent = self._lending.enter_context(share_limit(self._job, driver_host()))
        self._is_sending = True

    def write(self, blocks: Iterable[Any], ctx: Any) -> TaskReport:
        """Write the rows of one task, and return when each has its verdict."""
        number = ctx.task_idx
        task = Task(f"task {number}", f"part-{number:05d}-{self._write_id}.ndjson")
        return run_task(self._job, task, self._batches(blocks))

    def on_write_complete(self, write_result: Any) -> None:
        """Sum the tasks up, and write the report. Ray calls this on the driver."""
        if self._started is None:  # Ray starts no write of a dataset without blocks
            self._begin()
        elapsed = self._end()
        tasks: list[TaskReport] = write_result.write_returns
        self.report = sum_reports(tasks, elapsed)
        logger.info("%s", sentence(self.report))
        if self._job.report is not None:
            members = {"committed": True, "tasks": len(tasks), "tasks_failed": 0}
            self._is_complete = True
            write_report(self._job.report, {**as_members(self.report), **members})
            self._is_complete = False

    def on_write_failed(self, error: Exception) -> None:
        """Say what is known. Ray calls this on the driver."""
        if self._is_complete:
            self._is_complete = False
            return
        known = SOME_SENT if self._is_sending else "No row was sent"
        self._end()
        self.report = None
        reason = reason_of(error)
        logger.error("the write failed: %s. %s", reason, known)
        if self._job.report is not None:
            with suppress(OSError):  # the error of the write is raised
                write_report(self._job.report, {"ok": False, "committed": False, "error": reason})

    def _batches(self, blocks: Iterable[Any]) -> Iterator[pyarrow.RecordBatch]:
        for batch in record_batches(blocks, self._job.mapping):
            if batch.num_rows and not self._is_checked:
                self._check(batch.schema)
            yield batch

    def _check(self, schema: pyarrow.Schema) -> None:
        check_columns(self._job, columns_of(schema))
        self._is_checked = True

    def _begin(self) -> None:
        self._end()
        self.report = None
        self._write_id = uuid.uuid4().hex[:12]
        self._is_checked = False
        self._started = time.monotonic()

    def _end(self) -> float:
        """Lend no more, and return the seconds since the start."""
        self._lending.close()
        self._lent = None
        self._is_sending = False
        started, self._started = self._started, None
        return 0.0 if started is None else time.monotonic() - started
