"""Say in one sentence why Spark gave a write up. Its own errors have the sentence of a task among a hundred lines."""

from __future__ import annotations

import re

WORKERS = (
    "Spark starts the Python that PYSPARK_PYTHON names, also beside the driver: {python}. Install "
    "'mixpress[spark]' there, or set PYSPARK_PYTHON, before the session is created, to a Python that has it"
)
_MODULE = re.compile(r"No module named '(mixpress|pyarrow|urllib3|pyspark)[.\w]*'")
_VERSION = re.compile(r"PYTHON_VERSION_MISMATCH\][^\n]*|Python in worker has different version[^\n]*")
_FRAME = re.compile(r'^\s*File "(.*)", line \d+, in ', re.M)
_OURS = re.compile(r"[/\\]mixpress[/\\](auth\.py|(client|cluster|files|lease|send|spark|transport)[/\\]\w+\.py)$")
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*): (.+)$")
_ATTEMPTS = re.compile(r"failed (\d+) times")
_ENDED = ("Python worker exited unexpectedly", "Python worker failed to connect back")
_NO_JVM = (
    "Py4JNetworkError",
    "ConnectionRefusedError",
    "Answer from Java side is empty",
    "a stopped SparkContext",
    '"jsc" is null',
)


def explain(error: BaseException, python: str) -> str | None:
    """Return why Spark gave a write up, if its error does not say so itself. `python`: that of the workers."""
    text = f"{type(error).__name__}: {error}"
    if any(word in text for word in _NO_JVM):
        return (
            "the JVM of the session does not answer: it has ended, or the session was stopped. Create another session"
        )
    said = WORKERS.format(python=python)
    if found := _MODULE.search(text):
        return f"the Python of the workers has no module {found[1]!r}. {said}"
    if found := _VERSION.search(text):
        return f"the Python of the workers is of another version than that of this program: {found[0]}. {said}"
    if (own := own_sentence(text)) is not None:
        return f"{own}. Spark gave the task up after {_attempts(text)}"
    if any(word in text for word in _ENDED):
        return (
            "the Python worker of a task ended without an exception: killed, perhaps for its memory (see "
            "spark.executor.memoryOverhead), or by a function of the frame. Spark gave the task up after "
            f"{_attempts(text)}"
        )
    return None


def own_sentence(text: str) -> str | None:
    """Return the message of an exception that mixpress raised in a worker; None if other code raised it."""
    frames = list(_FRAME.finditer(text))
    if not frames or not _OURS.search(frames[-1][1]):
        return None
    for line in text[frames[-1].end() :].splitlines():
        if found := _RAISED.match(line):
            return found[2]
    return None


def _attempts(text: str) -> str:
    found = _ATTEMPTS.search(text)
    return f"{found[1]} attempts" if found else "spark.task.maxFailures attempts"
