"""Places in files whose records span several lines, and are read in several pieces."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mixpress.check import examples
from mixpress.files import json_reader

from .checking import checked, event


@pytest.mark.parametrize("piece", [100, 500, 1 << 20])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_broken_value_within_an_event_of_several_lines_has_its_line_and_column(
    piece: int, newline: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_reader, "PIECE", piece)
    monkeypatch.setattr(examples, "EXAMPLES", 100)
    bad = [event(number=number, distinct_id="NA" if number % 3 else "u") for number in range(20)]
    text = json.dumps(bad, indent=2).replace('"i-4"', "oops").replace('"i-13"', "oops")
    path = tmp_path / "array.json"
    path.write_bytes(text.replace("\n", newline).encode())
    lines = text.split("\n")
    found = checked(str(path)).rules.by_kind
    starts = [number for number, line in enumerate(lines, 1) if line == "  {"]
    places = [example.place.line for example in found["distinct-id-disallowed"].examples if example.place]
    assert places == [starts[number] for number in range(20) if number % 3 and number not in (4, 13)]
    broken = [(e.place.line if e.place else 0, re.match(r"line (\d+), column (\d+) ", e.message)) for e in (
        found["invalid-json"].examples
    )]  # fmt: skip
    assert [place for place, _ in broken] == [starts[4], starts[13]]
    named = [(int(match[1]), int(match[2])) for _, match in broken if match]
    assert named == [(number, line.index("oops") + 1) for number, line in enumerate(lines, 1) if "oops" in line]
