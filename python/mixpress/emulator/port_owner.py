"""Which process listens on a port, where Linux says it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_LISTENING = "0A"
_TABLES = ("tcp", "tcp6")


def describe_owner(port: int, root: Path = Path("/proc")) -> str:
    """Return ` by process 1234 (python3)`, or an empty text if it cannot be known.

    It is unknown on other systems than Linux, and for a process of another user or container.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening(port, root)}
    process = _find_process(sockets, root) if sockets else None
    if process is None:
        return ""
    if process == os.getpid():
        return f" by this process ({process})"
    # Not its command line, which may contain secrets.
    with suppress(OSError, UnicodeDecodeError):
        return f" by process {process} ({(root / str(process) / 'comm').read_text().strip()})"
    return f" by process {process}"


def _listening(port: int, root: Path) -> set[str]:
    """Return the inodes of the sockets that listen on a port, on any address."""
    found: set[str] = set()
    for table in _TABLES:
        with suppress(OSError):
            for line in (root / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if len(fields) > 9 and fields[3] == _LISTENING and fields[1].endswith(f":{port:04X}"):
                    found.add(fields[9])
    return found


def _find_process(sockets: set[str], root: Path) -> int | None:
    """Return the process that has one of the sockets open."""
    with suppress(OSError):
        for process in sorted(root.glob("[0-9]*"), key=lambda path: path.name != str(os.getpid())):
            with suppress(OSError):  # of another user, or ended meanwhile
                for descriptor in (process / "fd").iterdir():
                    with suppress(OSError):
                        if os.readlink(descriptor) in sockets:
                            return int(process.name)
    return None
