"""One of several processes on one spool: appends events, delivers batches, and prints the delivered numbers."""

from __future__ import annotations

import sys

from mixpress.spool import Spool
from spool.makers import numbers_of, text


def main(path: str, first: int, count: int) -> None:
    delivered: list[int] = []
    with Spool(path, max_events=7) as spool:
        for number in range(first, first + count):
            spool.append(text(number))
            spool.tend()
            batch = spool.take() if number % 3 else spool.pack()
            if batch and number % 5 == 0:
                spool.retry(batch)
            elif batch and spool.settle(batch):
                delivered += numbers_of(batch.events())
    print(*delivered)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
