"""What a wrong call says: before Spark starts a task, and instead of Spark's own error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException, PySparkRuntimeError
from pyspark.sql import DataFrame, SparkSession

from engines.spark.conftest import PATHS, QUICK, ROOT
from mixpress import Lease, RateLimit
from mixpress.cluster.job import NAMES
from mixpress.spark import write
from mixpress.spark.failure import explain, own_sentence

CANARY = "canary-4e1f9c"
NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("mode", "options", "message"),
    [
        ("overwrite", {}, "the API deletes no events"),
        ("append", {"path": "/tmp/x"}, "has no path: call save"),
        ("append", {"colour": "red"}, f"'colour' is no option; the options are {', '.join(NAMES)}"),
        (
            "append",
            {"event_column": "nope"},
            "there is no column 'nope', which event_column names; the columns are event",
        ),
        ("append", {"strict": "maybe"}, "strict must be true or false, got 'maybe'"),
        ("append", {"Token": CANARY}, "'token' is no option: a secret in the options"),
        ("append", {"credentials": CANARY}, "credentials must be .*environment.* or .*file:PATH"),
    ],
)
def test_a_wrong_option_fails_the_write_before_a_task_starts(
    registered: SparkSession, orders: DataFrame, mode: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(AnalysisException, match=message) as caught:
        orders.write.format("mixpress").mode(mode).options(base_url=NOWHERE, **options).save()
    assert CANARY not in str(caught.value)


def test_streams_have_the_same_options(registered: SparkSession, tmp_path: Path) -> None:
    rates = registered.readStream.format("rate").load().writeStream.format("mixpress")
    query = rates.option("checkpointLocation", str(tmp_path)).option("colour", "red").start()
    with pytest.raises(Exception, match="'colour' is no option"):
        query.awaitTermination()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"colour": "red"}, TypeError, "'colour' is no option"),
        ({"token": CANARY}, TypeError, "'token' is no option: a secret"),
        ({"event_column": "nope"}, ValueError, "there is no column 'nope'"),
        ({"rate_limit": Lease("127.0.0.1:9", secret=CANARY)}, TypeError, "a Lease with a secret can't be pickled"),
        ({"rate_limit": "fast"}, TypeError, "rate_limit must be"),
    ],
)
def test_the_helper_checks_its_arguments_itself(
    orders: DataFrame, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        write(orders, base_url=NOWHERE, **options)
    assert CANARY not in str(caught.value)


def test_a_frame_of_spark_connect_and_other_tables_are_refused() -> None:
    remote = type("DataFrame", (), {"__module__": "pyspark.sql.connect.dataframe"})()
    with pytest.raises(TypeError, match=r"Spark Connect, .* another machine: write by frame\.write\.format"):
        write(remote)
    with pytest.raises(TypeError, match="must be a DataFrame of Spark, got list"):
        write([])


def test_workers_without_credentials_say_so_in_one_sentence(orders: DataFrame) -> None:
    from mixpress import EngineError

    with pytest.raises(
        EngineError, match=r"^no credentials in the environment of this worker: set MIXPRESS_"
    ) as caught:
        write(orders, base_url="http://192.0.2.1:9", rate_limit=RateLimit.documented())
    assert "Spark gave the task up after" in str(caught.value)


PROGRAM = f"""
from pyspark.sql import SparkSession
from mixpress.spark import write

spark = SparkSession.builder.master("local[1]").config("spark.driver.extraJavaOptions", "{QUICK}").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
try:
    write(spark.range(1).selectExpr("'E' event", "1 time", "'u' distinct_id"), base_url="http://127.0.0.1:9")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_python_of_the_workers_without_mixpress_is_named(tmp_path: Path) -> None:
    """-S leaves out the installed packages: the worker then has PySpark alone, which Spark brings."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nunset PYTHONSTARTUP\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    (tmp_path / "program.py").write_text(f"import sys; sys.path[:0] = {PATHS.split(os.pathsep)!r}\n{PROGRAM}")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYSPARK_PYTHON": str(bare), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "EngineError the Python of the workers has no module 'mixpress'. Spark starts" in done.stdout
    assert str(bare) in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_another_version_of_the_workers_python_is_named() -> None:
    versions = {"worker_version": "3.9", "driver_version": "3.11"}
    error = PySparkRuntimeError(errorClass="PYTHON_VERSION_MISMATCH", messageParameters=versions)
    message = explain(error, "/usr/bin/python3")
    assert message is not None
    assert "3.9" in message
    assert "PYSPARK_PYTHON" in message
    assert "/usr/bin/python3" in message


@pytest.mark.parametrize(
    "said",
    ["Answer from Java side is empty", "Cannot call methods on a stopped SparkContext.", 'because "jsc" is null'],
)
def test_a_session_that_has_ended_is_named(said: str) -> None:
    """The JVM was killed; `spark.stop()` was called, of which Spark says the one or the other."""
    message = explain(Py4JError(said), "python3")
    assert message is not None
    assert "it has ended, or the session was stopped" in message


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("/opt/venv/lib/python3.12/site-packages/mixpress/client/client.py", True),
        (r"C:\Python\Lib\site-packages\mixpress\auth.py", True),
        ("/home/me/mixpress/jobs.py", False),
        ("/home/me/mixpress/python/udf.py", False),
    ],
)
def test_only_the_exceptions_of_mixpress_itself_are_explained(path: str, is_ours: bool) -> None:
    frames = ['File "/spark/worker.py", line 9, in main', f'File "{path}", line 5, in f']
    text = "\n  ".join(["Traceback:", *frames, "  raise"]) + "\nValueError: no plan"
    assert own_sentence(text) == ("no plan" if is_ours else None)
