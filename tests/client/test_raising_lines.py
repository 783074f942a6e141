"""An exception may come at any line: each test raises KeyboardInterrupt at one line of mixpress after another, by a
trace function. That is harder than a signal, which comes only after a call: a line event also comes at the end of a
`with` block, and at the start of a `finally`.

Where `EVERY_LINE` is set, every line is tried. Otherwise the tests of a spool, of an import and of `close` take every
7th line: all of them take minutes.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import mixpress
from mixpress import Client, Encoder, Limits, RetryPolicy, ServiceAccount
from mixpress.report.stats import Stats
from mixpress.transport import Transport
from support.server import FakeServer, sent_all

HOME = os.path.dirname(mixpress.__file__)
ACCOUNT = ServiceAccount("user", "secret", project_id="1")
SECONDS = 20.0
THREADS = {"mixpress-send", "mixpress-sync", "mixpress-spool"}
STRIDE = 1 if os.environ.get("EVERY_LINE") else 7


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of spools are opened, and each waits for its disk."""
    if not os.path.isdir("/dev/shm"):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


class Raiser:
    """Raises `KeyboardInterrupt` at the n-th line of mixpress that a call reaches, and at the m-th after that."""

    def __init__(self, *lines: int) -> None:
        self._left = list(lines)
        self.where: list[str] = []

    def run(self, step: Callable[[], object]) -> bool:
        """Call `step`; return whether the interrupt came."""
        sys.settrace(self.trace)
        try:
            step()
        except KeyboardInterrupt:
            return bool(self.where)
        finally:
            sys.settrace(None)
        assert not self.where, f"the interrupt at {self.where} was swallowed"
        return False

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        caller = frame.f_back.f_code.co_name if frame.f_back else ""
        if not frame.f_code.co_filename.startswith(HOME) or "__del__" in (frame.f_code.co_name, caller):
            return None  # Python swallows what a `__del__` raises
        if event == "line" and self._left:
            self._left[0] -= 1
            if self._left[0] < 0:
                self._left.pop(0)
                self.where.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
                raise KeyboardInterrupt
        return self.trace


def within(seconds: float, step: Callable[[], Any]) -> Any:
    """Return what `step` returns, on another thread, so that a lock that was left taken shows."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(step())
        except BaseException as error:  # noqa: BLE001 - raised below
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert result, "the call did not return"
    if isinstance(result[0], BaseException):
        raise result[0]
    return result[0]


def client(server: Transport, **settings: Any) -> Client:
    encoder = Encoder(limits=Limits(max_batch_events=3))
    retry = RetryPolicy(attempts=2, first_wait=0.0, max_wait=0.0, jitter=(0.0, 0.0))
    return Client(
        ACCOUNT,
        transport=server,
        rate_limit=None,
        linger=1000,
        encoder=encoder,
        concurrency=2,
        retry=retry,
        **settings,
    )


def finish(made: Client, add: Callable[[], object], where: str, reports: list[Any], least: int, most: int) -> Stats:
    """Add one more on another thread, flush and close, each in time; return the counts, which agree."""
    assert within(SECONDS, lambda: add() or "taken") == "taken", where
    reports.append(within(SECONDS, lambda: made.flush(SECONDS)))
    stats: Stats = within(SECONDS, made.stats)
    assert reports[-1].pending == stats.pending == 0, (where, stats)
    verdicts = stats.imported + stats.rejected + stats.refused + stats.undelivered + stats.dropped
    assert stats.accepted == verdicts, (where, stats)
    assert least + 1 <= stats.accepted <= most + 1, (where, stats)
    reports.append(within(SECONDS, made.close))
    return stats


def check(made: Client, server: FakeServer, where: str, reports: list[Any], least: int, most: int) -> None:
    """Track one more event, close, and compare the counts with what the server has."""
    stats = finish(made, lambda: made.track("After", "u"), where, reports, least, most)
    for thread in [each for each in threading.enumerate() if each.name in THREADS]:
        thread.join(SECONDS)  # one whose start was cut short ends by itself, perhaps after `close`
    names = [event["event"] for event in sent_all(server)]
    ids = [event["properties"]["$insert_id"] for event in sent_all(server)]
    assert names.count("After") == 1, where
    assert len(set(ids)) == len(ids), where
    assert stats.imported <= len(names) <= stats.imported + stats.undelivered, (where, stats, names)


def settled(reports: list[Any]) -> tuple[int, int, int]:
    """Return the imported, rejected and undelivered events of some reports."""
    counts = [(one.imported, one.rejected, one.undelivered) for one in reports]
    return tuple(map(sum, zip(*counts, strict=True)))  # type: ignore[return-value]


def each_line(test: Callable[[Raiser], bool], stride: int = 1) -> None:
    """Call `test` with a raiser for each line until its step ends without the interrupt."""
    gc.collect()
    gc.freeze()  # what other tests have left is not collected again for each line
    try:
        for line in range(0, 20_000, stride):
            if not test(Raiser(line)):
                assert line > 10
                return
    finally:
        gc.unfreeze()
    raise AssertionError("20,000 lines were not enough")


def append(reports: list[Any], call: Callable[[], Any]) -> None:
    reports.append(call())


STEPS: dict[str, tuple[int, int, Callable[[Client, list[Any]], object]]] = {
    "track": (0, 1, lambda made, _: made.track("Seen", "u", {"n": 1})),
    "track of a full batch": (0, 4, lambda made, _: [made.track("Seen", "u", {"n": n}) for n in range(4)]),
    "track of a bad event": (0, 1, lambda made, _: made.track("Seen", None)),
    "flush": (0, 0, lambda made, reports: append(reports, lambda: made.flush(SECONDS))),
    "close": (0, 0, lambda made, reports: append(reports, lambda: made.close(SECONDS))),
}
"""The least and the most events that each step adds."""


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("spooled", [False, True])
def test_an_interrupt_at_any_line_comes_out_and_leaves_true_counts(name: str, spooled: bool, in_memory: Path) -> None:
    least, most, step = STEPS[name]
    numbers = iter(range(100_000))

    def test(raiser: Raiser) -> bool:
        server = FakeServer()
        reports: list[Any] = []
        settings = {"spool": in_memory / f"{next(numbers)}.spool"} if spooled else {}
        made = client(server, **settings)
        made.track("Before", None)
        made.track("Before", "u")
        interrupted = raiser.run(partial(step, made, reports))
        check(made, server, str(raiser.where), reports, 2 + least, 2 + most)
        if name != "close" or not interrupted:
            stats = made.stats()
            assert settled(reports) == (stats.imported, stats.rejected, stats.undelivered), raiser.where
        if spooled:
            with client(FakeServer(), **settings) as following:
                assert following.flush(SECONDS).total == 0, f"{raiser.where}: left in the file"
        return interrupted

    each_line(test, STRIDE if spooled or name == "close" else 1)


def events(count: int = 7) -> Iterator[dict[str, Any]]:
    for n in range(count):
        distinct_id = "u" if n % 3 else None
        properties = {"time": 1700000000, "distinct_id": distinct_id, "$insert_id": f"i{n}"}
        yield {"event": "Imported", "properties": properties}


@pytest.mark.parametrize("second", [None, 20, 60, 120])
def test_an_interrupted_import_comes_out_and_counts_no_event_twice(second: int | None) -> None:
    """With `second`, another interrupt comes so many lines later, while the import gives up."""

    def test(raiser: Raiser) -> bool:
        if second is not None:
            raiser = Raiser(*raiser._left, second)
        server = FakeServer()
        made = client(server)
        interrupted = raiser.run(lambda: made.import_events(events()))
        check(made, server, str(raiser.where), [], 0, 7)
        return interrupted

    each_line(test, STRIDE)


def test_an_interrupted_import_writes_each_failure_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The interrupt may come between the count of a failure and its line: that one alone may be missing."""
    numbers = iter(range(100_000))

    def test(raiser: Raiser) -> bool:
        server, path = FakeServer(), tmp_path / f"{next(numbers)}.ndjson"
        made = client(server, dead_letter=path)
        interrupted = raiser.run(lambda: made.import_events(events()))
        check(made, server, str(raiser.where), [], 0, 7)
        stats = made.stats()
        indexes = [json.loads(line)["index"] for line in path.read_text().splitlines()] if path.exists() else []
        assert len(set(indexes)) == len(indexes), raiser.where
        assert stats.rejected + stats.undelivered - len(indexes) in (0, 1), raiser.where
        return interrupted

    each_line(test, STRIDE)
    assert "counts are incomplete" not in caplog.text


def test_events_that_a_del_tracked_are_not_lost_at_an_interrupt() -> None:
    def test(raiser: Raiser) -> bool:
        server = FakeServer()
        made = client(server)

        class Order(dict[str, int]):
            def __iter__(self) -> Iterator[str]:
                made.track("Put off", "u")
                return super().__iter__()

            def items(self) -> Any:
                return [(key, self[key]) for key in self]

        before = made.stats().accepted
        interrupted = raiser.run(lambda: made.track("Seen", "u", {"order": Order(n=1)}))
        with suppress(RuntimeError):
            made.flush(SECONDS)
        check(made, server, str(raiser.where), [], before, 3)
        if not interrupted:
            assert [event["event"] for event in sent_all(server)].count("Put off") == 1
        return interrupted

    each_line(test)
