"""`MixpressDataSource`: the format `mixpress`, registered by `spark.dataSource.register(MixpressDataSource)`."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from mixpress.cluster.columns import check_columns
from mixpress.spark.engine import DataSource, check_streams
from mixpress.spark.options import WriteOptions, read_options
from mixpress.spark.report_place import check_report
from mixpress.spark.schema import check_schema, columns_of
from mixpress.spark.writers import BatchWriter, StreamWriter

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


class MixpressDataSource(DataSource):  # type: ignore[misc] # PySpark is an extra
    """Writes the rows of a DataFrame as events, or as updates of profiles.

        spark.dataSource.register(MixpressDataSource)
        frame.write.format("mixpress").mode("append").options(region="eu", event="Order").save()
        frame.writeStream.format("mixpress").option("checkpointLocation", folder).start()

    The options are those of `mixpress.cluster.job.WriteJob` and `mixpress.Mapping`, as texts; docs/spark.md has a table
    of them. Credentials are found where a task runs, and are no options.

    A wrong option, a name in the options that no column has, and a report that can't be written fail the write before a
    task starts.
    """

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "mixpress"

    def writer(self, schema: StructType, overwrite: bool) -> BatchWriter:
        """Return the writer of a batch. Spark calls this once for each write, in a Python worker beside the driver."""
        options = self._checked(schema, overwrite)
        check_report(options.job.report)
        return BatchWriter(options.job, uuid.uuid4().hex[:12], time.time(), options.outcome_file)

    def streamWriter(self, schema: StructType, overwrite: bool) -> StreamWriter:  # noqa: N802 - Spark's name
        """Return the writer of a stream. Spark calls this for each micro-batch."""
        check_streams()
        job = self._checked(schema, overwrite).job
        check_report(job.report, is_folder=True)
        return StreamWriter(job)

    def _checked(self, schema: StructType, overwrite: bool) -> WriteOptions:
        options = read_options(self.options, overwrite=overwrite)
        check_schema(options.job.mapping, schema)
        check_columns(options.job, columns_of(schema))
        return options
