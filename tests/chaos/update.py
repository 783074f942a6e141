"""One update of a profile in a schedule, how the server's record of it is read, and the checks of what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

USERS = ("u0", "u1", "u2")
GROUPS = ("g0", "g1")
"""The profiles of a schedule, to which it adds its number: a request of an earlier one may still arrive."""
GROUP_KEY = "company"
OPERATIONS = ("$set", "$set_once", "$union", "$add", "$append")
UNSAFE = frozenset(["$add", "$append"])
"""The operations that count twice if they are sent twice. Groups have none of them."""
NOT_TAKEN = frozenset([401, 413, 429])
"""Replies that say that the server has not taken the request."""
LATE = "late"
"""The status of a request that ran into the timeout of the client: the server may still take it, after later ones."""
LOST = "lost"
"""The status of another request without a reply."""

PARTLY = "partly"
"""The status of a reply that counts a few refused updates and names none: a batch that may be repeated is halved."""

Status = int | str


class Kind(Enum):
    """A kind of update, by its verdict when nothing fails."""

    GOOD = "imported"
    BAD = "rejected"
    """It breaks a rule and is never sent."""
    DOOMED = "refused"
    """The encoder lets it pass, and the server refuses it each time, and with it the batch."""
    HUGE = "refused, too large"
    """The server refuses each request with it, and names its limit."""


class Drawn(NamedTuple):
    """What a schedule draws for an update."""

    kind: Kind
    operation: str
    profile: str


@dataclass(frozen=True)
class Update:
    """An update, with a number that no other one has, and that grows with the calls."""

    drawn: Drawn
    number: int
    schedule: int

    @property
    def is_of_group(self) -> bool:
        return self.drawn.profile in GROUPS

    @property
    def profile(self) -> str:
        """The id; that of a doomed update is a placeholder, which /engage refuses."""
        return "null" if self.kind is Kind.DOOMED else f"{self.drawn.profile}-{self.schedule}"

    @property
    def kind(self) -> Kind:
        """The kind. A group may have any id, so its update is not doomed."""
        return Kind.GOOD if self.is_of_group and self.drawn.kind is Kind.DOOMED else self.drawn.kind

    @property
    def operation(self) -> str:
        if self.kind is Kind.BAD:
            return "$union" if self.is_of_group else "$add"
        is_unlike = self.is_of_group or self.kind is Kind.HUGE  # an $add is never large
        return "$set" if is_unlike and self.drawn.operation in UNSAFE else self.drawn.operation

    @property
    def content(self) -> dict[str, Any]:
        """The value of the operation, from which `number_in` reads the number."""
        content: dict[str, Any]
        number = self.number
        if self.kind is Kind.BAD:
            return {f"n{number}": "not a number, nor a list"}
        match self.operation:
            case "$add":
                content = {f"n{number}": 1}
            case "$union":
                content = {"seen": [number]}
            case "$append":
                content = {"log": number}
            case operation:
                content = {operation[1:]: number}
        if self.kind is Kind.HUGE:
            text = "x" * 250
            content |= {f"p{each}": [text] if self.operation == "$union" else text for each in range(20)}
        return content

    @property
    def verdicts(self) -> set[str]:
        """The verdicts that it may have: the server's refusal of one update refuses its batch."""
        if self.kind is Kind.BAD:
            return {"rejected"}
        return {"refused", "undelivered"} | ({"imported"} if self.kind is Kind.GOOD else set())


class Seen(NamedTuple):
    """A request that left the client, in the order of their ends."""

    updates: tuple[tuple[str, int], ...]
    """The profile and the number of each update."""
    unsafe: frozenset[int]
    """The numbers of those that would count twice."""
    status: Status


def number_in(update: dict[str, Any]) -> int:
    """Return the number of an update as it was sent."""
    operation = next(name for name in OPERATIONS if name in update)
    name, value = next(iter(update[operation].items()))
    if name[1:].isdigit():
        return int(name[1:])
    return int(value[0] if operation == "$union" else value)


def profile_in(update: dict[str, Any]) -> str:
    return str(update.get("$distinct_id") or update["$group_id"])


def late_in(seen: Iterable[Seen]) -> set[int]:
    """Return the numbers of the updates that may arrive late: no client can keep a network from delivering a request
    after its timeout.
    """
    return {number for request in seen if request.status == LATE for _, number in request.updates}


def check_order(seen: Sequence[Seen], applied: Iterable[tuple[str, int]], failed: Set[int], refused: Set[int]) -> None:
    """Check that the updates of each profile were sent and applied in their order.

    An update may be sent again, but not once a later one of its profile was sent, unless that one `failed`: a part of a
    batch may be sent again, and the rest given up or refused. What may arrive late is left out of what was applied, and
    what the server has `refused` once: by a fault, whose reply may be lost, and not the next time.
    """
    unlike = late_in(seen) | refused
    for what, updates in (
        ("sent", [update for request in seen for update in request.updates]),
        ("applied", [update for update in applied if update[1] not in unlike]),
    ):
        by_profile: dict[str, list[int]] = {}
        for profile, number in updates:
            by_profile.setdefault(profile, []).append(number)
        for profile, numbers in by_profile.items():
            first = list(dict.fromkeys(numbers))
            last = list(dict.fromkeys(number for number in reversed(numbers) if number not in failed))
            assert first == sorted(first), f"{profile}: {what} out of order: {numbers}"
            assert last == sorted(last, reverse=True), f"{profile}: {what} again after a later one: {numbers}"


def check_repeats(seen: Iterable[Seen]) -> None:
    """Check that no request with `$add` or `$append` is sent again if the server may have taken it."""
    over: set[int] = set()
    for request in seen:
        again = over & {number for _, number in request.updates}
        assert not again, f"sent again, although the server may have taken it: {sorted(again)}"
        if request.unsafe and request.status not in NOT_TAKEN:
            over.update(number for _, number in request.updates)


def check_update(update: Update, verdict: str, applied: int, answers: list[Status], *, once: bool) -> None:
    """Check one update: its verdict, how often it was applied, and the replies to its requests.

    `once`: the client was not allowed to send again what may count twice.
    """
    shown = f"{update} is {verdict}; applied: {applied}; answered: {answers}"
    assert verdict in update.verdicts | {"dropped"}, shown
    assert applied <= len(answers), shown
    final = [place for place, status in enumerate(answers) if status in {200, 400}]
    assert final in ([], [len(answers) - 1]), f"sent again after a final answer: {shown}"
    if update.operation in UNSAFE and once:
        assert applied <= 1, f"counted twice: {shown}"
    if verdict == "imported":
        assert applied, shown
        assert answers[-1] == 200, shown
    elif verdict in {"rejected", "dropped"}:
        assert (applied, answers) == (0, []), shown
    elif verdict == "refused":
        assert final or answers[-1] == 413, shown
    else:
        assert not final, shown


def check_state(profile: dict[str, Any] | None, applied: list[Update]) -> None:
    """Check that a profile is what its applied updates, in their order, make of it."""
    wanted: dict[str, Any] = {}
    for update in applied:
        for name, value in update.content.items():
            match update.operation:
                case "$set":
                    wanted[name] = value
                case "$set_once":
                    wanted.setdefault(name, value)
                case "$union":
                    wanted[name] = [*wanted.get(name, []), *(one for one in value if one not in wanted.get(name, []))]
                case "$append":
                    wanted[name] = [*wanted.get(name, []), value]
                case _:
                    wanted[name] = wanted.get(name, 0) + value
    assert (profile or {}) == wanted


def check_counts(failed: dict[int, str], counted: Counter[str], given: int) -> None:
    """Check that the reports together have one verdict for each given update, and each failure once."""
    assert counted.total() == given, f"{given} updates were given; verdicts: {counted}"
    assert Counter(failed.values()) + Counter(imported=given - len(failed)) == +counted
