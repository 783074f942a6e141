"""Imports that end early and go on, for each kind of file, and with what can go wrong meanwhile."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixpress.errors import AuthError, ImportInterrupted, StateError, TransportError
from mixpress.files import batches, csv_reader, json_reader
from mixpress.files.files import Files
from mixpress.files.mapping import Mapping
from mixpress.report.report import Report
from mixpress.retry import RetryPolicy
from support.clients import client
from support.clocks import FakeClock
from support.events import small_batches
from support.replies import UNREACHED, answer, ok
from support.server import FakeServer, sent_all

UNAUTHORIZED = answer(401, {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"})
MAPPING = Mapping(event="Seen", distinct_id_column="user", insert_id_column="id")
COUNT = 300


def rows() -> list[dict[str, Any]]:
    users = ["null" if number % 50 == 7 else f"user-{number}" for number in range(COUNT)]
    return [{"time": 1_700_000_000 + n, "user": user, "id": f"event-{n:03}"} for n, user in enumerate(users)]


def write_ndjson(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()))


def write_array(path: Path) -> None:
    path.write_text(json.dumps(rows(), indent=2))


def write_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows()).encode()))


def write_csv(path: Path) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, ["time", "user", "id"])
        writer.writeheader()
        writer.writerows(rows())


def write_parquet(path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(rows()), path, row_group_size=40)


def write_arrow(path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist(rows())
    with pyarrow.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=40)


WRITERS: dict[str, Callable[[Path], None]] = {
    "ndjson": write_ndjson,
    "array": write_array,
    "gzip": write_gzip,
    "csv": write_csv,
    "parquet": write_parquet,
    "arrow": write_arrow,
}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "PIECE", 2000)
    monkeypatch.setattr(csv_reader, "WINDOW", 1000)
    for name in ("ROWS", "BYTES"):
        if hasattr(batches, name):
            monkeypatch.setattr(batches, name, 1000)


def run(path: Path, server: FakeServer, **settings: Any) -> Report:
    made = client(server, FakeClock(), encoder=small_batches(7), retry=RetryPolicy(attempts=2))
    letter = path.with_suffix(".failed")
    return made.import_files(path, mapping=MAPPING, state=path.with_suffix(".state"), dead_letter=letter, **settings)


def indexes(path: Path) -> list[int]:
    lines = path.with_suffix(".failed").read_text().splitlines()
    return [line["index"] for line in map(json.loads, lines) if line["kind"] == "rejected"]


GOOD = {row["id"] for row in rows() if row["user"] != "null"}
BAD = [number for number, row in enumerate(rows()) if row["user"] == "null"]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("requests", [0, 1, 5, 20])
def test_an_import_goes_on_in_each_kind_of_file(kind: str, requests: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    WRITERS[kind](path)
    first, second = FakeServer(*[ok()] * requests, UNAUTHORIZED), FakeServer()
    with pytest.raises(AuthError) as caught:
        run(path, first)
    ended = caught.value.report
    assert ended is not None
    report = run(path, second)
    assert report.earlier == ended.imported + ended.rejected
    assert report.total + report.earlier == COUNT
    assert report.failed == report.rejected
    assert set(second.imported) | set(first.imported) == GOOD
    assert len(second.imported) == len(GOOD) - ended.imported
    assert indexes(path) == BAD
    os.utime(path, (1, 1))
    assert (run(path, FakeServer()).earlier, run(path, FakeServer()).total) == (COUNT, 0)


@pytest.mark.parametrize("kind", WRITERS)
def test_another_content_of_the_same_size_is_noticed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    WRITERS[kind](path)
    run(path, FakeServer())
    changed = [{**row, "user": row["user"][::-1]} for row in rows()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "rows", lambda: changed)
        WRITERS[kind](path)
    with pytest.raises(Exception, match=r"has changed between|describes"):
        run(path, FakeServer())


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_that_is_empty_now_is_noticed_before_the_next_one_is_sent(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    WRITERS[kind](path)
    WRITERS[kind](other)
    run(path, FakeServer())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "rows", list)
        WRITERS[kind](path)
    server, made = FakeServer(), path.with_suffix(".state")
    with pytest.raises(StateError, match=rf"describes (another )?{path}.* (now ends at 0|has changed)") as caught:
        client(server, encoder=small_batches(7)).import_files([path, other], mapping=MAPPING, state=made)
    assert caught.value.kind == "changed"
    assert server.requests == []


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_that_was_empty_may_have_events_later(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "rows", list)
        WRITERS[kind](path)
    for _ in range(2):
        assert run(path, FakeServer()).total == 0
    WRITERS[kind](path)
    assert run(path, FakeServer()).total == COUNT


def test_a_server_that_disappears_loses_nothing(tmp_path: Path) -> None:
    path, server = tmp_path / "a", FakeServer(*[ok()] * 6, UNREACHED)
    write_ndjson(path)
    report = run(path, server)
    assert report.undelivered == COUNT - report.imported - report.rejected > 0
    later = FakeServer()
    again = run(path, later)
    assert again.undelivered == 0
    assert again.earlier == report.imported + report.rejected
    assert len(later.imported) == again.imported == report.undelivered


def test_a_server_that_is_never_there_costs_no_event(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_ndjson(path)
    with pytest.raises(TransportError):
        run(path, FakeServer(UNREACHED))
    server = FakeServer()
    run(path, server)
    assert set(server.imported) == GOOD


def test_a_request_to_stop_ends_the_reading_and_the_next_import_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, server = tmp_path / "a", FakeServer()
    write_ndjson(path)
    read = Files.__iter__

    def stopping(files: Files) -> Any:
        for number, piece in enumerate(read(files)):
            yield piece
            if number == 2:
                files.stop("stopped by Ctrl-C")

    with monkeypatch.context() as patch:
        patch.setattr(Files, "__iter__", stopping)
        with pytest.raises(ImportInterrupted, match="stopped by Ctrl-C") as caught:
            run(path, server)
    ended = caught.value.report
    assert ended is not None
    assert ended.undelivered == 0
    assert 0 < ended.total < COUNT
    report = run(path, server)
    assert report.earlier == ended.total
    assert sorted(server.imported) == sorted(GOOD)


def test_a_file_that_grows_while_it_is_read_is_read_to_its_old_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, server = tmp_path / "a", FakeServer()
    write_ndjson(path)
    whole = path.read_text()
    half = whole.index("\n", len(whole) // 2) + 1
    path.write_text(whole[:half])
    read = Files.__iter__

    def growing(files: Files) -> Any:
        for number, piece in enumerate(read(files)):
            if number == 0:
                path.write_text(whole)
            yield piece

    with monkeypatch.context() as patch:
        patch.setattr(Files, "__iter__", growing)
        first = run(path, server)
    report = run(path, server)
    assert first.total < COUNT
    assert set(server.imported) == GOOD
    assert report.total + report.earlier == COUNT
    assert run(path, FakeServer()).earlier == COUNT


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("limit", [1, 33, 299])
def test_a_limit_sends_the_first_events_unchanged(kind: str, limit: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    WRITERS[kind](path)
    whole, part = FakeServer(), FakeServer()
    client(whole, encoder=small_batches(7)).import_files(path, mapping=MAPPING)
    report = client(part, encoder=small_batches(7)).import_files(path, mapping=MAPPING, limit=limit)
    assert report.total == limit
    assert sent_all(part) == sent_all(whole)[: report.imported]


def test_a_limit_counts_a_line_that_is_not_json(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()[:5]) + "{oops}\n" * 3)
    server = FakeServer()
    report = client(server).import_files(path, mapping=MAPPING, limit=7)
    assert (report.imported, report.rejected) == (5, 2)
    assert [failure.place.line for failure in report.failures if failure.place] == [6, 7]
