"""Write a month of flights from Spark into a local emulator. Some requests get no reply, and Spark repeats their tasks.

    make demo-spark

Needs `pip install 'mixpress[spark,emulator]'` and Java 17. Nothing is sent to another machine.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from mixpress.emulator import Emulator
from mixpress.spark import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from mixpress import Report

FLIGHTS = Path(__file__).with_name("flights.ndjson.gz")
TASKS = 4
LOST = 3
"""Replies that the emulator does not send, though it takes the events."""
NO_LOG = "appender.none.type = Null\nappender.none.name = none\nrootLogger = off, none\n"
"""A configuration of Spark's log. Its default has lines about the start."""


def session(folder: str) -> SparkSession:
    """Start Spark on this machine: two tasks at a time, each of which is tried up to four times."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        sys.exit(
            "Spark needs Java 17 or newer, and there is no 'java' on PATH: apt-get install openjdk-17-jre-headless"
        )
    from pyspark.sql import SparkSession  # noqa: PLC0415 - Java is looked for first

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # of the workers
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    log = Path(folder, "log4j2.properties")
    log.write_text(NO_LOG, encoding="utf-8")
    quiet = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log.as_uri()}",
    }
    return (
        SparkSession.builder.master("local[2,4]")
        .appName("mixpress")
        .config(map={**quiet, "spark.local.dir": folder})
        .getOrCreate()
    )


def show(spark: SparkSession, server: Emulator, folder: str, say: Callable[[str], object] = print) -> bool:
    """Write the flights; return whether the server holds each of them once."""
    flights = spark.read.json(str(FLIGHTS)).repartition(TASKS)
    server.fail_next("drop-reply", LOST)
    say(f"\nWriting {FLIGHTS.name} by {TASKS} tasks. {LOST} requests get no reply, and each is sent once (attempts=1):")
    report = write(flights, base_url=server.url, attempts=1, dead_letter=f"{folder}/failed")
    _show_report(report, say)

    received, held = sum(request.events for request in server.requests()), server.count()
    say(f"\nTasks with such a request failed, and Spark repeated them: the server received {received:,} events.")
    say(f"It holds {held:,}, each once: the $insert_id of an event is in its row, or is derived from it.")

    say("\nThe failed rows, read back as a DataFrame: spark.read.json(folder).groupBy('rule', 'field').count()")
    for row in spark.read.json(f"{folder}/failed").groupBy("rule", "field").count().collect():
        say(f"  {row['count']:>6,}  {row['rule']}  {row['field']}")

    say("\nThe same frame again:")
    _show_report(write(flights, base_url=server.url), say)
    say(f"The server holds {server.count():,} events: the second write added {server.count() - held:,}.")
    return held == report.imported == server.count()


def _show_report(report: Report, say: Callable[[str], object]) -> None:
    say(f"  {report.imported:>6,}  imported")
    for reason, tally in report.by_reason.items():
        say(f"  {tally.count:>6,}  {tally.example.kind}: {reason}")
    say(f"  {report.total:>6,}  rows in {report.elapsed:.1f} s, {report.bytes_sent / 1e6:.2f} MB sent")


def main() -> None:
    """Show it, and exit with 0 if the server holds each flight once."""
    with tempfile.TemporaryDirectory(prefix="mixpress-demo-") as folder:
        spark = session(folder)
        try:
            with Emulator() as server:
                print(f"An emulator of the API listens at {server.url}.")
                is_right = show(spark, server, folder)
        finally:
            spark.stop()
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
