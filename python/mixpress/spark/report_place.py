"""Check on the driver, before a task starts, that the report of a write can be written."""

from __future__ import annotations

import errno
import os

from mixpress.cluster.storage import reason_of, shown_path, try_folder
from mixpress.files.remote import is_remote


def check_report(path: str | None, *, is_folder: bool = False) -> None:
    """Raise `ValueError` if a report can't be written there. `is_folder`: the path is that of the reports of a stream.

    Makes the folder, and a file in it, which is deleted. Of a URL it checks that fsspec knows the kind of store: the
    store itself is asked when the report is written.
    """
    if path is None:
        return
    try:
        try_folder(path if is_folder or is_remote(path) else os.path.dirname(path))
        if not is_folder and os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
    except Exception as error:  # noqa: BLE001 - each store has its own
        kind = "folder" if is_folder else "file in a folder"
        raise ValueError(
            f"the report can't be written to {shown_path(path)}: {reason_of(error)}; report must be a {kind} that the "
            "driver can write to, or a URL of fsspec"
        ) from None
