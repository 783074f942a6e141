"""A process that tracks with a spool until it is killed, and prints each event that `track` accepted.

    accepted <$insert_id>    `track` has returned

Each line is written in one piece, before the next call.
"""

from __future__ import annotations

import os
import random
import sys

from mixpress import Client, Encoder, Limits, ProjectToken, RetryPolicy

TOKEN = ProjectToken("the-token")
HASTY = RetryPolicy(first_wait=0.01, max_wait=0.05, jitter=(0.0, 0.01))


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def main(path: str, url: str, name: str, seed: int) -> None:
    chance = random.Random(seed)
    client = Client(
        TOKEN,
        base_url=url,
        spool=path,
        encoder=Encoder(limits=Limits(max_batch_events=chance.choice([7, 50, 400]))),
        linger=chance.choice([0.0, 0.01, 0.05]),
        concurrency=chance.choice([1, 4]),
        retry=HASTY,
    )
    say("ready")
    number = 0
    while True:
        one = f"{name}-{number}"
        rejection = client.track("Seen", "user", {"round": name}, insert_id=one)
        assert rejection is None
        say(f"accepted {one}")
        number += 1
        if chance.random() < 0.002:
            client.flush(timeout=0.02)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
