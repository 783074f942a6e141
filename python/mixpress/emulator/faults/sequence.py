"""The faults of one request after the other, drawn from rules or from the phases of a schedule."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, repeat
from random import Random
from typing import TYPE_CHECKING

from mixpress.emulator.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mixpress.emulator.faults.fault import Phase, Rule

NO_FAULT = Fault()


class FaultSequence:
    """An endless iterator: the fault of each request in turn.

    - `phases`: at least one. The first starts with the first request.
    - `again`: whether the first phase follows the last. Without it, no request fails after the last phase.
    - `now`: the clock, in seconds, that ends phases.
    """

    def __init__(self, phases: Sequence[Phase], *, again: bool, seed: int, now: Callable[[], float]) -> None:
        self._phases = phases
        self._again = again
        self._now = now
        self._timed = any(phase.seconds for phase in phases)
        # Reproducible, not secret. The requests that fail do not depend on whether there is a latency.
        self._chances = Random(seed)  # noqa: S311
        self._latencies = Random(f"{seed} latency")  # noqa: S311
        cycle = sum(phase.seconds for phase in phases)
        self._cycle = cycle if again and all(phase.seconds for phase in phases) else 0.0
        self._started: float | None = None
        self._enter(0)

    @property
    def phase(self) -> int | None:
        """Position of the current phase, from 0; None after the last."""
        return self._index if self._index < len(self._phases) else None

    def __iter__(self) -> Iterator[Fault]:
        return self

    def __next__(self) -> Fault:
        self._advance()
        self._used += 1
        fault, latency = next(self._faults), next(self._delays)
        if latency.delay or latency.jitter or latency.name:
            fault = together(fault, jittered(latency, self._latencies))
        return fault if self._limit is None else replace(fault, max_bytes=self._limit.max_bytes)

    def _enter(self, index: int) -> None:
        self._index = index
        self._used = 0
        rules = self._phases[index].rules if index < len(self._phases) else ()
        self._faults = draw([rule for rule in rules if not rule.beside], self._chances)
        self._delays = draw([rule for rule in rules if rule.beside], self._latencies)
        limits = [rule.fault for rule in rules if rule.fault.max_bytes is not None]
        self._limit = min(limits, key=lambda fault: fault.max_bytes or 0, default=None)

    def _advance(self) -> None:
        """Enter the phase of the next request."""
        if not self._timed and not self._phases[0].ends:
            return
        at = self._now()
        if self._started is None:
            self._started = at
        if self._cycle and at - self._started >= self._cycle:  # whole cycles without a request
            self._started += (at - self._started) // self._cycle * self._cycle
            self._enter(self._index)
        while self._index < len(self._phases):
            phase = self._phases[self._index]
            if phase.seconds and at >= self._started + phase.seconds:
                self._started += phase.seconds
            elif phase.requests and self._used >= phase.requests:
                self._started = at
            else:
                return
            following = self._index + 1
            self._enter(0 if self._again and following == len(self._phases) else following)


def draw(rules: Sequence[Rule], chance: Random) -> Iterator[Fault]:
    """Yield a fault for each request: the counts in turn, then the shares."""
    yield from chain.from_iterable(repeat(rule.fault, rule.count) for rule in rules)
    shared = [rule for rule in rules if rule.share]
    while shared:
        yield _fault_at(shared, chance.random())
    yield from repeat(NO_FAULT)


def _fault_at(rules: Sequence[Rule], point: float) -> Fault:
    for rule in rules:
        point -= rule.share
        if point < 0:
            return rule.fault
    return NO_FAULT


def jittered(fault: Fault, chance: Random) -> Fault:
    """Return the fault with a delay drawn uniformly from `delay - jitter` to `delay + jitter`."""
    if not fault.jitter:
        return fault
    return replace(fault, delay=max(0.0, fault.delay + chance.uniform(-fault.jitter, fault.jitter)), jitter=0.0)


def together(fault: Fault, latency: Fault) -> Fault:
    """Return a fault that also has the delay of a latency; its name has both."""
    name = f"{fault.name},{latency.name}" if fault.name else latency.name
    return replace(fault, delay=fault.delay + latency.delay, name=name)
