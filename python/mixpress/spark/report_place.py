"""Check on the driver, before a task starts, that the report of a write can be written."""

from __future__ import annotations

import os
import tempfile

from mixpress.cluster.dead_letters import LOCAL, shown_path
from mixpress.files.remote import is_remote


def check_report(path: str | None, *, is_folder: bool = False) -> None:
    """Raise `ValueError` if a report can't be written there. `is_folder`: the path is that of the reports of a stream.

    Makes the folder, and a file in it, which is deleted. Of a URL it checks that fsspec knows the kind of store: the
    store itself is asked when the report is written.
    """
    if path is None:
        return
    target = path.removeprefix(LOCAL)
    try:
        if is_remote(target):
            _check_remote(target)
        else:
            _check_local(target, is_folder=is_folder)
    except Exception as error:  # noqa: BLE001 - each store has its own
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        kind = "folder" if is_folder else "file in a folder"
        raise ValueError(
            f"the report can't be written to {shown_path(target)}: {reason}; report must be a {kind} that the driver "
            "can write to, or a URL of fsspec"
        ) from None


def _check_local(target: str, *, is_folder: bool) -> None:
    folder = target if is_folder else os.path.dirname(target) or "."
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(f"{folder} is a file") from None
    with tempfile.TemporaryFile(dir=folder):
        pass
    if not is_folder and (os.path.isdir(target) or not os.path.basename(target)):
        raise IsADirectoryError("it is a folder")


def _check_remote(target: str) -> None:
    try:
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImportError("it needs `pip install 'mixpress[cloud]'`") from None
    fsspec.get_filesystem_class(target.partition("://")[0])
