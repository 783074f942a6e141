"""Measure `import_events` of the flights to an emulator in another process: CPU and speed.

The peer is the official client. The emulator must have every event. Run it by `make bench` or
`python -m benches.delivery`. It fills the table "The whole delivery" of benches/README.md.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import mixpanel

from benches.support.rounds import interleave, require_release_build
from benches.support.servers import emulator, running
from benches.support.traffic import Event, flights
from mixpress import Client, ProjectSecret

ROUNDS = 5


def with_mixpress(url: str, events: list[Event]) -> int:
    with Client(ProjectSecret("secret"), base_url=url) as client:
        return client.import_events(events).imported


def with_the_official_client(url: str, events: list[Event]) -> None:
    consumer = mixpanel.BufferedConsumer(max_size=50, import_url=f"{url}/import")
    client = mixpanel.Mixpanel("token", consumer=consumer)
    for event in events:
        properties: dict[str, Any] = dict(event["properties"])
        distinct_id, moment = properties.pop("distinct_id"), properties.pop("time")
        client.import_data(None, distinct_id, event["event"], moment, properties, api_secret="secret")
    consumer.flush()


def main() -> None:
    require_release_build()
    logging.getLogger("mixpanel").setLevel(logging.ERROR)
    # A disallowed id would raise in the official client and end its run.
    events = [event for event in flights(30_000) if event["properties"]["distinct_id"] != "NA"]
    with running(emulator) as server:
        contestants = {
            "mixpress": lambda: with_mixpress(server.url, events),
            "official client": lambda: with_the_official_client(server.url, events),
        }
        cpu = interleave(contestants, len(events), ROUNDS, time.process_time)
        wall = interleave(contestants, len(events), ROUNDS)
        stored = server.count()
    print(f"{len(events):,} flights a round, {ROUNDS} rounds; the server has {stored:,} events")
    print(f"{'':18}{'CPU us/event':>14}{'spread':>14}{'events/s':>12}")
    for name in contestants:
        print(f"{name:18}{cpu[name].median:14.2f}{cpu[name].spread:>14}{1e6 / wall[name].median:12,.0f}")
    print(f"mixpress uses 1/{cpu['official client'].median / cpu['mixpress'].median:.0f} of the CPU")


if __name__ == "__main__":
    main()
