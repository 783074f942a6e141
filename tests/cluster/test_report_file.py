"""The report of a job as a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mixpress.cluster.report_file import write_report


def test_a_report_replaces_that_of_the_name_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "made" / "report.json"
    for total in (1, 2):
        write_report(str(path), {"total": total})
        assert json.loads(path.read_text()) == {"total": total}
    assert [one.name for one in path.parent.iterdir()] == ["report.json"]


def test_a_report_goes_to_a_store() -> None:
    import fsspec  # type: ignore[import-untyped]

    write_report("memory://reports/of/batch-1.json", {"total": 1})
    assert json.loads(fsspec.filesystem("memory").cat("/reports/of/batch-1.json")) == {"total": 1}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        OSError, match=rf"the report can't be written to {tmp_path}/file/report.json: (Not a|File exists)"
    ):
        write_report(f"{tmp_path}/file/report.json", {})
    with pytest.raises(OSError, match=r"written to nope://bucket/report\.json: ValueError"):
        write_report("nope://user:secret@bucket/report.json", {})
