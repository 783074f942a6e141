"""A process that updates profiles with a spool until it is killed, and prints the number of each accepted update.

Each line is written in one piece, before the next call. With `safe`, no update counts twice if it is sent twice.
"""

from __future__ import annotations

import os
import random
import sys

from mixpress import Client, Encoder, Limits

from .tracker import HASTY, TOKEN

PROFILES = 3
SPAN = 300
"""Numbers of updates after which other profiles follow, so that lists stay short; processes have some in common."""


def main(path: str, url: str, letter: str, first: int, seed: int, *, safe: bool) -> None:
    chance = random.Random(seed)
    client = Client(
        TOKEN,
        base_url=url,
        spool=path,
        dead_letter=letter,
        encoder=Encoder(limits=Limits(max_batch_events=chance.choice([3, 20, 400]))),
        linger=chance.choice([0.0, 0.01, 0.05]),
        retry=HASTY,
    )
    os.write(1, b"ready\n")
    number = first
    while True:
        profile, unlike = f"user-{number // SPAN}-{chance.randrange(PROFILES)}", chance.random()
        if safe or unlike > 0.1:
            rejection = client.profiles.union(profile, {"seen": [number]})
        elif unlike > 0.05:
            rejection = client.profiles.append(profile, {"log": number})
        else:
            rejection = client.profiles.add(profile, {f"n{number}": 1})
        assert rejection is None
        os.write(1, f"{number}\n".encode())
        number += 1
        if chance.random() < 0.01:
            client.flush(timeout=0.02)


if __name__ == "__main__":
    _, spool, server, failed, start, choices, kind = sys.argv
    main(spool, server, failed, int(start), int(choices), safe=kind == "safe")
