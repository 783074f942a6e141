"""Measure `import_events` of millions of events: CPU, speed and memory of the sending process.

The peer is the official client. Run it by `make bench-bulk` or `python -m benches.bulk`. It fills the table "In bulk"
of benches/README.md. Environment variables and their defaults:

    BULK_EVENTS=2000000      events of mixpress alone
    BULK_PEER_EVENTS=200000  events of mixpress and of the official client
    BULK_ROUNDS=3
    BULK_SECONDS=20          duration at the documented rate limit
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from benches.support.cost import Cost
from benches.support.rounds import require_release_build
from benches.support.senders import RATE
from benches.support.servers import Serve, emulator, running, sink

EVENTS = int(os.environ.get("BULK_EVENTS", "2000000"))
PEER_EVENTS = int(os.environ.get("BULK_PEER_EVENTS", "200000"))
ROUNDS = int(os.environ.get("BULK_ROUNDS", "3"))
SECONDS = int(os.environ.get("BULK_SECONDS", "20"))


@dataclass(frozen=True)
class Contestant:
    """A sender, and the server that it sends to."""

    sender: str
    serve: Serve
    events: int

    def run(self) -> Cost:
        """Send once, to a new server."""
        with running(self.serve) as server:
            command = [sys.executable, "-m", "benches.support.senders", self.sender, server.url, str(self.events)]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            if self.serve is emulator and server.count() != self.events:
                raise SystemExit(f"{self.sender}: the emulator holds {server.count()} of {self.events} events")
        return Cost(self.events, **json.loads(printed))


def contestants() -> dict[str, Contestant]:
    return {
        "mixpress, bare sink": Contestant("mixpress", sink, EVENTS),
        "mixpress, emulator": Contestant("mixpress", emulator, EVENTS),
        "mixpress, bare sink, as many": Contestant("mixpress", sink, PEER_EVENTS),
        "official client, bare sink": Contestant("official", sink, PEER_EVENTS),
        "the generator alone": Contestant("generator", sink, PEER_EVENTS),
    }


def main() -> None:
    require_release_build()
    runs: dict[str, list[Cost]] = {name: [] for name in contestants()}
    for _ in range(ROUNDS):
        for name, contestant in contestants().items():
            runs[name].append(contestant.run())
    print(f"{ROUNDS} rounds, each sender in its own process; medians, and least to most")
    print(f"{'':30}{'events':>11}{'CPU us/event':>14}{'spread':>14}{'events/s':>11}{'spread':>18}{'peak MB':>9}")
    for name, sent in runs.items():
        cpu, rate = figures(sent, lambda one: one.microseconds, ".2f"), figures(sent, lambda one: one.rate, ",.0f")
        memory = max(one.megabytes for one in sent)
        print(f"{name:30}{sent[0].count:11,}{cpu[0]:>14}{cpu[1]:>14}{rate[0]:>11}{rate[1]:>18}{memory:9.0f}")
    compare(runs)
    sustained()


def compare(runs: dict[str, list[Cost]]) -> None:
    """Print how many times the CPU of mixpress the official client uses, with and without making the events."""
    names = ("official client, bare sink", "mixpress, bare sink, as many", "the generator alone")
    rounds = [[one.microseconds for one in each] for each in zip(*(runs[name] for name in names), strict=True)]
    whole = [theirs / own for theirs, own, _ in rounds]
    clients = [(theirs - made) / (own - made) for theirs, own, made in rounds]
    print(f"the official client uses {statistics.median(whole):.1f} times the CPU ({span(whole, '.1f')}),")
    print(
        f"or {statistics.median(clients):.1f} times ({span(clients, '.1f')}) without a bare process and its generator"
    )


def sustained() -> None:
    """Measure events that arrive at the rate of the documented limit."""
    sent = Contestant("limited", sink, RATE * SECONDS).run()
    share = sent.cpu / sent.seconds
    print(f"{sent.rate:,.0f} events/s for {sent.seconds:.1f} s: {share:.1%} of a core, {sent.megabytes:.0f} MB")


def figures(sent: list[Cost], figure: Callable[[Cost], float], form: str) -> tuple[str, str]:
    """Return the median of a figure, and its least and most."""
    values = [figure(one) for one in sent]
    return format(statistics.median(values), form), span(values, form)


def span(values: list[float], form: str) -> str:
    return f"{min(values):{form}}-{max(values):{form}}"


if __name__ == "__main__":
    main()
