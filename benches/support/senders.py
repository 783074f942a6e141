"""A program that imports events with one client: `python -m benches.support.senders NAME URL COUNT`.

It prints its cost (`cost.py`). Each sender imports its client itself, so that the cost of the import counts only for
it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from benches.support.cost import main
from benches.support.traffic import NOW, Event, web

POOL = 10_000
RATE = 30_000
"""The documented limit in events a second."""
STEP = 500
"""With a rate, the clock is read once for this many events."""


def events(pool: list[Event], count: int, rate: float | None = None) -> Iterator[Event]:
    """Yield the events of the pool repeatedly, each time with another `time` and `$insert_id`, at most `rate` a second.

    Both clients have serialized an event long before it is yielded again.
    """
    started = time.monotonic()
    for number in range(count):
        if rate and number % STEP == 0:
            time.sleep(max(0.0, started + number / rate - time.monotonic()))
        event = pool[number % POOL]
        properties = event["properties"]
        properties["time"] = NOW - 2_000_000 + number // 2
        properties["$insert_id"] = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"
        yield event


def with_nothing(_url: str, pool: list[Event], count: int) -> int:
    return sum(1 for _ in events(pool, count))


def with_mixpress(url: str, pool: list[Event], count: int) -> int:
    from mixpress import Client, ProjectSecret

    with Client(ProjectSecret("secret"), base_url=url, rate_limit=None) as client:
        return client.import_events(events(pool, count)).imported


def at_the_limit(url: str, pool: list[Event], count: int) -> int:
    from mixpress import Client, ProjectSecret, RateLimit

    with Client(ProjectSecret("secret"), base_url=url, rate_limit=RateLimit.documented()) as client:
        return client.import_events(events(pool, count, RATE)).imported


def with_the_official_client(url: str, pool: list[Event], count: int) -> int:
    import mixpanel

    logging.getLogger("mixpanel").setLevel(logging.ERROR)  # it warns of `api_secret` for each event
    consumer = mixpanel.BufferedConsumer(max_size=50, import_url=f"{url}/import")
    client = mixpanel.Mixpanel("token", consumer=consumer)
    for event in events(pool, count):
        given = event["properties"]
        client.import_data(None, given["distinct_id"], event["event"], given["time"], given, api_secret="secret")
    consumer.flush()
    return count


SENDERS: dict[str, Callable[[str, list[Event], int], int]] = {
    "generator": with_nothing,
    "mixpress": with_mixpress,
    "limited": at_the_limit,
    "official": with_the_official_client,
}


if __name__ == "__main__":
    main(SENDERS, lambda: web(POOL))
