"""The first line of a summary, and other sentences with counts and durations."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mixpress.cli.summary import what_was_read
from mixpress.emulator import Emulator

from .importing import event, ndjson, run, write


@pytest.mark.parametrize(
    ("events", "seconds", "text"),
    [
        (0, 0.0, "0 events read from a in 0.00 s"),
        (1, 0.5, "1 event read from a in 0.50 s, 2 events/s"),
        (6000, 59.99, "6,000 events read from a in 59.99 s, 100 events/s"),
        (11_980, 119.8, "11,980 events read from a in 2 min 0 s, 100 events/s"),
        (7_300_000, 7300, "7,300,000 events read from a in 2 h 2 min, 1,000 events/s"),
    ],
)
def test_the_first_line_says_how_much_was_read_from_where(events: int, seconds: float, text: str) -> None:
    (count, _), rest = what_was_read(events, "a", seconds)
    assert count + rest == text


@pytest.mark.parametrize("content", [b"", b"\n", gzip.compress(b"", mtime=0)])
def test_a_check_names_an_empty_file(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "empty.ndjson", content)
    assert f"0 events read from {path} in " in run(path, command="check").stdout
    assert json.loads(run(path, "--json", command="check").stdout)["files"] == [path]


def test_a_check_counts_files_with_and_without_events(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, content) for name, content in (("a", b""), ("b", ndjson(event(0))), ("c", b""))]
    assert "1 event read from 3 files in " in run(*paths, command="check").stdout
    assert json.loads(run(*paths, "--json", command="check").stdout)["files"] == paths


def test_one_event_is_one_event(server: Emulator, tmp_path: Path) -> None:
    path, page = write(tmp_path / "a", ndjson(event(0, distinct_id="NA"))), tmp_path / "page.md"
    result = run(path, "--to", server.url, "--max-errors", "0", "--report", str(page))
    assert "1 event read from" in result.stdout
    assert "Error: 1 event failed, more than --max-errors 0 allows" in result.stderr
    assert "0 of 1 event was imported; 1 failed." in page.read_text()
    run(write(tmp_path / "b", ndjson(event(0))), "--to", server.url, "--report", str(page))
    assert "The event was imported." in page.read_text()
