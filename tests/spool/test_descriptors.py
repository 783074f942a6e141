"""Too few file descriptors for a spool: the error names that cause."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, resource, sys
from mixpress.errors import SpoolError
from mixpress.spool import Spool
from mixpress.spool.show import show

path, action = sys.argv[1:]
Spool(path).close()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for free in range(12):
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    for _ in range(free):
        os.close(held.pop())
    try:
        if action == "show":
            show(path, 0.0)
        else:
            with Spool(path) as queue:
                queue.append(b'{"event": "Seen", "properties": {}}')
        said = "works"
    except SpoolError as error:
        said = str(error)
    for number in held:
        os.close(number)
    print(free, said)
"""


@pytest.mark.parametrize("action", ["open", "show"])
def test_the_error_names_missing_file_descriptors(tmp_path: Path, action: str) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "a"), action]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=os.environ)
    lines = ended.stdout.splitlines()
    failed = [line for line in lines if not line.endswith("works")]
    assert failed
    assert lines[-1].endswith("works")
    for line in failed:
        assert "file descriptors, and this process or system has too few left" in line
        assert "(the limit of the process is 64); raise it with `ulimit -n`" in line
