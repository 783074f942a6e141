"""The state file of an import: what a later import sends again, and what it says of a file that it can't use."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mixpress.errors import AuthError, StateError
from mixpress.files import json_reader
from mixpress.files.identity import identity_of
from mixpress.files.mapping import Mapping
from mixpress.files.reading import Reading
from mixpress.files.state import Entry
from mixpress.report.place import Place
from mixpress.retry import RetryPolicy
from support.clients import client
from support.events import bad, encoder, ids, small_batches
from support.replies import busy, ok, refusing
from support.server import FakeServer

from .resuming import LINE, UNAUTHORIZED, counts, names, numbered, run, write


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut pieces of 10 events."""
    monkeypatch.setattr(json_reader, "PIECE", 10 * LINE)


# Going on


def test_a_finished_import_sends_nothing_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [*numbered(35), bad(11), '{"broken'])
    first = run(path, FakeServer(refusing(1)))
    assert first.earlier == 0
    again = FakeServer()
    report = run(path, again)
    assert again.requests == []
    assert counts(report) == (0, first.total) == (0, 37)


@pytest.mark.parametrize("delivered", [0, 1, 4, 11])
def test_an_import_that_ended_early_goes_on(tmp_path: Path, delivered: int) -> None:
    given = numbered(40)
    path = write(tmp_path / "a", [*given, bad(11)])
    first, second = FakeServer(*[ok()] * delivered, UNAUTHORIZED), FakeServer()
    with pytest.raises(AuthError):
        run(path, first)
    report = run(path, second)
    assert report.imported + report.rejected == 41 - report.earlier
    confirmed = first.imported[: -len(ids(first.requests[-1]))]
    assert report.earlier == len(confirmed) == 3 * delivered - 2 * (delivered // 4)
    assert set(confirmed) | set(second.imported) == names(given)
    assert len(second.imported) == 40 - report.earlier


def test_undelivered_events_are_sent_again_and_others_are_not(tmp_path: Path) -> None:
    given = numbered(20)
    path = write(tmp_path / "a", [bad(11), *given])
    first = run(path, FakeServer(ok(), ok(), busy(), busy(), ok()), retry=RetryPolicy(attempts=2))
    assert (first.imported, first.undelivered, first.rejected) == (17, 3, 1)
    server = FakeServer()
    report = run(path, server)
    assert counts(report) == (3, 18)
    assert report.failures == []
    assert len(server.imported) == 3


def test_refused_events_are_final(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(7))
    assert run(path, FakeServer(refusing(0))).refused == 3
    assert counts(run(path, FakeServer())) == (0, 7)


def test_failures_that_the_dead_letter_lost_are_not_final(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    path, letter = write(tmp_path / "a", [*numbered(12), bad(3)]), tmp_path / "failed"
    with pytest.raises(Exception, match="could not be written"):
        run(path, FakeServer(refusing(0)), dead_letter="/dev/full", encoder=small_batches(6))
    report = run(path, FakeServer(), dead_letter=letter, encoder=small_batches(6))
    assert counts(report) == (13, 0)
    assert len(letter.read_text().splitlines()) == 1


def test_indexes_and_places_are_those_of_the_whole_input(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(30))
    with pytest.raises(AuthError):
        run(path, FakeServer(*[ok()] * 8, UNAUTHORIZED))
    report = run(path, FakeServer(refusing(0)))
    first = report.failures[0]
    assert first.place is not None
    assert report.earlier == 20
    assert (first.index, first.place.line) == (20, 21)


def test_a_limit_and_a_later_import_without_it(tmp_path: Path) -> None:
    given = numbered(25)
    path = write(tmp_path / "a", [*given[:13], bad(12), *given[13:]])
    server = FakeServer()
    assert counts(run(path, server, limit=15)) == (15, 0)
    report = run(path, server)
    assert report.total + report.earlier >= 26
    assert set(server.imported) == names(given)
    assert counts(run(path, FakeServer())) == (0, 26)


def rejected_lines(letter: Path) -> list[int]:
    return [json.loads(line)["line"] for line in letter.read_text().splitlines()]


@pytest.mark.parametrize("limits", [[15, 15, None], [15, 18, 18, None], [15, 12, 15, None, None], [11, 13, 16, 19]])
def test_a_rejection_before_a_limit_is_entered_once(tmp_path: Path, limits: list[int | None]) -> None:
    given = numbered(25)
    lines = [*given[:11], bad(11), "{oops", *given[11:14], bad(11), bad(11), *given[14:]]
    path, letter, server = write(tmp_path / "a", lines), tmp_path / "failed", FakeServer()
    for limit in limits:
        report = run(path, server, limit=limit, dead_letter=letter)
        assert report.total + report.earlier >= min(limit or 29, 29)
    assert rejected_lines(letter) == [12, 13, 17, 18]
    assert set(server.imported) == names(given[: 25 if None in limits else 15])
    if None in limits:
        assert counts(run(path, FakeServer(), dead_letter=letter)) == (0, 29)


def test_a_rejection_in_a_file_that_grew_is_entered_once(tmp_path: Path) -> None:
    path, letter = write(tmp_path / "a", [*numbered(14), bad(11), *numbered(3)]), tmp_path / "failed"
    run(path, FakeServer(), dead_letter=letter)
    write(path, [*numbered(14), bad(11), *numbered(3), bad(11), *numbered(9)])
    report = run(path, FakeServer(), dead_letter=letter)
    assert rejected_lines(letter) == [15, 19]
    assert report.total + report.earlier == 28


def test_a_dry_run_records_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(25))
    assert counts(run(path, FakeServer(), dry_run=True)) == (25, 0)
    assert not path.with_suffix(".state").exists()
    with pytest.raises(AuthError):
        run(path, FakeServer(*[ok()] * 4, UNAUTHORIZED))
    assert counts(run(path, FakeServer(), dry_run=True)) == (15, 10)
    assert counts(run(path, FakeServer())) == (15, 10)


def test_a_second_file_is_imported_with_the_same_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    one, other = write(tmp_path / "a", numbered(25)), write(tmp_path / "b", numbered(12))
    assert counts(client(FakeServer()).import_files(one, state=state)) == (25, 0)
    assert counts(client(FakeServer()).import_files([one, other], state=state)) == (12, 25)


# Files that change


def test_a_file_that_was_only_touched_is_compared_and_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(25))
    run(path, FakeServer())
    os.utime(path, (1, 1))
    assert counts(run(path, FakeServer())) == (0, 25)


def test_an_unchanged_file_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a", numbered(25))
    run(path, FakeServer())
    os.utime(path, (1, 1))
    run(path, FakeServer())
    monkeypatch.delattr("mixpress.files.json_piece.JsonPiece.digest")
    monkeypatch.setattr("mixpress.files.json_piece.JsonPiece.__abstractmethods__", frozenset())
    assert counts(run(path, FakeServer())) == (0, 25)


@pytest.mark.parametrize("changed", [0, 12, 24])
def test_a_file_with_a_changed_line_is_noticed(tmp_path: Path, changed: int) -> None:
    given = numbered(25)
    path = write(tmp_path / "a", given)
    run(path, FakeServer())
    given[changed]["properties"]["distinct_id"] = "resu"
    write(path, given)
    start = changed // 10 * 10 * LINE
    with pytest.raises(StateError, match=rf"describes another {path}: it has changed between {start:,} and ") as caught:
        run(path, FakeServer())
    assert caught.value.kind == "changed"
    assert caught.value.report is not None
    assert caught.value.report.earlier == changed // 10 * 10


@pytest.mark.parametrize("length", [5, 10, 15, 20])
def test_a_file_that_is_shorter_is_noticed(tmp_path: Path, length: int) -> None:
    path = write(tmp_path / "a", numbered(25))
    run(path, FakeServer())
    write(path, numbered(length))
    with pytest.raises(StateError, match=r"it has changed|now ends at") as caught:
        run(path, FakeServer())
    assert caught.value.kind == "changed"


@pytest.mark.parametrize("before", [20, 25])
@pytest.mark.parametrize("added", [1, 3, 40])
def test_a_file_that_grew_goes_on(tmp_path: Path, before: int, added: int) -> None:
    path, server = write(tmp_path / "a", numbered(before)), FakeServer()
    run(path, server)
    write(path, numbered(before + added))
    report = run(path, server)
    assert report.imported + report.earlier == before + added
    assert report.imported <= added + 3  # the last record, and so its batch
    assert set(server.imported) == names(numbered(before + added))
    assert counts(run(path, FakeServer())) == (0, before + added)


def test_a_last_line_that_was_incomplete_is_read_again(tmp_path: Path) -> None:
    path, server = tmp_path / "a", FakeServer()
    whole = "".join(json.dumps(one) + "\n" for one in numbered(16))
    path.write_text(whole[: 15 * LINE + 30])
    assert run(path, server).rejected == 1
    path.write_text(whole)
    report = run(path, server)
    assert report.rejected == 0
    assert set(server.imported) == names(numbered(16))
    assert counts(run(path, FakeServer())) == (0, 16)


# Ranges


def test_ranges_are_merged() -> None:
    entry = Entry(1, 0, 10, digest=b"digest", records=10, entered=10)
    for first, last in [(4, 6), (0, 2), (8, 10), (6, 8), (0, 0)]:
        entry.add(first, last)
    assert entry.settled == [(0, 2), (4, 10)]
    assert entry.covers(5, 9)
    assert not entry.covers(1, 5)
    assert not entry.is_complete
    entry.add(2, 4)
    assert entry.is_complete


def test_a_mapping_is_part_of_the_import() -> None:
    parts = [
        identity_of("http://h/import", {}, mapping, encoder())
        for mapping in (None, Mapping(), Mapping(event="Seen"), Mapping(event="Met"))
    ]
    assert parts[0] == parts[1]
    assert len({part["mapping"].text for part in parts}) == 3


def test_a_piece_that_is_known_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = numbered(95)
    path, server = write(tmp_path / "a", given), FakeServer(*[ok()] * 20, UNAUTHORIZED)
    with pytest.raises(AuthError):
        run(path, server)
    read: list[int] = []
    more = Reading.more

    def counted(reading: Reading, size: int, piece: int) -> bytes:
        text = more(reading, size, piece)
        read.append(len(text))
        return text

    monkeypatch.setattr(Reading, "more", counted)
    later = FakeServer(refusing(0))
    report = run(path, later)
    assert sum(read) == path.stat().st_size - 50 * LINE  # 20 batches are 5 pieces
    assert report.earlier == 50
    first = report.failures[0]
    assert (first.index, first.place) == (50, Place(str(path), 51, 50 * LINE))
    read.clear()
    assert counts(run(path, FakeServer())) == (0, 95)
    assert sum(read) == 0


def test_damage_behind_pieces_that_are_not_read_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a", numbered(95))
    with pytest.raises(AuthError):
        run(path, FakeServer(*[ok()] * 20, UNAUTHORIZED))  # 5 pieces of 10 events

    def failing(reading: Reading, _size: int, _piece: int) -> bytes:
        reading.is_over, reading.error = True, OSError(5, "Input/output error")
        return b""

    monkeypatch.setattr(Reading, "more", failing)
    report = run(path, FakeServer())
    assert report.damaged == (f"cannot read {path} after line 50: Input/output error",)


def test_a_known_piece_before_one_that_is_not_keeps_lines_and_ends(tmp_path: Path) -> None:
    """A piece in the middle is sent again; those around it are not read."""
    path = write(tmp_path / "a", numbered(50))
    replies = [ok()] * 8 + [busy()] * 2 + [ok()] * 10
    run(path, FakeServer(*replies), retry=RetryPolicy(attempts=2))
    report = run(path, FakeServer(refusing(0)))
    assert (report.total, report.earlier) == (3, 47)
    assert [str(failure.place) for failure in report.failures] == [f"{path}:21"]
