"""`make chaos`: schedules for as long as wanted.

CHAOS_SCHEDULES=10000   so many; 1000 if neither is given
CHAOS_SECONDS=600       or for so long
CHAOS_SEED=1234         the first of the seeds, one for each round of 25 schedules; by default a new one
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
    """Run; the exit status is 1 where a schedule failed."""
    seconds = os.environ.get("CHAOS_SECONDS")
    wanted = int(os.environ.get("CHAOS_SCHEDULES") or (sys.maxsize if seconds else 1000))
    until = time.monotonic() + float(seconds or "inf")
    first = number = int(os.environ.get("CHAOS_SEED") or randrange(10**9))
    logging.getLogger("mixpress").setLevel(logging.CRITICAL)  # pauses are what this is about
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
