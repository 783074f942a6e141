"""How many requests may be under way at once: an immutable value that each answer maps to the next. No lock, no clock.

It works as TCP's congestion control does. After trouble (429, 5xx, no answer) the window is one request. Each answer
adds one until half of the window before the trouble; from there each round of answers adds one. Latency counts too:
if a round took more than twice as long as the best one and no more bytes came through, the server queues requests, and
a smaller window loses nothing. If the smaller window did not help, the server is slower now, and that latency becomes
the new best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SLOWER = 2.0
"""A server queues requests if a round takes more than this many times the best latency..."""
MORE = 1.1
"""...unless the rate rose by more than this factor."""
EASED = 0.75
"""The new window, as a share of the requests that were under way."""
HELPED = 0.9
"""The smaller window helped if a round now takes at most this share of the latency before."""


@dataclass(frozen=True)
class Round:
    """Answers in a row, as many as the window allowed when the round started."""

    wanted: int
    answers: int = 0
    seconds: float = 0.0
    size: int = 0
    in_flight: int = 0

    def answered(self, seconds: float, size: int, in_flight: int) -> Round:
        """Return the round with one more answer."""
        return Round(
            self.wanted, self.answers + 1, self.seconds + seconds, self.size + size, self.in_flight + in_flight
        )

    @property
    def latency(self) -> float:
        """Mean seconds of an answer."""
        return self.seconds / self.answers

    @property
    def rate(self) -> float:
        """Bytes a second, over all requests under way."""
        return self.in_flight / self.answers * self.size / self.seconds if self.seconds > 0 else math.inf


@dataclass(frozen=True)
class ConcurrencyWindow:
    """At most `window` requests are under way, from 1 to `most`."""

    most: int
    window: float
    threshold: float
    cuts: int = 0
    """Number of troubles so far. A request that started before the last one tells nothing new."""
    now: Round = Round(1)
    best: float = math.inf
    """Latency of the best round, in seconds."""
    latency: float = math.inf
    rate: float = 0.0
    eased: int = 0
    """1 and 2 in the two rounds after latency shrank the window: the first still has answers from before, the second
    shows whether it helped. The window does not grow meanwhile."""

    @classmethod
    def full(cls, most: int) -> ConcurrencyWindow:
        """Return the initial window: all requests that are allowed, as the documents recommend."""
        return cls(most, float(most), float(most), now=Round(most))

    @property
    def allowed(self) -> int:
        """How many requests may be under way."""
        return int(self.window)

    def answered(self, seconds: float, size: int, in_flight: int) -> ConcurrencyWindow:
        """Return the window after an answer to `size` bytes; `in_flight` requests were under way when it was sent."""
        done = self.now.answered(seconds, size, in_flight)
        grown = self.window if self.eased else self._grown(in_flight)
        after = replace(self, window=grown, now=done)
        return after._judged() if done.answers >= done.wanted else after

    def troubled(self, cuts: int) -> ConcurrencyWindow:
        """Return the window after a failed request that was sent after `cuts` troubles."""
        if cuts < self.cuts:
            return self
        threshold = max(1.0, self.window / 2)
        return replace(self, window=1.0, threshold=threshold, cuts=self.cuts + 1, now=Round(1), eased=0)

    def _grown(self, in_flight: int) -> float:
        """Grow only if at least half of the window was in use: an unused window tells nothing about the server."""
        if 2 * in_flight < self.allowed:
            return self.window
        step = 1.0 if self.window < self.threshold else 1.0 / self.window
        return min(float(self.most), self.window + step)

    def _judged(self) -> ConcurrencyWindow:
        """Return the window after a complete round."""
        following = Round(self.allowed)
        if self.eased == 1:
            return replace(self, now=following, eased=2)
        latency, rate = self.now.latency, self.now.rate
        seen = replace(self, now=following, latency=latency, rate=rate, eased=0)
        if latency <= SLOWER * self.best or rate > MORE * self.rate:
            return replace(seen, best=min(self.best, latency))
        if self.eased and latency > HELPED * self.latency:
            return replace(seen, best=latency)
        window = min(self.window, max(1.0, EASED * self.now.in_flight / self.now.answers))
        return replace(seen, window=window, threshold=window, now=Round(int(window)), eased=1)
