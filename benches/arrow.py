"""Measure Arrow tables to JSON, with all rules and without gzip.

The peer is `to_pylist()` and `orjson.dumps`, which checks no rule. The JSON must be the same, except for nulls. Run it
by `make bench` or `python -m benches.arrow`. It fills the table "Arrow" of benches/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pyarrow

from benches.support.rounds import interleave, require_release_build
from benches.support.traffic import MIXES, Event
from mixpress import Encoder

EVENTS, ROUNDS = 2000, 30


def as_table(events: list[Event]) -> pyarrow.Table:
    """Return a table with a column for the event's name and one for each property, like a table of a warehouse."""
    return pyarrow.Table.from_pylist([{"event": event["event"], **event["properties"]} for event in events])


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
    return value


def main() -> None:
    require_release_build()
    encoder = Encoder(compression=None)
    print(f"{'':10}{'bytes/event':>12}{'to_pylist us':>14}{'mixpress us':>13}{'spread':>12}{'faster':>9}")
    for name, make in MIXES.items():
        events = [event for event in make(EVENTS) if event["properties"]["distinct_id"] != "NA"]
        table = as_table(events)
        (batch,) = encoder.encode_arrow(table).batches
        if orjson.loads(batch.body) != [without_nulls(event) for event in orjson.loads(with_orjson(table))]:
            raise SystemExit(f"{name}: mixpress and to_pylist() do not give the same JSON")
        contestants: dict[str, Callable[[], object]] = {
            "to_pylist": partial(with_orjson, table),
            "mixpress": partial(encoder.encode_arrow, table),
        }
        times = interleave(contestants, len(events), ROUNDS)
        peer, own = times["to_pylist"], times["mixpress"]
        size = len(batch.body) / len(events)
        faster = f"{peer.median / own.median:.1f}x"
        print(f"{name:10}{size:12.0f}{peer.median:14.3f}{own.median:13.3f}{own.spread:>12}{faster:>9}")


if __name__ == "__main__":
    main()
