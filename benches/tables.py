"""Measure `import_files` of the same rows as NDJSON, CSV, Parquet and Arrow: events a second, CPU and memory.

Run it by `python -m benches.tables`. It fills the table "Files of tables" of benches/README.md. Environment variables
and their defaults:

    TABLES_ROWS=1000000
    FILES_ROUNDS=3
    FILES_FOLDER=            where the files are written; a temporary folder by default

It has no cold form: no row is like another one.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benches import files
from benches.files import Contestant
from benches.support.cost import Cost
from benches.support.rounds import require_release_build

ROWS = int(os.environ.get("TABLES_ROWS", "1000000"))
PART = 100_000
"""Rows that are written at a time."""


def write(folder: Path) -> None:
    """Write the files. This imports pyarrow, whose memory the importers would inherit: run it in a process."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    chance = random.Random(1)
    first = _part(pa, chance, 0)
    with (
        csv.CSVWriter(folder / "rows.csv", first.schema) as to_csv,
        parquet.ParquetWriter(folder / "rows.parquet", first.schema) as to_parquet,
        pa.OSFile(str(folder / "rows.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, first.schema) as to_arrow,
        open(folder / "rows.ndjson", "w", encoding="utf-8") as to_json,
    ):
        for start in range(0, ROWS, PART):
            table = first if start == 0 else _part(pa, chance, start)
            for writer in (to_csv, to_parquet, to_arrow):
                writer.write(table)
            for row in table.to_pylist():
                event = {"event": row.pop("event"), "properties": {name: row[name] for name in row if row[name] != ""}}
                to_json.write(f"{json.dumps(event)}\n")


def _part(pa: Any, chance: random.Random, start: int) -> Any:
    numbers = range(start, min(start + PART, ROWS))
    columns = {
        "event": [chance.choice(("Signed Up", "Paid", "Viewed")) for _ in numbers],
        "time": [1_700_000_000 + number for number in numbers],
        "distinct_id": [f"user-{number % 20_000}" for number in numbers],
        "$insert_id": [f"{number:016x}" for number in numbers],
        "plan": [chance.choice(("pro", "free", "")) for _ in numbers],
        "amount": [round(chance.random() * 100, 2) for _ in numbers],
        "country": ["DE" for _ in numbers],
        "active": [chance.random() < 0.5 for _ in numbers],
        "url": [f"https://example.com/p/{number % 997}?q=1" for number in numbers],
        "title": ['He said, "hi"' if number % 10 == 0 else "A title" for number in numbers],
    }
    return pa.table(columns)


def main() -> None:
    """Write the files, and print a row for each."""
    require_release_build()
    with tempfile.TemporaryDirectory(dir=files.FOLDER) as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "benches.tables", "write", name], check=True)
        contestants = {path.suffix[1:]: Contestant("mixpress", path) for path in sorted(folder.iterdir())}
        costs: dict[str, list[Cost]] = {kind: [] for kind in contestants}
        for _ in range(files.ROUNDS):
            for kind, contestant in contestants.items():
                cost = contestant.run()
                if cost.count != ROWS:
                    raise SystemExit(f"{kind}: {cost.count} of {ROWS} rows have a verdict")
                costs[kind].append(cost)
    files.show(costs)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]))
    else:
        main()
