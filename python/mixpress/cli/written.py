"""Refuse a file to be written that is, or would later be, one of the files that are read."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from mixpress.files.paths import find_local, is_read
from mixpress.files.remote import is_remote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def refuse_input(written: str | os.PathLike[str] | None, what: str, files: Sequence[str]) -> None:
    """Raise UsageError if a file is written that is one of those to be read, or that a later run would read.

    `what` is the name of its option without hyphens, such as `dead letter`. None is no file.
    """
    if written is None:
        return
    for name in files:
        if name != "-" and not is_remote(name):
            _refuse(os.fspath(written), what, name)


def refuse_shared(written: Mapping[str, str | os.PathLike[str] | None]) -> None:
    """Raise UsageError if two options name the same file. `written`: their names without hyphens, and their files."""
    names: dict[str, str] = {}
    for what, path in written.items():
        if path is not None:
            other = names.setdefault(os.path.realpath(path), what)
            if other != what:
                raise click.UsageError(
                    f"{path!s} cannot be written both as the {other} and as the {what}: name two files"
                )


def _refuse(written: str, what: str, name: str) -> None:
    if os.path.exists(written) and _is_one_of(written, name):
        raise click.UsageError(f"{written} cannot be both read and written as the {what}")
    place = _place(written, name)
    if place is not None:
        raise click.UsageError(
            f"{written} cannot be written as the {what}: it {place}, so the next run would read it; "
            "name a file elsewhere, or one whose name begins with a dot, which is not read"
        )


def _is_one_of(written: str, name: str) -> bool:
    """Return whether a name stands for this file. What can't be read is said where it is opened."""
    status = os.stat(written)
    with suppress(OSError):
        return any(os.path.samestat(status, os.stat(found)) for found in find_local(name) if os.path.exists(found))
    return False


def _place(written: str, name: str) -> str | None:
    """Return by which folder or pattern a file would be read; None if it would not be."""
    if os.path.isdir(name):
        return f"is in the folder {name}" if _is_in(written, name) else None
    if os.path.lexists(name) or not glob.has_magic(name):
        return None
    if _matches(_parts(written), _parts(name)):
        return f"matches {name}"
    folders = filter(os.path.isdir, glob.glob(name)) if "**" not in name else ()
    return next((f"is in the folder {folder}" for folder in folders if _is_in(written, folder)), None)


def _is_in(written: str, folder: str) -> bool:
    """Return whether a file is in a folder or in one below, and is not hidden there."""
    file, above = os.path.realpath(written), os.path.realpath(folder)
    return file.startswith(os.path.join(above, "")) and is_read(os.path.relpath(file, above))


def _parts(path: str) -> list[str]:
    return os.path.normcase(os.path.abspath(path)).split(os.sep)


def _matches(parts: list[str], patterns: list[str]) -> bool:
    """Return whether a path matches a pattern as by `glob`, which sees only files that exist."""
    if not patterns or not parts:
        return parts == patterns
    part, pattern = parts[0], patterns[0]
    if pattern == "**" and _matches(parts, patterns[1:]):
        return True
    if part.startswith(".") and not pattern.startswith("."):
        return False
    return fnmatchcase(part, pattern) and _matches(parts[1:], patterns if pattern == "**" else patterns[1:])
