"""`write`: write a DataFrame, and return the report."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mixpress.cluster.columns import check_columns
from mixpress.cluster.job import WriteJob
from mixpress.cluster.options import texts_of_job
from mixpress.cluster.shared_limit import SHARED, share_limit
from mixpress.errors import EngineError
from mixpress.spark.data_source import MixpressDataSource
from mixpress.spark.failure import NO_JVM, explain
from mixpress.spark.options import OUTCOME_FILE
from mixpress.spark.outcome import say_report_error
from mixpress.spark.report_place import check_report
from mixpress.spark.schema import check_schema, columns_of
from mixpress.spark.session import active, is_stopped

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from mixpress.address import Region
    from mixpress.files.mapping import Mapping
    from mixpress.lease import Lease
    from mixpress.report.report import Report
    from mixpress.send.rate_limit import RateLimit
    from mixpress.spark.outcome import Outcome

CONNECT = "pyspark.sql.connect."
LOOPBACK = "127.0.0.1"


def write(
    frame: DataFrame,
    *,
    mapping: Mapping | None = None,
    base_url: str | None = None,
    region: Region | None = None,
    credentials: str = "environment",
    dead_letter: str | None = None,
    report: str | None = None,
    rate_limit: RateLimit | Lease | Literal["shared"] | None = SHARED,
    **options: Any,
) -> Report:
    """Write a DataFrame by the format `mixpress`, wait for it, and return the report of all tasks.

    - `mapping`: how rows become events, or updates of profiles. Its fields are options too: `event="Order"`.
    - `base_url`, `region`: the server, as of `Client`.
    - `credentials`: where a task finds them, `"environment"` or `"file:PATH"`.
    - `dead_letter`: a folder that all workers reach, or a URL of fsspec: a file of the failed rows of each task.
    - `report`: where the driver writes the report as JSON. If that fails after the rows were written, the log says so.
    - `rate_limit`: `"shared"` is the documented limit, lent to the tasks by this process while it writes; without
      credentials here, or `MIXPRESS_LEASE_SECRET`, each task has the documented limit. A `RateLimit` is that of each
      task, a `Lease` that of a server of yours, None is no limit.
    - `options`: the other options of `mixpress.cluster.job.WriteJob`.

    Any thread may call this, also several at once, with a frame of any session.

    Raises `TypeError` or `ValueError` for options and columns, before Spark starts anything. Raises `EngineError` if
    tasks failed as often as Spark repeats them (`spark.task.maxFailures`; `local[2]` repeats none, `local[2,4]` does),
    or if the workers' Python can't write: its `report` has what the other tasks had written. What other code raised in
    a task, such as a function of the frame, is raised as Spark raises it.
    """
    _check_frame(frame)
    given = {"base_url": base_url, "region": region, "credentials": credentials, "dead_letter": dead_letter}
    limit = {} if rate_limit == SHARED else {"rate_limit": rate_limit}
    job = WriteJob.of(mapping, **given, report=report, **limit, **options)
    with tempfile.TemporaryDirectory(prefix="mixpress-") as folder:  # that only this user can read
        path = Path(folder, "outcome")
        try:
            _save(frame, job, path, is_shared=rate_limit == SHARED)
        except Exception as error:
            sentence = explain(error, frame.sparkSession.sparkContext.pythonExec)
            aborted = _outcome(path)
            if sentence is None:
                raise
            raise _failed(sentence, aborted) from None
        outcome = _outcome(path)
    if outcome is None:
        raise EngineError(
            "the rows were written, and the report is on the machine of Spark's driver, which is not this one: pass "
            "report=, a path that both reach, and write by frame.write.format"
        )
    return outcome.report


def _save(frame: DataFrame, job: WriteJob, path: Path, *, is_shared: bool) -> None:
    """Check and write the frame. The process that commits leaves the outcome at the path."""
    if is_stopped(frame.sparkSession):
        raise EngineError(NO_JVM)
    if frame.isStreaming:
        raise ValueError(
            'the frame is a stream: write by frame.writeStream.format("mixpress").option("checkpointLocation", ...)'
        )
    check_schema(job.mapping, frame.schema)
    check_columns(job, columns_of(frame.schema))
    check_report(job.report)
    with active(frame.sparkSession), share_limit(job, *_hosts(frame)) if is_shared else nullcontext(job) as lent:
        texts = {**texts_of_job(lent), OUTCOME_FILE: str(path)}
        frame.sparkSession.dataSource.register(MixpressDataSource)
        frame.write.format(MixpressDataSource.name()).mode("append").options(**texts).save()


def _outcome(path: Path) -> Outcome | None:
    """Return the outcome that the process that commits left, if any; log that the file of the report is missing."""
    if not path.exists():
        return None
    outcome: Outcome = pickle.loads(path.read_bytes())  # noqa: S301 - of our own process, in our own folder
    say_report_error(outcome)
    return outcome


def _failed(sentence: str, outcome: Outcome | None) -> EngineError:
    error = EngineError(sentence if outcome is None else f"{sentence}. {outcome.ended()}")
    error.report = None if outcome is None else outcome.report
    return error


def _check_frame(frame: DataFrame) -> None:
    if type(frame).__module__.startswith(CONNECT):
        raise TypeError(
            "the frame is one of Spark Connect, whose driver is another machine: write by frame.write.format"
            '("mixpress").mode("append"), with the option report= as a path that both reach'
        )
    if not hasattr(frame, "sparkSession"):
        raise TypeError(f"the frame must be a DataFrame of Spark, got {type(frame).__name__}")


def _hosts(frame: DataFrame) -> tuple[str, str]:
    """Return the host by which executors reach the driver, and the address on which the driver listens."""
    context = frame.sparkSession.sparkContext
    if context.master == "local" or context.master.startswith(("local[", "local-cluster[")):
        return LOOPBACK, LOOPBACK
    conf = context.getConf()
    host = conf.get("spark.driver.host") or LOOPBACK
    return host, conf.get("spark.driver.bindAddress") or host
