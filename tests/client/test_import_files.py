"""import_files: the verdict on each event of a file, its place, and what ends an import early; on a fake server."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpress import AsyncClient, Encoder, derive_insert_id
from mixpress.errors import AuthError, ImportInterrupted
from mixpress.files import files, json_reader
from mixpress.files.json_piece import JsonPiece
from mixpress.files.mapping import Mapping
from mixpress.report.place import Place
from mixpress.report.report import Progress, Report
from mixpress.retry import RetryPolicy
from support.clients import ACCOUNT, client, kinds
from support.clocks import FakeClock
from support.events import bad, event, events, small_batches
from support.replies import answer, busy, ok, refusing
from support.server import FakeServer, sent_all

LINE = len(json.dumps(event(10))) + 1
"""Bytes of a line of events 10 to 99."""


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut pieces of 10 events."""
    monkeypatch.setattr(json_reader, "PIECE", 10 * LINE)


def write(folder: Path, given: list[Any], name: str = "a.ndjson") -> str:
    """Write a file with an event, or a text, in each line."""
    path = folder / name
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in given))
    return str(path)


def numbered(count: int) -> list[dict[str, Any]]:
    """Return events whose lines have the same length."""
    return events(count + 10)[10:]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# Verdicts and places


def test_a_mapping_that_derives_ids_keeps_the_other_settings_of_the_encoder(tmp_path: Path) -> None:
    given = event(1)
    given["properties"].pop("$insert_id")
    given["properties"] |= {"order": 7, "page": "https://example.com/" + "a" * 300}
    encoder = Encoder(on_long_url="parse", now=lambda: given["properties"]["time"] + 10.0, default=repr)
    server = FakeServer()
    made = client(server, encoder=encoder)
    assert made.import_files(write(tmp_path, [given]), mapping=Mapping(insert_id_from=("order",))).imported == 1
    [sent] = sent_all(server)
    assert sent["properties"]["page_host"] == "example.com"
    assert sent["properties"]["$insert_id"] == derive_insert_id(given, ["order"])


def test_the_events_of_a_file_are_imported_and_counted(tmp_path: Path) -> None:
    server = FakeServer()
    report = client(server).import_files(write(tmp_path, events(5)))
    sizes: dict[str, Any] = {"bytes_raw": report.bytes_raw, "bytes_sent": len(server.requests[0].body)}
    assert report == Report(total=5, imported=5, requests=1, failures=[], **sizes)
    assert sent_all(server) == events(5)


def test_the_events_of_several_files_are_sent_in_order(tmp_path: Path) -> None:
    server = FakeServer()
    paths = [Path(write(tmp_path, [event(number)], f"{number}.ndjson")) for number in range(3)]
    assert client(server).import_files(paths).imported == 3
    assert sent_all(server) == events(3)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("concurrency", [1, 4])
def test_many_pieces_are_imported_completely(tmp_path: Path, concurrency: int) -> None:
    server = FakeServer()
    path = write(tmp_path, numbered(95))
    report = client(server, encoder=small_batches(3), concurrency=concurrency).import_files(path)
    assert (report.total, report.imported) == (95, 95)
    assert sorted(server.imported) == sorted(one["properties"]["$insert_id"] for one in numbered(95))


@pytest.mark.usefixtures("small_pieces")
def test_a_failure_has_its_index_in_the_input_and_its_place_in_the_file(tmp_path: Path) -> None:
    given: list[Any] = [*numbered(10), "", bad(33), *numbered(30)]
    path = write(tmp_path, given)
    report = client(FakeServer(refusing(1)), encoder=small_batches(100)).import_files(path)
    found = {failure.index: (failure.kind, failure.place) for failure in report.failures}
    offsets = [0]
    for one in given:
        offsets.append(offsets[-1] + (len(json.dumps(one)) + 1 if one else 1))
    assert found[1] == ("refused", Place(path, 2, offsets[1]))
    assert found[10] == ("rejected", Place(path, 12, offsets[11]))
    assert found[12] == ("refused", Place(path, 14, offsets[13]))
    assert str(report.failures[1].place) == f"{path}:12"
    assert report.total == report.imported + 1 + report.refused == 41


@pytest.mark.usefixtures("small_pieces")
def test_broken_json_in_a_later_piece_is_named_by_its_line_and_byte_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, [*numbered(25), '{"event": oops}'])
    [failure] = client(FakeServer()).import_files(path).failures
    assert failure.message.startswith(f"line 26, column 11 (byte {25 * LINE + 10}) is not JSON")
    assert failure.place == Place(path, 26, 25 * LINE)


@pytest.mark.usefixtures("small_pieces")
def test_the_dead_letter_has_each_failed_record_as_it_was_read(tmp_path: Path) -> None:
    broken = '{"event": "cut in the mid'
    path, letter = write(tmp_path, [*numbered(20), broken, bad(3)]), tmp_path / "failed"
    report = client(FakeServer(refusing(0)), encoder=small_batches(20)).import_files(path, dead_letter=letter)
    assert report.unwritten == 0
    written = sorted(lines_of(letter), key=lambda line: line["index"])
    assert [(line["index"], line["kind"], line["line"]) for line in written] == [
        (0, "refused", 1),
        (10, "refused", 11),
        (20, "rejected", 21),
        (21, "rejected", 22),
    ]
    assert [line["event"] for line in written] == [event(10), event(20), broken, bad(3)]
    assert written[2]["byte"] == 20 * LINE
    assert {line["file"] for line in written} == {path}


def test_the_halves_of_a_batch_that_is_too_large_keep_their_places(tmp_path: Path) -> None:
    too_large = answer(413, {"code": 413, "error": "request exceeds max limit of 900 bytes", "status": "x"})
    path = write(tmp_path, [bad(0), *events(9)])
    report = client(FakeServer(too_large, refusing(1))).import_files(path)
    assert report.imported + report.refused == 9
    assert report.refused >= 2
    for failure in report.failures:
        assert failure.place is not None
        assert failure.place.line == failure.index + 1


def test_undelivered_events_have_their_places(tmp_path: Path) -> None:
    letter = tmp_path / "failed"
    path = write(tmp_path, events(6))
    server = FakeServer(ok(), busy())
    made = client(server, FakeClock(), encoder=small_batches(3), retry=RetryPolicy(attempts=2))
    report = made.import_files(path, dead_letter=letter)
    assert kinds(report) == dict.fromkeys((3, 4, 5), "undelivered")
    assert [failure.place.line for failure in report.failures if failure.place] == [4, 5, 6]
    assert [line["event"] for line in lines_of(letter)] == events(6)[3:]


def test_truncations_and_warnings_have_the_index_in_the_input(tmp_path: Path, small_pieces: None) -> None:
    path = write(tmp_path, [*numbered(25), event(0, url="http://x/" + "a" * 300), bad(1)])
    report = client(FakeServer()).import_files(path)
    cut = report.cut_by_path["properties.url"]
    assert (report.truncated, cut.count, cut.example.index, cut.example.advice) == (1, 1, 25, "url")


# Ends


def test_an_unreadable_path_raises_before_anything_is_sent(tmp_path: Path) -> None:
    server = FakeServer()
    with pytest.raises(OSError, match="missing"):
        client(server).import_files(tmp_path / "missing")
    with pytest.raises(ValueError, match="at least one file"):
        client(server).import_files([])
    assert server.requests == []


def test_an_error_of_a_piece_is_raised_with_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the reader is odd")

    monkeypatch.setattr(JsonPiece, "encode", broken)
    with pytest.raises(ImportInterrupted, match="the reader is odd") as caught:
        client(FakeServer()).import_files(write(tmp_path, events(1)))
    assert caught.value.report is not None


@pytest.mark.usefixtures("small_pieces")
def test_an_error_of_the_reader_is_raised_after_what_was_read_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = files.Files.__iter__

    def failing(source: files.Files) -> Iterator[object]:
        yield next(read(source))
        raise OSError("disk on fire")

    monkeypatch.setattr(files.Files, "__iter__", failing)
    server = FakeServer()
    with pytest.raises(ImportInterrupted, match="disk on fire") as caught:
        client(server).import_files(write(tmp_path, numbered(30)))
    assert caught.value.report is not None
    assert caught.value.report.imported == len(server.imported) == 10


@pytest.mark.usefixtures("small_pieces")
def test_bad_credentials_stop_the_import_at_once(tmp_path: Path) -> None:
    server = FakeServer(ok(), answer(401, {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"}))
    with pytest.raises(AuthError) as caught:
        client(server, encoder=small_batches(2)).import_files(write(tmp_path, numbered(500)))
    report = caught.value.report
    assert report is not None
    assert report.imported == 2
    assert report.undelivered == report.total - 2 < 20
    assert len(server.requests) == 2


@pytest.mark.usefixtures("small_pieces")
def test_more_failures_than_max_errors_end_the_import_early(tmp_path: Path) -> None:
    server = FakeServer()
    path = write(tmp_path, [*numbered(10), *[bad(11)] * 90])
    with pytest.raises(ImportInterrupted, match="events failed, more than max_errors=5 allows") as caught:
        client(server).import_files(path, max_errors=5)
    report = caught.value.report
    assert report is not None
    assert report.imported == 10
    assert 5 < report.rejected < 60


def test_a_percentage_of_failures_is_measured_after_a_thousand_events(tmp_path: Path) -> None:
    few = [bad(1), *events(500)]
    assert client(FakeServer()).import_files(write(tmp_path, few), max_errors="0%").rejected == 1
    many = [*events(1000), *map(bad, range(30))]
    assert client(FakeServer()).import_files(write(tmp_path, many), max_errors="3%").rejected == 30
    with pytest.raises(ImportInterrupted, match="30 of 1,030 events failed"):
        client(FakeServer()).import_files(write(tmp_path, many), max_errors="2.5%")


@pytest.mark.parametrize("wrong", ["many", -1, "101%", 2.5, True, "%"])
def test_a_wrong_max_errors_is_named(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(ValueError, match="max_errors must be"):
        client(FakeServer()).import_files(tmp_path / "a", max_errors=wrong)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("limit", [0, 1, 10, 14, 35, 41, 100])
def test_a_limit_reads_so_many_events(tmp_path: Path, limit: int) -> None:
    server = FakeServer()
    path = write(tmp_path, [*numbered(13), bad(0), *numbered(27)])
    report = client(server).import_files(path, limit=limit)
    assert report.total == min(limit, 41)
    assert report.rejected == int(limit > 13)
    assert len(server.imported) == report.imported


@pytest.mark.usefixtures("small_pieces")
def test_a_dry_run_does_all_but_send(tmp_path: Path) -> None:
    server, letter = FakeServer(), tmp_path / "failed"
    made = client(server)
    report = made.import_files(write(tmp_path, [*numbered(25), bad(0)]), dry_run=True, dead_letter=letter)
    assert server.requests == []
    assert (report.dry_run, report.total, report.imported, report.rejected) == (True, 26, 25, 1)
    assert report.bytes_sent > 0
    assert len(lines_of(letter)) == 1
    assert made.stats().accepted == 0


# Progress, memory, threads


@pytest.mark.usefixtures("small_pieces")
def test_progress_says_how_much_of_the_files_is_done(tmp_path: Path) -> None:
    path = write(tmp_path, numbered(50))
    seen: list[Progress] = []
    client(FakeServer()).import_files(path, on_progress=seen.append)
    size = Path(path).stat().st_size
    assert {progress.size for progress in seen} == {size}
    assert seen[-1].done == size
    assert seen[-1].imported == 50
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)


@pytest.mark.usefixtures("small_pieces")
def test_a_file_is_not_read_far_ahead_of_a_server_that_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = files.Files.__iter__
    pieces: list[object] = []
    ahead: list[int] = []
    asked: list[int] = []

    def counted(source: files.Files) -> Iterator[object]:
        for piece in read(source):
            pieces.append(piece)
            yield piece

    def measure(_request: object) -> Any:
        asked.append(1)
        ahead.append(len(pieces) - len(asked))
        return ok()

    monkeypatch.setattr(files.Files, "__iter__", counted)
    client(FakeServer(measure), concurrency=2).import_files(write(tmp_path, numbered(900)))
    assert len(asked) >= 90
    assert max(ahead) <= 2 * 2 + 4 + 1  # two for each worker, four in the encoder's threads, one just read


@pytest.mark.usefixtures("small_pieces")
def test_an_async_client_imports_files(tmp_path: Path) -> None:
    server = FakeServer()

    async def main() -> Report:
        async with AsyncClient(ACCOUNT, base_url="http://127.0.0.1:8400", transport=server) as made:
            return await made.import_files(write(tmp_path, numbered(25)))

    assert asyncio.run(main()).imported == 25


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_cancelling_the_task_ends_a_read_of_a_pipe(tmp_path: Path) -> None:
    pipe, server = tmp_path / "pipe", FakeServer()
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)  # it stays open, so the import waits for more
    os.write(writer, json.dumps(event(0)).encode() + b"\n")

    async def main() -> None:
        async with AsyncClient(ACCOUNT, base_url="http://127.0.0.1:8400", transport=server) as made:
            task = asyncio.create_task(made.import_files(pipe))
            while not server.requests:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    try:
        asyncio.run(asyncio.wait_for(main(), 30))
    finally:
        os.close(writer)
    assert server.imported == ["event-0"]


@pytest.mark.parametrize("kind", ["table", "reader", "batch"])
def test_the_rows_of_a_table_are_imported(tmp_path: Path, kind: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    users = ["u"] * 9 + ["null"]
    names = [f"id-{number}" for number in range(10)]
    table = pyarrow.table({"at": [1_700_000_000 + number for number in range(10)], "user": users, "id": names})
    given = {"table": table, "reader": table.to_reader(), "batch": table.to_batches()[0]}[kind]
    mapping = Mapping(event="Seen", time_column="at", distinct_id_column="user", insert_id_column="id")
    server, letter = FakeServer(refusing(2)), tmp_path / "failed"
    report = client(server).import_table(given, mapping=mapping, dead_letter=letter)
    assert (report.imported, report.rejected, report.refused) == (8, 1, 1)
    assert [str(failure.place) for failure in report.failures] == ["table: row 3", "table: row 10"]
    lines = sorted(lines_of(letter), key=lambda line: line["index"])
    assert [line["event"]["id"] for line in lines] == ["id-2", "id-9"]
    assert [line["row"] for line in lines] == [3, 10]


def test_another_object_than_a_table_is_refused() -> None:
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        client(FakeServer()).import_table([event(0)])


def test_an_async_client_imports_a_table() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    server = FakeServer()
    table = pyarrow.table({"event": ["e"], "time": [1_700_000_000], "distinct_id": ["u"], "$insert_id": ["1"]})

    async def main() -> Report:
        async with AsyncClient(ACCOUNT, base_url="http://127.0.0.1:8400", transport=server) as made:
            return await made.import_table(table)

    assert asyncio.run(main()).imported == 1


def test_ids_are_derived_from_the_columns_that_a_mapping_names(tmp_path: Path) -> None:
    server = FakeServer()
    given = [{"event": "e", "properties": {"time": 1_700_000_000, "distinct_id": "u", "order": n}} for n in (1, 2, 1)]
    mapping = Mapping(insert_id_from=("order",))
    assert client(server).import_files(write(tmp_path, given), mapping=mapping).imported == 3
    assert len(server.imported) == 3
    assert len(set(server.imported)) == 2
