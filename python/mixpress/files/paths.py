"""The files that a name stands for: one, those of a folder, or those that match a pattern."""

from __future__ import annotations

import errno
import glob
import os

NOT_DATA = frozenset({"_SUCCESS", "_metadata", "_common_metadata", "_delta_log", "_temporary"})
"""What Spark and its relatives write beside their files."""


def find_local(path: str) -> list[str]:
    """Return the files that a path names, sorted.

    A folder stands for all files in it and in its folders, without hidden ones. A path that does not exist and has `*`,
    `?` or `[` is a pattern, in which `**` stands for folders of any depth. Raises OSError if there is no file.
    """
    if os.path.isdir(path):
        return _named(path, _files_in(path), "the directory has no files")
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    found: list[str] = []
    for match in sorted(glob.glob(path, recursive=True)):
        found += _files_in(match) if os.path.isdir(match) and "**" not in path else [match]
    return _named(path, [match for match in found if not os.path.isdir(match)], "no file matches")


def is_read(path: str) -> bool:
    """Return whether a file of a folder is read: not one that is hidden, or in a hidden folder, or no data."""
    return not any(part.startswith(".") or part in NOT_DATA for part in path.replace(os.sep, "/").split("/"))


def _named(path: str, found: list[str], reason: str) -> list[str]:
    if not found:
        raise FileNotFoundError(errno.ENOENT, reason, path)
    return found


def _files_in(folder: str) -> list[str]:
    found: list[str] = []
    for place, folders, files in os.walk(folder, onerror=_raised):
        folders[:] = sorted(filter(is_read, folders))
        paths = (os.path.join(place, name) for name in files if is_read(name))
        found += filter(os.path.isfile, paths)
    return sorted(found)


def _raised(error: OSError) -> None:
    raise error
