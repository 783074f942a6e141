"""What a task of an engine costs: the CPU of its process, in a file that the driver reads."""

from __future__ import annotations

import os
import resource
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "BENCH_TASKS"
"""The environment variable with the folder of the files. The workers inherit it."""


def cpu() -> float:
    """Return the seconds of CPU that this process, with all its threads, has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def measured() -> Iterator[None]:
    """Leave a file with the CPU of the block. One that raises leaves none."""
    before = cpu()
    yield
    Path(os.environ[FOLDER], uuid.uuid4().hex).write_text(str(cpu() - before))


def take() -> tuple[int, float]:
    """Return how many tasks ended since the last call, and their CPU seconds."""
    files = list(Path(os.environ[FOLDER]).iterdir())
    seconds = [float(file.read_text()) for file in files]
    for file in files:
        file.unlink()
    return len(seconds), sum(seconds)
