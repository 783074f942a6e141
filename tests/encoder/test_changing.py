"""Events that change while they are read give a snapshot, a rejection or an exception, never a crash."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

from mixpress import Encoder

PROPERTIES = {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i"}


def run(program: str) -> None:
    """Run a program in another process, so that a crash fails the test and does not end pytest."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]


def test_other_threads_may_change_dicts_and_lists() -> None:
    run("""
        import json, sys, threading
        from mixpress import Encoder
        sys.setswitchinterval(1e-6)
        nested = {f"k{n}": n for n in range(20)}
        listed = [str(n) for n in range(50)]
        event = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i",
                                              "nested": nested, "listed": listed}}
        stop = threading.Event()
        def change():
            n = 0
            while not stop.is_set():
                n += 1
                nested[f"k{n % 40}"] = str(n) * 3
                nested.pop(f"k{(n * 7) % 40}", None)
                listed.append(str(n)) if len(listed) < 90 else listed.clear()
        threads = [threading.Thread(target=change) for _ in range(3)]
        for thread in threads: thread.start()
        encoder, read = Encoder(compression=None), 0
        for _ in range(300):
            for batch in encoder.encode([event] * 50).batches:
                read += len(json.loads(batch.body))
        stop.set()
        for thread in threads: thread.join()
        assert read == 300 * 50, read
    """)


def test_default_may_empty_what_is_being_read() -> None:
    nested: dict[str, Any] = {f"k{number}": number for number in range(100)}
    listed: list[Any] = list(range(100))

    def default(value: object) -> str:
        nested.clear()
        listed.clear()
        return "converted"

    nested["odd"], listed[50] = 1j, 1j
    properties = {**PROPERTIES, "nested": nested, "listed": listed}
    encoded = Encoder(compression=None, default=default).encode([{"event": "e", "properties": properties}])
    written = json.loads(encoded.batches[0].events()[0])["properties"]
    assert written == {**PROPERTIES, "nested": {}, "listed": []}  # as they are once all values are converted


def test_values_may_change_the_objects_around_them() -> None:
    run("""
        import json, weakref
        from collections.abc import Mapping
        from mixpress import Encoder

        class Meddler(Mapping):
            def __init__(self, target): self.target = target
            def __len__(self): return 1
            def __iter__(self):
                self.target.clear()
                return iter("x")
            def __getitem__(self, key): return 1

        class EvilKey(str):
            def __hash__(self): return 1
            def __eq__(self, other):
                properties.clear()
                return False

        class Dying:
            def __del__(self): properties.clear()

        encoder = Encoder(compression=None)
        for round in range(200):
            properties = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
            properties["a"] = Meddler(properties)
            properties[EvilKey("b")] = [1, {"c": Dying()}]
            properties["d"] = [Meddler(properties), properties.values()]
            encoded = encoder.encode([{"event": "e", "properties": properties}, {"event": Dying(), "properties": {}}])
            assert len(encoded.rejected) + sum(len(batch) for batch in encoded.batches) == 2
            for batch in encoded.batches:
                json.loads(batch.body)
    """)


def test_values_that_contain_themselves_twice_are_rejected() -> None:
    run("""
        from mixpress import Encoder
        own = []
        own += [own, own]
        for _ in range(50):
            own = [own, own]
        event = {"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "i", "a": own}}
        (rejection,) = Encoder().encode([event]).rejected
        assert rejection.rule == "too-deep", rejection
        shared = ["x"]
        for _ in range(60):
            shared = [shared, shared]
        event["properties"]["a"] = shared
        (rejection,) = Encoder().encode([event]).rejected
        assert rejection.rule == "event-too-large", rejection
    """)
