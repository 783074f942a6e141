"""`Channel`: sends the messages for one endpoint of one project, through an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.client.engine import EngineHolder
from mixpress.client.import_run import import_events
from mixpress.queues.event import complete

if TYPE_CHECKING:
    from mixpress.client.options import Options
    from mixpress.report.report import Report


class Channel:
    """Sends events as `Client.track_many` does, or updates of profiles as `Client.profiles` does."""

    def __init__(self, options: Options) -> None:
        self._holder = EngineHolder(options)
        self._holder.engine.open()

    def take(self, record: object) -> None:
        """Queue an event or an update. The next report has a rejected one."""
        engine = self._holder.engine
        engine.queue.add(record if engine.options.endpoint else complete(engine.clock.time(), record))

    def deliver(self, event: object) -> Report:
        """Send an event at once, and return its verdict."""
        engine = self._holder.engine
        return import_events(engine, [complete(engine.clock.time(), event)])

    def flush(self, timeout: float | None) -> Report:
        """Wait until everything queued has its verdict; see `Client.flush`."""
        return self._holder.engine.flush(timeout)

    def close(self, timeout: float) -> Report:
        """Flush, and end the threads; see `Client.close`."""
        return self._holder.engine.close(timeout)
