"""Imports of a file with a state beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mixpress.report.report import Report
from support.clients import client
from support.clocks import FakeClock
from support.events import event, events, small_batches
from support.replies import answer
from support.server import FakeServer

LINE = len(json.dumps(event(10))) + 1
UNAUTHORIZED = answer(401, {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"})


def numbered(count: int) -> list[dict[str, Any]]:
    """Return events whose lines have the same length."""
    return events(count + 10)[10:]


def write(path: Path, given: list[Any]) -> Path:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in given))
    return path


def run(path: Path, server: FakeServer, **settings: Any) -> Report:
    """Import a file with the state beside it."""
    options = {"state": path.with_suffix(".state")} | {
        name: settings.pop(name) for name in ("dead_letter", "limit", "dry_run", "state", "mapping") if name in settings
    }
    made = client(server, FakeClock(), **{"encoder": small_batches(3)} | settings)
    return made.import_files(path, **options)


def counts(report: Report) -> tuple[int, int]:
    """Return how many events were sent, or rejected, by this import, and how many by earlier ones."""
    return report.total, report.earlier


def names(given: list[dict[str, Any]]) -> set[str]:
    return {one["properties"]["$insert_id"] for one in given}
