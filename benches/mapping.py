"""Measure the mapping of a table of 8 columns: by columns, by rows, and by columns with the encoder and gzip.

The table is like a CSV file: the time, the name and the ids are texts. Batches of 20,000 rows alternate between the
contestants; the figures are the medians of the rounds, in CPU time. Run it by `python -m benches.mapping`.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow

from benches.support.rounds import require_release_build
from mixpress import Encoder, Mapping
from mixpress.files.mapper import encode_batch, mapper_of

ROWS = 20_000
ROUNDS = 15

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


def main() -> None:
    require_release_build()
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
