"""How many requests may be under way at once: a value, and what each answer makes of it. No lock, no clock.

As TCP does it. After trouble (429, 5xx, no answer) one request goes out; each answer lets one more go until
half of what there was before the trouble, and from there on each round of answers does. Latency counts too:
where a round took more than twice as long as the best one, and no more came through, the server is queueing,
and fewer requests give as much. Where fewer did not help, it is simply slower now, and that is the new measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SLOWER = 2.0
"""A round that takes so many times the best one is one of a server that queues..."""
MORE = 1.1
"""...unless so many times the bytes came through."""
EASED = 0.75
"""Of the requests that were under way then, so many times are allowed from there on."""
HELPED = 0.9
"""Fewer requests helped if a round now takes at most this much of the time that it took."""


@dataclass(frozen=True)
class Round:
    """As many answers as requests were allowed when it began."""

    wanted: int
    answers: int = 0
    seconds: float = 0.0
    size: int = 0
    under_way: int = 0

    def answered(self, seconds: float, size: int, under_way: int) -> Round:
        """With one more answer."""
        return Round(
            self.wanted, self.answers + 1, self.seconds + seconds, self.size + size, self.under_way + under_way
        )

    @property
    def latency(self) -> float:
        """Seconds an answer took, on average."""
        return self.seconds / self.answers

    @property
    def rate(self) -> float:
        """Bytes a second, by as many requests as were under way."""
        return self.under_way / self.answers * self.size / self.seconds if self.seconds > 0 else math.inf


@dataclass(frozen=True)
class Pace:
    """`window` requests may be under way, from 1 to `most`."""

    most: int
    window: float
    threshold: float
    cuts: int = 0
    """How often there was trouble. A request that began before the last time says nothing new."""
    now: Round = Round(1)
    best: float = math.inf
    """Seconds an answer took in the best round."""
    latency: float = math.inf
    rate: float = 0.0
    eased: int = 0
    """1 and 2 in the two rounds after latency made the window smaller: the first still has answers from before, the
    second shows whether it helped. It does not grow meanwhile."""

    @classmethod
    def full(cls, most: int) -> Pace:
        """The beginning: as many as allowed, as the documents recommend, until the server objects."""
        return cls(most, float(most), float(most), now=Round(most))

    @property
    def allowed(self) -> int:
        """How many requests may be under way."""
        return int(self.window)

    def answered(self, seconds: float, size: int, under_way: int) -> Pace:
        """After an answer that took so long, to so many bytes; so many requests were under way when it began."""
        done = self.now.answered(seconds, size, under_way)
        grown = self.window if self.eased else self._grown(under_way)
        after = replace(self, window=grown, now=done)
        return after._judged() if done.answers >= done.wanted else after

    def troubled(self, cuts: int) -> Pace:
        """After a request failed that began when there had been so many `cuts`."""
        if cuts < self.cuts:
            return self
        threshold = max(1.0, self.window / 2)
        return replace(self, window=1.0, threshold=threshold, cuts=self.cuts + 1, now=Round(1), eased=0)

    def _grown(self, under_way: int) -> float:
        """More where the answer is to a request from a time when there were at least half as many as are allowed:
        a window that is not filled says nothing of what the server can bear."""
        if 2 * under_way < self.allowed:
            return self.window
        step = 1.0 if self.window < self.threshold else 1.0 / self.window
        return min(float(self.most), self.window + step)

    def _judged(self) -> Pace:
        """After a round."""
        following = Round(self.allowed)
        if self.eased == 1:
            return replace(self, now=following, eased=2)
        latency, rate = self.now.latency, self.now.rate
        seen = replace(self, now=following, latency=latency, rate=rate, eased=0)
        if latency <= SLOWER * self.best or rate > MORE * self.rate:
            return replace(seen, best=min(self.best, latency))
        if self.eased and latency > HELPED * self.latency:
            return replace(seen, best=latency)
        window = min(self.window, max(1.0, EASED * self.now.under_way / self.now.answers))
        return replace(seen, window=window, threshold=window, now=Round(int(window)), eased=1)
