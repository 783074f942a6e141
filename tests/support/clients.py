"""Clients of a fake server on a fake clock."""

from __future__ import annotations

from typing import Any

from mixpress.auth import ServiceAccount
from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.report.report import Report
from support.clocks import FakeClock, StillClock
from support.events import encoder
from support.server import FakeServer

ACCOUNT = ServiceAccount("user", "a-well-kept-secret", project_id="17")


def client(server: FakeServer, clock: Clock | None = None, **settings: Any) -> Client:
    """Return a client of a fake server on a fake clock, with one request at a time by default."""
    return Client(
        settings.pop("auth", ACCOUNT),
        base_url="http://127.0.0.1:8400",
        transport=server,
        clock=clock or FakeClock(),
        **{"concurrency": 1} | settings,
    )


def tracking(server: FakeServer, clock: Clock | None = None, **settings: Any) -> Client:
    """Return a client that sends a batch only when it is full or flushed, and whose pauses pass at once."""
    return client(server, clock or StillClock(), **{"linger": 1e9, "encoder": encoder()} | settings)


def kinds(report: Report) -> dict[int, str]:
    """Return the kind of each failure by its index."""
    return {failure.index: failure.kind for failure in report.failures}
