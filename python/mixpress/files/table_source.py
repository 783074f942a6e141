"""Open a table of any library as record batches of Arrow, or say what to pass instead."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow

INSTEAD = {
    (
        "dask",
        "DataFrame",
    ): "import each of its partitions: docs/guides/orchestrators.md has a recipe with map_partitions",
    ("duckdb", "DuckDBPyConnection"): "pass the relation of connection.sql(query)",
    ("polars", "LazyFrame"): "pass frame.collect()",
    ("pyspark", "DataFrame"): "write it with mixpress.spark.write(frame, ...), which sends from the cluster's workers",
    (
        "ray",
        "Dataset",
    ): "write it with dataset.write_datasink(MixpressDatasink(...)), which sends from the cluster's workers",
}
"""Package and class of an object that has no stream -> what to do with it."""

_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls a level of an index without a name."""


def open_table(source: Any) -> Iterator[pyarrow.RecordBatch]:
    """Open a table, and return its record batches. They are read as they are iterated.

    `source`: an object with `__arrow_c_stream__` or `__arrow_c_array__`, or a dataset or scanner of pyarrow. The labels
    of a pandas index without a name are left out.

    Raises `TypeError` for another object, `ImportError` if pyarrow is not installed, and `ValueError` if the library
    cannot give its table to Arrow.
    """
    of_pyarrow = type(source).__module__ == "pyarrow._dataset"
    if not (of_pyarrow or hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")):
        _refuse(source)
    if find_spec("pyarrow") is None:
        raise ImportError("a table needs pyarrow: pip install 'mixpress[parquet]'")
    try:
        schema, batches = _opened(source, of_pyarrow)
    except Exception as error:  # each library has other exceptions
        reason = "; ".join(map(str, error.args)) or type(error).__name__
        raise ValueError(f"cannot read the {type(source).__name__} as a table: {reason_of(reason)}") from error
    unnamed = _unnamed_index(schema)
    return (batch.drop_columns(unnamed) for batch in batches) if unnamed else batches


def reason_of(message: str) -> str:
    """Return why a producer failed, without the traceback of a producer in Python."""
    return message.partition(". Detail: Python exception:")[0]


def _opened(source: Any, of_pyarrow: bool) -> tuple[pyarrow.Schema, Iterator[pyarrow.RecordBatch]]:
    import pyarrow  # noqa: PLC0415 - an extra

    if of_pyarrow:
        source = (source.scanner() if hasattr(source, "scanner") else source).to_reader()
    if hasattr(source, "__arrow_c_stream__"):
        reader = pyarrow.RecordBatchReader.from_stream(source)
        return reader.schema, iter(reader)
    batch = pyarrow.record_batch(source)
    return batch.schema, iter([batch])


def _unnamed_index(schema: pyarrow.Schema) -> list[str]:
    """Return the columns of an index without a name: its labels number the rows, and are no property of an event."""
    try:
        columns = list(json.loads((schema.metadata or {})[b"pandas"])["index_columns"])
    except (KeyError, TypeError, ValueError):  # anybody can write such a note
        return []
    return [name for name in schema.names if name in columns and _UNNAMED_INDEX.fullmatch(name)]


def _refuse(source: object) -> NoReturn:
    for kind in type(source).__mro__:
        package = kind.__module__.partition(".")[0].lstrip("_")
        if (package, kind.__name__) in INSTEAD:
            raise TypeError(f"a {kind.__name__} of {package} has no rows of Arrow: {INSTEAD[package, kind.__name__]}")
    raise TypeError(
        "the table must have __arrow_c_stream__, as those of pyarrow, Polars, DuckDB and pandas have, "
        f"got {type(source).__name__}"
    )
