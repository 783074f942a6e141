"""Encoders leave their buffers to later ones: no byte, token or object of one gets into the results of another."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import mixpress
from mixpress import Encoder, Limits


def event(number: int, **more: Any) -> dict[str, Any]:
    needed = {"time": 1_700_000_000 + number, "distinct_id": f"u{number % 7}", "$insert_id": f"i{number:08x}"}
    return {"event": "Seen", "properties": {**needed, "text": f"value {number * 31 % 977}", **more}}


EVENTS: dict[str, list[Any]] = {
    "one": [event(0)],
    "many": [event(number) for number in range(300)],
    "other names": [event(number, **{f"name {name}": number for name in range(40)}) for number in range(100)],
    "more names than are known": [
        event(number, **{f"{number} {name}": number for name in range(90)}) for number in range(40)
    ],
    "rejected and repaired ones": [
        event(number, bad="\ud800", **({"distinct_id": "NA"} if number % 3 else {})) for number in range(90)
    ],
    "none": [event(0, distinct_id=None)],
}
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "level 1": {"level": 1},
    "level 4": {"level": 4},
    "level 9": {"level": 9},
    "no gzip": {"compression": None},
    "lines": {"format": "ndjson"},
    "a token": {"token": "the-token-of-a-project"},
    "another token": {"token": "other"},
    "derived ids": {"insert_id": "derive"},
    "other limits": {"limits": Limits(max_string=3, max_batch_events=7)},
    "a rule that warns": {"limits": Limits(rules={"distinct-id-disallowed": "warn"})},
    "form": {"endpoint": "track", "format": "form", "token": "t", "now": lambda: 1_700_000_000.0},
}
KINDS = [(events, settings) for events in EVENTS for settings in SETTINGS]

Bodies = list[tuple[bytes, list[int]]]


def bodies(events: str, settings: str) -> Bodies:
    encoded = mixpress.encode(EVENTS[events], **SETTINGS[settings])
    return [(batch.body, list(batch.indexes)) for batch in encoded.batches]


def bodies_of_new_process(settings: str) -> dict[str, Bodies]:
    """Return the bodies that encoders make which get no memory of others: each keeps the encoders before it."""
    program = (
        "from encoder.test_shared_memory import *\n"
        "kept = [Encoder(**SETTINGS[sys.argv[1]]) for _ in EVENTS]\n"
        "made = [encoder.encode(events) for encoder, events in zip(kept, EVENTS.values())]\n"
        "print([[(batch.body, list(batch.indexes)) for batch in encoded.batches] for encoded in made])"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    ran = subprocess.run(
        [sys.executable, "-c", program, settings],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return dict(zip(EVENTS, eval(ran.stdout), strict=True))


@pytest.fixture(scope="module")
def expected() -> dict[tuple[str, str], Bodies]:
    with ThreadPoolExecutor(2) as pool:
        results = zip(SETTINGS, pool.map(bodies_of_new_process, SETTINGS), strict=True)
        return {(events, settings): made for settings, by_events in results for events, made in by_events.items()}


def test_whatever_other_encoders_did_a_new_one_makes_the_same_bytes(
    expected: dict[tuple[str, str], Bodies],
) -> None:
    rng = random.Random(1)
    for _ in range(10):
        for events, settings in rng.sample(KINDS, len(KINDS)):
            assert bodies(events, settings) == expected[events, settings], (events, settings)


def test_threads_get_the_same_bytes(expected: dict[tuple[str, str], Bodies]) -> None:
    failed: list[object] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for events, settings in rng.choices(KINDS, k=150):
            if bodies(events, settings) != expected[events, settings]:
                failed.append((events, settings))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failed == []


def test_the_own_code_of_events_may_encode(expected: dict[tuple[str, str], Bodies]) -> None:
    inner: list[Bodies] = []

    def convert(value: complex) -> str:
        inner.append(bodies("many", "default"))
        return str(value)

    outer = mixpress.encode([event(0, odd=1j), *EVENTS["many"]], default=convert)
    assert inner == [expected["many", "default"]] * len(inner)
    assert inner
    assert len(outer.batches[0]) == 301


def test_a_token_stays_with_its_encoders() -> None:
    for token in ("first", None, "second", None, "first"):
        (batch,) = mixpress.encode([event(0)], token=token, compression=None).batches
        assert (b"token" in batch.body) == (token is not None)
        assert token is None or f'"token":"{token}"'.encode() in batch.body


def test_what_encoders_leave_holds_no_object_of_the_events() -> None:
    name, events = "".join(["a ", "name"]), []
    for number in range(50):
        events.append(event(number))
        events[-1]["properties"][name] = number
    before = sys.getrefcount(name)
    encoder = Encoder()
    assert encoder.encode(events).rejected == []
    del encoder
    gc.collect()
    assert sys.getrefcount(name) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="its allocator is not made for forks")
def test_a_child_encodes_whatever_the_threads_of_its_parent_did() -> None:
    program = """if True:
        import os, sys, threading, zlib, mixpress
        sys.setswitchinterval(1e-5)
        needed = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
        events = [{"event": "e", "properties": {**needed, "n": number}} for number in range(200)]
        body = mixpress.encode(events).batches[0].body
        ends = threading.Event()
        def work(level):
            while not ends.is_set():
                assert mixpress.encode(events, level=level).batches
        threads = [threading.Thread(target=work, args=(level,)) for level in (None, None, 1, 4)]
        [thread.start() for thread in threads]
        for _ in range(60):
            child = os.fork()
            if child == 0:
                os._exit(int(mixpress.encode(events).batches[0].body != body))
            assert os.waitpid(child, 0)[1] == 0
        ends.set()
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=100)


def test_bodies_unpack_to_the_events() -> None:
    for _ in range(20):
        (batch,) = mixpress.encode(EVENTS["many"]).batches
        assert zlib.decompress(batch.body, 31).count(b"distinct_id") == 300
