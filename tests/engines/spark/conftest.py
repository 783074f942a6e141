"""One Spark session for the tests of this folder: `local[2,4]`, so that a task that fails is repeated three times."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from mixpress.emulator import Emulator
from mixpress.spark import MixpressDataSource

ROOT = Path(__file__).parents[3]
PATHS = os.pathsep.join([str(ROOT / "python"), str(ROOT / "tests")])
"""What the workers import: the package of this checkout, and the functions of the tests."""
QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Options of a JVM that runs for seconds."""


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session in a folder that is deleted afterwards."""
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYTHONPATH", PATHS)
        builder = SparkSession.builder.master("local[2,4]").appName("mixpress")
        options = {
            "spark.driver.extraJavaOptions": QUICK,
            "spark.ui.enabled": "false",
            "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.session.timeZone": "Europe/Berlin",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.local.dir": str(folder),
            "spark.log.level": "OFF",
            "spark.ui.showConsoleProgress": "false",
        }
        session = builder.config(map=options).getOrCreate()
        gateway = session.sparkContext._gateway
        try:
            yield session
        finally:
            session.stop()
            gateway.shutdown()
            gateway.proc.stdin.close()  # the JVM ends when its input does
            gateway.proc.wait(30)


@pytest.fixture
def registered(spark: SparkSession) -> SparkSession:
    """The session, with the format `mixpress`."""
    spark.dataSource.register(MixpressDataSource)
    return spark


@pytest.fixture
def orders(spark: SparkSession) -> DataFrame:
    """Sixty orders in three partitions."""
    return orders_of(spark, range(60), 3)


def orders_of(spark: SparkSession, of: range, partitions: int) -> DataFrame:
    """Return orders with these numbers."""
    columns = (
        "'Order' event",
        "timestamp_seconds(1700000000 + id) time",
        "concat('user-', id % 7) distinct_id",
        "id number",
        "cast(id / 4 as decimal(10, 2)) price",
    )
    return spark.range(of.start, of.stop, numPartitions=partitions).selectExpr(*columns)


def numbers(server: Emulator) -> list[int]:
    """Return the numbers of the orders that the server holds."""
    return sorted(event["properties"]["number"] for event in server.events())
