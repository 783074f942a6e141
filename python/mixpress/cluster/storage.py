"""Where a job leaves files: folders of this machine, or stores that fsspec reaches."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from typing import Any

from mixpress.files.remote import is_remote, shown


def put(source: str, target: str) -> None:
    """Copy a file of this machine to a path or a URL. It replaces a file of that name, and readers see no part of it.

    A new file has mode 0600. Raises `OSError`, `ImportError` if fsspec is missing, or what a store raises.
    """
    if is_remote(target):
        system, path = _store(target)
        system.makedirs(system._parent(path), exist_ok=True)
        system.put_file(source, path)
        return
    folder, name = os.path.split(target)
    os.makedirs(folder, exist_ok=True)
    number, beside = tempfile.mkstemp(prefix=f".{name}.", dir=folder)  # a rename within a folder is atomic
    os.close(number)
    try:
        shutil.copyfile(source, beside)
        os.replace(beside, target)
    finally:
        with suppress(FileNotFoundError):
            os.remove(beside)


def remove(target: str) -> None:
    """Remove a file, if there is one. Raises as `put`."""
    if is_remote(target):
        system, path = _store(target)
        if system.exists(path):
            system.rm_file(path)
        return
    with suppress(FileNotFoundError):
        os.remove(target)


def try_folder(folder: str) -> None:
    """Make a folder of this machine and a file in it, which is removed. The folder stays: others may write to it.

    Of a URL, find its file system: a file in a store may cost money, or need a right to remove it. Raises as `put`.
    """
    if is_remote(folder):
        _store(folder)
        return
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is a file") from None
    with tempfile.TemporaryFile(dir=folder):
        pass


def shown_path(path: str) -> str:
    """Return a path for a message; of a URL without what may be a credential."""
    return shown(path) if is_remote(path) else path


def reason_of(error: Exception) -> str:
    """Return why something could not be written: each store has exceptions with texts that may have credentials."""
    if isinstance(error, ImportError):
        return "it needs `pip install 'mixpress[cloud]'`"
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


def _store(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra

    system, path = fsspec.core.url_to_fs(url)
    return system, path
