"""Measure what a value of each type adds to an event, and what hostile shapes of events cost, hot and cold.

The peer is `orjson.dumps` with its native options; where it has none for a type, the limit is a time. Times are those
of the processor. An event has seven properties, and with the value four more. Hot events are the same 500 in each
round. Cold ones are 20,000, made before each call; no two share a value or the name of one. Run it by `make
bench` or `python -m benches.values [word ...]`, where each word selects the cases whose name contains it. It fills the
table "Values" of benches/README.md.
"""

from __future__ import annotations

import dataclasses
import enum
import pickle
import random
import sys
import time
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import msgspec
import numpy
import orjson
import pandas
import pydantic

import mixpress
from benches.support.rounds import BATCH, COLD_EVENTS, Times, interleave, interleave_cold, require_release_build
from mixpress import Encoder

EVENTS, ROUNDS = 500, 30
COLD = ("str", "Enum", "dataclass", "named tuple", "UUID", "Decimal", "datetime in UTC", "numpy.float64")
"""Types whose values are measured cold too."""
ALONE = ("str", "Enum", "IntEnum", "dataclass", "dataclass, slots", "set", "OrderedDict", "UUID")
"""Types whose values are measured in a call with one event too."""
CALLS = 200
"""Calls with one event in a round."""
VALUES = 4
"""Values of a case in each of its events, so that what they add is more than the noise."""
OPTIONS = orjson.OPT_SERIALIZE_NUMPY
MOST_RATIO, MOST_MICROSECONDS, MOST_ALONE, MOST_MIX = 3.0, 0.4, 1.0, 2.0

Event = dict[str, Any]
Make = Callable[[range], list[Event]]
"""Makes events of these numbers."""


class Plan(enum.Enum):
    PRO = "pro"
    TEAM = "team"


class Word(str, enum.Enum):
    PRO = "pro"
    TEAM = "team"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Text(str):
    __slots__ = ()


class Integer(int):
    pass


class Float(float):
    pass


class Listed(list):  # type: ignore[type-arg]
    pass


class Named(dict):  # type: ignore[type-arg]
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: float


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int
    y: float


@dataclasses.dataclass(slots=True)
class Slotted:
    x: int
    y: float


@attrs.define
class AttrsPoint:
    x: int
    y: float


class Struct(msgspec.Struct):
    x: int
    y: float


class Model(pydantic.BaseModel):
    x: int
    y: float


Pair = namedtuple("Pair", "x y")


@dataclasses.dataclass(frozen=True)
class Case:
    """A value by its number, and whether orjson writes it natively."""

    make: Callable[[int], Any]
    in_orjson: bool = True


CASES: dict[str, Case] = {
    "str": Case(lambda n: f"text {n}"),
    "Enum": Case(lambda n: [Plan.PRO, Plan.TEAM][n % 2]),
    "str Enum": Case(lambda n: [Word.PRO, Word.TEAM][n % 2]),
    "IntEnum": Case(lambda n: [Level.LOW, Level.HIGH][n % 2]),
    "Flag": Case(lambda n: [Access.READ, Access.WRITE, Access.READ | Access.WRITE][n % 3]),
    "dataclass": Case(lambda n: Point(n, n / 8)),
    "dataclass, frozen": Case(lambda n: Frozen(n, n / 8)),
    "dataclass, slots": Case(lambda n: Slotted(n, n / 8)),
    "dataclass, nested": Case(lambda n: Point(n, Point(n, n / 8))),  # type: ignore[arg-type]
    "tuple": Case(lambda n: (n, n / 8)),
    "named tuple": Case(lambda n: Pair(n, n / 8), in_orjson=False),
    "subclass of str": Case(lambda n: Text(f"text {n}")),
    "subclass of int": Case(Integer),
    "subclass of float": Case(lambda n: Float(n / 8), in_orjson=False),
    "subclass of list": Case(lambda n: Listed([n, n / 8])),
    "subclass of dict": Case(lambda n: Named(x=n, y=n / 8)),
    "OrderedDict": Case(lambda n: OrderedDict(x=n, y=n / 8)),
    "defaultdict": Case(lambda n: defaultdict(int, x=n, y=n / 8)),
    "Counter": Case(lambda n: Counter(x=n, y=1)),
    "set": Case(lambda n: {n, n + 1}, in_orjson=False),
    "frozenset": Case(lambda n: frozenset({f"a{n}", f"b{n}"}), in_orjson=False),
    "deque": Case(lambda n: deque([n, n / 8]), in_orjson=False),
    "MappingProxyType": Case(lambda n: MappingProxyType({"x": n, "y": n / 8}), in_orjson=False),
    "attrs": Case(lambda n: AttrsPoint(n, n / 8), in_orjson=False),
    "msgspec.Struct": Case(lambda n: Struct(n, n / 8), in_orjson=False),
    "pydantic model": Case(lambda n: Model(x=n, y=n / 8), in_orjson=False),
}

# Values of exact types that the core reads in place.
ZONE = ZoneInfo("America/New_York")
FIRST = datetime(2024, 1, 1)
CASES |= {
    "UUID": Case(lambda n: uuid.UUID(int=n * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835 % 2**128)),
    "Decimal": Case(lambda n: Decimal(n * 7919) / 100, in_orjson=False),
    "Decimal of 40 digits": Case(lambda n: Decimal(7**47 + n), in_orjson=False),
    "int of 70 bits": Case(lambda n: 2**69 + n * 7919, in_orjson=False),
    "int of 300 digits": Case(lambda n: 10**299 + n * 7919**70, in_orjson=False),
    "date": Case(lambda n: (FIRST + timedelta(hours=n)).date()),
    "datetime": Case(lambda n: FIRST + timedelta(minutes=n)),
    "datetime in UTC": Case(lambda n: (FIRST + timedelta(minutes=n)).replace(tzinfo=timezone.utc)),
    "datetime, timezone": Case(
        lambda n: (FIRST + timedelta(minutes=n)).replace(tzinfo=timezone(timedelta(hours=n % 9)))
    ),
    "datetime, ZoneInfo": Case(lambda n: (FIRST + timedelta(hours=n)).replace(tzinfo=ZONE)),
    "time": Case(lambda n: (FIRST + timedelta(seconds=n, microseconds=n)).time()),
    "timedelta": Case(lambda n: timedelta(seconds=n, microseconds=5), in_orjson=False),
    "numpy.float64": Case(lambda n: numpy.float64(n / 7)),
    "numpy.float32": Case(lambda n: numpy.float32(n / 7)),
    "numpy.float16": Case(lambda n: numpy.float16(n / 7)),
    "numpy.longdouble": Case(lambda n: numpy.longdouble(n) / 7, in_orjson=False),
    "numpy.int64": Case(numpy.int64),
    "numpy.uint8": Case(lambda n: numpy.uint8(n % 256)),
    "numpy.bool_": Case(lambda n: numpy.bool_(n % 2)),
    "numpy.str_": Case(lambda n: numpy.str_(f"text {n}"), in_orjson=False),
    "numpy.datetime64": Case(lambda n: numpy.datetime64(1_700_000_000_000_000_000 + n, "ns")),
    "numpy.timedelta64": Case(lambda n: numpy.timedelta64(n, "ms"), in_orjson=False),
    "numpy NaT": Case(lambda _: numpy.datetime64("NaT"), in_orjson=False),
    "numpy array of 3": Case(lambda n: numpy.array([n, n + 1, n + 2]) / 7),
    "numpy array of 8 by 8": Case(lambda n: numpy.arange(n, n + 64).reshape(8, 8)),
    "numpy array of 3, unpickled": Case(lambda n: pickle.loads(pickle.dumps(numpy.array([n, n + 1, n + 2]) / 7))),
    "numpy array of objects": Case(lambda n: numpy.array([n, None, "text"], dtype=object), in_orjson=False),
    "pandas.Timestamp": Case(lambda n: pandas.Timestamp(FIRST + timedelta(minutes=n)), in_orjson=False),
    "pandas.Timestamp, zone": Case(lambda n: pandas.Timestamp(FIRST + timedelta(hours=n), tz=ZONE), in_orjson=False),
    "pandas.NaT": Case(lambda _: pandas.NaT, in_orjson=False),
    "pandas.NA": Case(lambda _: pandas.NA, in_orjson=False),
}


def event_of(number: int, more: Event) -> Event:
    """Return an event of seven properties and more."""
    return {
        "event": "Order Placed",
        "properties": {
            "time": 1_700_000_000 + number,
            "distinct_id": f"user-{number % 97}",
            "$insert_id": f"i{number:07d}",
            "plan": "pro",
            "city": ["Berlin", "Lagos", "Paris"][number % 3],
            "amount": number * 31 % 977,
            "score": number / 8,
            **more,
        },
    }


def plain(numbers: range) -> list[Event]:
    return [event_of(number, {}) for number in numbers]


def with_values(make: Callable[[int], Any], numbers: range) -> list[Event]:
    return [
        event_of(number, {f"value {each}": make(number * VALUES + each) for each in range(VALUES)})
        for number in numbers
    ]


def service(number: int) -> Event:
    """Return what a service tracks: values as its code holds them."""
    return event_of(
        number,
        {
            "order_id": uuid.UUID(int=number * 7919),
            "total": Decimal(number * 100 + 99) / 100,
            "placed_at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc),
            "tier": [Plan.PRO, Plan.TEAM][number % 2],
            "position": Point(number, number / 8),
            "confidence": numpy.float64(number / 7),
            "items": [{"sku": f"sku-{number % 89}", "quantity": each, "price": 9.5} for each in range(3)],
        },
    )


def services(numbers: range) -> list[Event]:
    return [service(number) for number in numbers]


def services_in_orjson(numbers: range) -> list[Event]:
    """Return these events with a float where orjson has no form: it is made before the clock starts."""
    events = services(numbers)
    for each in events:
        each["properties"]["total"] = float(each["properties"]["total"])
    return events


def fresh(text: str) -> str:
    """Return an equal text that is another object."""
    return "".join(list(text))


def fresh_names(numbers: range) -> list[Event]:
    return [
        {fresh(name): value for name, value in event.items()}
        | {fresh("properties"): {fresh(name): value for name, value in event["properties"].items()}}
        for event in plain(numbers)
    ]


def other_scripts(numbers: range) -> list[Event]:
    names = ["город", "価格", "prénom", "größe", "πόλη", "도시"]
    return [event_of(number, dict.fromkeys(names, number)) for number in numbers]


def shapes(count: int, numbers: range) -> list[Event]:
    """Return events of many shapes, which differ in their names and in the order of these."""
    rng = random.Random(3)
    events = []
    for number in numbers:
        members = [(f"field {number % count} {each}", each) for each in range(6)]
        rng.shuffle(members)
        events.append(event_of(number, dict(members)))
    return events


CLIFFS: dict[str, tuple[Make, Make]] = {
    "a service's mix": (services, services_in_orjson),
    "plain": (plain, plain),
    "fresh names": (fresh_names, fresh_names),
    "names in other scripts": (other_scripts, other_scripts),
    "600 shapes": (of_shapes := partial(shapes, 600), of_shapes),
}
"""How the events of each case are made, and those of the peer."""


def measured(form: str, make: Make, make_peer: Make | None) -> dict[str, Times]:
    """Return the times of events and of the same events without values, and those of the peer."""
    encoder = Encoder(compression=None)
    encoded = encoder.encode(make(range(EVENTS)))
    if encoded.rejected or encoded.warnings:
        raise SystemExit(str([*encoded.rejected, *encoded.warnings][0]))
    calls: dict[str, Callable[[Any], object]] = {"plain": encoder.encode, "own": encoder.encode}
    makes: dict[str, Make] = {"plain": plain, "own": make}
    if make_peer is not None:
        calls |= {"orjson plain": orjson.dumps, "orjson": partial(orjson.dumps, option=OPTIONS)}
        makes |= {"orjson plain": plain, "orjson": make_peer}
    if form == "cold":
        return interleave_cold(calls, {name: partial(batches, each) for name, each in makes.items()}, COLD_EVENTS)
    events = {each: each(range(EVENTS)) for each in {*makes.values()}}
    hot = {name: partial(call, events[makes[name]]) for name, call in calls.items()}
    return interleave(hot, EVENTS, ROUNDS, time.process_time)


def batches(make: Make) -> list[list[Event]]:
    return [make(range(start, start + BATCH)) for start in range(0, COLD_EVENTS, BATCH)]


def added(times: dict[str, Times], name: str, without: str) -> float:
    return (times[name].median - times[without].median) / VALUES


def rows_of_values(chosen: Callable[[str], bool]) -> Iterator[tuple[str, str, Case]]:
    for name, case in CASES.items():
        if chosen(name):
            yield f"{name}, hot", "hot", case
            if name in COLD:
                yield f"{name}, cold", "cold", case


def print_values(chosen: Callable[[str], bool]) -> None:
    print(f"{'':30}{'us a value':>12}{'orjson':>10}{'ratio':>8}{'limit us':>10}")
    for says, form, case in rows_of_values(chosen):
        make = partial(with_values, case.make)
        times = measured(form, make, make if case.in_orjson else None)
        own = added(times, "own", "plain")
        if case.in_orjson:
            peer = added(times, "orjson", "orjson plain")
            limit = max(MOST_RATIO * peer, MOST_MICROSECONDS)
            against = f"{peer:10.3f}{own / peer:8.2f}"
        else:
            limit, against = MOST_ALONE, f"{'':18}"
        print(f"{says:30}{own:12.3f}{against}{limit:10.2f}{'' if own <= limit else '  over'}", flush=True)


def print_events(chosen: Callable[[str], bool]) -> None:
    print(f"\n{'':30}{'us an event':>12}{'orjson':>10}{'ratio':>8}")
    for name, (make, make_peer) in CLIFFS.items():
        for form in ("hot", "cold") if chosen(name) else ():
            times = measured(form, make, make_peer)
            own, other = times["own"].median, times["orjson"].median
            print(f"{f'{name}, {form}':30}{own:12.3f}{other:10.3f}{own / other:8.2f}", flush=True)


def print_calls(chosen: Callable[[str], bool]) -> None:
    """Print what a call with one event takes that has one value of a type."""
    print(f"\n{'':30}{'kept us':>12}{'encode us':>10}")
    events = {name: event_of(1, {"value": CASES[name].make(1)}) for name in ALONE}
    for name, event in {**events, "a service's mix": service(1)}.items():
        if chosen(f"{name}, one event"):
            calls = {"kept": Encoder().encode, "encode": mixpress.encode}
            times = interleave(
                {each: partial(repeat, call, [event]) for each, call in calls.items()},
                CALLS,
                ROUNDS,
                time.process_time,
            )
            kept, alone = times["kept"].median, times["encode"].median
            print(f"{f'{name}, one event':30}{kept:12.2f}{alone:10.2f}", flush=True)


def repeat(call: Callable[[list[Event]], object], events: list[Event]) -> None:
    for _ in range(CALLS):
        call(events)


def main() -> None:
    require_release_build()
    words = sys.argv[1:] if __name__ == "__main__" else []

    def chosen(name: str) -> bool:
        return not words or any(word in name for word in words)

    print_values(chosen)
    print_events(chosen)
    print_calls(chosen)


if __name__ == "__main__":
    main()
