"""The files of one spool: that of the events, and one beside it for each endpoint of updates of profiles."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixpress.client.engines import ENDPOINTS
from mixpress.client.options import layout_of, spool_of_updates
from mixpress.errors import SpoolError
from mixpress.spool import Destination, Spool
from mixpress.spool.show import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress.cli.options import ConfiguredClient
    from mixpress.client.engine import Engine
    from mixpress.send.request import Endpoint, UpdateEndpoint
    from mixpress.spool import SpoolStats

KINDS = {"engage": "profiles of users", "groups": "profiles of groups"}


@dataclass(frozen=True)
class SpoolFile:
    """A file of a spool, for one endpoint."""

    path: str
    endpoint: Endpoint | UpdateEndpoint
    stats: SpoolStats | None
    """None for a file of an older version, which is upgraded when it is opened."""

    @property
    def updates(self) -> UpdateEndpoint | None:
        """The endpoint of updates; None for events."""
        return None if self.endpoint in ("import", "track") else self.endpoint  # type: ignore[return-value]

    @property
    def what(self) -> str:
        """What it has: events or updates."""
        return "update" if self.updates else "event"

    @property
    def name(self) -> str:
        """Its path, and of updates which profiles they change."""
        return f"{self.path} ({KINDS[self.endpoint]})" if self.updates else self.path

    def is_empty(self, *, failed: bool) -> bool:
        """Return whether there is nothing to send; `failed`: or that was given up."""
        return self.stats is not None and not (self.stats.pending or (failed and self.stats.failed))

    def engine(self, configured: ConfiguredClient) -> Engine:
        """Return the engine that delivers what it has."""
        client = configured.client
        return client.engine_of_updates(self.updates) if self.updates else client.engine

    def open(self, configured: ConfiguredClient, *, force: bool) -> Spool:
        """Return the spool, which is bound to its destination. May raise `SpoolError`."""
        auth = (configured.token or configured.auth) if self.updates else configured.auth
        destination = Destination.of(f"{configured.server}/{self.endpoint}", auth)
        if not self.updates:
            return Spool(self.path, destination=destination, force=force)
        encoder = self.engine(configured).options.encoder
        return Spool(
            self.path,
            destination=destination,
            layout=layout_of(encoder),
            max_events=encoder.limits.max_batch_events,
            max_bytes=encoder.limits.max_batch_bytes,
            force=force,
        )


def files_of(path: str) -> Iterator[SpoolFile]:
    """Yield the file at a path, and those of updates beside it. May raise `SpoolError`."""
    stats = _stats(path)
    endpoint = (stats.url or "").rpartition("/")[2] if stats else ""
    if endpoint in ENDPOINTS:
        yield SpoolFile(path, endpoint, stats)
        return
    yield SpoolFile(path, "track" if endpoint == "track" else "import", stats)
    for updates in ENDPOINTS:
        beside = spool_of_updates(path, updates)
        if os.path.exists(beside):
            yield SpoolFile(beside, updates, _stats(beside))


def _stats(path: str) -> SpoolStats | None:
    try:
        return show(path, time.time())
    except SpoolError as error:
        if error.kind != "version":
            raise
        return None
