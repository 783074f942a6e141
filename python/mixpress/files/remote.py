"""Files of object stores and web servers, through fsspec. No message shows a credential of a URL."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast
from urllib.parse import urlsplit

from mixpress.files.opening import Opened
from mixpress.files.paths import is_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.files.stopping import Stopping

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_URL_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
BLOCK = 8 << 20
"""Bytes that are fetched at a time."""


class Remote(NamedTuple):
    """One file of a store."""

    name: str
    """Its URL without user, password and query."""
    url: str
    system: Any
    path: str
    size: int | None


def is_remote(path: str) -> bool:
    """Return whether a path is a URL."""
    return _URL.match(path) is not None


def shown(url: str) -> str:
    """Return a URL without user, password, query and fragment, which may be credentials."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("://")[0] + "://..."
    host = parts.netloc.rpartition("@")[2]
    hidden = "?..." if parts.query else ""
    return f"{parts.scheme}://{host}{parts.path}{hidden}"


def find_remote(url: str) -> list[Remote]:
    """Return the files that a URL names: one, those of a folder, or those that match a pattern.

    Raises OSError if there is none or the store can't be asked, ImportError if an extra is missing, and ValueError for
    an unknown kind of store.
    """
    try:
        return list(_found(url))
    except ImportError:
        raise ImportError(f"{shown(url)} needs: pip install 'mixpress[cloud]'") from None
    except Exception as error:  # noqa: BLE001 - each store has its own
        raise _without_secrets(error, url) from None


def _found(url: str) -> Iterator[Remote]:
    import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - optional

    system, path = fsspec.core.url_to_fs(url)
    if not _lists(url):
        yield _remote(shown(url), url, system, path, system.info(path))
        return
    if any(mark in path for mark in "*[") and not system.exists(path):
        found = system.glob(path, detail=True)
    else:
        found = system.find(path, detail=True)
    prefix = url.partition("://")[0]
    names = sorted(name for name in found if found[name]["type"] == "file")
    if names != [path]:
        names = [name for name in names if is_read(name.removeprefix(path))]
    if not names:
        raise FileNotFoundError("there is no such file")
    for name in names:
        yield _remote(f"{prefix}://{name}", url, system, name, found[name])


def _lists(url: str) -> bool:
    """Return whether its store has folders. The characters of a pattern have other meanings on a web server."""
    return not url.startswith(("http://", "https://"))


def _remote(name: str, url: str, system: Any, path: str, info: dict[str, Any]) -> Remote:
    return Remote(name, url, system, path, info.get("size"))


def open_remote(remote: Remote, stopping: Stopping) -> Opened:
    """Open a file of a store. Raises OSError."""
    try:
        with stopping.waiting():
            file = remote.system.open(remote.path, "rb", block_size=BLOCK, cache_type="readahead")
    except OSError as error:
        raise _without_secrets(error, remote.url) from None
    seekable = remote.size is not None and file.seekable()
    source = cast("BinaryIO", _Scrubbed(file, remote.url))
    return Opened(remote.name, source, stopping, size=remote.size if seekable else None, seekable=seekable)


class _Scrubbed:
    """A remote file whose errors show no secret of its URL."""

    def __init__(self, file: Any, url: str) -> None:
        self._file = file
        self._url = url
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except Exception as error:  # noqa: BLE001 - each store has its own
            raise _without_secrets(error, self._url) from None
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        place: int = self._file.seek(offset, whence)
        return place

    def tell(self) -> int:
        place: int = self._file.tell()
        return place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def writable(self) -> bool:
        return False

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
        self._file.close()


def _without_secrets(error: Exception, url: str) -> OSError | ValueError:
    """Return an error with the same meaning, and a message without the secrets of a URL."""
    # fsspec says of every failure of a web server that the file was not found.
    reason = error.__cause__ if isinstance(error, FileNotFoundError) and not _lists(url) else None
    status = getattr(reason or error, "status", None)
    is_reply = isinstance(status, int)
    text = f"the server replied {status}" if is_reply else str(reason or error) or type(reason or error).__name__
    parts = urlsplit(url)
    for secret in (parts.query, parts.password, parts.username):
        if secret:
            text = text.replace(secret, "...")
    text = _URL_IN_TEXT.sub(lambda found: shown(found[0]), text)
    if isinstance(error, FileNotFoundError) and reason is None:
        return FileNotFoundError(errno.ENOENT, "there is no such file", shown(url))
    if isinstance(error, ValueError):
        return ValueError(f"{shown(url)}: {text}")
    return OSError(getattr(error, "errno", None) or errno.EIO, text, shown(url))
