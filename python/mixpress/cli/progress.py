"""The progress of the commands that take long: a bar on a terminal, lines elsewhere, or JSON for machines."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich import progress as bars
from rich.console import Console
from rich.markup import escape

from mixpress.cli.speed import Speed
from mixpress.cli.summary import in_bytes
from mixpress.clock import REAL
from mixpress.report.page.markup import visible
from mixpress.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from mixpress.clock import Clock
    from mixpress.report.report import Progress

LINE_EVERY = 5.0
"""Seconds between two lines where there is no terminal."""
JSON_EVERY = 1.0
"""Seconds between two JSON objects."""
REASON = 40
"""Characters of the reason for a pause; the log has the full text."""


@contextmanager
def progress_bar(
    total: int | None, *, counts_bytes: bool = True, log_json: bool = False, clock: Clock = REAL, what: str = "event"
) -> Iterator[Callable[[Progress], None]]:
    """Yield the callback that shows the progress towards a `total` of bytes, or of events, on stderr. `what` they are:
    events or updates.
    """
    speed = Speed(clock)
    if log_json:
        lines = JsonLines(sys.stderr, speed, clock)
        try:
            yield lines.update
        finally:
            lines.end()
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(sys.stderr, speed, clock, total, counts_bytes=counts_bytes, what=what).update
        return
    with bars.Progress(
        bars.SpinnerColumn(),
        bars.BarColumn(bar_width=12),
        bars.TextColumn("{task.fields[text]}"),
        console=console,
        transient=True,
    ) as display:
        yield Bar(display, speed, total, counts_bytes=counts_bytes, what=what).update


def describe(
    progress: Progress, speed: Speed, total: int | None, *, counts_bytes: bool, what: str = "event"
) -> tuple[list[str], list[str]]:
    """Return the parts of a line about the progress, and those of a line about failures and waits."""
    done = progress.done if counts_bytes else progress.total
    parts = []
    if total:
        parts.append(f"{min(done / total, 1):.0%}")
    if counts_bytes:
        parts.append(f"{in_bytes(done)}{f' of {in_bytes(total)}' if total else ''}")
    parts.append(counted(progress.total + progress.earlier, what))
    if speed.events:
        parts.append(f"{speed.events:,.0f}/s")
    left = speed.seconds_left(total) if counts_bytes else _seconds_left(progress, speed, total)
    if left is not None and done < (total or 0):
        parts.append(f"{in_clock(left)} left")
    failed = progress.rejected + progress.refused + progress.undelivered
    return parts, ([f"{failed:,} failed"] if failed else []) + _wait(progress)


def _seconds_left(progress: Progress, speed: Speed, total: int | None) -> float | None:
    return max(0, total - progress.total) / speed.events if total is not None and speed.events > 0 else None


def _wait(progress: Progress) -> list[str]:
    """Return for what the delivery waits, and how long."""
    if progress.retry_wait > 0 or progress.paused:
        seconds = f" for {in_clock(progress.retry_wait)}" if progress.retry_wait > 0 else ""
        reason = f": {progress.paused[:REASON]}" if progress.paused else ""
        return [f"waiting{seconds} to retry{reason}"]
    return [f"waiting {in_clock(progress.rate_wait)} for the rate limit"] if progress.rate_wait > 0 else []


def in_clock(seconds: float) -> str:
    """Return seconds as `42 s`, `3:05` or `2:03:05`."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1)} s"
    minutes, hours = whole // 60, whole // 3600
    return f"{hours}:{minutes % 60:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


class Bar:
    """Shows the progress in one task of a rich display."""

    def __init__(
        self, display: bars.Progress, speed: Speed, total: int | None, *, counts_bytes: bool, what: str = "event"
    ) -> None:
        self._what = what
        self._display = display
        self._speed = speed
        self._total = total
        self._counts_bytes = counts_bytes
        self._task = display.add_task("", total=total, text="")

    def update(self, progress: Progress) -> None:
        """Show how far the delivery is."""
        self._speed.add(progress)
        completed = progress.done if self._counts_bytes else progress.total
        lines = describe(progress, self._speed, self._total, counts_bytes=self._counts_bytes, what=self._what)
        text = "\n".join(escape(visible("  ".join(parts))) for parts in lines if parts)
        self._display.update(self._task, completed=completed, text=text)


class Lines:
    """Writes a plain line every few seconds; none about a delivery that is over before."""

    def __init__(
        self, stream: TextIO, speed: Speed, clock: Clock, total: int | None, *, counts_bytes: bool, what: str = "event"
    ) -> None:
        self._what = what
        self._stream = stream
        self._speed = speed
        self._clock = clock
        self._total = total
        self._counts_bytes = counts_bytes
        self._last = clock.monotonic()

    def update(self, progress: Progress) -> None:
        """Write a line if it is time for one."""
        self._speed.add(progress)
        now = self._clock.monotonic()
        if now - self._last >= LINE_EVERY:
            self._last = now
            parts, trouble = describe(
                progress, self._speed, self._total, counts_bytes=self._counts_bytes, what=self._what
            )
            self._stream.write(visible(", ".join([*parts, *trouble])) + "\n")
            self._stream.flush()


class JsonLines:
    """Writes a JSON object a line: the first state, one a second, and the last state."""

    def __init__(self, stream: TextIO, speed: Speed, clock: Clock) -> None:
        self._stream = stream
        self._speed = speed
        self._clock = clock
        self._written: float | None = None
        self._last: Progress | None = None

    def update(self, progress: Progress) -> None:
        """Write an object if it is time for one."""
        self._speed.add(progress)
        self._last = progress
        now = self._clock.monotonic()
        if self._written is None or now - self._written >= JSON_EVERY:
            self._written = now
            self._write("progress", progress)

    def end(self) -> None:
        """Write the last state."""
        if self._last is not None:
            self._write("end", self._last)

    def _write(self, kind: str, progress: Progress) -> None:
        self._stream.write(json.dumps(as_json(kind, progress, self._speed, self._clock.time())) + "\n")
        self._stream.flush()


def as_json(kind: str, progress: Progress, speed: Speed, now: float) -> dict[str, Any]:
    """Return the state for `--log-json`; docs/report.md describes each member."""
    left = speed.seconds_left(progress.size)
    return {
        "kind": kind,
        "time": round(now, 3),
        "events": progress.total,
        "imported": progress.imported,
        "rejected": progress.rejected,
        "refused": progress.refused,
        "undelivered": progress.undelivered,
        "earlier": progress.earlier,
        "bytes_done": progress.done,
        "bytes_total": progress.size,
        "events_per_second": round(speed.events, 1),
        "bytes_per_second": round(speed.bytes, 1),
        "rate_wait": round(progress.rate_wait, 3),
        "retry_wait": round(progress.retry_wait, 3),
        "paused": progress.paused or None,
        "seconds_left": None if left is None else round(left, 1),
    }
