"""Measure Arrow tables to JSON, with all rules and without gzip, hot and cold.

A hot table is the same 2000 rows in each round. Cold ones are 20,000 rows in ten tables, made before each call. The
peer is `to_pylist()` and `orjson.dumps`, which checks no rule. The JSON must be the same, except for nulls. Run it by
`make bench` or `python -m benches.arrow`. It fills the table "Arrow" of benches/README.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pyarrow

from benches.support.rounds import (
    BATCH,
    COLD_EVENTS,
    COLD_ROUNDS,
    Times,
    batches_of,
    interleave,
    interleave_cold,
    require_release_build,
)
from benches.support.traffic import MIXES, Event, good_events
from mixpress import Encoder

ROUNDS = 30

ENCODER = Encoder(compression=None)


def as_table(events: list[Event]) -> pyarrow.Table:
    """Return a table with a column for the event's name and one for each property, like a table of a warehouse."""
    rows = [{"event": event["event"], **event["properties"]} for event in events]
    names = dict.fromkeys(name for row in rows for name in row)  # `from_pylist` has the columns of the first row alone
    return pyarrow.table({name: [row.get(name) for row in rows] for name in names})


def with_orjson(table: pyarrow.Table) -> bytes:
    """Do what a program does without mixpress: make dicts of rows, and events of those. Nulls are written."""
    events: list[Any] = []
    for row in table.to_pylist():
        name = row.pop("event")
        events.append({"event": name, "properties": row})
    return orjson.dumps(events)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(element) for element in value]
    return value


CONTESTANTS: dict[str, Callable[[Any], object]] = {"to_pylist": with_orjson, "mixpress": ENCODER.encode_arrow}


def check(name: str, events: list[Event]) -> float:
    """Return the bytes of an event; exit unless both contestants write the same JSON."""
    table = as_table(events)
    (batch,) = ENCODER.encode_arrow(table).batches
    if orjson.loads(batch.body) != without_nulls(orjson.loads(with_orjson(table))):
        raise SystemExit(f"{name}: mixpress and to_pylist() do not give the same JSON")
    return len(batch.body) / len(events)


def show(name: str, size: float, times: dict[str, Times]) -> None:
    peer, own = times["to_pylist"], times["mixpress"]
    faster = f"{peer.over(own):.1f}x"
    print(f"{name:16}{size:12.0f}{peer.median:14.3f}{own.median:13.3f}{own.spread:>12}{faster:>9}")


def main() -> None:
    require_release_build()
    print(f"{'':16}{'bytes/event':>12}{'to_pylist us':>14}{'mixpress us':>13}{'spread':>12}{'faster':>9}")
    for name in MIXES:
        events = good_events(name, COLD_EVENTS)
        size, hot = check(name, events[:BATCH]), as_table(events[:BATCH])
        contestants = {contestant: partial(call, hot) for contestant, call in CONTESTANTS.items()}
        show(f"{name}, hot", size, interleave(contestants, BATCH, ROUNDS, time.thread_time))

        def tables(events: list[Event] = events) -> list[pyarrow.Table]:
            return [as_table(batch) for batch in batches_of(events)]

        show(f"{name}, cold", size, interleave_cold(CONTESTANTS, tables, len(events), COLD_ROUNDS))


if __name__ == "__main__":
    main()
