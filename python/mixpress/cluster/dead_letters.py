"""`TaskDeadLetter`: the failed rows of one task, as one file in a folder that all tasks share."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from mixpress.errors import DeadLetterError
from mixpress.files.remote import is_remote, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

LOCAL = "file://"


class TaskDeadLetter:
    """A file that gets its name in the folder when the task has ended, so that a repeated task replaces its file and a
    failed one leaves none. A folder without failures is empty.

        with TaskDeadLetter("/shared/failed", "part-00003.ndjson") as letter:
            ...  # append lines to letter.path
            letter.publish()
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder.removeprefix(LOCAL).rstrip("/") or "/"
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
        self._carry_out(self._try_store if is_remote(self.target) else self._try_folder)
        self._made = tempfile.mkdtemp(prefix="mixpress-")
        return self

    def __exit__(self, *_: object) -> None:
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None

    def publish(self) -> None:
        """Give the file its name in the folder; it replaces that of an earlier attempt. Raises `DeadLetterError`."""
        self._carry_out(self._upload if is_remote(self.target) else self._move)

    def _carry_out(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - each store has its own
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            if isinstance(error, ImportError):
                reason = "pip install 'mixpress[cloud]'"
            raise DeadLetterError(
                f"the failed rows can't be written to {shown_path(self.target)}: {reason}; dead_letter must be a "
                "folder, or a URL of fsspec, that every worker can write to"
            ) from None

    def _try_folder(self) -> None:
        """Make the folder and a file in it, which is removed. The folder stays: other tasks may write to it."""
        os.makedirs(self._folder, exist_ok=True)
        number, path = tempfile.mkstemp(prefix=".mixpress-", dir=self._folder)
        os.close(number)
        os.remove(path)

    def _try_store(self) -> None:
        """Find the file system. A file in a store may cost money, or need a right to remove it."""
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra

        fsspec.core.url_to_fs(self.target)

    def _has_lines(self) -> bool:
        return os.path.exists(self.path) and os.path.getsize(self.path) > 0

    def _move(self) -> None:
        """Copy the file beside its target first: a rename within a folder is atomic, and readers see no part of it."""
        if not self._has_lines():
            with suppress(FileNotFoundError):
                os.remove(self.target)
            return
        beside = f"{self._folder}/.{self._name}.{os.path.basename(os.path.dirname(self.path))}"
        try:
            shutil.copy(self.path, beside)
            os.replace(beside, self.target)
        finally:
            with suppress(FileNotFoundError):
                os.remove(beside)

    def _upload(self) -> None:
        import fsspec  # noqa: PLC0415 - as above

        system, path = fsspec.core.url_to_fs(self.target)
        if self._has_lines():
            system.makedirs(system._parent(path), exist_ok=True)
            system.put_file(self.path, path)
        elif system.exists(path):
            system.rm_file(path)


def shown_path(path: str) -> str:
    """Return a path for a message; of a URL without what may be a credential."""
    return shown(path) if is_remote(path) else path
