"""Which thread gzips a batch: the worker that sends it, or the caller of `track` when all workers are busy."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mixpress._core import Batch, Encoder, Limits
from mixpress.errors import QueueFull
from support.clients import client
from support.clocks import START, StillClock
from support.events import ids
from support.server import FakeServer, Hung


class WatchedBatch:
    """A batch that records which thread gzips it, and holds workers back that read its body until `may_gzip` is set."""

    def __init__(self, batch: Batch, encoder: WatchedEncoder) -> None:
        self._batch = batch
        self._encoder = encoder

    @property
    def body(self) -> bytes:
        thread = threading.current_thread()
        if repr(self._batch).endswith(" bytes of json before gzip)"):
            self._encoder.gzipped_by.append(thread.name)
            self._encoder.asked.set()
        if thread is not threading.main_thread():
            assert self._encoder.may_gzip.wait(20)
        return self._batch.body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)


class WatchedBuilder:
    def __init__(self, encoder: WatchedEncoder) -> None:
        self._encoder = encoder
        self._builder = encoder.encoder.builder()

    def __len__(self) -> int:
        return len(self._builder)

    def finish(self) -> WatchedBatch:
        return WatchedBatch(self._builder.finish(), self._encoder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)


class WatchedEncoder:
    def __init__(self, size: int) -> None:
        self.encoder = Encoder(limits=Limits(max_batch_events=size), now=lambda: START)
        self.gzipped_by: list[str] = []
        self.asked = threading.Event()
        self.may_gzip = threading.Event()
        self.may_gzip.set()

    def builder(self) -> WatchedBuilder:
        return WatchedBuilder(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)


def track(made: Any, count: int) -> None:
    for number in range(count):
        made.track("A", "u", {"text": "x" * 200}, insert_id=f"event-{number}")


ME = threading.main_thread().name


def test_a_worker_gzips_the_batch_that_a_call_of_track_filled() -> None:
    encoder, server = WatchedEncoder(5), FakeServer()
    with client(server, StillClock(), encoder=encoder, linger=1e9, concurrency=4) as made:
        track(made, 8)
        assert made.flush().imported == 8
    assert len(encoder.gzipped_by) == len(server.requests)
    assert set(encoder.gzipped_by) == {"mixpress-send"}


def test_the_caller_gzips_a_batch_when_every_worker_is_busy() -> None:
    encoder, hung = WatchedEncoder(5), [Hung(), Hung()]
    with client(FakeServer(*hung), StillClock(), encoder=encoder, linger=1e9, concurrency=2) as made:
        track(made, 10)
        assert all(one.asked.wait(10) for one in hung)
        assert encoder.gzipped_by == ["mixpress-send"] * 2
        track(made, 10)
        assert encoder.gzipped_by == ["mixpress-send"] * 2 + [ME] * 2
        for one in hung:
            one.go.set()
        assert made.flush().imported == 20
    assert len(encoder.gzipped_by) == 4


def test_a_batch_that_waits_for_a_pause_is_already_gzipped() -> None:
    encoder = WatchedEncoder(5)
    with client(FakeServer(), StillClock(), encoder=encoder, linger=1e9) as made:
        made.engine.sender.backoff.pause(1e9, "busy")
        track(made, 5)
        assert encoder.asked.wait(10)
        assert made.close(timeout=0).undelivered == 5
    assert encoder.gzipped_by == ["mixpress-send"]


def test_one_worker_sends_batches_in_the_order_of_their_events() -> None:
    server = FakeServer()
    with client(server, StillClock(), encoder=WatchedEncoder(3), linger=1e9) as made:
        track(made, 100)
        made.flush()
    assert server.imported == [f"event-{number}" for number in range(100)]


def test_queue_bytes_counts_batches_by_their_gzipped_size() -> None:
    encoder = WatchedEncoder(10)
    encoder.may_gzip.clear()
    settings: dict[str, Any] = {"queue_bytes": 4000, "on_full": "raise", "linger": 1e9, "concurrency": 4}
    with client(FakeServer(), StillClock(), encoder=encoder, **settings) as made:
        track(made, 40)  # about 12,000 bytes, and a tenth of that gzipped
        assert ME in encoder.gzipped_by
        with pytest.raises(QueueFull, match="bytes"):
            track(made, 1000)
        encoder.may_gzip.set()
        report = made.flush()
        assert report.imported == report.total > 40
        track(made, 100)  # there is as much room as before
        assert made.flush().imported == 100


def test_a_batch_given_up_before_a_worker_takes_it_is_counted_and_never_gzipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = WatchedEncoder(5)
    path = tmp_path / "dead.ndjson"
    settings: dict[str, Any] = {"linger": 1e9, "concurrency": 4, "dead_letter": path, "queue_bytes": 3000}
    with client(FakeServer(), StillClock(), encoder=encoder, on_full="raise", **settings) as made:
        monkeypatch.setattr(made.engine.workers, "_call", lambda _wanted: None)  # no worker takes a batch
        made.track("A", "null")
        track(made, 8)
        report = made.close(timeout=0)
        monkeypatch.undo()
        assert (report.total, report.rejected, report.undelivered) == (9, 1, 8)
        assert [failure.index for failure in report.failures] == list(range(9))
        assert len(path.read_text().splitlines()) == 9
        assert encoder.gzipped_by == []
        track(made, 5)  # the given up batches have freed their room
        assert made.flush().imported == 5


def test_truncations_are_reported_with_their_batch() -> None:
    server = FakeServer()
    with client(server, StillClock(), encoder=WatchedEncoder(2), linger=1e9) as made:
        for number in range(4):
            made.track("A", "u", {"text": "x" * 300}, insert_id=f"event-{number}")
        report = made.flush()
    assert (report.truncated, report.cut_by_path["properties.text"].count) == (4, 4)
    assert [len(ids(request)) for request in server.requests] == [2, 2]
