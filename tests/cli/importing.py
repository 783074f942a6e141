"""Run a command that imports in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from mixpress.cli.group import group

ACCOUNT = {
    "MIXPRESS_SERVICE_ACCOUNT": "user",
    "MIXPRESS_SECRET": "canary-4e1f9c",
    "MIXPRESS_PROJECT_ID": "17",
}
NOTHING = {**dict.fromkeys(ACCOUNT, ""), "MIXPRESS_TOKEN": ""}


def event(number: int, **changes: Any) -> dict[str, Any]:
    properties = {"time": 1_700_000_000, "distinct_id": "user", "$insert_id": f"event-{number}"}
    return {"event": "Seen", "properties": properties | changes}


def ndjson(*events: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def run(
    *arguments: str, env: dict[str, str] | None = None, given: bytes | None = None, command: str = "import"
) -> Result:
    """Run the command. The only exception that may leave it is its exit."""
    result = CliRunner().invoke(group, [command, *arguments], env=NOTHING | (env or {}), input=given)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result
