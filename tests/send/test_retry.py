"""decide: what follows from each reply; and the numbers of the retry policy."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mixpress.dead_letter import WOULD_COUNT_TWICE
from mixpress.errors import AuthError, TransportError
from mixpress.reply import Hopeless, NoReply, Refusal, Reply, Taken, TooLarge, TryLater, Unauthorized
from mixpress.retry import (
    Decision,
    Done,
    GiveUp,
    RetryPolicy,
    Split,
    Stop,
    Wait,
    decide,
    decide_on_updates,
)
from support.replies import RESET, UNREACHED

POLICY = RetryPolicy()
CERTIFICATE = TransportError("not trusted", "certificate")
REFUSAL = Refusal(0, "no")

CASES: dict[str, tuple[int, Reply, Decision]] = {
    "taken": (1, Taken(), Done(())),
    "400 is never sent again": (1, Taken((REFUSAL,)), Done((REFUSAL,))),
    "413 is split": (1, TooLarge(1000, "big"), Split(1000)),
    "404 is given up": (1, Hopeless("404"), GiveUp("404")),
    "busy, first attempt": (1, TryLater("busy"), Wait(2.0, "busy")),
    "busy, second attempt": (2, TryLater("busy"), Wait(4.0, "busy")),
    "busy, fifth attempt": (5, TryLater("busy"), Wait(32.0, "busy")),
    "busy, sixth attempt": (6, TryLater("busy"), Wait(60.0, "busy")),
    "busy, ninth attempt": (9, TryLater("busy"), Wait(60.0, "busy")),
    "busy, tenth attempt": (10, TryLater("busy"), GiveUp("given up after 10 attempts; last error: busy")),
    "Retry-After overrides the backoff": (3, TryLater("busy", 7.0), Wait(7.0, "busy")),
    "Retry-After of nothing": (3, TryLater("busy", 0.0), Wait(1.0, "busy")),
    "Retry-After of a day": (3, TryLater("busy", 86_400.0), Wait(300.0, "busy")),
    "a reset": (1, NoReply(RESET), Wait(2.0, "the connection broke")),
    "a reset at first contact": (3, NoReply(RESET, first_contact=True), Wait(8.0, "the connection broke")),
    "refused by a known server": (3, NoReply(UNREACHED), Wait(8.0, "connection refused")),
    "refused at first contact": (
        2,
        NoReply(UNREACHED, first_contact=True),
        Wait(4.0, "connection refused"),
    ),
    "refused at first contact, third time": (3, NoReply(UNREACHED, first_contact=True), Stop(UNREACHED)),
    "an untrusted certificate": (1, NoReply(CERTIFICATE), Stop(CERTIFICATE)),
}


@pytest.mark.parametrize(("attempt", "reply", "decision"), CASES.values(), ids=CASES)
def test_each_reply_has_its_decision(attempt: int, reply: Reply, decision: Decision) -> None:
    assert decide(POLICY, attempt, reply) == decision


def test_bad_credentials_stop_everything() -> None:
    decision = decide(POLICY, 1, Unauthorized("401 Unauthorized: Invalid credentials"))
    assert isinstance(decision, Stop)
    assert isinstance(decision.error, AuthError)
    assert str(decision.error) == "401 Unauthorized: Invalid credentials"


def test_with_one_attempt_nothing_is_retried() -> None:
    once = RetryPolicy(attempts=1)
    assert decide(once, 1, TryLater("busy")) == GiveUp("given up after 1 attempt; last error: busy")
    assert decide(once, 1, NoReply(UNREACHED, first_contact=True)) == Stop(UNREACHED)


def test_backoff_and_jitter_are_the_documented_ones() -> None:
    assert [POLICY.backoff(attempt) for attempt in range(1, 10)] == [2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert POLICY.backoff(100_000) == 60
    assert (POLICY.lateness(0.0), POLICY.lateness(0.5), POLICY.lateness(1.0)) == (1.0, 3.0, 5.0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"attempts": 0}, "attempts must be >= 1, got 0"),
        ({"first_contact": 0}, "first_contact must be >= 1, got 0"),
        ({"first_wait": -1}, "first_wait must be >= 0 seconds, got -1"),
        ({"first_wait": 90}, "RetryPolicy: max_wait must be >= first_wait (90), got 60.0"),
        ({"jitter": (-1, 1)}, "jitter must be >= 0 seconds, got -1"),
        ({"jitter": (5, 1)}, "RetryPolicy: the end of jitter must be >= its start (5), got 1"),
        ({"max_retry_after": 0.5}, "RetryPolicy: max_retry_after must be >= min_retry_after (1.0), got 0.5"),
    ],
)
def test_an_invalid_policy_is_an_error(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        RetryPolicy(**settings)


TIMED_OUT = TransportError("no connection within 10 s", "timeout")
TIMED_OUT.connect_timed_out = True


@pytest.mark.parametrize(
    ("reply", "is_repeated"),
    [
        (TryLater("429", not_taken=True), True),
        (TryLater("503"), False),
        (TryLater("408"), False),
        (TryLater("not a reply of this API"), False),
        (NoReply(UNREACHED), True),
        (NoReply(TIMED_OUT), True),
        (NoReply(TransportError("unknown", "unknown-host")), True),
        (NoReply(RESET), False),
        (NoReply(TransportError("no answer", "timeout")), False),
        (NoReply(TransportError("bad record", "tls")), False),
    ],
    ids=repr,
)
def test_what_may_have_been_taken_is_repeated_only_if_that_is_harmless(reply: Reply, is_repeated: bool) -> None:
    assert isinstance(decide(POLICY, 1, reply), Wait)
    decision = decide(POLICY, 1, reply, repeatable=False)
    if is_repeated:
        assert decision == decide(POLICY, 1, reply)
    else:
        assert isinstance(decision, GiveUp)
        assert (decision.final, decision.pause) == (True, 2.0)
        assert "may have taken it" in decision.reason
        assert "retry_unsafe=True" in decision.reason


@pytest.mark.parametrize(
    "reply", [Taken(), Taken((REFUSAL,)), TooLarge(1000, "big"), Hopeless("404"), NoReply(CERTIFICATE)], ids=repr
)
def test_other_replies_mean_the_same_for_what_must_not_be_repeated(reply: Reply) -> None:
    assert decide(POLICY, 1, reply, repeatable=False) == decide(POLICY, 1, reply)


@pytest.mark.parametrize(
    ("taken", "repeatable", "decision"),
    [
        (9, True, Split(None)),
        (2, True, Split(None)),
        (1, True, "the server may have taken it"),
        (None, True, "the server may have taken it"),
        (9, False, WOULD_COUNT_TWICE),
        (None, False, WOULD_COUNT_TWICE),
    ],
)
def test_updates_that_the_server_took_in_part_are_searched_for_the_refused_ones(
    taken: int | None, repeatable: bool, decision: Split | str
) -> None:
    refused = tuple(Refusal(position, "no") for position in range(10))
    found = decide_on_updates(Taken(refused, taken=taken), repeatable=repeatable)
    whole = Done(tuple(Refusal(position, f"no; {decision}") for position in range(10)))
    assert found == (whole if isinstance(decision, str) else decision)
