"""`TaskDeadLetter`: the failed rows of one task, as one file in a folder that all tasks share."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mixpress.cluster.storage import put, reason_of, remove, shown_path, try_folder
from mixpress.errors import DeadLetterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self


class TaskDeadLetter:
    """A file that gets its name in the folder when the task has ended, so that a repeated task replaces its file and a
    failed one leaves none. A folder without failures is empty.

        with TaskDeadLetter("/shared/failed", "part-00003.ndjson") as letter:
            ...  # append lines to letter.path
            letter.publish()
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder.rstrip("/") or "/"
        self._name = name
        self._made: str | None = None

    @property
    def path(self) -> str:
        """The file of this attempt, on this machine."""
        if self._made is None:
            raise RuntimeError("the dead letter of a task is open inside its with statement alone")
        return os.path.join(self._made, self._name)

    @property
    def target(self) -> str:
        """Where the file goes."""
        return f"{self._folder}/{self._name}"

    def __enter__(self) -> Self:
        """Raise `DeadLetterError` if the folder can't be written to, before anything is sent."""
        with self._explained():
            try_folder(self._folder)
        self._made = tempfile.mkdtemp(prefix="mixpress-")
        return self

    def __exit__(self, *_: object) -> None:
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None

    def publish(self) -> None:
        """Give the file its name in the folder; it replaces that of an earlier attempt. Raises `DeadLetterError`."""
        has_lines = os.path.exists(self.path) and os.path.getsize(self.path) > 0
        with self._explained():
            if has_lines:
                put(self.path, self.target)
            else:
                remove(self.target)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - each store has its own
            raise DeadLetterError(
                f"the failed rows can't be written to {shown_path(self.target)}: {reason_of(error)}; dead_letter must "
                "be a folder, or a URL of fsspec, that every worker can write to"
            ) from None
