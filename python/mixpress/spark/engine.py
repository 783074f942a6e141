"""What is used of PySpark, and whether its version has it."""

from __future__ import annotations

from typing import Any

HINT = "pip install 'mixpress[spark]'"

try:
    import pyspark
    from pyspark.sql.datasource import DataSource, DataSourceArrowWriter, WriterCommitMessage
except ImportError as error:
    raise ImportError(f"mixpress.spark needs PySpark 4.0 or newer: {HINT}") from error

try:
    from pyspark.sql.datasource import DataSourceStreamArrowWriter
except ImportError:  # PySpark 4.0
    DataSourceStreamArrowWriter = object

HAS_STREAMS = DataSourceStreamArrowWriter is not object
"""Whether this PySpark writes streams by record batches, as PySpark 4.1 and newer do."""


def check_streams() -> None:
    """Raise `ImportError` unless this PySpark writes streams by record batches."""
    if not HAS_STREAMS:
        raise ImportError(f"streams need PySpark 4.1 or newer, got {pyspark.__version__}: {HINT}")


def local_property(name: str) -> str:
    """Return a property of the task that runs here, as the driver set it. Raises `RuntimeError` without it."""
    value = _task().getLocalProperty(name)
    if value is None:
        raise RuntimeError(f"Spark gave this task no property {name!r}")
    return str(value)


def partition_id() -> int:
    """Return the partition of the task that runs here. Raises `RuntimeError` outside of a task."""
    return int(_task().partitionId())


def _task() -> Any:
    context = pyspark.TaskContext.get()
    if context is None:
        raise RuntimeError("the data source mixpress writes in tasks of Spark alone")
    return context


__all__ = [
    "DataSource",
    "DataSourceArrowWriter",
    "DataSourceStreamArrowWriter",
    "WriterCommitMessage",
    "check_streams",
    "local_property",
    "partition_id",
]
