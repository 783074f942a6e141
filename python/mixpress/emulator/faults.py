"""How the emulator fails when it is told to: in what way, and which requests.

    429=0.2,502=0.1,taken=0.05,seed=7

is a rate limit for a fifth of the requests, a bad gateway for a tenth, and one in twenty that is stored but gets no
answer. Items are divided by commas or semicolons; each is `KIND=SHARE` or `KIND=COUNTx`:

    429              the rate limit
    429:SECONDS      the same, with Retry-After
    413:BYTES        too large, naming that many bytes, whatever the request's size
    400:0+2          the events at these positions fail and the others are taken
    401              invalid credentials
    502, 502:html    a bad gateway, as text or as a page; likewise 503, unavailable
    taken            stored, and then the connection is closed without an answer
    slow:SECONDS     answered as usual, so much later

A share is of all requests, above 0 and up to 1; one request has one fault, so that together they are at most 1. A
count, such as `2x`, is for so many requests in a row, in the order in which the counts are written, before any
share. The seed decides which requests the shares fall on: the same seed, the same faults in the same order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import repeat
from random import Random
from typing import TYPE_CHECKING, TypeVar

from mixpress.emulator import replies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from mixpress.emulator.replies import Reply

_LONGEST = 3600.0
"""Seconds: a `slow` or `Retry-After` beyond an hour is a slip of the pen."""

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Fault:
    """What is done to one request. The parts can be combined; without any, it is answered as usual."""

    reply: Reply | None = None
    """The answer; the request goes no further, and nothing of it is stored."""
    refuse: Collection[int] = ()
    """The positions of events that fail, from 0; the others are taken. One past the last event is none."""
    delay: float = 0.0
    """Seconds before anything is done."""
    silent: bool = False
    """Close the connection where the answer would be sent."""
    name: str = ""
    """How it is written, such as `429:3`: what `Emulator.requests()` tells of it."""


@dataclass(frozen=True)
class Rule:
    """A fault, and which requests have it: a `share` of them, or the next `count`. One of the two is 0."""

    fault: Fault
    share: float = 0.0
    count: int = 0

    def __str__(self) -> str:
        return f"{self.fault.name}={f'{self.count}x' if self.count else repr(self.share)}"


@dataclass(frozen=True)
class Faults:
    """Which requests fail, and how; `Faults()` lets all of them go their way."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        together = sum(rule.share for rule in self.rules)
        if together > 1 + 1e-9:  # ten times 0.1 is a little more than 1
            raise ValueError(f"the shares of the faults are {together:g} together: all requests are 1")

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read what this module's page describes, such as `429=0.2,taken=2x,seed=7`; the seed is 0 by default.

        ValueError names what can't be read and what would be possible.
        """
        rules: list[Rule] = []
        seed = 0
        for item in map(str.strip, re.split("[,;]", text)):
            kind, equals, often = item.partition("=")
            if not equals:
                raise ValueError(f"fault '{item}': must be KIND=SHARE, such as 429=0.2, or KIND=COUNTx, such as 429=2x")
            if kind == "seed":
                seed = _read(int, r"-?\d+", often, f"'{item}': a seed is a whole number")
            else:
                rules.append(_rule(item, kind, often))
        return cls(tuple(rules), seed)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        return ",".join([*map(str, self.rules), f"seed={self.seed}"])

    def sequence(self) -> Iterator[Fault]:
        """The fault of the first request, of the second, and so on without an end."""
        for rule in self.rules:
            yield from repeat(rule.fault, rule.count)
        chance = Random(self.seed)  # noqa: S311 - to be repeated, not to be secret
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
        raise ValueError(f"fault '{item}': there is no kind '{name}'; there are {', '.join(KINDS)}")
    fault = replace(make(detail, f"fault '{item}'"), name=kind)
    if re.fullmatch(r"[1-9]\d{0,8}x", often):
        return Rule(fault, count=int(often[:-1]))
    sentence = f"fault '{item}': '{often}' is neither a share above 0 and up to 1, such as 0.2, nor a count, such as 2x"
    share = _read(float, r"\d*\.?\d+", often, sentence)
    if not 0 < share <= 1:
        raise ValueError(sentence)
    return Rule(fault, share)


def _read(number: Callable[[str], _Number], pattern: str, text: str, sentence: str) -> _Number:
    if len(text) > 30 or not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(sentence)
    return number(text)


def _seconds(detail: str, item: str) -> float:
    sentence = f"{item}: '{detail}' is no number of seconds from 0 to {_LONGEST:g}"
    seconds = _read(float, r"\d*\.?\d+", detail, sentence)
    if seconds > _LONGEST:
        raise ValueError(sentence)
    return seconds


def _rate_limited(detail: str, item: str) -> Fault:
    if not detail:
        return Fault(replies.rate_limited())
    return Fault(replies.rate_limited(f"{_seconds(detail, item):g}"))


def _too_large(detail: str, item: str) -> Fault:
    size = _read(int, r"[1-9]\d*", detail, f"{item}: 413 names a size in bytes, such as 413:100000")
    return Fault(replies.too_large(size))


def _some_failed(detail: str, item: str) -> Fault:
    sentence = f"{item}: 400 names the positions that fail, from 0 on, such as 400:0+2"
    return Fault(refuse=frozenset(_read(int, r"\d+", position, sentence) for position in detail.split("+")))


def _plain(reply: Reply | None, *, silent: bool = False) -> Callable[[str, str], Fault]:
    def make(detail: str, item: str) -> Fault:
        if detail:
            raise ValueError(f"{item}: there is nothing to say after the colon")
        return Fault(reply, silent=silent)

    return make


def _from_a_gateway(status: int) -> Callable[[str, str], Fault]:
    def make(detail: str, item: str) -> Fault:
        if detail not in {"", "html"}:
            raise ValueError(f"{item}: '{detail}' is no form of a {status}; there are {status} and {status}:html")
        return Fault(
            replies.bad_gateway(html=bool(detail)) if status == 502 else replies.unavailable(html=bool(detail))
        )

    return make


_KINDS: dict[str, Callable[[str, str], Fault]] = {
    "429": _rate_limited,
    "413": _too_large,
    "400": _some_failed,
    "401": _plain(replies.unauthorized()),
    "502": _from_a_gateway(502),
    "503": _from_a_gateway(503),
    "taken": _plain(None, silent=True),
    "slow": lambda detail, item: Fault(delay=_seconds(detail, item)),
}
KINDS = (
    *("429", "429:SECONDS", "413:BYTES", "400:POSITION+POSITION", "401"),
    *("502", "502:html", "503", "503:html", "taken", "slow:SECONDS"),
)
"""How each can be written."""
