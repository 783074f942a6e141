"""A program that writes on a standalone cluster: python cluster_program.py MASTER URL FOLDER. It prints its reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from engines.spark.conftest import QUICK, orders_of
from engines.spark.upstream import ROWS, failing
from mixpress import Report
from mixpress.cluster import shared_limit
from mixpress.lease import LeaseServer
from mixpress.spark import write

SMALL = 60


class Counted(LeaseServer):
    """The server of the shared limit, which notes what its workers used."""

    used = 0

    def __exit__(self, *error: object) -> None:
        Counted.used += sum(one.events for one in self.stats().endpoints.values())
        super().__exit__(*error)


def session(master: str, folder: Path, **more: str) -> SparkSession:
    """Return a session whose event log is in the folder."""
    (folder / "events").mkdir(exist_ok=True)
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": QUICK,
        "spark.executor.memory": "512m",
        "spark.executor.extraJavaOptions": QUICK,
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": (folder / "events").as_uri(),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
        "spark.ui.enabled": "false",
    }
    return SparkSession.builder.master(master).config(map={**options, **more}).getOrCreate()


SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.minTaskRuntime": "100ms",
    "spark.speculation.multiplier": "1",
    "spark.speculation.quantile": "0.5",
}
SPECULATED = 4 * ROWS
"""The first number of the orders of which a task is speculated."""


def rows_of(spark: SparkSession, url: str, start: int, how: str) -> DataFrame:
    """Return orders in a small partition, with a row that is rejected, and a large one, which fails in this way."""
    small, large = f"number < {start + SMALL}", f"number >= {start + ROWS}"
    orders = orders_of(spark, range(start, start + 2 * ROWS), 2).where(f"{small} or {large}")
    frame = orders.selectExpr("* except (distinct_id)", f"if(number = {start}, 'null', distinct_id) user")
    return frame.mapInArrow(failing(url, start + ROWS, how), frame.schema)


def write_with_a_killed_executor(spark: SparkSession, url: str, folder: Path, options: dict[str, Any]) -> Report:
    """Write a frame whose executor is killed in the middle of the large partition; then a stream."""
    report = write(rows_of(spark, url, 0, "kill"), report=str(folder / "report.json"), **options)
    frame = orders_of(spark, range(1, 11), 1).withColumnRenamed("distinct_id", "user")
    frame.write.json(str(folder / "stream"))
    stream = spark.readStream.schema(frame.schema).json(str(folder / "stream")).writeStream.format("mixpress")
    stream = stream.options(**options, report=str(folder / "reports"), checkpointLocation=str(folder / "checkpoint"))
    stream.trigger(availableNow=True).start().awaitTermination()
    return report


def main(master: str, url: str, folder: Path) -> None:
    """Write, and print what the reports say."""
    vars(shared_limit)["LeaseServer"] = Counted  # as the limit is shared by `write` alone
    options: dict[str, Any] = {
        "base_url": url,
        "credentials": f"file:{folder / 'credentials.env'}",
        "dead_letter": str(folder / "failed"),
        "distinct_id_column": "user",
    }
    spark = session(master, folder)
    report = write_with_a_killed_executor(spark, url, folder, options)
    spark.stop()
    spark = session(master, folder, **SPECULATION)
    speculated = write(rows_of(spark, url, SPECULATED, "hang"), **options)
    spark.stop()
    printed = {"imported": report.imported, "rejected": report.rejected, "lent": Counted.used}
    print(json.dumps({**printed, "speculated": speculated.imported}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
