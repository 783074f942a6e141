"""Make a session of Spark the active one of a thread, where Spark looks for formats that Python has registered."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession


@contextmanager
def active(session: SparkSession) -> Iterator[None]:
    """Make a session the active one of this thread for the block, and the one before active again.

    The first thread of a program has an active session, others have none. PySpark has no call for this, and
    `inheritable_thread_target` does not do it; the class of Java is public.
    """
    of_java = session._jvm.org.apache.spark.sql.SparkSession
    before = of_java.getActiveSession()
    of_java.setActiveSession(session._jsparkSession)
    try:
        yield
    finally:
        if before.isDefined():
            of_java.setActiveSession(before.get())
        else:
            of_java.clearActiveSession()


def is_stopped(session: SparkSession) -> bool:
    """Return whether the context of a session was stopped, from Python or in the JVM."""
    context = session.sparkContext._jsc
    return context is None or bool(context.sc().isStopped())
