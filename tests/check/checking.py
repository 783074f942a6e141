"""Check files that a test writes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mixpress import Encoder
from mixpress.check.report import CheckReport
from mixpress.check.run import check_pieces
from mixpress.files.files import Files
from mixpress.files.mapper import mapper_of
from mixpress.files.mapping import Mapping


def event(name: object = "Seen", number: object = 0, **changes: Any) -> dict[str, Any]:
    """Return a valid event with other properties; None removes one."""
    properties = {"time": 1_700_000_000, "distinct_id": "u-1", "$insert_id": f"i-{number}", **changes}
    return {"event": name, "properties": {key: value for key, value in properties.items() if value is not None}}


def write(path: Path, records: Iterable[object]) -> str:
    """Write records as NDJSON; bytes are lines as they are."""
    with path.open("wb") as file:
        for record in records:
            file.write((record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n")
    return str(path)


def checked(*paths: str, mapping: Mapping | None = None) -> CheckReport:
    """Check files."""
    return check_pieces(Files(paths), Encoder(explain=True), mapper_of(mapping))
