"""The work of reading a file of NDJSON grows with its size, whatever it contains."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.work import FILES, work_of_file


@pytest.mark.parametrize("name", FILES)
def test_twice_the_file_runs_at_most_two_and_a_half_times_the_lines(name: str, tmp_path: Path) -> None:
    once, twice = (work_of_file(FILES[name](size), tmp_path / "events.ndjson") for size in (1000, 2000))
    assert 0 < 2 * twice <= 5 * once
