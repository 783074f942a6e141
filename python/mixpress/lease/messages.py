"""The sealed messages, as JSON and as values. Each number is checked: a peer with the secret may still be wrong."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from mixpress.lease.amount import Amount
from mixpress.lease.holding import Ask
from mixpress.lease.protocol import ProtocolError
from mixpress.send.rate_limit import RateLimit

MOST = 2**50
"""The largest number of events or bytes in a message."""
MAX_PAST = 64
"""The most past requests in a message."""


class Join(NamedTuple):
    """The first message of a worker: what `Allotment.join` counts."""

    held: Amount
    past: list[tuple[float, Amount]]


class Grant(NamedTuple):
    """The reply to each message of a worker."""

    amount: Amount
    valid: float
    """Seconds from the worker's message on, for which all that it has is valid."""
    wait: float
    """Seconds after which the worker asks again."""
    limit: RateLimit
    workers: int


def join_to_json(join: Join) -> dict[str, Any]:
    """Return the message of a worker that joins."""
    past = [[round(age, 3), *_pair(amount)] for age, amount in join.past[-MAX_PAST:]]
    return {"held": _pair(join.held), "past": past}


def join_of_json(message: dict[str, Any]) -> Join:
    """Raise `ProtocolError` if it is no such message."""
    past = message.get("past")
    if not isinstance(past, list) or len(past) > MAX_PAST:
        raise ProtocolError(f"past must be a list of at most {MAX_PAST}")
    return Join(_amount(message.get("held")), [_aged(entry) for entry in past])


def ask_to_json(ask: Ask) -> dict[str, Any]:
    """Return the message of a worker that asks; amounts of nothing are left out."""
    return {name: _pair(amount) for name, amount in ask._asdict().items() if amount}


def ask_of_json(message: dict[str, Any]) -> Ask:
    """Raise `ProtocolError` if it is no such message."""
    return Ask(*(_amount(message.get(name, [0, 0])) for name in Ask._fields))


def grant_to_json(grant: Grant) -> dict[str, Any]:
    """Return the reply to a worker."""
    limit = grant.limit
    return {
        "lent": _pair(grant.amount),
        "valid": grant.valid,
        "wait": round(grant.wait, 3),
        "limit": [*(None if number == math.inf else number for number in (limit.events, limit.bytes)), limit.seconds],
        "workers": grant.workers,
    }


def grant_of_json(message: dict[str, Any]) -> Grant:
    """Raise `ProtocolError` if it is no such message."""
    limit = message.get("limit")
    if not isinstance(limit, list) or len(limit) != 3:
        raise ProtocolError("limit must be events, bytes and seconds")
    events, size = (math.inf if number is None else _number(number, 1e300) for number in limit[:2])
    seconds = _number(limit[2], 1e6)
    if not (events and size and seconds):
        raise ProtocolError("a limit must be greater than 0")
    return Grant(
        _amount(message.get("lent")),
        _number(message.get("valid"), 3600.0),
        _number(message.get("wait"), 3600.0),
        RateLimit(events, size, seconds),
        int(max(1, _number(message.get("workers"), MOST))),
    )


def _pair(amount: Amount) -> list[int]:
    return [int(amount.events), int(amount.bytes)]


def _amount(pair: object) -> Amount:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ProtocolError("an amount must be two integers")
    events, size = pair
    for number in (events, size):
        if type(number) is not int or not 0 <= number <= MOST:
            raise ProtocolError(f"an amount must be two integers from 0 to {MOST}")
    return Amount(events, size)


def _aged(entry: object) -> tuple[float, Amount]:
    if not isinstance(entry, list) or len(entry) != 3:
        raise ProtocolError("a past request must be seconds, events and bytes")
    return _number(entry[0], 1e6), _amount(entry[1:])


def _number(value: object, most: float) -> float:
    if type(value) not in (int, float) or not 0 <= value <= most:  # type: ignore[operator]
        raise ProtocolError(f"a number must be from 0 to {most}")
    return float(value)  # type: ignore[arg-type]
