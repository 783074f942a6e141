"""Data sources of Spark that are measured: a bare one, that of mixpress, and one of plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceArrowWriter, DataSourceWriter, WriterCommitMessage

from benches.support.plain_writer import write_rows
from benches.support.tasks import measured
from mixpress.spark import MixpressDataSource
from mixpress.spark.writers import BatchWriter


class BareWriter(DataSourceArrowWriter):  # type: ignore[misc] # PySpark is not in the environment of mypy
    """Takes the record batches, and does nothing."""

    def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
        with measured():
            for _ in iterator:
                pass
        return WriterCommitMessage()


class MixpressWriter(BatchWriter):
    """The writer of mixpress."""

    def write(self, iterator: Iterator[Any]) -> Any:
        with measured():
            return super().write(iterator)


class PlainWriter(DataSourceWriter):  # type: ignore[misc] # as above
    """Takes the rows as dicts."""

    def __init__(self, url: str) -> None:
        self._url = url

    def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
        with measured():
            write_rows(self._url, (row.asDict() for row in iterator))
        return WriterCommitMessage()


class Bare(DataSource):  # type: ignore[misc] # as above
    """The format `bare`."""

    @classmethod
    def name(cls) -> str:
        return "bare"

    def writer(self, schema: Any, overwrite: bool) -> BareWriter:  # noqa: ARG002 - Spark's interface
        return BareWriter()


class Mixpress(MixpressDataSource):
    """The format `measured`."""

    @classmethod
    def name(cls) -> str:
        return "measured"

    def writer(self, schema: Any, overwrite: bool) -> MixpressWriter:
        made = super().writer(schema, overwrite)
        made.__class__ = MixpressWriter
        return made


class Plain(DataSource):  # type: ignore[misc] # as above
    """The format `plain`."""

    @classmethod
    def name(cls) -> str:
        return "plain"

    def writer(self, schema: Any, overwrite: bool) -> PlainWriter:  # noqa: ARG002 - as above
        return PlainWriter(self.options["base_url"])
