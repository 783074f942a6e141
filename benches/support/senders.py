"""One sender in a process of its own: `python -m benches.support.senders NAME URL COUNT`. Prints what it took, as JSON.

What a sender imports is imported in it, so that the set-up of each is its own.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator

from benches.support.traffic import NOW, Event, web

POOL = 10_000
RATE = 30_000
"""Events a second, as documented."""
STEP = 500
"""Events between two looks at the clock, where the rate is kept."""


def events(pool: list[Event], count: int, rate: float | None = None) -> Iterator[Event]:
    """The events of the pool again and again, each time with another `time` and `$insert_id`; with `rate`, so many a
    second. An event is written down, by both clients, long before it comes up again.
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

    logging.getLogger("mixpanel").setLevel(logging.ERROR)  # it warns at each event of `api_secret`
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


def main(name: str, url: str, count: int) -> None:
    """Send; what is measured is the whole process, from its start on, but for the making of the pool."""
    before = time.process_time()
    pool = web(POOL)
    made = time.process_time() - before
    started = time.perf_counter()
    sent = SENDERS[name](url, pool, count)
    seconds = time.perf_counter() - started
    if sent != count:
        raise SystemExit(f"{name}: {sent} of {count} events were imported")
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu": time.process_time() - made, "seconds": seconds, "megabytes": kilobytes / 1024}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
