"""Measure the mapping of a table of 8 columns: by columns, by rows, and by columns with the encoder and gzip.

The table is like a CSV file: the time, the name and the ids are texts. Batches of 20,000 rows alternate between the
contestants; the figures are the medians of the rounds, in CPU time. Run it by `python -m benches.mapping`.

Then it measures updates of profiles from a table of 6 columns, mapped and encoded by columns and by rows. Both make the
same updates. Each turn has a new table, so the figures are cold. They fill the table "Profiles from tables" of
benches/README.md.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pyarrow

from benches.support.rounds import interleave_cold, require_release_build
from mixpress import Encoded, Encoder, Mapping
from mixpress.files.checked_updates import Operation
from mixpress.files.columns import values_of
from mixpress.files.mapper import Mapper, encode_batch, map_table_rows, mapper_of

ROWS = 20_000
ROUNDS = 15
UPDATE_ROUNDS = 7
OPERATIONS: tuple[Operation, ...] = ("set", "add", "union", "delete")

FIELDS: dict[str, Any] = {
    "event_column": "action",
    "time_column": "ts",
    "distinct_id_column": "user",
    "insert_id_column": "id",
}
MAPPINGS = {
    "columns": Mapping(**FIELDS),
    "time_zone": Mapping(**FIELDS, time_zone="Europe/Berlin"),
    "time_format": Mapping(**FIELDS, time_format="%Y-%m-%d %H:%M:%S"),
    "where": Mapping(**FIELDS, where="plan == 'pro' || amount > 10.0"),
    "many": Mapping(
        **FIELDS,
        time_zone="Europe/Berlin",
        rename={"plan": "Plan"},
        drop=("quantity",),
        set={"source": "csv"},
        since="2024-01-02",
        until="2024-12-31",
        sample=0.9,
        placeholder_ids="blank",
    ),
}


def rows(seed: int) -> list[dict[str, Any]]:
    rng, start = random.Random(seed), datetime(2024, 1, 1)
    return [
        {
            "ts": (start + timedelta(seconds=37 * number)).strftime("%Y-%m-%d %H:%M:%S"),
            "action": rng.choice(["Viewed", "Paid", "Clicked"]),
            "user": f"user-{rng.randrange(5000)}",
            "id": f"{rng.getrandbits(128):032x}",
            "plan": rng.choice(["pro", "free"]),
            "amount": number * 0.5,
            "country": rng.choice(["DE", "FR", "US"]),
            "quantity": number % 7,
        }
        for number in range(ROWS)
    ]


def update_rows(seed: int, operation: Operation) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    numbers = operation == "add"
    return [
        {
            "distinct_id": f"user-{seed}-{number}",
            "amount": number * 0.5,
            "visits": rng.randrange(1000),
            "plan": rng.random() if numbers else rng.choice(["pro", "free"]),
            "country": rng.random() if numbers else rng.choice(["DE", "FR", "US"]),
            "city": rng.random() if numbers else f"City {rng.randrange(5000)}",
        }
        for number in range(ROWS)
    ]


def bodies(encoded: Encoded) -> list[Any]:
    return [json.loads(batch.body) for batch in encoded.batches]


def updates() -> None:
    """Measure updates of profiles, by columns and by rows."""
    encoder = Encoder("engage", token="token", compression=None)
    print("\n| operation | by rows µs | spread | by columns µs | spread | ratio |\n|---|---|---|---|---|---|")
    for operation in OPERATIONS:
        mapper = mapper_of(Mapping(profiles=True, operation=operation))

        def by_rows(batch: pyarrow.RecordBatch, mapper: Mapper = mapper) -> Encoded:
            return encoder.encode(map_table_rows(mapper, values_of(batch)).events)

        def by_columns(batch: pyarrow.RecordBatch, mapper: Mapper = mapper) -> Encoded:
            return encode_batch(encoder, mapper, batch).encoded

        one = pyarrow.RecordBatch.from_pylist(update_rows(0, operation))
        if not mapper.takes_columns(one) or bodies(by_rows(one)) != bodies(by_columns(one)):
            raise SystemExit(f"{operation}: columns and rows do not make the same updates")
        seeds = count(1)
        times = interleave_cold(
            {"rows": by_rows, "columns": by_columns},
            lambda: [pyarrow.RecordBatch.from_pylist(update_rows(next(seeds), operation))],  # noqa: B023 - called here
            ROWS,
            UPDATE_ROUNDS,
        )
        rows, columns = times["rows"], times["columns"]
        print(f"| `{operation}` | {rows.median:.2f} | {rows.spread} | {columns.median:.2f} | {columns.spread}", end="")
        print(f" | {rows.over(columns):.0f} |")


def main() -> None:
    require_release_build()
    events()
    updates()


def events() -> None:
    """Measure events."""
    records = rows(1)
    batch = pyarrow.RecordBatch.from_pylist(records)
    encoder = Encoder()
    print("| mapping | columns, rows/s | rows, rows/s | columns and encoder, rows/s |\n|---|---|---|---|")
    for name, mapping in MAPPINGS.items():
        mapper = mapper_of(mapping)
        assert list(mapper.columns(batch).records) == list(mapper.rows(records).records)
        contestants: list[Callable[[], object]] = [
            lambda mapper=mapper: mapper.columns(batch),  # type: ignore[misc]
            lambda mapper=mapper: mapper.rows(records),  # type: ignore[misc]
            lambda mapper=mapper: encode_batch(encoder, mapper, batch),  # type: ignore[misc]
        ]
        taken: list[list[float]] = [[] for _ in contestants]
        for _ in range(ROUNDS):
            for times, run in zip(taken, contestants, strict=True):
                start = time.process_time()
                run()
                times.append(time.process_time() - start)
        print(f"| {name} | " + " | ".join(f"{ROWS / statistics.median(times):,.0f}" for times in taken) + " |")


if __name__ == "__main__":
    main()
