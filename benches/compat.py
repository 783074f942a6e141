"""Measure `track` through the API of the official client: CPU from the first `track` to the end of `flush`.

The contestants are the official client, its `Mixpanel` with our consumers, and our `Mixpanel`. Each runs in its own
process and sends to a bare sink. Run it by `python -m benches.compat`; COMPAT_EVENTS is 100000 and COMPAT_ROUNDS is 3
by default. It fills the table "Through the official client's surface" of benches/README.md.

`python -m benches.compat NAME URL COUNT` is the process of one contestant.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from benches.support.rounds import require_release_build
from benches.support.servers import running, sink

EVENTS = int(os.environ.get("COMPAT_EVENTS", "100000"))
ROUNDS = int(os.environ.get("COMPAT_ROUNDS", "3"))
PROPERTIES = {"plan": "pro", "seats": 5, "trial": False, "$browser": "Chrome", "path": "/pricing/enterprise"}
NAMES = (
    "official, BufferedConsumer",
    "official, our default mode",
    "official, fast=True",
    "our Mixpanel, fast=True",
    "our Mixpanel, spool",
)


def make(name: str, url: str, folder: str) -> tuple[Any, Any]:
    """Return a `Mixpanel` and its consumer."""
    import mixpanel

    from mixpress.compat.mixpanel import BufferedConsumer, Mixpanel

    consumer: Any
    track = f"{url}/track"
    if name == "official, BufferedConsumer":
        consumer = mixpanel.BufferedConsumer(events_url=track)
    elif name == "official, our default mode":
        consumer = BufferedConsumer(events_url=track)
    else:
        spool = f"{folder}/events.spool" if name.endswith("spool") else None
        consumer = BufferedConsumer(events_url=track, fast=True, rate_limit=None, spool=spool)
    kind = Mixpanel if name.startswith("our") else mixpanel.Mixpanel
    return kind("token", consumer), consumer


def send(name: str, url: str, count: int) -> None:
    """Track and flush, and print the microseconds for each event as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        client, consumer = make(name, url, folder)
        client.track("user-0", "Seen", PROPERTIES)
        consumer.flush()
        cpu, started = time.process_time(), time.perf_counter()
        for number in range(count):
            client.track(f"user-{number}", "Seen", PROPERTIES)
        tracked = time.perf_counter() - started
        consumer.flush()
        figures = {"cpu": time.process_time() - cpu, "tracked": tracked, "seconds": time.perf_counter() - started}
    print(json.dumps({figure: seconds / count * 1e6 for figure, seconds in figures.items()}))


def measure(name: str) -> dict[str, float]:
    with running(sink) as server:
        command = [sys.executable, "-m", "benches.compat", name, server.url, str(EVENTS)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)  # type: ignore[no-any-return]


def main() -> None:
    require_release_build()
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    for _ in range(ROUNDS):
        for name in NAMES:
            runs[name].append(measure(name))
    print(f"{EVENTS:,} events, {ROUNDS} rounds; microseconds an event: medians, and least to most")
    print(f"{'':28}{'CPU':>8}{'spread':>16}{'in track':>10}{'until flushed':>15}{'official over it':>18}")
    official = runs[NAMES[0]]
    for name, rounds in runs.items():
        cpu = [one["cpu"] for one in rounds]
        tracked, seconds = (statistics.median(one[key] for one in rounds) for key in ("tracked", "seconds"))
        ratio = statistics.median(theirs["cpu"] / own for theirs, own in zip(official, cpu, strict=True))
        spread = f"{min(cpu):.2f}-{max(cpu):.2f}"
        print(f"{name:28}{statistics.median(cpu):8.2f}{spread:>16}{tracked:10.2f}{seconds:15.2f}{ratio:18.1f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        send(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main()
