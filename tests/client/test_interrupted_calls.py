"""An exception out of a signal handler may come after any call of a function, and at the start of any: wherever Python
runs handlers. Each test raises at one such place of mixpress's code after another, until a run reaches its end. The
tests of an import and of a spool take every 11th and every 3rd place: each run of them takes milliseconds.
"""

from __future__ import annotations

import dis
import os
import signal
import sys
import threading
from collections import UserDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import mixpress
from mixpress import Client, Encoder, Limits, ServiceAccount
from support.server import FakeServer, sent_all

HOME = os.path.dirname(mixpress.__file__)
ACCOUNT = ServiceAccount("user", "secret", project_id="1")
SECONDS = 20.0

CHECKED = {"RESUME", "CALL", "JUMP_BACKWARD", "CALL_FUNCTION_EX", "CALL_KW", "CALL_FUNCTION_KW", "PRECALL"}
"""The instructions at whose end Python runs signal handlers."""


class Interrupter:
    """Raises `KeyboardInterrupt` at the n-th place where a signal handler may run."""

    def __init__(self, place: int) -> None:
        self.left = place
        self.where = ""
        self._codes: dict[Any, dict[int, int]] = {}

    def run(self, step: Callable[[], object]) -> bool:
        """Call `step`; return whether the interrupt came."""
        with self._monitored() if sys.version_info >= (3, 12) else self._traced():
            try:
                step()
            except KeyboardInterrupt:
                assert self.where
                return True
        assert not self.where, f"the interrupt at {self.where} was swallowed"
        return False

    @contextmanager
    def _traced(self) -> Iterator[None]:
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(None)

    @contextmanager
    def _monitored(self) -> Iterator[None]:
        """From 3.12 on, trace functions do not always get the opcodes of code that ran before."""
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        tool, event, thread = monitoring.DEBUGGER_ID, monitoring.events.INSTRUCTION, threading.get_ident()

        def visit(code: CodeType, offset: int) -> object:
            if not code.co_filename.startswith(HOME):
                return monitoring.DISABLE
            if threading.get_ident() == thread:
                self._visit(code, offset, sys._getframe(1).f_lineno)
            return None

        monitoring.use_tool_id(tool, "interrupter")
        monitoring.register_callback(tool, event, visit)
        monitoring.set_events(tool, event)
        try:
            yield
        finally:
            monitoring.set_events(tool, 0)
            monitoring.free_tool_id(tool)

    def _trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(HOME):
            return None
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self._visit(frame.f_code, frame.f_lasti, frame.f_lineno)
        return self._trace

    def _visit(self, code: CodeType, offset: int, line: int) -> None:
        if not self.where and self._is_checked(code, offset):
            self.left -= 1
            if self.left < 0:
                self.where = f"{code.co_filename}:{line}"
                raise KeyboardInterrupt

    def _is_checked(self, code: CodeType, offset: int) -> bool:
        """Return whether the instruction before this one ends with a check for signals, in the same `try`."""
        if code not in self._codes:
            entries = dis._parse_exception_table(code)  # type: ignore[attr-defined]
            found: dict[int, int] = {}
            before = None
            for one in dis.get_instructions(code):
                if before is not None and before.opname in CHECKED and before.opname != "PRECALL":
                    handler = [_handler(entries, offset) for offset in (before.offset, one.offset)]
                    if handler[0] == handler[1]:
                        found[one.offset] = 1
                before = one
            self._codes[code] = found
        return offset in self._codes[code]


def _handler(entries: Any, offset: int) -> Any:
    return next((entry.target for entry in entries if entry.start <= offset < entry.end), None)


def within(seconds: float, step: Callable[[], Any]) -> Any:
    """Return what `step` returns, on another thread, so that a lock that was left taken shows."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(step()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert result, "the call did not return"
    return result[0]


def check(made: Client, server: FakeServer, where: str, least: int) -> None:
    """Track once more, flush, close, and compare the counts with what the server has."""
    assert made.track("After", "u") is None
    report = within(SECONDS, lambda: made.flush(SECONDS))
    stats = within(SECONDS, made.stats)
    assert report.pending == stats.pending == 0, where
    within(SECONDS, made.close)
    names = [event["event"] for event in sent_all(server)]
    assert names.count("After") == 1, where
    assert stats.imported <= len(names) <= stats.imported + stats.undelivered, where
    assert stats.accepted >= least + 1, where


STEPS: dict[str, Callable[[Client], object]] = {
    "track": lambda made: made.track("Seen", "u", {"n": 1}),
    "track of a full batch": lambda made: [made.track("Seen", "u", {"n": n}) for n in range(4)],
    "track of a bad event": lambda made: made.track("Seen", None),
    "flush": lambda made: made.flush(SECONDS),
    "close": lambda made: made.close(SECONDS),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.skipif(sys.version_info < (3, 11), reason="reads the table of exceptions of 3.11")
def test_an_interrupt_at_any_place_comes_out_and_leaves_true_counts(name: str) -> None:
    for place in range(2000):
        server = FakeServer()
        made = Client(ACCOUNT, transport=server, rate_limit=None, linger=1000, encoder=small())
        for _ in range(2):
            made.track("Before", "u")
        interrupter = Interrupter(place)
        interrupted = interrupter.run(partial(STEPS[name], made))
        check(made, server, f"{place}: {interrupter.where}", 2)
        if not interrupted:
            assert place > 10
            return
    raise AssertionError("2000 places were not enough")


def small() -> Encoder:
    return Encoder(limits=Limits(max_batch_events=3))


def test_an_interrupted_import_comes_out_and_the_client_goes_on() -> None:
    def events() -> Iterator[dict[str, Any]]:
        for n in range(7):
            properties = {"time": 1700000000, "distinct_id": "u", "$insert_id": f"i{n}"}
            yield {"event": "Imported", "properties": properties}

    for place in range(0, 3000, 11):
        server = FakeServer()
        made = Client(ACCOUNT, transport=server, rate_limit=None, linger=1000, encoder=small(), concurrency=2)
        interrupter = Interrupter(place)
        interrupted = interrupter.run(partial(made.import_events, events()))
        check(made, server, f"{place}: {interrupter.where}", 0)
        if not interrupted:
            return
    raise AssertionError("3000 places were not enough")


def test_an_interrupt_of_track_with_a_spool_leaves_true_counts(tmp_path: Path) -> None:
    for place in range(0, 2000, 3):
        server = FakeServer()
        made = Client(ACCOUNT, transport=server, rate_limit=None, linger=1000, spool=tmp_path / f"{place}.spool")
        made.track("Before", "u")
        interrupter = Interrupter(place)
        interrupted = interrupter.run(partial(made.track, "Seen", "u"))
        check(made, server, f"{place}: {interrupter.where}", 1)
        if not interrupted:
            return


def test_a_flush_in_the_middle_of_track_raises_at_once() -> None:
    raised: list[str] = []

    class Order(UserDict[str, int]):
        def items(self) -> Any:
            signal.raise_signal(signal.SIGUSR1)
            return super().items()

    def handle(*_: object) -> None:
        for call in (made.flush, made.close):
            with pytest.raises(RuntimeError, match="set a flag there") as caught:
                call()
            raised.append(str(caught.value))

    before = signal.signal(signal.SIGUSR1, handle)
    server = FakeServer()
    try:
        with Client(ACCOUNT, transport=server) as made:
            made.track("Seen", "u", {"order": Order(n=1)})
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(raised) >= 2
    assert len(sent_all(server)) == 1


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_no_thread_for_a_moment_loses_nothing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    start, failures = threading.Thread.start, [error] * 3

    def fail_first(thread: threading.Thread) -> None:
        if failures and thread.name == "mixpress-send":
            raise failures.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail_first)
    server = FakeServer()
    with Client(ACCOUNT, transport=server, linger=0.01) as made:
        for _ in range(4):
            assert made.track("Seen", "u") is None
        assert made.flush(SECONDS).imported + made.stats().imported >= 4
    assert len(sent_all(server)) == 4


@pytest.mark.parametrize("place", range(1, 3))
def test_an_interrupt_during_the_start_of_a_thread_comes_out(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    start, seen = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        seen.append(thread)
        if len(seen) == place:
            raise KeyboardInterrupt

    server = FakeServer()
    with Client(ACCOUNT, transport=server, encoder=small(), linger=1000) as made:
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            made.import_events(
                {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": f"i{n}"}}
                for n in range(300)
            )
        monkeypatch.setattr(threading.Thread, "start", start)
        made.track("After", "u")
        assert made.flush(SECONDS).pending == 0
