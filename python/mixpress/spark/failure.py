"""Say in one sentence why Spark gave a write up. Its own errors have the sentence of a task among a hundred lines."""

from __future__ import annotations

import re

from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError

WORKERS = (
    "Spark starts the Python that PYSPARK_PYTHON names, also beside the driver: {python}. Install "
    "'mixpress[spark]' there, or set PYSPARK_PYTHON, before the session is created, to a Python that has it"
)
NO_JVM = "the JVM of the session does not answer: it has ended, or the session was stopped. Create another session"
_MODULE = re.compile(r"No module named '(mixpress|pyarrow|urllib3|pyspark)(?:\.\w+)*'")
_VERSION = re.compile(r"PYTHON_VERSION_MISMATCH\][^\n]*|Python in worker has different version[^\n]*")
_FRAME = re.compile(r'^\s*File "(.*)", line \d+, in (.+)$', re.M)
_OURS = re.compile(r"[/\\]mixpress[/\\](auth\.py|(client|cluster|files|lease|send|spark|transport)[/\\]\w+\.py)$")
_ENTRY = re.compile(r"[/\\]mixpress[/\\]spark[/\\](data_source|writers)\.py$")
_OF_SPARK = re.compile(r"[/\\]pyspark[/\\](daemon|serializers|worker|worker_util|(cloudpickle|sql)[/\\].+)\.py$")
_RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*): (.+)$")
_ATTEMPTS = re.compile(r"failed (\d+) times")
_ENDED = ("Python worker exited unexpectedly", "Python worker failed to connect back")
_STOPPED = re.compile(
    r'\A[^\n]*\n: java\.lang\.(IllegalState|NullPointer)Exception: .*(stopped SparkContext|"jsc" is null)'
)


def explain(error: BaseException, python: str) -> str | None:
    """Return why Spark gave a write up, if its error does not say so itself. `python`: that of the workers.

    The last frame says who raised: what a function of the frame raises has a sentence of the user, whatever its text.
    """
    if is_jvm_lost(error):
        return NO_JVM
    text = f"{type(error).__name__}: {error}"
    frames = list(_FRAME.finditer(text))
    origin = frames[-1][1] if frames else ""
    if not frames or _OURS.search(origin) or _OF_SPARK.search(origin):
        raised = text[frames[-1].end() :] if frames else text
        said = WORKERS.format(python=python)
        if found := _MODULE.search(raised):
            return f"the Python of the workers has no module {found[1]!r}. {said}"
        if found := _VERSION.search(raised):
            return f"the Python of the workers is of another version than that of this program: {found[0]}. {said}"
    if (own := own_sentence(text)) is not None:
        return f"{own}. {_given_up(text)}" if any(_is_of_a_task(frame) for frame in frames) else own
    if not frames and any(word in text for word in _ENDED):
        return (
            "the Python worker of a task ended without an exception: killed, perhaps for its memory (see "
            f"spark.executor.memoryOverhead), or by a function of the frame. {_given_up(text)}"
        )
    return None


def is_jvm_lost(error: BaseException) -> bool:
    """Return whether an exception of Py4J says that the JVM has ended, or that its context was stopped."""
    if isinstance(error, (Py4JNetworkError, ConnectionError)):
        return True
    if isinstance(error, Py4JJavaError):
        return _STOPPED.search(str(error)) is not None
    return isinstance(error, Py4JError) and "Trace:" not in str(error)  # a call without a reply has no trace


def own_sentence(text: str) -> str | None:
    """Return the message of an exception that mixpress raised in a worker; None if other code raised it.

    A function of the frame may call mixpress too, but not through its data source.
    """
    frames = list(_FRAME.finditer(text))
    if not frames or not _OURS.search(frames[-1][1]) or not any(_ENTRY.search(frame[1]) for frame in frames):
        return None
    for line in text[frames[-1].end() :].splitlines():
        if found := _RAISED.match(line):
            return found[2]
    return None


def _is_of_a_task(frame: re.Match[str]) -> bool:
    """Return whether a frame is that of `write` of a writer, which runs in tasks. The others run beside the driver."""
    return frame[2] == "write" and _ENTRY.search(frame[1]) is not None


def _given_up(text: str) -> str:
    found = _ATTEMPTS.search(text)
    return f"Spark gave the task up after {found[1] if found else 'spark.task.maxFailures'} attempts"
