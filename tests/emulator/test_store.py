"""The store itself, beside a model: a dict of the latest event for each key, in order of first arrival."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator.accept import Row
from mixpress.emulator.store.store import Counts, Store

Request = tuple[str, list[Row]]


def row(number: int, insert_id: str | None = "id", text: bytes = b"{}") -> Row:
    return Row("A", number, "user-1", insert_id, text)


rows = st.builds(row, st.integers(0, 12), st.sampled_from(["id", "id", None]), st.sampled_from([b"{}", b'{"a":1}']))
requests = st.tuples(st.sampled_from(["/import", "/track"]), st.lists(rows, max_size=6))
steps = st.lists(st.one_of(requests, requests, requests, st.sampled_from(["read", "clear"])), max_size=12)


class Model:
    """What a store has to have."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.clear()

    def clear(self) -> None:
        self.rows: dict[Any, tuple[Any, ...]] = {}
        self.duplicates = self.dropped = 0

    def add(self, endpoint: str, added: list[Row], received: int, request: int) -> None:
        for number, each in enumerate(added):
            key = each[:4] if each.insert_id is not None else (request, number)
            self.duplicates += key in self.rows
            self.rows[key] = (endpoint, *each[:4], each.properties.decode(), received, request)
        while len(self.rows) > self.keep:
            del self.rows[next(iter(self.rows))]
            self.dropped += 1


def everything(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [row[1:] for row in connection.execute("SELECT * FROM events ORDER BY id")]


def run(store: Store, model: Model, taken: list[Any]) -> None:
    for number, step in enumerate(taken):
        if step == "read":
            assert everything(store) == list(model.rows.values())
            assert store.counts() == Counts(len(model.rows), model.duplicates, model.dropped)
        elif step == "clear":
            store.clear()
            model.clear()
        else:
            endpoint, added = step
            store.add(endpoint, added, number, number)
            model.add(endpoint, added, number, number)
    assert everything(store) == list(model.rows.values())
    assert store.counts() == Counts(len(model.rows), model.duplicates, model.dropped)
    assert store.count() == len(store.events()) == len(model.rows)


@given(steps, st.integers(6, 20))
def test_a_store_in_memory_is_as_the_model(taken: list[Any], keep: int) -> None:
    # A request that is larger than `keep` may push out an event and add it again, so it is not drawn.
    with closing(Store(keep=keep)) as store:
        run(store, Model(keep), taken)


@given(steps, st.integers(6, 20))
def test_a_store_in_a_file_is_as_the_model(taken: list[Any], keep: int) -> None:
    with TemporaryDirectory() as folder:
        with closing(Store(f"{folder}/events.db", keep)) as store:
            model = Model(keep)
            run(store, model, taken)
        with closing(Store(f"{folder}/events.db", keep)) as store:
            assert everything(store) == list(model.rows.values())


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with closing(Store(None if request.param == "memory" else tmp_path / "events.db", keep=1000)) as store:
        yield store


def test_many_events_of_a_request_are_in_order(store: Store) -> None:
    store.add("/import", [row(number) for number in range(500)] + [row(0), row(499)])
    store.add("/import", [row(number) for number in range(1200)])
    assert [each[2] for each in everything(store)] == list(range(200, 1200))
    assert store.counts() == Counts(1000, 502, 200)
    assert (store.duplicates, store.dropped) == (502, 200)


def test_requests_at_the_same_time_are_all_stored(store: Store) -> None:
    def add(first: int) -> None:
        for number in range(first, first + 50):
            store.add("/import", [row(number), row(number, None)])

    threads = [threading.Thread(target=add, args=[50 * number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts() == Counts(800, 0, 0)


def test_a_request_that_fails_does_not_fail_those_that_are_written_with_it(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "events.db")) as store:
        with store.reading() as connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON events WHEN new.event = 'B' BEGIN SELECT RAISE(FAIL, 'full'); END"
            )
        failed: list[str] = []

        def add(name: str) -> None:
            try:
                store.add("/import", [Row(name, number, "", "id", b"{}") for number in range(3)])
            except sqlite3.Error as error:
                failed.append(f"{name}: {error}")

        threads = [threading.Thread(target=add, args=[name]) for name in ["A", "B", "C"]]
        with store.reading():  # they all wait
            for thread in threads:
                thread.start()
            deadline = threading.Event()
            for _ in range(1000):
                if len(store._waiting) == 3:
                    break
                deadline.wait(0.01)
        for thread in threads:
            thread.join()
        assert failed == ["B: full"]
        assert sorted({each[1] for each in everything(store)}) == ["A", "C"]
        assert store.count() == 6


@pytest.mark.parametrize("reads", [False, True])
def test_the_bytes_in_memory_are_bounded(reads: bool) -> None:
    text = b'{"a":"%s"}' % (b"x" * 1000)
    with closing(Store(max_bytes=300_000)) as store:
        for number in range(100):
            store.add("/import", [row(100 * number + each, text=text) for each in range(10)])
            if reads:
                store.count()
        counts = store.counts()
        assert counts.stored + counts.dropped == 1000
        assert 100 < counts.stored <= 300
        assert everything(store)[-1][2] == 9909, "the latest are kept"
