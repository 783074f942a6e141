"""Faults of the emulator: which requests fail, and how.

    429=0.2,502=0.1,taken=0.05,seed=7

makes a fifth of the requests fail with a rate limit and a tenth with a bad gateway; one in twenty is stored but not
answered. Items are separated by commas or semicolons; each is `KIND=SHARE` or `KIND=COUNTx`:

    429              rate limit
    429:SECONDS      rate limit with Retry-After
    413:BYTES        request too large, with that limit in the message, whatever the request's size
    400:0+2          the events at these positions fail, the others are accepted
    401              invalid credentials
    403              forbidden
    502, 502:html    bad gateway, as text or as an HTML page
    503, 503:html    service unavailable, as text or as an HTML page
    taken            stored, then the connection is closed without an answer
    slow:SECONDS     the usual answer, delayed

A share is a fraction of all requests, above 0 and up to 1. A request has at most one fault, so the shares add up to at
most 1. A count, such as `2x`, is that many requests in a row; counts come before all shares, in the order in which they
are written. The seed selects the requests of the shares: the same seed gives the same faults in the same order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from random import Random
from typing import TYPE_CHECKING, TypeVar

from mixpress.emulator import replies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from mixpress.emulator.replies import Reply

_LONGEST = 3600.0
"""Maximum seconds of `slow` and `Retry-After`: more than an hour is a typing error."""

_Number = TypeVar("_Number", int, float)


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
    """The answer of /track, where it differs from `reply`."""


@dataclass(frozen=True)
class Rule:
    """A fault for a `share` of the requests or for the next `count`; the other one is 0."""

    fault: Fault
    share: float = 0.0
    count: int = 0

    def __str__(self) -> str:
        return f"{self.fault.name}={f'{self.count}x' if self.count else repr(self.share)}"


@dataclass(frozen=True)
class Faults:
    """Which requests fail, and how; with `Faults()` none fails."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        together = sum(rule.share for rule in self.rules)
        if together > 1 + 1e-9:  # ten times 0.1 is a little more than 1
            raise ValueError(f"the shares of the faults must add up to at most 1, got {together:g}")

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Parse a text such as `429=0.2,taken=2x,seed=7`; the seed defaults to 0.

        The docstring of this module has the syntax.

        Raises ValueError with the invalid item and what is allowed.
        """
        rules: list[Rule] = []
        seed = 0
        for item in map(str.strip, re.split("[,;]", text)):
            kind, equals, often = item.partition("=")
            if not equals:
                raise ValueError(f"fault '{item}': must be KIND=SHARE, such as 429=0.2, or KIND=COUNTx, such as 429=2x")
            if kind == "seed":
                seed = _read(int, r"-?\d+", often, f"'{item}': a seed must be an integer")
            else:
                rules.append(_rule(item, kind, often))
        return cls(tuple(rules), seed)

    def __str__(self) -> str:
        """Return the text for `parse`."""
        return ",".join([*map(str, self.rules), f"seed={self.seed}"])

    def sequence(self) -> Iterator[Fault]:
        """Yield the fault of each request in turn, endlessly."""
        for rule in self.rules:
            yield from repeat(rule.fault, rule.count)
        chance = Random(self.seed)  # noqa: S311 - must be reproducible, not secret
        while True:
            yield self._fault_at(chance.random())

    def _fault_at(self, point: float) -> Fault:
        for rule in self.rules:
            point -= rule.share
            if point < 0:
                return rule.fault
        return Fault()


def _rule(item: str, kind: str, often: str) -> Rule:
    name, _, detail = kind.partition(":")
    make = _KINDS.get(name)
    if make is None:
        raise ValueError(f"fault '{item}': unknown kind '{name}'; the kinds are {', '.join(KINDS)}")
    fault = replace(make(detail, f"fault '{item}'"), name=kind)
    if re.fullmatch(r"[1-9]\d{0,8}x", often):
        return Rule(fault, count=int(often[:-1]))
    message = f"fault '{item}': must be a share above 0 and up to 1, such as 0.2, or a count, such as 2x, got '{often}'"
    share = _read(float, r"\d*\.?\d+", often, message)
    if not 0 < share <= 1:
        raise ValueError(message)
    return Rule(fault, share)


def _read(number: Callable[[str], _Number], pattern: str, text: str, message: str) -> _Number:
    if len(text) > 30 or not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(message)
    return number(text)


def _seconds(detail: str, item: str) -> float:
    message = f"{item}: must be a number of seconds from 0 to {_LONGEST:g}, got '{detail}'"
    seconds = _read(float, r"\d*\.?\d+", detail, message)
    if seconds > _LONGEST:
        raise ValueError(message)
    return seconds


def _rate_limited(detail: str, item: str) -> Fault:
    if not detail:
        return Fault(replies.rate_limited())
    return Fault(replies.rate_limited(f"{_seconds(detail, item):g}"))


def _too_large(detail: str, item: str) -> Fault:
    size = _read(int, r"[1-9]\d*", detail, f"{item}: 413 needs a size in bytes, such as 413:100000")
    return Fault(replies.too_large(size))


def _some_failed(detail: str, item: str) -> Fault:
    message = f"{item}: 400 needs the positions that fail, from 0, such as 400:0+2"
    return Fault(refuse=frozenset(_read(int, r"\d+", position, message) for position in detail.split("+")))


def _slow(detail: str, item: str) -> Fault:
    return Fault(delay=_seconds(detail, item))


def _fixed(fault: Fault, detail: str, item: str) -> Fault:
    if detail:
        raise ValueError(f"{item}: this kind takes nothing after a colon, got '{detail}'")
    return fault


def _gateway(status: int, detail: str, item: str) -> Fault:
    if detail not in {"", "html"}:
        raise ValueError(f"{item}: must be {status} or {status}:html, got '{status}:{detail}'")
    return Fault(replies.bad_gateway(html=bool(detail)) if status == 502 else replies.unavailable(html=bool(detail)))


_UNAUTHORIZED = replies.track_error(401, "Invalid credentials")

_KINDS: dict[str, Callable[[str, str], Fault]] = {
    "429": _rate_limited,
    "413": _too_large,
    "400": _some_failed,
    "401": partial(_fixed, Fault(replies.unauthorized(), track_reply=_UNAUTHORIZED)),
    "403": partial(_fixed, Fault(replies.track_error(403, "Forbidden"))),
    "502": partial(_gateway, 502),
    "503": partial(_gateway, 503),
    "taken": partial(_fixed, Fault(silent=True)),
    "slow": _slow,
}
KINDS = (
    *("429", "429:SECONDS", "413:BYTES", "400:POSITION+POSITION", "401"),
    *("502", "502:html", "503", "503:html", "taken", "slow:SECONDS", "403"),
)
"""The forms of each kind."""
