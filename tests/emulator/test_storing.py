"""The emulator's store: deduplication, truncation, times, selection, and the file."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mixpress.emulator import Emulator

from .conftest import Start
from .sender import DAY, NOW, Sender, event

STRICT = "/import?strict=1"


def test_of_equal_events_the_latest_is_kept(server: Emulator, sender: Sender) -> None:
    for plan in ["free", "pro"]:
        answer = sender.post(STRICT, [event(plan=plan)])
        assert answer.json["num_records_imported"] == 1, "a duplicate counts as imported"
    assert server.events() == [event(plan="pro")]


def test_equal_events_in_one_request_are_one(server: Emulator, sender: Sender) -> None:
    events = [event(plan="free"), event("Other"), event(plan="pro")]
    assert sender.post(STRICT, events).json["num_records_imported"] == 3
    assert server.events() == [event(plan="pro"), event("Other")]


def test_equal_events_of_both_endpoints_are_one(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event()])
    sender.post("/track", [event(token="t")])
    assert server.events() == server.events(endpoint="/track") == [event(token="t")]


@pytest.mark.parametrize(
    "other",
    [event("Other"), event(time=NOW - 1), event(distinct_id="user-2"), event(insert_id="id-2")],
    ids=["event", "time", "distinct_id", "$insert_id"],
)
def test_events_that_differ_in_one_of_four_are_two(server: Emulator, sender: Sender, other: dict[str, Any]) -> None:
    sender.post(STRICT, [event()])
    sender.post(STRICT, [other])
    assert server.events() == [event(), other]


def test_seconds_and_milliseconds_are_the_same_time(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event(time=NOW), event(time=NOW * 1000)])
    assert server.events() == [event(time=NOW * 1000)]


def test_events_without_an_insert_id_are_never_equal(server: Emulator, sender: Sender) -> None:
    sender.post("/import", [event(insert_id=...), event(insert_id=...)])
    assert server.count() == 2


def test_events_without_a_distinct_id_can_be_equal(server: Emulator, sender: Sender) -> None:
    sender.post("/import", [event(distinct_id=...), event(distinct_id=...)])
    assert server.events() == [event(distinct_id=...)]


def test_long_strings_are_truncated_everywhere(server: Emulator, sender: Sender) -> None:
    long, fits = "\u00e9" * 300, "\u00e9" * 255
    sent = event("n" * 300, distinct_id="d" * 300, text=long, inner={"items": [long, [long], fits], long: 1})
    assert sender.post(STRICT, [sent]).status == 200
    kept = event("n" * 255, distinct_id="d" * 255, text=fits, inner={"items": [fits, [fits], fits], fits: 1})
    assert server.events() == [kept]


def test_of_names_that_become_equal_by_the_cut_the_last_is_kept(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event(**{"n" * 256: 1, "n" * 300: 2})])
    assert server.events() == [event(**{"n" * 255: 2})]


def test_events_are_compared_after_the_cut(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event(distinct_id="d" * 256), event(distinct_id="d" * 257)])
    assert server.count() == 1


@pytest.mark.parametrize(
    ("target", "time"),
    [(STRICT, NOW + 3600), ("/import", NOW + 366 * DAY), ("/track", (NOW + DAY) * 1000), ("/import", 2**64 - 1)],
)
def test_a_time_in_the_future_becomes_the_present(server: Emulator, sender: Sender, target: str, time: int) -> None:
    assert sender.post(target, [event(token="t", time=time)]).status == 200
    assert server.events() == [event(token="t", time=NOW * 1000)]


def test_a_retry_of_an_event_in_the_future_is_the_same_event(start: Start) -> None:
    times = [NOW]
    server, sender = start(now=lambda: times[-1])
    sender.post(STRICT, [event(time=NOW + 60)])
    times.append(NOW + 2)
    sender.post(STRICT, [event(time=NOW + 60)])
    assert server.events() == [event(time=(NOW + 2) * 1000)]


def test_a_missing_time_is_the_present(server: Emulator, sender: Sender) -> None:
    sender.post("/import", [event(time=...)])
    [stored] = server.events()
    assert stored["properties"]["time"] == NOW * 1000


def test_events_are_in_the_order_of_arrival(server: Emulator, sender: Sender) -> None:
    for number in [3, 1, 2, 1]:
        sender.post(STRICT, [event(insert_id=f"id-{number}")])
    assert [each["properties"]["$insert_id"] for each in server.events()] == ["id-3", "id-1", "id-2"]


def test_events_can_be_selected_by_name_and_endpoint(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event("a"), event("b")])
    sender.post("/track", [event("a", token="t", insert_id="id-2")])
    assert [len(server.events(name)) for name in ["a", "b", "c", ""]] == [2, 1, 0, 0]
    assert server.events("a", endpoint="/import") == [event("a")]
    assert server.count("a") == 2
    assert server.count(endpoint="/track") == 1
    assert server.count() == 3


def test_clear_forgets_events_and_requests(server: Emulator, sender: Sender) -> None:
    sender.post(STRICT, [event()])
    server.clear()
    assert (server.events(), server.count(), server.requests()) == ([], 0, [])


def test_text_may_contain_a_nul(server: Emulator, sender: Sender) -> None:
    sent = [event("a\0b", distinct_id="x\0y"), event("a\0c", text="\0")]
    sender.post(STRICT, sent)
    assert server.events() == sent
    assert server.events("a\0b") == sent[:1]


# -- in a file


def test_a_file_keeps_the_events_and_deduplicates_across_runs(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    for plan in ["free", "pro"]:
        with Emulator(db=path, now=lambda: NOW) as server:
            sender = Sender(server.url)
            sender.post(STRICT, [event(plan=plan)])
            sender.close()
    server, _ = start(db=str(path))
    assert server.events() == [event(plan="pro")]


def test_others_can_read_the_file_while_it_runs(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    _, sender = start(db=path)
    sender.post(STRICT, [event(insert_id="a"), event(insert_id="b")])
    other = sqlite3.connect(path)
    try:
        assert other.execute("SELECT event, count(*) FROM events GROUP BY event").fetchall() == [("Signed Up", 2)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        other.close()


def test_no_other_files_are_left_beside_the_file(tmp_path: Path) -> None:
    with Emulator(db=tmp_path / "events.db"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["events.db"]


def make_foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE events (mine TEXT)")
    connection.close()


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 100), "file is not a database"),
        (lambda path: path.mkdir(), "unable to open database file"),
        (make_foreign_database, "it is the database of another program"),
    ],
    ids=["text", "directory", "foreign"],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, prepare: Any, message: str) -> None:
    path = tmp_path / "events.db"
    prepare(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(OSError, match=f"cannot keep events in .*events.db: {message}"), Emulator(db=path):
        pass
    assert before == (path.read_bytes() if path.is_file() else None)


def test_a_file_in_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot keep events in .*: No such file"), Emulator(db=tmp_path / "no" / "x"):
        pass


def test_a_failing_store_is_a_503_and_stores_nothing(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    server, sender = start(db=path)
    other = sqlite3.connect(path)
    try:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON events WHEN new.insert_id = 'b' "
            "BEGIN SELECT RAISE(FAIL, 'disk full'); END"
        )
        answer = sender.post(STRICT, [event(insert_id="a"), event(insert_id="b")])
        assert answer.status == 503
        assert answer.body == b"the emulator could not store the events: disk full"
        assert server.count() == 0
        other.execute("DROP TRIGGER full")
    finally:
        other.close()
    assert sender.post(STRICT, [event()]).status == 200
