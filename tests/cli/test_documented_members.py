"""docs/report.md and docs/check.md list the members of the JSON that commands write."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mixpress.emulator import Emulator

from .importing import event, ndjson, run, write

DOCS = Path(__file__).parents[2] / "docs"


def documented(page: str, title: str) -> set[str]:
    """Return the names in the first column of the first table under a title."""
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", (DOCS / page).read_text("utf-8"), re.M | re.S)
    rows = re.findall(r"^\| (`.*?) \|", section, re.M)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_each_member_of_the_report_of_an_import_is_documented(server: Emulator, tmp_path: Path) -> None:
    page = tmp_path / "import.json"
    run(write(tmp_path / "a", ndjson(event(0), event(1, distinct_id="NA"))), "--to", server.url, "--report", str(page))
    found = json.loads(page.read_text("utf-8"))
    assert documented("report.md", "JSON of an import") == set(found)
    text = (DOCS / "report.md").read_text("utf-8")
    [failure] = found["failures"]
    inner = [
        *failure,
        *failure["place"],
        *found["samples"][0],
        *found["reasons"][0],
        *found["days"][0],
        *found["sizes"][0],
    ]
    assert [name for name in inner if f"`{name}`" not in text] == []


def test_each_member_of_the_json_of_a_check_is_documented(tmp_path: Path) -> None:
    found = json.loads(run(write(tmp_path / "a", ndjson(event(0))), "--json", command="check").stdout)
    assert documented("check.md", "JSON") == set(found)


def test_each_member_of_a_line_of_progress_is_documented(tmp_path: Path) -> None:
    result = run(write(tmp_path / "a", ndjson(event(0))), "--log-json", "--json", command="check")
    [first, *_] = map(json.loads, result.stderr.splitlines())
    assert documented("report.md", "Progress") == set(first)
