"""`make chaos`: run many schedules.

CHAOS_SCHEDULES=10000   the number of schedules; 1000 by default
CHAOS_SECONDS=600       or the seconds to run
CHAOS_SEED=1234         the first seed, one for each round of 25 schedules; random by default
CHAOS_OF=updates        the schedules: of `events` or of `updates` of profiles; by default so many of both, in turn
"""

from __future__ import annotations

import logging
import os
import sys
import time
from random import randrange

from .machine import ROUND, Delivery, Machine, Updating, run_round
from .world import Tally, stage

MACHINES: dict[str, Machine] = {"events": Delivery, "updates": Updating}


def main() -> int:
    """Run the schedules; raise where one fails."""
    seconds, of = os.environ.get("CHAOS_SECONDS"), os.environ.get("CHAOS_OF")
    wanted = int(os.environ.get("CHAOS_SCHEDULES") or (sys.maxsize if seconds else 1000))
    until = time.monotonic() + float(seconds or "inf")
    number = int(os.environ.get("CHAOS_SEED") or randrange(10**9))
    logging.getLogger("mixpress").setLevel(logging.CRITICAL)  # every schedule logs pauses
    tallies = {name: Tally() for name in ([of] if of else MACHINES)}
    print(f"rounds of {ROUND} schedules, from seed {number} on", flush=True)
    with stage() as on:
        while min(tally.schedules for tally in tallies.values()) < wanted and time.monotonic() < until:
            for name, tally in tallies.items():
                try:
                    run_round(MACHINES[name], on, tally, number)
                except BaseException:
                    again = f"make chaos CHAOS_OF={name} CHAOS_SEED={number} CHAOS_SCHEDULES={ROUND}"
                    print(f"\n{tally}\n\nto reproduce: {again}\n", flush=True)
                    raise
                print(f"  {tally.schedules:,} schedules, {tally.verdicts.total():,} {name}", flush=True)
            number += 1
    for name, tally in tallies.items():
        print(f"\n{name}: {tally}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
