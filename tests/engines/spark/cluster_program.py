"""A program that writes on a standalone cluster: python cluster_program.py MASTER URL FOLDER. It prints its reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

import mixpress.lease
from engines.spark.conftest import QUICK, orders_of
from engines.spark.upstream import ROWS, failing
from mixpress.lease import LeaseServer
from mixpress.spark import write

SMALL = 60


class Counted(LeaseServer):
    """The server of the shared limit, which notes what its workers used."""

    used = 0

    def __exit__(self, *error: object) -> None:
        Counted.used += sum(one.events for one in self.stats().endpoints.values())
        super().__exit__(*error)


def session(master: str, folder: Path) -> SparkSession:
    """Return a session whose event log is in the folder."""
    (folder / "events").mkdir()
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
    return SparkSession.builder.master(master).config(map=options).getOrCreate()


def main(master: str, url: str, folder: Path) -> None:
    """Write a frame of two partitions, whose executor is killed in the middle of the large one; then a stream."""
    mixpress.lease.LeaseServer = Counted  # type: ignore[misc] # as the limit is shared by `write` alone
    spark = session(master, folder)
    options: dict[str, Any] = {
        "base_url": url,
        "credentials": f"file:{folder / 'credentials.env'}",
        "dead_letter": str(folder / "failed"),
        "distinct_id_column": "user",
    }
    frame = orders_of(spark, range(2 * ROWS), 2).where(f"number < {SMALL} or number >= {ROWS}")
    frame = frame.selectExpr("* except (distinct_id)", "if(number = 7, 'null', distinct_id) user")
    killed = frame.mapInArrow(failing(url, ROWS, "kill"), frame.schema)
    report = write(killed, report=str(folder / "report.json"), **options)

    frame.limit(100).write.json(str(folder / "stream"))
    stream = spark.readStream.schema(frame.schema).json(str(folder / "stream")).writeStream.format("mixpress")
    stream = stream.options(**options, report=str(folder / "reports"), checkpointLocation=str(folder / "checkpoint"))
    stream.trigger(availableNow=True).start().awaitTermination()
    print(json.dumps({"imported": report.imported, "rejected": report.rejected, "lent": Counted.used}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
