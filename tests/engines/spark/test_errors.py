"""What a wrong call says: before Spark starts a task, and instead of Spark's own error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import AnalysisException, PySparkRuntimeError, PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf

from engines.spark.conftest import PATHS, QUICK, ROOT
from mixpress import EngineError, Lease, RateLimit
from mixpress.cluster.job import NAMES
from mixpress.emulator import Emulator
from mixpress.spark import write
from mixpress.spark.failure import NO_JVM, explain, own_sentence

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
frame = spark.range(1).selectExpr("'E' event", "1 time", "'u' distinct_id")
for end in (lambda: None, lambda: spark._jsc.stop(), spark.stop, spark.sparkContext._gateway.shutdown):
    end()
    try:
        write(frame, base_url="http://127.0.0.1:9")
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_python_of_the_workers_without_mixpress_and_a_session_that_was_stopped_are_named(tmp_path: Path) -> None:
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
    said = done.stdout.splitlines()
    assert said[0].startswith("EngineError the Python of the workers has no module 'mixpress'. Spark starts")
    assert str(bare) in said[0]
    assert said[1:] == [f"EngineError {NO_JVM}"] * 3


def test_another_version_of_the_workers_python_is_named() -> None:
    versions = {"worker_version": "3.9", "driver_version": "3.11"}
    error = PySparkRuntimeError(errorClass="PYTHON_VERSION_MISMATCH", messageParameters=versions)
    message = explain(error, "/usr/bin/python3")
    assert message is not None
    assert "3.9" in message
    assert "PYSPARK_PYTHON" in message
    assert "/usr/bin/python3" in message


@pytest.mark.parametrize(
    "error",
    [
        Py4JNetworkError("Answer from Java side is empty"),
        ConnectionRefusedError(111, "x"),
        Py4JError("while calling o1"),
    ],
)
def test_a_jvm_that_has_ended_is_named(error: Exception) -> None:
    assert explain(error, "python3") == NO_JVM


def test_a_wrong_call_of_java_is_not_taken_for_a_jvm_that_has_ended() -> None:
    assert explain(Py4JError("while calling o1.f. Trace:\npy4j.Py4JException: Method f([]) does not exist"), "") is None


RAISED = {
    "refused": 'ConnectionRefusedError(111, "my own service")',
    "module": "ModuleNotFoundError(\"No module named 'pyspark.foo'\")",
    "ended": 'ValueError("Python worker exited unexpectedly")',
    "version": 'ValueError("Python in worker has different version")',
}


@pytest.mark.parametrize("name", RAISED)
def test_what_a_function_raises_is_raised_as_spark_raises_it_whatever_its_text(
    orders: DataFrame, emulator: Emulator, name: str
) -> None:
    scope: dict[str, Any] = {}
    exec(compile(f"def fail(number):\n    raise {RAISED[name]}", "job.py", "exec"), scope)
    with pytest.raises(PythonException, match=r'File "job\.py", line 2, in fail'):
        write(orders.withColumn("x", udf(scope["fail"])("number")), base_url=emulator.url)


@pytest.mark.parametrize("is_short", ["true", "false"])
def test_a_server_that_refuses_connections_is_named_by_short_and_by_long_tracebacks(
    spark: SparkSession, orders: DataFrame, is_short: str
) -> None:
    with Emulator() as server:
        url = server.url
    spark.conf.set("spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled", is_short)
    try:
        with pytest.raises(EngineError, match=r"connection to 127\.0\.0\.1:\d+ refused") as caught:
            write(orders, base_url=url, attempts=1)
    finally:
        spark.conf.unset("spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled")
    assert "Spark gave the task up after" in str(caught.value)


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
    assert own_sentence(traceback_of(WRITER, (path, "f"))) == ("no plan" if is_ours else None)


def test_a_function_of_the_frame_that_calls_mixpress_raises_as_spark_raises_it() -> None:
    frames = ("/home/me/job.py", "f"), ("/opt/venv/site-packages/mixpress/client/client.py", "import_events")
    assert own_sentence(traceback_of(*frames)) is None


@pytest.mark.parametrize(("function", "is_given_up"), [("write", True), ("commit", False)])
def test_attempts_are_named_only_if_a_task_ran(function: str, is_given_up: bool) -> None:
    error = PythonException(traceback_of((WRITER[0], function)))
    assert explain(error, "python3") == (
        "no plan. Spark gave the task up after spark.task.maxFailures attempts" if is_given_up else "no plan"
    )


WRITER = ("/opt/venv/site-packages/mixpress/spark/writers.py", "write")


def traceback_of(*frames: tuple[str, str]) -> str:
    """Return the text of an exception that was raised in the last of these frames."""
    lines = [f'  File "{path}", line 5, in {function}\n    raise' for path, function in frames]
    return "\n".join(["Traceback (most recent call last):", *lines, "ValueError: no plan"])
