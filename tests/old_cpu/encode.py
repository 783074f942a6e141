"""A program that encodes events at every level, and prints the path of its core and a hash of all results."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mixpress import Encoder, _core, derive_insert_id

FAST_LEVELS = 3
"""The levels above take up to a hundred times as long, so they get fewer events."""
TEXTS = ["", "a", 'with "quotes"', "a\\b", "é" * 40, "日本語" * 30, "😀", "\x00\x1f\x7f", "x" * 300, "long " * 20]


def events() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number in range(3000):
        properties: dict[str, Any] = {"time": 1_700_000_000 + number, "distinct_id": f"user-{number % 97}"}
        properties |= {"$insert_id": f"{number:032x}", "text": TEXTS[number % len(TEXTS)], "é name": number * 0.37}
        properties["nested"] = {"list": [number, -number, None, True, 1e300, TEXTS[number % 7]], "deep": {"x": {}}}
        properties |= {f"name {at} {'n' * (number % 5)}": "v" * at for at in range(number % 70)}
        made.append({"event": "Seen" if number % 11 else "", "properties": properties})
    return made


def main() -> None:
    digest, made = hashlib.sha256(), events()
    for level in range(1, 10):
        given = made if level <= FAST_LEVELS else made[:500]
        text = "\n".join(map(json.dumps, given))
        for encoded in (Encoder(level=level).encode(given), Encoder(level=level).encode_json(text)):
            for batch in encoded.batches:
                digest.update(batch.body)
            digest.update(repr([encoded.rejected, encoded.truncated]).encode())
    for event in made[:100]:
        digest.update(derive_insert_id(event).encode())
    print(_core.__file__)
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
