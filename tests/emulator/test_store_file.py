"""The file of the events: other files, older and newer ones, a full disk, two emulators, a killed process."""

from __future__ import annotations

import os
import re
import resource
import sqlite3
import sys
from pathlib import Path

import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.store.store import Store

from .conftest import Start
from .damage import full_disk, kill_while_sending
from .sender import Sender, event
from .test_command import started

STRICT = "/import?strict=1"
KILLS = 3

SCHEMA_OF_0_1_0 = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    time INTEGER NOT NULL,
    distinct_id TEXT NOT NULL,
    insert_id TEXT,
    properties TEXT NOT NULL,
    UNIQUE (event, time, distinct_id, insert_id)
)
"""


def write(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def read(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_file_of_0_1_0_keeps_its_events(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    add = "INSERT INTO events (endpoint, event, time, distinct_id, insert_id, properties) VALUES "
    old = event(plan="old")["properties"]
    write(
        path,
        "PRAGMA application_id = 1835628656",
        SCHEMA_OF_0_1_0,
        f"""{add} ('/import', 'Signed Up', {old["time"] * 1000}, 'user-1', 'id-1', '{{"plan":"old"}}')""",
        f"""{add} ('/import', 'Signed Up', {old["time"] * 1000}, 'user-1', 'id-2', '{{"plan":"other"}}')""",
    )
    server, sender = start(db=path)
    assert server.events() == [{"event": "Signed Up", "properties": {"plan": name}} for name in ["old", "other"]]
    sender.post(STRICT, [event(plan="new")])
    assert [each["properties"]["plan"] for each in server.events()] == ["new", "other"]
    assert read(path, "SELECT request FROM events ORDER BY id") == [(1,), (0,)]


def test_a_file_of_a_newer_version_is_refused_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    Store(path).close()
    write(path, "PRAGMA user_version = 3")
    before = path.read_bytes()
    message = r"cannot keep events in .*events.db: it was written by a newer version of mixpress \(format 3, .* upgrade"
    with pytest.raises(OSError, match=message):
        Store(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["events.db"]


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    write(path, "PRAGMA application_id = 1835628656", "CREATE TABLE events (id INTEGER PRIMARY KEY, event TEXT)")
    with pytest.raises(OSError, match="its table 'events' has no column 'distinct_id'"):
        Store(path)


def test_a_file_without_a_name_is_refused() -> None:
    with pytest.raises(OSError, match="cannot keep events in : the name of a file is missing"):
        Store("")


def test_on_a_full_disk_a_request_is_a_503_and_the_rest_is_kept(start: Start, tmp_path: Path) -> None:
    server, sender = start(db=tmp_path / "events.db")
    assert sender.post(STRICT, [event(insert_id="first")]).status == 200
    many = [event(insert_id=f"id-{number}", text="x" * 200) for number in range(200)]
    with full_disk(server):
        answer = sender.post(STRICT, many)
        sentence = b"the emulator could not store the events: database or disk is full"
        assert (answer.status, answer.body) == (503, sentence)
        assert server.events() == [event(insert_id="first")]
    assert sender.post(STRICT, many).status == 200
    assert server.count() == 201


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit is Linux's")
def test_a_process_goes_on_once_its_disk_has_room(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    many = [event(insert_id=f"id-{number}", text="x" * 200) for number in range(500)]
    with started("--db", str(path)) as (process, line):
        sender = Sender(line[1])
        assert sender.post(STRICT, [event(insert_id="first")]).status == 200
        limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (200_000, limits[1]))
        answer = sender.post(STRICT, many)
        assert answer.status == 503
        assert answer.body.startswith(b"the emulator could not store the events: ")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
        assert sender.post(STRICT, many[:300]).status == 200
        sender.close()
        process.terminate()
        assert process.wait(60) == 0
    assert read(path, "SELECT count(*) FROM events") == [(301,)]
    assert read(path, "PRAGMA integrity_check") == [("ok",)]


def test_two_emulators_cannot_use_one_file(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)
    server, sender = start(db=path)
    sender.post(STRICT, [event()])
    for name in [path, link]:
        sentence = rf"cannot keep events in .*: another emulator \(process {os.getpid()}\) uses it; stop that one"
        with pytest.raises(OSError, match=sentence), Emulator(db=name):
            pass
    assert server.count() == 1
    assert sender.post(STRICT, [event(insert_id="id-2")]).status == 200
    assert read(path, "SELECT count(*) FROM events") == [(2,)]


def test_a_second_process_is_told_which_one_uses_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with started("--db", str(path)) as (process, _):
        with pytest.raises(OSError, match=re.escape(f"another emulator (process {process.pid}) uses it")):
            Store(path)
        process.kill()
        process.wait(60)
    Store(path).close()
    assert [each.name for each in tmp_path.iterdir()] == ["events.db"]


def test_a_stores_lock_ends_with_it(tmp_path: Path) -> None:
    for _ in range(2):
        Store(tmp_path / "events.db").close()
    assert [each.name for each in tmp_path.iterdir()] == ["events.db"]


@pytest.mark.parametrize("number", range(KILLS))
def test_after_a_kill_everything_that_was_answered_is_there(tmp_path: Path, number: int) -> None:
    path = tmp_path / "events.db"
    answered: list[str] = []

    def send(sender: Sender, thread: int, request: int) -> None:
        ids = [f"{thread}-{request}-{each}" for each in range(20)]
        if sender.post(STRICT, [event(insert_id=one) for one in ids]).status == 200:
            answered.extend(ids)

    kill_while_sending(path, send, threads=3, least=5 * (number + 1))
    with Emulator(db=path) as server:
        stored = {each["properties"]["$insert_id"] for each in server.events()}
    assert len(answered) >= 20
    assert stored.issuperset(answered)


def test_keep_bounds_the_file_also_after_a_restart(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with Emulator(db=path) as server:
        sender = Sender(server.url)
        sender.post("/import", [event(insert_id=f"id-{number}") for number in range(100)])
        sender.close()
    server, sender = start(db=path, keep=10)
    assert sender.post(STRICT, [event(insert_id="last")]).status == 200
    assert [each["properties"]["$insert_id"] for each in server.events()] == [f"id-{n}" for n in range(91, 100)] + [
        "last"
    ]


def test_keep_must_be_positive() -> None:
    with pytest.raises(ValueError, match="keep must be an integer >= 1, got 0"):
        Emulator(keep=0)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write read-only files")
def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    Store(path).close()
    path.chmod(0o400)
    with pytest.raises(OSError, match=r"cannot keep events in .*: attempt to write a readonly database"):
        Store(path)
