"""Measure updates of profiles: the CPU of sending a million, their order, and the encoder alone, hot and cold.

The peer of the clients is the official one's `people_set`. The peer of the encoder is `orjson.dumps`, which checks no
rule and adds no member; the bytes must be the same, so the encoded updates have all members. Hot updates are the same
2000 in each round. Cold ones are 20,000, read from JSON before each round. Run it by `make bench-profiles` or
`python -m benches.profiles`. It fills the table "Profiles" of benches/README.md. Environment variables and their
defaults:

    PROFILES=1000000          updates of mixpress alone
    PROFILES_PEER=100000      updates of mixpress and of the official client
    PROFILES_IN_ORDER=200000  updates to a server that replies after 50 ms
    PROFILES_ROUNDS=3
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from benches.bulk import figures, span
from benches.support.cost import Cost
from benches.support.rounds import (
    BATCH,
    COLD_EVENTS,
    COLD_ROUNDS,
    Times,
    interleave,
    interleave_cold_batches,
    read_anew,
    require_release_build,
)
from benches.support.servers import Serve, counting, running, sink
from benches.support.updaters import properties
from mixpress import Encoder

UPDATES = int(os.environ.get("PROFILES", "1000000"))
PEER_UPDATES = int(os.environ.get("PROFILES_PEER", "100000"))
ORDERED_UPDATES = int(os.environ.get("PROFILES_IN_ORDER", "200000"))
ROUNDS = int(os.environ.get("PROFILES_ROUNDS", "3"))
ENCODER_ROUNDS = 60

ENCODER = Encoder(endpoint="engage", compression=None)
ENCODERS: dict[str, Callable[[Any], object]] = {"orjson": orjson.dumps, "mixpress": ENCODER.encode}


@dataclass(frozen=True)
class Contestant:
    """A sender, and the server that it sends to."""

    sender: str
    serve: Serve
    updates: int

    def run(self) -> Cost:
        """Send once, to a new server."""
        with running(self.serve) as server:
            command = [sys.executable, "-m", "benches.support.updaters", self.sender, server.url, str(self.updates)]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            if self.serve is counting and server.count() != self.updates:
                raise SystemExit(f"{self.sender}: the server has {server.count()} of {self.updates} updates")
        return Cost(self.updates, **json.loads(printed))


CONTESTANTS = {
    "import_profiles": Contestant("import", sink, UPDATES),
    "profiles.set": Contestant("set", sink, UPDATES),
    "import_profiles, as many": Contestant("import", sink, PEER_UPDATES),
    "profiles.set, as many": Contestant("set", sink, PEER_UPDATES),
    "official people_set": Contestant("official", sink, PEER_UPDATES),
    "the generator alone": Contestant("generator", sink, PEER_UPDATES),
    "import, 50 ms": Contestant("import", counting, ORDERED_UPDATES),
    "import, 50 ms, in turn": Contestant("in turn", counting, ORDERED_UPDATES),
    "import, 50 ms, few profiles": Contestant("few profiles", counting, ORDERED_UPDATES),
}


def main() -> None:
    require_release_build()
    send()  # first: the peak memory of a process includes what this one had when it started it
    encode()


def encode() -> None:
    """Measure the encoder alone."""
    members = {"$token": "token", "$ip": "0", "$ignore_time": True}
    updates = [
        {"$distinct_id": f"user-{number}", "$set": each, **members}
        for number, each in enumerate(properties(COLD_EVENTS))
    ]
    hot = updates[:BATCH]
    (batch,) = ENCODER.encode(hot).batches
    if batch.body != orjson.dumps(hot):
        raise SystemExit("mixpress and orjson do not write the same bytes")
    print(f"updates of {len(batch.body) / len(hot):.0f} bytes; microseconds an update")
    print(f"{'':8}{'orjson':>10}{'mixpress':>10}{'spread':>14}{'ratio':>8}{'updates/s':>12}")
    contestants = {name: partial(call, hot) for name, call in ENCODERS.items()}
    show("hot", interleave(contestants, len(hot), ENCODER_ROUNDS, time.thread_time))
    show("cold", interleave_cold_batches(ENCODERS, read_anew(updates), COLD_ROUNDS))


def show(name: str, times: dict[str, Times]) -> None:
    peer, own = times["orjson"], times["mixpress"]
    print(
        f"{name:8}{peer.median:10.3f}{own.median:10.3f}{own.spread:>14}{own.over(peer):8.2f}{1e6 / own.median:12,.0f}"
    )


def send() -> None:
    """Measure the clients, in turns."""
    runs: dict[str, list[Cost]] = {name: [] for name in CONTESTANTS}
    for _ in range(ROUNDS):
        for name, contestant in CONTESTANTS.items():
            runs[name].append(contestant.run())
    print(f"{ROUNDS} rounds, each sender in its own process; medians, and least to most")
    print(f"{'':30}{'updates':>11}{'CPU us':>9}{'spread':>14}{'seconds':>9}{'spread':>14}{'peak MB':>9}")
    for name, sent in runs.items():
        cpu, seconds = figures(sent, lambda one: one.microseconds, ".2f"), figures(sent, lambda one: one.seconds, ".2f")
        memory = max(one.megabytes for one in sent)
        print(f"{name:30}{sent[0].count:11,}{cpu[0]:>9}{cpu[1]:>14}{seconds[0]:>9}{seconds[1]:>14}{memory:9.0f}")
    for name in ("import_profiles", "profiles.set"):
        compare(runs, name)


def compare(runs: dict[str, list[Cost]], name: str) -> None:
    """Print how many times the CPU of mixpress the official client uses, with and without making the updates."""
    names = ("official people_set", f"{name}, as many", "the generator alone")
    rounds = [[one.microseconds for one in each] for each in zip(*(runs[each] for each in names), strict=True)]
    many = [one.microseconds for one in runs[name]]
    for what, ratios in (
        ("with as many updates", [theirs / own for theirs, own, _ in rounds]),
        ("without a bare process and its generator", [(theirs - made) / (own - made) for theirs, own, made in rounds]),
        (f"an update, of {UPDATES:,}", [theirs / own for (theirs, _, _), own in zip(rounds, many, strict=True)]),
    ):
        print(f"{name}: the official client uses {statistics.median(ratios):.1f} times the CPU", end=" ")
        print(f"({span(ratios, '.1f')}) {what}")


if __name__ == "__main__":
    main()
