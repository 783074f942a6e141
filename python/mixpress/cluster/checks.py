"""Check the options of a job on the driver, where a wrong one is an error of its name and not of each task."""

from __future__ import annotations

import os
import pickle
import re

from mixpress.files.remote import is_remote, shown

_FILE = re.compile(r"file:(?://(?:localhost)?)?(?=/(?!/))")
"""What may precede an absolute path: Hadoop prints `file:/path`."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def location_of(name: str, value: object, *, of_driver: bool) -> str | None:
    """Return a place that a job writes to: an absolute path, or a URL of fsspec. None is none.

    `of_driver`: whether the driver alone writes there. It may have a path relative to its folder; each worker has
    another folder. Raises `TypeError` or `ValueError`, without what may be a credential.
    """
    if value is None:
        return None
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        raise TypeError(f"{name} must be a path or a URL, got {value!r}")
    path = _FILE.sub("", path, count=1) if _FILE.match(path) else path
    if is_remote(path):
        _check_url(name, path)
        return path
    allowed = f'{name} must be {"a path" if of_driver else "an absolute path"}, or a URL of fsspec with "://"'
    if scheme := _SCHEME.match(path):
        raise ValueError(f"{allowed}, got one that starts with {scheme[0]!r}")
    if not path or not (of_driver or os.path.isabs(path)):
        reason = ": workers have other folders than this process" if path else ""
        raise ValueError(f"{allowed}, got {path!r}{reason}")
    return os.path.abspath(path) if of_driver else path


def _check_url(name: str, url: str) -> None:
    if shown(url) != url:
        raise ValueError(
            f"{name} must be a path, or a URL without user, password and query, got {shown(url)}: workers need the "
            "credentials of the store in their environment"
        )
    if url.startswith("file://"):
        raise ValueError(f"{name} must be an absolute path, such as file:///path, got {url!r}: a host is not possible")


def check_flag(name: str, value: object) -> None:
    """Raise `TypeError` unless a value is a bool: `"no"` and `"false"` would be true."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")


def check_count(name: str, value: object) -> None:
    """Raise `TypeError` or `ValueError` unless a value is an integer from 1."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or value < 1:  # type: ignore[operator] # it is an integer then
        raise (ValueError if is_integer else TypeError)(f"{name} must be an integer >= 1, got {value!r}")


def check_secret(limit: object) -> None:
    """Raise `TypeError` for a `Lease` with a secret: a job goes to its workers as a pickle."""
    from mixpress.lease import Lease  # noqa: PLC0415 - most jobs have none

    if isinstance(limit, Lease):
        pickle.dumps(limit)
