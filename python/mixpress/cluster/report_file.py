"""Write the report of a job as a JSON file: on this machine, or in a store that fsspec reaches."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from mixpress.cluster.dead_letters import LOCAL, shown_path
from mixpress.files.remote import is_remote

if TYPE_CHECKING:
    from collections.abc import Mapping


def write_report(path: str, members: Mapping[str, object]) -> None:
    """Write members as a JSON object. A file of this name is replaced, and a reader sees no part of it.

    Raises `OSError` that names the path, without what may be a credential in it.
    """
    data = json.dumps(members, indent=2).encode()
    target = path.removeprefix(LOCAL)
    try:
        if is_remote(target):
            _upload(target, data)
        else:
            _replace(target, data)
    except Exception as error:  # noqa: BLE001 - each store has its own
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise OSError(f"the report can't be written to {shown_path(target)}: {reason}") from None


def _replace(target: str, data: bytes) -> None:
    """Write beside the target first: a rename within a folder is atomic."""
    folder = os.path.dirname(target) or "."
    os.makedirs(folder, exist_ok=True)
    number, beside = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=folder)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
        os.replace(beside, target)
    finally:
        with suppress(FileNotFoundError):
            os.remove(beside)


def _upload(target: str, data: bytes) -> None:
    import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra

    system, path = fsspec.core.url_to_fs(target)
    system.makedirs(system._parent(path), exist_ok=True)
    system.pipe_file(path, data)
