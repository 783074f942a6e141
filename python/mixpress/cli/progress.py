"""The progress bar of the commands that deliver events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import progress as bars
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.report.report import Progress

MAX_STATUS = 36
"""Characters of the text beside the bar, which fit a terminal of 80 columns; the log has the full text."""


class ProgressBar:
    """Shows the progress of a delivery in one task of a rich display."""

    def __init__(self, display: bars.Progress, total: int | None, position: Callable[[], int] | None) -> None:
        self._display = display
        self._position = position
        self._task = display.add_task("delivery", total=total, status="")

    def update(self, progress: Progress) -> None:
        """Show how far the delivery is, and why it pauses if it does."""
        completed = self._position() if self._position else progress.total
        status = progress.paused[:MAX_STATUS] or f"{progress.imported:,} imported"
        self._display.update(self._task, completed=completed, status=status)


@contextmanager
def progress_bar(
    total: int | None, position: Callable[[], int] | None = None
) -> Iterator[Callable[[Progress], None] | None]:
    """Show a bar and yield the callback that updates it; None if stderr is not a terminal.

    `position` returns the bytes processed of a `total` of bytes; without it the bar counts events.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        bars.BarColumn(bar_width=20),
        bars.TaskProgressColumn(),
        bars.DownloadColumn() if position else bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[status]}", markup=False),
    )
    with bars.Progress(*columns, console=console, transient=True) as display:
        yield ProgressBar(display, total, position).update
