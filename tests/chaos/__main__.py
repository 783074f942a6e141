"""`make chaos`: run many schedules.

CHAOS_SCHEDULES=10000   the number of schedules; 1000 by default
CHAOS_SECONDS=600       or the seconds to run
CHAOS_SEED=1234         the first seed, one for each round of 25 schedules; random by default
"""

from __future__ import annotations

import logging
import os
import sys
import time
from random import randrange

from .machine import ROUND, run_round
from .world import Tally, stage


def main() -> int:
    """Run the schedules; raise where one fails."""
    seconds = os.environ.get("CHAOS_SECONDS")
    wanted = int(os.environ.get("CHAOS_SCHEDULES") or (sys.maxsize if seconds else 1000))
    until = time.monotonic() + float(seconds or "inf")
    first = number = int(os.environ.get("CHAOS_SEED") or randrange(10**9))
    logging.getLogger("mixpress").setLevel(logging.CRITICAL)  # every schedule logs pauses
    tally = Tally()
    print(f"rounds of {ROUND} schedules, from seed {first} on", flush=True)
    with stage() as on:
        while tally.schedules < wanted and time.monotonic() < until:
            try:
                run_round(on, tally, number)
            except BaseException:
                print(
                    f"\n{tally}\n\nto reproduce: make chaos CHAOS_SEED={number} CHAOS_SCHEDULES={ROUND}\n", flush=True
                )
                raise
            number += 1
            print(f"  {tally.schedules:,} schedules, {tally.verdicts.total():,} events", flush=True)
    print(tally)
    return 0


if __name__ == "__main__":
    sys.exit(main())
