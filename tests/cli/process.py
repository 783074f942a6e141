"""The command as a process, with streams that a `CliRunner` cannot have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

COMMAND = [sys.executable, "-c", "from mixpress.cli import main; main()"]
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "",
    "MIXPRESS_SERVICE_ACCOUNT": "",
    "MIXPRESS_SECRET": "",
    "MIXPRESS_PROJECT_ID": "",
    "MIXPRESS_TOKEN": "",
}


def event(number: int, **changes: Any) -> bytes:
    """Return the line of an event."""
    properties = {"time": 1_700_000_000, "distinct_id": "user", "$insert_id": f"event-{number}", **changes}
    return json.dumps({"event": "Seen", "properties": properties}).encode() + b"\n"


def start(*arguments: str, env: dict[str, str] | None = None, **streams: Any) -> subprocess.Popen[bytes]:
    """Start `mixpress import`."""
    whole = os.environ | ENVIRONMENT | (env or {})
    return subprocess.Popen([*COMMAND, "import", *arguments], env=whole, **streams)


def closed_pipe() -> int:
    """Return the writing end of a pipe that has no reader."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer
