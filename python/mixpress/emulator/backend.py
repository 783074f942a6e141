"""The parts of a running emulator, for its methods in Python and its control API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from mixpress.emulator.control.webhook import Webhook
    from mixpress.emulator.faults.plan import FaultPlan
    from mixpress.emulator.log import RequestLog
    from mixpress.emulator.lookup.tables import LookupTables
    from mixpress.emulator.store.store import Store
    from mixpress.emulator.updates.history import History
    from mixpress.emulator.updates.state import State


@dataclass(frozen=True)
class Backend:
    """What an emulator has while it runs."""

    store: Store
    log: RequestLog
    executor: Executor
    url: str
    now: Callable[[], float]
    """Seconds since the epoch."""
    started_ms: int
    plan: FaultPlan
    state: State
    history: History
    tables: LookupTables
    reset: Callable[[], None]
    """Delete all that was received, and restart faults and rate limits."""
    webhook: Webhook | None = None
    keep: int = 0
    """How many events the store keeps."""
