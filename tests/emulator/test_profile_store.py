"""Profiles and merged ids in memory and in the file: bounds, restarts, older files, a full disk, a killed process."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.store.store import Store
from mixpress.emulator.updates.state import Change, State

from .conftest import Start
from .damage import full_disk, kill_while_sending
from .sender import Sender, event
from .test_engage import update
from .test_merged_ids import ALIAS
from .test_store_file import read, write

SCHEMA_OF_FORMAT_1 = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, event TEXT NOT NULL, time INTEGER NOT NULL,
    distinct_id TEXT NOT NULL, insert_id TEXT, properties TEXT NOT NULL, received INTEGER NOT NULL,
    request INTEGER NOT NULL, UNIQUE (event, time, distinct_id, insert_id)
)
"""


def change(profile_id: str, operation: str, content: Any, group_key: str = "") -> Change:
    return Change((group_key, profile_id), operation, content, None, True, False)


def test_a_restart_finds_profiles_groups_and_merged_ids(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    group = {"$token": "t", "$group_key": "company", "$group_id": "acme", "$set": {"b": 2}}
    with Emulator(db=path) as server:
        sender = Sender(server.url)
        sender.post("/engage", [update("$set", {"a": 1}, "d1")])
        sender.post("/groups", [group])
        sender.post("/track", [ALIAS])
        before = server.profiles(), server.groups()
        sender.close()
    assert [len(each) for each in before] == [1, 1]
    with Emulator(db=path) as server:
        assert (server.profiles(), server.groups()) == before
        assert server.profile("ada") == server.profile("d1") == {"a": 1}
        assert server.group("company", "acme") == {"b": 2}
        server.clear()
        assert (server.profiles(), server.groups()) == ([], [])
    assert read(path, "SELECT count(*) FROM profiles") == [(0,)]
    assert read(path, "SELECT count(*) FROM identities") == [(0,)]


def test_a_file_of_format_1_keeps_its_events_and_gets_profiles(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    add = "INSERT INTO events VALUES (1, '/import', 'Old', 1, 'u', 'id-0', '{}', 5, 6)"
    write(path, "PRAGMA application_id = 1835628656", "PRAGMA user_version = 1", SCHEMA_OF_FORMAT_1, add)
    server, sender = start(db=path)
    assert sender.post("/engage", [update("$set", {"a": 1})]).body == b"1"
    assert server.profile("u") == {"a": 1}
    assert [each["event"] for each in server.events()] == ["Old"]
    assert read(path, "PRAGMA user_version") == [(2,)]


def test_on_a_full_disk_a_request_is_a_503_and_changes_nothing(start: Start, tmp_path: Path) -> None:
    server, sender = start(db=tmp_path / "events.db")
    sender.post("/engage", [update("$set", {"a": 1})])
    many = [update("$set", {"text": "x" * 200}, f"u-{number}") for number in range(200)]
    with full_disk(server):
        answer = sender.post("/engage", [update("$add", {"a": 1}), *many])
        sentence = b"the emulator could not store the profiles: database or disk is full"
        assert (answer.status, answer.body) == (503, sentence)
        assert [each["properties"] for each in server.profiles()] == [{"a": 1}]
    assert sender.post("/engage", many).body == b"1"
    assert len(server.profiles()) == 201


def test_after_a_kill_every_update_that_was_answered_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    answered: Counter[str] = Counter()
    sent: Counter[str] = Counter()

    def send(sender: Sender, thread: int, _request: int) -> None:
        ids = [f"{thread}-{number}" for number in range(20)]
        sent.update(ids)
        if sender.post("/engage", [update("$add", {"n": 1}, one) for one in ids]).body == b"1":
            answered.update(ids)

    kill_while_sending(path, send, threads=2, least=20)
    with Emulator(db=path) as server:
        stored = {each["distinct_id"]: each["properties"]["n"] for each in server.profiles()}
    assert sum(answered.values()) >= 400
    for profile_id, count in answered.items():
        assert count <= stored[profile_id] <= sent[profile_id]


def test_events_and_profiles_are_written_to_one_file_at_the_same_time(start: Start, tmp_path: Path) -> None:
    server, sender = start(db=tmp_path / "events.db")

    def send_events() -> None:
        own = Sender(server.url)
        for number in range(50):
            assert own.post("/import?strict=1", [event(insert_id=f"id-{number}")]).status == 200
        own.close()

    thread = threading.Thread(target=send_events)
    thread.start()
    for _ in range(50):
        assert sender.post("/engage", [update("$add", {"n": 1})]).body == b"1"
    thread.join()
    assert (server.count(), server.profile("u")) == (50, {"n": 50})


@pytest.mark.parametrize("in_file", [False, True])
def test_at_most_keep_profiles_and_merged_ids_are_kept(tmp_path: Path, in_file: bool) -> None:
    store = Store(tmp_path / "events.db") if in_file else None
    state = State(store, keep=3)
    state.apply([change(f"u{number}", "$set", {}) for number in range(3)], 1)
    state.apply([change("u1", "$delete", ""), change("g", "$set", {}, "company")], 1)
    assert [each.key[1] for each in [*state.all(groups=False), *state.all(groups=True)]] == ["u0", "u2", "g"]
    state.merge([("u0", "u2")])
    state.apply([change("v0", "$set", {}), change("v1", "$set", {})], 1)
    assert [each.key for each in state.all(groups=False)] == [("", "v0"), ("", "v1")]
    state.merge([("v0", "v1"), ("v0", "v2")])
    with state.reading() as connection:
        ids = {row[0] for row in connection.execute("SELECT distinct_id FROM identities")}
    assert ids == {"v0", "v1", "v2"}
    state.apply([change("w", "$set", {})], 1)
    assert [each.key[1] for each in state.all(groups=False)] == ["v0", "w"]
    state.close()
    if store is not None:
        store.close()


def test_in_memory_the_bytes_are_bounded() -> None:
    state = State(max_bytes=2_000_000)
    for number in range(100):
        state.apply([change(f"u{number}", "$set", {"text": "x" * 100_000})], 1)
    kept = [each.key[1] for each in state.all(groups=False)]
    assert 5 < len(kept) < 20
    assert kept == [f"u{number}" for number in range(100 - len(kept), 100)]
    state.close()


def test_a_failed_write_leaves_the_count() -> None:
    state = State()
    with state.reading() as connection:
        connection.execute("PRAGMA state.max_page_count = 20")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        state.apply([change(f"u{number}", "$set", {"a": "x" * 200}) for number in range(1000)], 1)
    assert state._stored == 0
    assert state.all(groups=False) == []
    state.close()
