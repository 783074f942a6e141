"""Write a file of events as large as asked: `python -m benches.support.export PATH BYTES`."""

from __future__ import annotations

import json
import sys

from benches.support.traffic import NOW, web

POOL = 20_000
BAD = 10_000
"""One event in so many has a `distinct_id` that the API disallows."""
STEP = 2000


def templates() -> list[tuple[bytes, bytes, bytes]]:
    """Return the JSON of events around their time and id."""
    found = []
    for event in web(POOL):
        event["properties"] |= {"time": "<time>", "$insert_id": "<id>"}
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        before, _, rest = text.partition(b'"<time>"')
        middle, _, after = rest.partition(b"<id>")
        found.append((before, middle, after))
    return found


def main(path: str, size: int) -> None:
    """Write whole lines of about `size` bytes, and print how many events there are and how many are bad."""
    pool, count, written = templates(), 0, 0
    with open(path, "wb") as file:
        while written < size:
            lines = []
            for number in range(count, count + STEP):
                before, middle, after = pool[number % POOL]
                insert_id = b"%016x" % (number * 0x9E3779B97F4A7C15 % 2**64)
                if number % BAD == BAD // 2:
                    middle = middle.replace(b'"distinct_id":"user-', b'"distinct_id":"null","was":"user-')
                lines.append(b"%s%d%s%s%s\n" % (before, NOW - 2_000_000 + number // 2, middle, insert_id, after))
            count += STEP
            written += file.write(b"".join(lines))
    bad = sum(1 for number in range(count) if number % BAD == BAD // 2)
    print(json.dumps({"events": count, "bad": bad, "bytes": written}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
