"""`write` runs in any thread, with a frame of any session."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pyspark.sql import DataFrame, SparkSession

from engines.spark.conftest import ROOT, numbers, orders_of
from mixpress.emulator import Emulator
from mixpress.spark import MixpressDataSource, write

PAGE = (ROOT / "docs" / "spark.md").read_text(encoding="utf-8")
ACTIVE = "spark._jvm.org.apache.spark.sql.SparkSession.setActiveSession(spark._jsparkSession)"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Two new threads."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


def active(spark: SparkSession) -> tuple[bool, bool]:
    """Return whether this thread has an active session, and whether it is this one."""
    found = spark._jvm.org.apache.spark.sql.SparkSession.getActiveSession()
    return found.isDefined(), found.isDefined() and found.get().equals(spark._jsparkSession)


def test_a_thread_writes_and_has_no_active_session_afterwards(
    orders: DataFrame, emulator: Emulator, threads: ThreadPoolExecutor
) -> None:
    def in_thread() -> tuple[int, tuple[bool, bool]]:
        return write(orders, base_url=emulator.url).imported, active(orders.sparkSession)

    assert threads.submit(in_thread).result() == (60, (False, False))
    assert numbers(emulator) == list(range(60))


def test_two_threads_write_at_once(spark: SparkSession, emulator: Emulator, threads: ThreadPoolExecutor) -> None:
    together = Barrier(2, timeout=60)

    def in_thread(start: int) -> int:
        orders = orders_of(spark, range(start, start + 30), 2)
        together.wait()
        return write(orders, base_url=emulator.url).imported

    assert list(threads.map(in_thread, (0, 30))) == [30, 30]
    assert numbers(emulator) == list(range(60))


def test_a_frame_of_another_session_is_written_and_the_session_before_is_active_again(
    registered: SparkSession, emulator: Emulator
) -> None:
    second = registered.newSession()
    for _ in range(2):
        assert write(orders_of(second, range(60), 3), base_url=emulator.url).imported == 60
    assert active(registered) == (True, True)
    assert numbers(emulator) == list(range(60))


def test_the_format_is_written_in_a_thread_by_the_line_of_the_page(
    registered: SparkSession, orders: DataFrame, emulator: Emulator, threads: ThreadPoolExecutor
) -> None:
    assert ACTIVE in PAGE

    def in_thread() -> None:
        exec(ACTIVE, {"spark": registered})
        registered.dataSource.register(MixpressDataSource)
        orders.write.format("mixpress").mode("append").option("base_url", emulator.url).save()

    threads.submit(in_thread).result()
    assert numbers(emulator) == list(range(60))
