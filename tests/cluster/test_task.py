"""A task of a cluster writes the record batches of an engine, and ends when each row has its verdict."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cluster.rows import NOW, TASK, job, lines, numbers, orders, write
from mixpress.cluster.job import WriteJob
from mixpress.cluster.task import run_task
from mixpress.emulator import Emulator
from mixpress.errors import AuthError, DeadLetterError, TaskUndelivered, TransportError
from support.clocks import FakeClock


class WorkerLost(Exception):
    """What an engine raises."""


def test_each_row_is_sent_and_counted(emulator: Emulator) -> None:
    done = write(emulator, [orders(3), orders(4, start=3)])
    assert (done.task, done.report.total, done.report.imported) == ("partition 3", 7, 7)
    assert numbers(emulator) == list(range(7))


def test_a_repeated_task_adds_nothing(emulator: Emulator) -> None:
    for _ in range(2):
        assert write(emulator, [orders(5)]).report.imported == 5
    assert numbers(emulator) == list(range(5))


def test_batches_of_other_columns_and_types_are_written(emulator: Emulator) -> None:
    text = pa.RecordBatch.from_pydict({"at": ["2024-01-01"], "user": ["u9"], "n": [2], "city": ["Oslo"]})
    null = pa.RecordBatch.from_pydict({"at": [NOW], "user": ["u3"], "n": [3], "city": pa.nulls(1)})
    assert write(emulator, [orders(2), text, null]).report.imported == 4
    assert numbers(emulator) == [0, 1, 2, 3]
    assert [event["properties"].get("city") for event in emulator.events()].count("Oslo") == 1


@pytest.mark.parametrize("batches", [[], [orders(0)], [orders(0), orders(0)]], ids=["none", "one", "two"])
def test_a_task_without_rows_needs_no_credentials(batches: list[pa.RecordBatch]) -> None:
    far = WriteJob.of(region="eu")
    assert run_task(far, TASK, batches).report.total == 0


def test_a_batch_without_rows_is_no_end(emulator: Emulator) -> None:
    assert write(emulator, [orders(0), orders(1), orders(0), orders(1, start=1)]).report.imported == 2


def test_rows_without_an_answer_fail_the_task_with_its_report(emulator: Emulator) -> None:
    emulator.fail_next("500")
    with pytest.raises(TaskUndelivered, match=r"partition 3: 3 rows: 0 imported, .* 3 undelivered") as caught:
        write(emulator, [orders(3)])
    assert caught.value.report is not None
    assert caught.value.report.undelivered == 3
    assert pickle.loads(pickle.dumps(caught.value)).report.undelivered == 3


class CountingClock(FakeClock):
    """Calls `step` with the number of each backoff, which takes no time."""

    def __init__(self, step: Callable[[int], object]) -> None:
        super().__init__()
        self.step = step

    def wait(self, wake: threading.Event, seconds: float) -> None:
        super().wait(wake, seconds)
        self.step(len(self.waits))


def no_server() -> str:
    """Return the URL of a port on which nothing listens."""
    with Emulator() as server:
        return server.url


def job_at(url: str, **options: Any) -> WriteJob:
    once: dict[str, Any] = {"time_column": "at", "distinct_id_column": "user", "event": "Order", "rate_limit": None}
    return WriteJob.of(base_url=url, **once | options)


@pytest.mark.parametrize("attempts", [1, 6])
def test_a_server_that_is_down_leaves_rows_undelivered_after_each_attempt(
    monkeypatch: pytest.MonkeyPatch, attempts: int
) -> None:
    clock = FakeClock()
    monkeypatch.setattr("mixpress.client.client.Clock", lambda: clock)
    with pytest.raises(
        TaskUndelivered, match=r"partition 3: 3 rows: .* 3 undelivered; connection to .* refused"
    ) as caught:
        run_task(job_at(no_server(), attempts=attempts), TASK, [orders(3)])
    assert isinstance(caught.value.__cause__, TransportError)
    assert caught.value.report is not None
    assert caught.value.report.undelivered == 3
    assert caught.value.report.requests == attempts


def test_a_server_that_starts_late_gets_the_rows_of_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    url, opened = no_server(), ExitStack()

    def start_late(waits: int) -> None:
        if waits == 7:
            servers.append(opened.enter_context(Emulator(port=int(url.rpartition(":")[2]))))

    servers: list[Emulator] = []
    monkeypatch.setattr("mixpress.client.client.Clock", lambda: CountingClock(start_late))
    with opened:
        assert run_task(job_at(url), TASK, [orders(3)]).report.imported == 3
        assert numbers(servers[0]) == [0, 1, 2]


def test_a_certificate_that_is_not_trusted_stays_a_transport_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def untrusted(*_: object, **__: object) -> None:
        raise TransportError("the certificate is not trusted", "certificate")

    monkeypatch.setattr("mixpress.transport.over_urllib3.Urllib3Transport.send", untrusted)
    with pytest.raises(TransportError, match="the certificate is not trusted"):
        run_task(job_at("https://127.0.0.1:9"), TASK, [orders(3)])


def test_what_the_engine_raises_is_raised_after_the_rows_before_it(emulator: Emulator) -> None:
    lost = WorkerLost("executor 2 is gone")

    def batches() -> Iterator[pa.RecordBatch]:
        yield orders(3)
        raise lost

    with pytest.raises(WorkerLost) as caught:
        write(emulator, batches())
    assert caught.value is lost
    assert numbers(emulator) == [0, 1, 2]


def test_an_error_of_arrow_in_the_engine_is_raised_too(emulator: Emulator) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield orders(3)
        raise pa.ArrowInvalid("no such block")

    with pytest.raises(pa.ArrowInvalid, match="no such block"):
        write(emulator, batches())


def test_an_import_that_stops_early_raises_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIXPRESS_TOKEN", "wrong")
    with Emulator(credentials=[("right", "")]) as server, pytest.raises(AuthError):
        write(server, (orders(2000, start=2000 * n) for n in range(50)))


def test_failed_rows_are_kept_with_the_place_in_their_task(emulator: Emulator, tmp_path: Path) -> None:
    bad = pa.RecordBatch.from_pydict({"at": [NOW, NOW], "user": ["u0", "anonymous"], "n": [0, 1]})
    done = write(emulator, [bad], dead_letter=str(tmp_path))
    assert (done.report.imported, done.report.rejected) == (1, 1)
    assert str(done.report.failures[0].place) == "partition 3: row 2"
    [line] = lines(tmp_path / TASK.file)
    assert line["event"] == {"at": NOW, "user": "anonymous", "n": 1}
    assert (line["file"], line["row"]) == ("partition 3", 2)


def test_the_dead_letter_of_a_failed_attempt_is_not_published(emulator: Emulator, tmp_path: Path) -> None:
    emulator.fail_next("500")
    bad = pa.RecordBatch.from_pydict({"at": [NOW, NOW], "user": ["u0", "anonymous"], "n": [0, 1]})
    with pytest.raises(TaskUndelivered):
        write(emulator, [bad], dead_letter=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_dead_letter_that_cannot_be_written_fails_the_task_before_a_row_is_sent(
    emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeadLetterError, match="must be a folder"):
        write(emulator, [orders(3)], dead_letter=str(tmp_path / "file"))
    assert emulator.requests() == []


def test_updates_of_profiles_are_written(emulator: Emulator) -> None:
    updates = WriteJob.of(base_url=emulator.url, profiles=True, distinct_id_column="user")
    done = run_task(updates, TASK, [orders(3), orders(2, start=3)])
    assert done.report.imported == 5
    assert sorted(profile["distinct_id"] for profile in emulator.profiles()) == [f"u{n}" for n in range(5)]


def test_a_job_is_pickled_for_a_worker(emulator: Emulator) -> None:
    again = pickle.loads(pickle.dumps(job(emulator, insert_id_from=["n"])))
    assert again == job(emulator, insert_id_from=["n"])
    assert run_task(again, TASK, [orders(2)]).report.imported == 2
