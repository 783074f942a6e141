"""A program that updates profiles with one client: `python -m benches.support.updaters NAME URL COUNT`.

It prints its cost (`cost.py`). Each sender imports its client itself, so that the cost of the import counts only for
it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from benches.support.cost import main

Properties = dict[str, Any]

POOL = 10_000
REPEATED = 1000
"""The profiles of the senders that update the same ones again and again."""


def properties(count: int, seed: int = 1) -> list[Properties]:
    """Return the properties of profiles out of a warehouse: texts, numbers, a time, a list."""
    rng = random.Random(seed)
    cities = ["Berlin", "São Paulo", "New York", "Tōkyō", "Lagos", "Paris"]
    return [
        {
            "$name": f"User {number}",
            "$email": f"user-{number}@example.com",
            "plan": rng.choice(["free", "pro", "team"]),
            "seats": rng.randrange(1, 200),
            "revenue": round(rng.random() * 5000, 2),
            "active": rng.random() < 0.7,
            "city": rng.choice(cities),
            "last_order": f"2026-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T12:00:00",
            "tags": rng.sample(["new", "paid", "beta", "vip", "churned"], 2),
            "orders": rng.randrange(500),
        }
        for number in range(count)
    ]


def profiles(pool: list[Properties], count: int, ids: int) -> Iterator[tuple[str, Properties]]:
    """Yield ids, each again after so many of them, and the properties of the pool, each time with another number."""
    for number in range(count):
        content = pool[number % POOL]
        content["orders"] = number
        yield f"user-{number % ids}", content


def updates(pool: list[Properties], count: int, ids: int) -> Iterator[dict[str, Any]]:
    for profile, content in profiles(pool, count, ids):
        yield {"$distinct_id": profile, "$set": content}


def with_nothing(_url: str, pool: list[Properties], count: int) -> int:
    return sum(1 for _ in profiles(pool, count, count))


def imported(url: str, pool: list[Properties], count: int, *, ids: int, concurrency: int = 10) -> int:
    from mixpress import Client, ProjectToken

    with Client(ProjectToken("token"), base_url=url, rate_limit=None, concurrency=concurrency) as client:
        return client.import_profiles(updates(pool, count, ids)).imported


def by_import(url: str, pool: list[Properties], count: int) -> int:
    return imported(url, pool, count, ids=count)


def by_import_in_turn(url: str, pool: list[Properties], count: int) -> int:
    """Send one request at a time."""
    return imported(url, pool, count, ids=count, concurrency=1)


def by_import_of_few(url: str, pool: list[Properties], count: int) -> int:
    """Update few profiles, so that each batch has one in common with the one before."""
    return imported(url, pool, count, ids=REPEATED)


def by_set(url: str, pool: list[Properties], count: int) -> int:
    from mixpress import Client, ProjectToken

    with Client(ProjectToken("token"), base_url=url, rate_limit=None) as client:
        update = client.profiles.set
        for profile, content in profiles(pool, count, count):
            update(profile, content)
        return client.flush().imported


def with_the_official_client(url: str, pool: list[Properties], count: int) -> int:
    import mixpanel

    consumer = mixpanel.BufferedConsumer(max_size=50, people_url=f"{url}/engage")
    client = mixpanel.Mixpanel("token", consumer=consumer)
    for profile, content in profiles(pool, count, count):
        client.people_set(profile, content, {"$ip": "0", "$ignore_time": True})
    consumer.flush()
    return count


SENDERS: dict[str, Callable[[str, list[Properties], int], int]] = {
    "generator": with_nothing,
    "import": by_import,
    "in turn": by_import_in_turn,
    "few profiles": by_import_of_few,
    "set": by_set,
    "official": with_the_official_client,
}


if __name__ == "__main__":
    main(SENDERS, lambda: properties(POOL))
