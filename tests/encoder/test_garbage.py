"""Encoders, builders, iterators and results take part in garbage collection: a cycle through them is freed."""

from __future__ import annotations

import functools
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from mixpress import Encoder

EVENT = {"event": "e", "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i"}}


class Holder:
    """An object that holds what it gave itself to."""

    def __init__(self) -> None:
        self.held: Any = None

    def convert(self, value: object) -> str:
        return str(value)

    def now(self) -> float:
        return 1_700_000_000.0

    def reject(self, _: object) -> None: ...

    def events(self) -> Iterator[Any]:
        yield from [EVENT] * 3000
        yield self


def partial_cycle(holder: Holder) -> Any:
    """A cycle in which only the encoder's own part can be taken away."""
    function = functools.partial(lambda _holder, _encoder: 0.0, holder)
    encoder = Encoder(now=function)
    function.__setstate__((function.func, (holder, encoder), {}, None))  # type: ignore[attr-defined]
    return None


def encoded_cycle(holder: Holder) -> Any:
    encoded = Encoder().encode([EVENT, {"event": "bad"}])
    encoded.rejected.append(holder)  # type: ignore[arg-type]
    encoded.rejected[0].findings.append(encoded)  # type: ignore[arg-type]
    return encoded


def builder_cycle(holder: Holder) -> Any:
    builder = Encoder().builder()
    builder.warnings.append(holder)  # type: ignore[arg-type]
    return builder


def findings_cycle(holder: Holder) -> Any:
    batches = Encoder().iter_batches([])
    batches.warnings.append(holder)  # type: ignore[arg-type]
    return batches


def raising_cycle(holder: Holder) -> Any:
    def events() -> Iterator[Any]:
        yield EVENT
        error = OSError("gone")
        error.holder = holder  # type: ignore[attr-defined]
        raise error

    batches = Encoder().iter_batches(events())
    next(batches)
    return batches


CYCLES: dict[str, Callable[[Holder], Any]] = {
    "default": lambda holder: Encoder(default=holder.convert),
    "now": lambda holder: Encoder(now=holder.now),
    "builder": lambda holder: Encoder(default=holder.convert).builder(),
    "findings of a builder": builder_cycle,
    "iterator": lambda holder: Encoder(default=holder.convert).iter_batches([]),
    "on_rejected": lambda holder: Encoder().iter_batches([], on_rejected=holder.reject),
    "on_rejections": lambda holder: Encoder().iter_batches([], on_rejections=holder.reject),
    "list of events": lambda holder: Encoder().iter_batches([EVENT, holder]),
    "iterable of events": lambda holder: Encoder().iter_batches(holder.events()),
    "findings of an iterator": findings_cycle,
    "an exception that waits": raising_cycle,
    "a result": encoded_cycle,
    "a partial": partial_cycle,
}


@pytest.mark.parametrize("cycle", CYCLES)
@pytest.mark.parametrize("used", [False, True])
def test_a_cycle_is_freed(cycle: str, used: bool) -> None:
    holder = Holder()
    holder.held = CYCLES[cycle](holder)
    if used and hasattr(holder.held, "__next__"):
        with suppress(OSError):
            next(holder.held, None)
    elif used and isinstance(holder.held, Encoder):
        holder.held.encode([{**EVENT, "x": object()}])
    reference = weakref.ref(holder)
    del holder
    gc.collect()
    assert reference() is None


def test_collections_in_other_places_take_nothing_away() -> None:
    holder = Holder()
    encoder = Encoder(default=holder.convert, now=holder.now)
    builder, batches = encoder.builder(), encoder.iter_batches(holder.events())
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for number in range(50):
            event = {"event": "e", "properties": {**EVENT["properties"], "x": 1j, "n": number}}  # type: ignore[dict-item]
            assert builder.add(event) is None
            gc.collect()
        assert b'"x":"1j"' in builder.finish().events()[49]
        assert sum(map(len, batches)) == 3000
    finally:
        gc.set_threshold(*threshold)


def test_the_import_is_refused_where_the_lock_is_off() -> None:
    program = "import sys; sys._is_gil_enabled = lambda: {}; import mixpress; print(len(mixpress.rules()))"
    refused = subprocess.run([sys.executable, "-c", program.format(False)], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "ImportError: mixpress needs the interpreter's lock (GIL), which is off: set PYTHON_GIL=1" in refused.stderr
    subprocess.run([sys.executable, "-c", program.format(True)], check=True, stdout=subprocess.DEVNULL)
