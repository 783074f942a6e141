"""The options of a write, as Spark hands them over: texts, with names in lower case, among options of Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mixpress.cluster.job import WriteJob
from mixpress.cluster.options import job_of_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_SPARK = ("checkpointlocation", "queryname")
"""Options that Spark reads, and hands over too."""
OUTCOME_FILE = "_outcome_file"
"""An option of `mixpress.spark.write` alone: where the process that commits leaves the outcome for it."""


class WriteOptions(NamedTuple):
    """What a writer is made of."""

    job: WriteJob
    outcome_file: str | None


def read_options(options: Mapping[str, str], *, overwrite: bool) -> WriteOptions:
    """Return the options of a write. Raises `ValueError` or `TypeError`, without the value of a credential."""
    if overwrite:
        raise ValueError('mode("overwrite") is not possible: the API deletes no events. Use mode("append")')
    given = {name.lower(): text for name, text in options.items() if name.lower() not in OF_SPARK}
    if "path" in given:
        raise ValueError(
            "the data source mixpress has no path: call save() without one, and name the server by the option region "
            "or base_url"
        )
    outcome_file = given.pop(OUTCOME_FILE, None)
    return WriteOptions(job_of_texts(given), outcome_file)
