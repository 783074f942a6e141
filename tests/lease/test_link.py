"""The thread of a worker: pauses between attempts to connect and between messages, and a server that says nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mixpress.clock import Clock
from mixpress.lease import link as module
from mixpress.lease.amount import Amount
from mixpress.lease.channel import Channel
from mixpress.lease.conversation import PACE, SOON
from mixpress.lease.holding import Ask
from mixpress.lease.link import MAX_RETRY, RETRY, Link
from mixpress.lease.messages import Grant, Join
from mixpress.lease.protocol import WrongSecretError
from mixpress.send.rate_limit import RateLimit

WANT = Ask(need=Amount(1, 10), want=Amount(3, 30))
GRANT = Grant(Amount(3, 30), 2.0, PACE, RateLimit(), 1)


class LeapingClock(Clock):
    """A clock on which a wait ends at once, and takes its time; without jitter."""

    now = 1000.0

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def random(self) -> float:
        return 1.0

    def wait(self, wake: threading.Event, seconds: float) -> None:
        if not wake.is_set():
            self.waits.append(seconds)
            self.now += seconds


class ScriptedChannel(Channel):
    """A connection whose server answers as a test says."""

    server = "a-server"

    def __init__(self, answer: Callable[[], Grant]) -> None:
        self.answer = answer
        self.ended: list[str] = []

    def exchange(self, message: dict[str, Any]) -> Grant:
        return self.answer()

    def close(self) -> None:
        self.ended.append("closed")

    def hang_up(self) -> None:
        self.ended.append("hung up")

    def disown(self) -> None:
        self.ended.append("disowned")


class Eager:
    """A borrower that wants something a number of times, and whose next request always comes at once."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.errors: list[Exception] = []

    def is_wanted(self, link: Link) -> bool:
        self.left -= 1
        return self.left >= 0

    def joined(self, link: Link, server: str) -> Join | None:
        return Join(Amount(), [])

    def ask(self, link: Link, *, leaving: bool) -> Ask | None:
        link.nudge()
        self.left -= 1
        return WANT if self.left >= 0 else None

    def granted(self, link: Link, asked: float, grant: Grant) -> None: ...

    def lost(self, link: Link, error: Exception) -> None:
        self.errors.append(error)


def wait_for_end(link: Link) -> None:
    while not link.has_ended:
        time.sleep(0.001)


def run(link: Link) -> None:
    """Let a link talk until it ends by itself."""
    assert link.start()
    wait_for_end(link)


def refused(error: Exception, attempts: int) -> list[float]:
    """Return the waits of a link whose every attempt to connect ends with an error."""
    clock, borrower = LeapingClock(), Eager(attempts)

    def connect() -> Channel:
        raise error

    run(Link(connect, borrower, clock))
    assert borrower.errors == [error] * attempts
    return clock.waits


def test_the_wait_between_attempts_to_connect_doubles_up_to_a_limit() -> None:
    assert refused(ConnectionRefusedError(), 7) == [
        RETRY,
        2 * RETRY,
        4 * RETRY,
        8 * RETRY,
        16 * RETRY,
        *[MAX_RETRY] * 2,
    ]


def test_a_server_with_another_secret_is_asked_as_rarely_as_can_be() -> None:
    assert refused(WrongSecretError(), 3) == [MAX_RETRY] * 3


def test_a_worker_whose_requests_come_at_once_pauses_between_its_messages() -> None:
    clock = LeapingClock()
    asked: list[float] = []

    def answer() -> Grant:
        asked.append(clock.now)
        return GRANT

    run(Link(lambda: ScriptedChannel(answer), Eager(5), clock))
    assert [round(now - asked[1], 6) for now in asked[1:]] == [SOON * place for place in range(len(asked) - 1)]
    assert len(asked) == 5


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> tuple[Link, ScriptedChannel, threading.Event]:
    """A link that waits for a server that does not answer until the event is set."""
    monkeypatch.setattr(module, "END", 0.0)
    answers, asks = threading.Event(), threading.Event()

    def answer() -> Grant:
        asks.set()
        answers.wait(20)
        raise TimeoutError("timed out")

    channel = ScriptedChannel(answer)
    link = Link(lambda: channel, Eager(2), Clock())
    assert link.start()
    asks.wait(20)
    return link, channel, answers


def test_a_link_is_stopped_while_its_server_does_not_answer(
    silence: tuple[Link, ScriptedChannel, threading.Event],
) -> None:
    link, channel, answers = silence
    link.stop()
    assert (channel.ended, link.has_ended) == (["hung up"], False)
    answers.set()
    wait_for_end(link)
    assert channel.ended == ["hung up", "closed"]


def test_a_forked_child_closes_its_copy_of_the_connection_alone(
    silence: tuple[Link, ScriptedChannel, threading.Event],
) -> None:
    link, channel, answers = silence
    link.disown()
    assert channel.ended == ["disowned"]
    answers.set()
    link.stop()
    wait_for_end(link)
