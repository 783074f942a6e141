"""Collect failed messages for the exception of a `flush`."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

from mixpress.compat.mixpanel.exception import MixpanelException, not_sent
from mixpress.compat.mixpanel.updates import ENDPOINTS
from mixpress.dead_letter import as_json
from mixpress.log import RepeatLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.clock import Clock
    from mixpress.report.report import Failure, Report

KEPT = 10_000
"""Messages kept between two flushes, as many as a report keeps failures; all are counted."""


class Lost:
    """A `FailureSink` that keeps failed messages and logs the reasons, since not every program calls `flush`.

    `token` is put back into each message, from which it was removed.
    """

    def __init__(self, endpoint: str, clock: Clock, token: str | None = None) -> None:
        self._endpoint = endpoint
        self._log = RepeatLog(clock)
        self._token = token
        self._lock = threading.RLock()  # reentrant: an object's __del__ may send a message while this is held
        self._messages: list[Any] = []

    def write(self, failure: Failure, event: object) -> bool:
        """Keep a message."""
        reason = failure.reason  # for a rejected event its rule: the full message would quote the event
        self._log.tell(logging.WARNING, reason, "a message to %s was %s: %s", self._endpoint, failure.kind, reason)
        message = as_json(event)
        if self._token is not None and isinstance(message, dict):
            self._put_token_back(message, self._token)
        with self._lock:
            if len(self._messages) < KEPT:
                self._messages.append(message)
        return True

    def _put_token_back(self, message: dict[str, Any], token: str) -> None:
        if self._endpoint in ENDPOINTS:
            message.setdefault("$token", token)
        elif isinstance(message.get("properties"), dict):
            message["properties"].setdefault("token", token)

    def take(self) -> list[Any]:
        """Return and remove the messages kept since the last call."""
        with self._lock:
            messages, self._messages = self._messages, []
        return messages

    def close(self) -> None:
        """Log the repeats that were held back."""
        self._log.tell_rest()

    def renew(self) -> None:
        """Empty the collection in a forked child, and replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()
        self._messages = []


def raise_for(outcomes: Sequence[tuple[str, Report, list[Any]]]) -> None:
    """Raise `MixpanelException` if any message failed or is pending.

    `endpoint` is the first endpoint that failed and `message` its failed messages, as a JSON array that can be sent
    again. `lost` has such an array for each endpoint, and `reports` their `Report`s.
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
    sentence = f"{endpoint}: {report.failed} of {report.total} messages failed"
    if report.failures:
        first = report.failures[0]
        sentence += f" ({counts}; the first: {f'{first.field}: ' if first.field else ''}{first.message})"
    return sentence + (f", {report.pending} pending" if report.pending else "")
