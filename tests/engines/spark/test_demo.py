"""`make demo-spark`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import demo_spark
from mixpress.emulator import Emulator

FLIGHTS = 26_849
"""Those of January 2013 with an aircraft, as `make demo` imports them."""


def test_the_server_holds_each_flight_once_though_tasks_were_repeated(
    spark: SparkSession, emulator: Emulator, tmp_path: Path
) -> None:
    said: list[str] = []
    assert demo_spark.show(spark, emulator, str(tmp_path), said.append)
    assert emulator.count() == FLIGHTS
    assert sum(request.fault == "drop-reply" for request in emulator.requests()) == demo_spark.LOST
    assert f"  {FLIGHTS:>6,}  imported" in said
    assert "     155  distinct-id-disallowed  properties.distinct_id" in said
    assert said[-1] == f"The server holds {FLIGHTS:,} events: the second write added 0."


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SystemExit, match="apt-get install openjdk-17-jre-headless"):
        demo_spark.session(str(tmp_path))
