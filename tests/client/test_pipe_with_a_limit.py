"""A bound on the events of an input whose last piece comes from a slow pipe, while earlier ones were read ahead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixpress.client import file_run
from mixpress.client.file_import import import_pieces
from mixpress.client.file_options import FileOptions, MaxErrors
from mixpress.errors import ImportInterrupted
from mixpress.files import json_reader
from mixpress.files.files import Files
from support.clients import client
from support.events import bad
from support.server import FakeServer

from .test_import_files import LINE, numbered, write


@pytest.fixture(autouse=True)
def three_pieces_are_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut pieces of 10 events; a smaller one, the last, is taken for one of a slow pipe."""
    monkeypatch.setattr(json_reader, "PIECE", 10 * LINE)
    monkeypatch.setattr(file_run, "SLOW", 10 * LINE)


def files_of_unknown_size(path: str) -> Files:
    files = Files([path])
    files.size = None
    return files


@pytest.mark.parametrize("limit", [1, 10, 15, 20, 30, 34, 35, 36])
def test_a_limit_ends_an_import_whose_last_piece_is_small(tmp_path: Path, limit: int) -> None:
    server = FakeServer()
    source = files_of_unknown_size(write(tmp_path, numbered(35)))
    report = import_pieces(client(server).engine, source, None, FileOptions(limit=limit))
    assert report.total == report.imported == len(server.imported) == min(limit, 35)


def test_no_piece_is_taken_after_too_many_failures(tmp_path: Path) -> None:
    given: list[Any] = [*[bad(11)] * 10, *numbered(25)]
    server, source = FakeServer(), files_of_unknown_size(write(tmp_path, given))
    with pytest.raises(ImportInterrupted, match="10 events failed, more than max_errors=5 allows"):
        import_pieces(client(server).engine, source, None, FileOptions(max_errors=MaxErrors(count=5)))
    assert server.requests == []
