from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from mixpress.cli.progress import JsonLines, Lines, describe, in_clock, progress_bar
from mixpress.cli.speed import Speed
from mixpress.report.report import Progress
from support.clocks import FakeClock

SIZE = 100_000_000


def state(total: int = 0, done: int = 0, **changes: object) -> Progress:
    return Progress(total, total, 0, 0, 0, "", done=done, size=SIZE)._replace(**changes)  # type: ignore[arg-type]


def test_the_speed_is_that_of_the_last_twenty_seconds() -> None:
    clock = FakeClock()
    speed = Speed(clock)
    assert (speed.events, speed.seconds_left(SIZE)) == (0.0, None)
    for second in range(1, 61):
        clock.now += 1
        slow = max(0, second - 30)
        speed.add(state(1000 * min(second, 30) + 10 * slow, 1_000_000 * min(second, 30) + 10_000 * slow))
    assert speed.events == pytest.approx(10)
    assert speed.seconds_left(SIZE) == pytest.approx((SIZE - 30_300_000) / 10_000)
    assert speed.seconds_left(None) is None
    assert speed.seconds_left(1) == 0


def lines_of(states: list[tuple[float, Progress]], **options: object) -> list[str]:
    clock, stream = FakeClock(), io.StringIO()
    lines = Lines(stream, Speed(clock), clock, SIZE, counts_bytes=True)
    for seconds, one in states:
        clock.now += seconds
        lines.update(one)
    return stream.getvalue().splitlines()


def test_a_line_every_five_seconds_at_most() -> None:
    found = lines_of([(1, state(number * 1000, number * 1_000_000)) for number in range(1, 13)])
    assert found == [
        "5%, 5 MB of 100 MB, 5,000 events, 1,000/s, 1:35 left",
        "10%, 10 MB of 100 MB, 10,000 events, 1,000/s, 1:30 left",
    ]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"rate_wait": 12.0}, "waiting 12 s for the rate limit"),
        ({"retry_wait": 65.0}, "waiting for 1:05 to retry"),
        ({"retry_wait": 3.0, "paused": "503: busy"}, "waiting for 3 s to retry: 503: busy"),
        ({"paused": "no reply", "rate_wait": 3.0}, "waiting to retry: no reply"),
        ({"rejected": 2, "refused": 1, "undelivered": 4}, "7 failed"),
        ({"earlier": 1000}, "1,010 events"),
    ],
)
def test_what_it_waits_for_and_what_failed(changes: dict[str, object], text: str) -> None:
    parts, trouble = describe(state(10, 10, **changes), Speed(FakeClock()), SIZE, counts_bytes=True)
    assert text in parts + trouble


def test_events_are_counted_where_bytes_are_not_known() -> None:
    clock = FakeClock()
    speed = Speed(clock)
    clock.now += 2
    progress = state(50, 0, size=None)
    speed.add(progress)
    assert describe(progress, speed, 200, counts_bytes=False)[0] == ["25%", "50 events", "25/s", "6 s left"]
    assert describe(progress, speed, None, counts_bytes=True) == (["0 bytes", "50 events", "25/s"], [])


def test_json_has_a_line_a_second_and_one_at_the_end() -> None:
    clock, stream = FakeClock(), io.StringIO()
    lines = JsonLines(stream, Speed(clock), clock)
    for number in range(1, 12):
        clock.now += 0.25
        lines.update(state(number, number * 1000, paused="busy\n"))
    lines.end()
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(one["kind"], one["events"]) for one in found] == [
        ("progress", 1), ("progress", 5), ("progress", 9), ("end", 11)
    ]  # fmt: skip
    assert found[-1]["paused"] == "busy\n"
    page = Path(__file__).parents[2] / "docs" / "report.md"
    described = re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8").partition("## Progress")[2], re.M)
    assert sorted(found[0]) == sorted(described)


def test_json_without_any_progress_is_empty() -> None:
    stream = io.StringIO()
    JsonLines(stream, Speed(FakeClock()), FakeClock()).end()
    assert stream.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(SIZE) as update:
        update(state(10, 50_000_000, paused="[red]\x1b[2J"))
    assert "50%" in terminal.getvalue()
    assert "[red]\\x1b[2J" in terminal.getvalue()
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    with progress_bar(SIZE) as update:
        update(state(10, 50_000_000))
    assert plain.getvalue() == ""


def test_the_longest_text_fits_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    clock, terminal = FakeClock(), Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(999_000_000_000, clock=clock) as update:
        clock.now += 36_000
        waiting = {"retry_wait": 299.0, "paused": "503 Service Unavailable: no healthy upstream and so on"}
        update(state(999_000_000, 499_000_000_000, rejected=999_000_000, **waiting))
    shown = terminal.getvalue()
    assert "10:01:12 left" in shown
    assert "999,000,000 failed  waiting for 4:59 to retry: 503" in shown


def test_json_is_written_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(SIZE, log_json=True, clock=FakeClock()) as update:
        update(state(10, 50))
    assert [json.loads(line)["kind"] for line in terminal.getvalue().splitlines()] == ["progress", "end"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (59.4, "59 s"), (60, "1:00"), (3599.6, "1:00:00"), (7384, "2:03:04")]
)
def test_seconds_as_a_clock(seconds: float, text: str) -> None:
    assert in_clock(seconds) == text
