"""What happens to one request, and to how many requests it happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mixpress.emulator.replies import Reply

SHORTEST = 0.001
"""Minimum seconds of a phase: a clock's number may not change by much less."""


@dataclass(frozen=True)
class Fault:
    """What happens to one request. The fields can be combined; by default it is answered as usual."""

    reply: Reply | None = None
    """The answer; the request is not processed, and none of its events is stored."""
    refuse: Collection[int] = ()
    """Positions of events that fail, from 0; the others are accepted. A position past the last event is ignored."""
    delay: float = 0.0
    """Seconds before the request is processed."""
    silent: bool = False
    """Close the connection instead of sending the answer."""
    name: str = ""
    """Its text, such as `429:3`, shown by `Emulator.requests()`."""
    track_reply: Reply | None = None
    """The answer of /track, /engage and /groups, where it differs from `reply`."""
    reset: bool = False
    """Reset the connection (a TCP RST) instead of processing the request."""
    jitter: float = 0.0
    """Maximum seconds by which the delay differs from `delay`, in either direction. A sequence draws the difference."""
    max_bytes: int | None = None
    """Maximum size of the request's JSON, where it is below the emulator's own; a larger request gets a 413."""


@dataclass(frozen=True)
class Rule:
    """A fault for a `share` of the requests or for the next `count`; the other one is 0.

    With both 0, the fault is a limit of size: its `max_bytes` applies to every request.
    """

    fault: Fault
    share: float = 0.0
    count: int = 0
    beside: bool = False
    """Applies together with the fault of another rule, as a latency does."""
    text: str = field(default="", compare=False)
    """As it was written; empty for the form `KIND=HOW-OFTEN`."""

    def __str__(self) -> str:
        return self.text or f"{self.fault.name}={f'{self.count}x' if self.count else repr(self.share)}"

    @property
    def how(self) -> str:
        """How often it applies: `10%`, `3x`, or `larger` for a limit of size."""
        if self.count:
            return f"{self.count}x"
        return f"{self.share * 100:.12g}%" if self.share else "larger"


@dataclass(frozen=True)
class Phase:
    """A part of a schedule: its rules, for a number of requests, for some seconds, or until the end."""

    rules: tuple[Rule, ...] = ()
    requests: int = 0
    """0 if it does not end after a number of requests."""
    seconds: float = 0.0
    """Of the emulator's clock; 0 if it does not end after some time, otherwise at least `SHORTEST`."""

    def __post_init__(self) -> None:
        check_shares(self.rules)
        if self.seconds != 0 and not (self.seconds >= SHORTEST and isfinite(self.seconds)):
            raise ValueError(f"seconds must be a number >= {SHORTEST:g}, got {self.seconds!r}")

    @property
    def ends(self) -> bool:
        """Whether another phase can follow."""
        return bool(self.requests or self.seconds)


def check_shares(rules: Iterable[Rule]) -> None:
    """Raise ValueError if more than all requests are to fail. Latencies are summed apart from the other faults."""
    for beside, subject in [(False, "the faults"), (True, "the latencies")]:
        together = sum(rule.share for rule in rules if rule.beside == beside)
        if together > 1 + 1e-9:  # ten times 0.1 is a little more than 1
            raise ValueError(
                f"the shares of {subject} must add up to at most 1, got {together:g} "
                "(an item without a share or a count applies to every request)"
            )
