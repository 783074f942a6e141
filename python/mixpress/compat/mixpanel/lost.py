"""The messages that were not taken, for the exception of a `flush`."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

from mixpress.compat.mixpanel.exception import MixpanelException, not_sent
from mixpress.dead_letter import as_json
from mixpress.log import RepeatLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.clock import Clock
    from mixpress.report.report import Failure, Report

KEPT = 10_000
"""Messages that are kept between two flushes, as many as a report keeps failures; all are counted."""


class Lost:
    """A `FailureSink` that keeps the messages, and logs why: not every program calls `flush`.

    `token` is what was taken out of an event's record, and is put back.
    """

    def __init__(self, endpoint: str, clock: Clock, token: str | None = None) -> None:
        self._endpoint = endpoint
        self._log = RepeatLog(clock)
        self._token = token
        self._lock = threading.RLock()  # an object's __del__ may send a message while this is held
        self._messages: list[Any] = []

    def write(self, failure: Failure, event: object) -> bool:
        """Keep a message."""
        reason = failure.reason  # the rule of one that was rejected: its sentence quotes the event
        self._log.tell(logging.WARNING, reason, "a message to %s was %s: %s", self._endpoint, failure.kind, reason)
        message = as_json(event)
        if self._token is not None and isinstance(message, dict) and isinstance(message.get("properties"), dict):
            message["properties"].setdefault("token", self._token)
        with self._lock:
            if len(self._messages) < KEPT:
                self._messages.append(message)
        return True

    def take(self) -> list[Any]:
        """The messages since the last time."""
        with self._lock:
            taken, self._messages = self._messages, []
        return taken

    def close(self) -> None:
        """Log what was held back."""
        self._log.tell_rest()

    def renew(self) -> None:
        """In a forked child: what was lost is the parent's, and another thread may have held the lock."""
        self._lock = threading.RLock()
        self._messages = []


def raise_for(outcomes: Sequence[tuple[str, Report, list[Any]]]) -> None:
    """`MixpanelException` where not everything was taken.

    Its `endpoint` is the first that failed, and its `message` what was lost there, as a JSON array that can be sent
    again. `lost` has that for each endpoint, and `reports` the `Report`s.
    """
    failed = [outcome for outcome in outcomes if outcome[1].failed or outcome[1].pending]
    if not failed:
        return
    lost: dict[str, list[Any]] = {}
    reports: dict[str, list[Report]] = {}
    for endpoint, report, messages in failed:
        lost.setdefault(endpoint, []).extend(messages)
        reports.setdefault(endpoint, []).append(report)
    texts = {endpoint: json.dumps(messages, separators=(",", ":")) for endpoint, messages in lost.items()}
    endpoint = failed[0][0]
    error: MixpanelException = not_sent("; ".join(map(_sentence, failed)), endpoint, texts[endpoint])
    error.lost = texts  # type: ignore[attr-defined]
    error.reports = reports  # type: ignore[attr-defined]
    raise error


def _sentence(outcome: tuple[str, Report, list[Any]]) -> str:
    endpoint, report, _ = outcome
    kinds = {"rejected": report.rejected, "refused": report.refused, "undelivered": report.undelivered}
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    said = f"{endpoint}: {report.failed} of {report.total} messages were not taken"
    if report.failures:
        first = report.failures[0]
        said += f" ({counts}; the first: {f'{first.field}: ' if first.field else ''}{first.message})"
    return said + (f", {report.pending} are still waiting" if report.pending else "")
