"""A process that uses a spool until it is killed, and prints what was confirmed to it.

    accepted <number>    `append` has returned
    sent <number>...     a batch with these events was handed to the server

Each line is written in one piece, before the next step.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time

from mixpress.spool import Spool
from spool.makers import numbers_of, text


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def main(path: str, start: int, seed: int) -> None:
    chance = random.Random(seed)
    spool = Spool(path, max_events=chance.choice([3, 10, 50]))
    stop = threading.Event()

    def deliver() -> None:
        while not stop.is_set():
            spool.tend()
            batch = spool.pack() or spool.take()
            if batch is None:
                time.sleep(0.001)
            elif chance.random() < 0.2:
                spool.retry(batch)
            elif chance.random() < 0.2:
                spool.replace(batch, batch.split())
                spool.release()
            else:
                say("sent " + " ".join(map(str, numbers_of(batch.events()))))
                spool.settle(batch)

    threading.Thread(target=deliver, daemon=True).start()
    say("ready")
    number = start
    while True:
        if chance.random() < 0.1:
            many = range(number, number + chance.randrange(1, 20))
            spool.append_many(map(text, many))
        else:
            many = range(number, number + 1)
            spool.append(text(number))
        for one in many:
            say(f"accepted {one}")
        number = many.stop


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
