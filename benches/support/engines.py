"""Spark and Ray on two cores of this machine, with a table in their memory, and writes of it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from benches.support.tasks import FOLDER
from benches.support.traffic import web

ROOT = Path(__file__).parents[2]
TASKS = 4
POOL = 20_000
COLUMN = "number"
"""It has another value in each row."""


def table_of(count: int, *, ids: bool = True) -> pyarrow.Table:
    """Return page views as rows, with a number each, and with a random id each or none."""
    pool = [{"event": event["event"], **event["properties"]} for event in web(POOL)]
    rows = pyarrow.Table.from_pylist(pool).drop_columns(["$insert_id"])
    table = pyarrow.concat_tables([rows] * -(-count // POOL)).slice(0, count).combine_chunks()
    table = table.append_column(COLUMN, pyarrow.array(range(count)))
    if ids:
        texts = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(count)]
        table = table.append_column("$insert_id", pyarrow.array(texts))
    return table


class Engine(ABC):
    """An engine that runs, and what is written with it."""

    name: str

    @abstractmethod
    def hold(self, name: str, table: pyarrow.Table) -> None:
        """Keep a table in the memory of the engine, in as many parts as there are tasks."""

    @abstractmethod
    def write(self, name: str, writer: str, url: str) -> None:
        """Write a table by the writer `bare`, `mixpress`, `mixpress_of_column`, which derives ids from a column, or
        `plain`.
        """

    @abstractmethod
    def write_repeating(self, name: str, url: str) -> None:
        """Write by mixpress, each request once: tasks without an answer fail, and the engine repeats them."""


class Spark(Engine):
    """`local[2,4]`: two cores, four attempts of a task."""

    name = "Spark"

    def __init__(self, session: Any, folder: str) -> None:
        from benches.support.spark_writers import Bare, Mixpress, Plain

        self._session, self._folder = session, folder
        self._frames: dict[str, Any] = {}
        for source in (Bare, Mixpress, Plain):
            session.dataSource.register(source)

    def hold(self, name: str, table: pyarrow.Table) -> None:
        path = f"{self._folder}/{name}.parquet"
        pyarrow.parquet.write_table(table, path)
        self._frames[name] = self._session.read.parquet(path).repartition(TASKS).cache()
        self._frames[name].count()

    def write(self, name: str, writer: str, url: str) -> None:
        derived = {"insert_id_from": COLUMN} if writer == "mixpress_of_column" else {}
        format = "measured" if writer.startswith("mixpress") else writer
        self._write(name, format, base_url=url, rate_limit="none", **derived)

    def write_repeating(self, name: str, url: str) -> None:
        self._write(name, "measured", base_url=url, rate_limit="none", attempts="1")

    def _write(self, name: str, format: str, **options: str) -> None:
        self._frames[name].write.format(format).mode("append").options(**options).save()


class Ray(Engine):
    """Two CPUs."""

    name = "Ray"

    def __init__(self) -> None:
        self._datasets: dict[str, Any] = {}

    def hold(self, name: str, table: pyarrow.Table) -> None:
        import ray.data

        size = -(-table.num_rows // TASKS)
        parts = [table.slice(start, size).combine_chunks() for start in range(0, table.num_rows, size)]
        self._datasets[name] = ray.data.from_arrow(parts).materialize()

    def write(self, name: str, writer: str, url: str) -> None:
        from benches.support.ray_writers import Bare, Mixpress, Plain

        sinks: dict[str, Any] = {
            "bare": Bare,
            "mixpress": lambda: Mixpress(base_url=url, rate_limit=None),
            "mixpress_of_column": lambda: Mixpress(base_url=url, rate_limit=None, insert_id_from=[COLUMN]),
            "plain": lambda: Plain(url),
        }
        self._datasets[name].write_datasink(sinks[writer]())

    def write_repeating(self, name: str, url: str) -> None:
        from benches.support.ray_writers import Mixpress
        from mixpress import TaskUndelivered

        retries = {"max_retries": 3, "retry_exceptions": [TaskUndelivered]}
        self._datasets[name].write_datasink(
            Mixpress(base_url=url, rate_limit=None, attempts=1), ray_remote_args=retries
        )


@contextmanager
def spark() -> Iterator[Engine]:
    """Run Spark. Its workers are processes of this Python."""
    from pyspark.sql import SparkSession

    with _folder() as folder:
        os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        options = {"spark.ui.enabled": "false", "spark.local.dir": folder, "spark.log.level": "OFF"}
        options |= {"spark.sql.warehouse.dir": f"{folder}/warehouse", "spark.ui.showConsoleProgress": "false"}
        session = SparkSession.builder.master("local[2,4]").config(map=options).getOrCreate()
        try:
            yield Spark(session, folder)
        finally:
            session.stop()


@contextmanager
def ray() -> Iterator[Engine]:
    """Run Ray on loopback."""
    with _folder() as folder:
        os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
        import ray as engine
        from ray.data import DataContext

        engine.init(
            address="local", num_cpus=2, include_dashboard=False, _temp_dir=f"{folder}/ray", logging_level="ERROR",
            log_to_driver=False, object_store_memory=1 << 30,
        )  # fmt: skip
        context = DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        try:
            yield Ray()
        finally:
            engine.shutdown()


@contextmanager
def _folder() -> Iterator[str]:
    """A folder for an engine, and within it one for the costs of its tasks. Ray's sockets need a short path."""
    folder = tempfile.mkdtemp(prefix="bench-", dir="/tmp")
    os.mkdir(f"{folder}/tasks")
    os.environ |= {FOLDER: f"{folder}/tasks", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "python")])}
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
