"""Events and verdicts that do not add up are an error with the figures, with `python -O` too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mixpress._core import Encoder
from mixpress.report.report import ConservationError, Failure, Report
from mixpress.report.stats import Totals
from mixpress.report.verdicts import Verdicts
from support.clients import client
from support.events import event, events
from support.server import FakeServer

TESTS = Path(__file__).parents[1]


class Sink:
    """Keeps nothing."""

    def write(self, failure: Failure, event: object) -> bool:
        return True


def test_a_report_whose_counts_do_not_add_up() -> None:
    with pytest.raises(ConservationError, match="3 events were read, and 2 have a verdict"):
        Report(total=3, imported=1, refused=1)


def test_two_verdicts_on_one_event() -> None:
    [batch] = Encoder(now=lambda: 1_700_000_100.0).encode([event(0), event(1)]).batches
    with pytest.raises(ConservationError, match="2 verdicts were given for 1 events"):
        Verdicts(Totals(), "events").settle(batch, [Failure(0, "refused", "no"), Failure(0, "refused", "no")])


def test_more_events_without_a_verdict_than_are_left() -> None:
    verdicts = Verdicts(Totals(), "events", Sink())
    list(verdicts.remember(events(2)))
    with pytest.raises(ConservationError, match="3 of 3 events have no verdict, and 2 are left without one"):
        verdicts.close(3, 0.0, "stopped")


def test_an_interrupt_in_the_midst_of_counting_is_still_the_interrupt(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt(_progress: object) -> None:
        monkeypatch.setattr(Verdicts, "close", miscount)
        raise KeyboardInterrupt

    def miscount(*_: object) -> Report:
        raise ConservationError("1 of 3 events has no verdict")

    with client(FakeServer()) as made, pytest.raises(KeyboardInterrupt):
        made.import_events(events(3), interrupt)
    assert caplog.messages == [
        "the import was interrupted, and its counts are incomplete: 1 of 3 events has no verdict"
    ]


def test_without_asserts_a_miscount_is_found_too() -> None:
    checks = (test_a_report_whose_counts_do_not_add_up, test_two_verdicts_on_one_event)
    names = [check.__name__ for check in (*checks, test_more_events_without_a_verdict_than_are_left)]
    lines = [
        f"from report.test_miscounts import {', '.join(names)}",
        *(f"{name}()" for name in names),
        "print(__debug__)",
    ]
    command = [sys.executable, "-O", "-c", "\n".join(lines)]
    ended = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "False\n"
