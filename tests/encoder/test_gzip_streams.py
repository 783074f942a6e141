"""Every body is a gzip stream that every reader unpacks to the JSON written without gzip, and its size is bounded."""

from __future__ import annotations

import copy
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from benches import worst
from benches.support.traffic import MIXES, good_events
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.twins import core_encoder
from mixpress import Encoder, Limits
from reference import Options
from strategies import events, options, plain_events

from .streams import LAYOUTS, LEVELS, SOURCES, check_streams
from .stressing import CASES, event

FEW = settings(max_examples=settings().max_examples // 5)
LIMITS: dict[str, dict[str, int]] = {
    "one batch": {"max_batch_events": 10_000},
    "of one event": {"max_batch_events": 1},
    "of seven events": {"max_batch_events": 7},
    "of 5000 bytes": {"max_batch_bytes": 5000},
}


def encoder(
    compression: Any = "gzip", level: int | None = None, layout: str = "json", limits: str = "one batch"
) -> Encoder:
    """Return an encoder that truncates nothing, so that texts and events can be as long as a case needs."""
    chosen: dict[str, Any] = {"max_string": 1_000_000, "max_event_bytes": 2_000_000, **LIMITS[limits]}
    long = Limits(**chosen, rules={"time-too-old": "off"})  # /track refuses the flights of 2013
    return Encoder(**LAYOUTS[layout], compression=compression, level=level, limits=long, now=lambda: 1_700_000_100.0)


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Any]]:
    return {name: make() for name, make in CASES.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES)
def test_each_layout_unpacks_at_each_level(case: str, layout: str, cases: dict[str, list[Any]]) -> None:
    plain = encoder(None, layout=layout).encode(cases[case])
    assert plain.batches
    for level in LEVELS:
        check_streams(plain.batches, encoder(level=level, layout=layout).encode(cases[case]).batches)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("case", CASES)
def test_each_source_unpacks(case: str, source: str, cases: dict[str, list[Any]]) -> None:
    plain = SOURCES[source](encoder(None), cases[case])
    assert plain
    for level in (None, 1):
        check_streams(plain, SOURCES[source](encoder(level=level), cases[case]))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("limits", ["of one event", "of seven events", "of 5000 bytes"])
@pytest.mark.parametrize("case", ["rejected in between", "names in turn", "flights", "identical events"])
def test_several_batches_of_a_call_unpack(case: str, limits: str, source: str, cases: dict[str, list[Any]]) -> None:
    few = cases[case][:150]
    plain = SOURCES[source](encoder(None, limits=limits), few)
    assert len(plain) > 2
    for level in (None, 1):
        check_streams(plain, SOURCES[source](encoder(level=level, limits=limits), few))


def test_an_encoder_keeps_nothing_of_its_earlier_calls(cases: dict[str, list[Any]]) -> None:
    """Neither of a call that succeeded nor of one that raised."""
    plain, gzipped = encoder(None), encoder()

    def broken() -> Any:
        yield from cases["flights"][:50]
        raise OSError("interrupted")

    for given_events in cases.values():
        check_streams(plain.encode(given_events).batches, gzipped.encode(given_events).batches)
        with pytest.raises(OSError, match="interrupted"):
            gzipped.encode(broken())


@pytest.mark.parametrize("case", ["flights", "over a megabyte", "rejected in between"])
def test_halves_of_a_batch_unpack(case: str, cases: dict[str, list[Any]]) -> None:
    (plain,), (batch,) = (each.encode(cases[case]).batches for each in (encoder(None), encoder()))
    check_streams(plain.split(), batch.split())


@given(st.lists(events(), min_size=1, max_size=6), options(), st.sampled_from(LEVELS), st.integers(1, 4))
def test_any_events_unpack_with_any_options(
    given_events: list[Any], chosen: Options, level: int | None, times: int
) -> None:
    """Each list is repeated, so that there are matches."""
    given_events = given_events * times
    gzipped = core_encoder(chosen, compression="gzip", level=level)
    check_streams(core_encoder(chosen).encode(given_events).batches, gzipped.encode(given_events).batches)


@FEW
@given(
    st.lists(plain_events(), min_size=1, max_size=4),
    st.data(),
    st.sampled_from([None, 1]),
    st.sampled_from(list(SOURCES)[:4]),
)
def test_any_order_of_a_few_events_unpacks(
    pool: list[Any], data: st.DataObject, level: int | None, source: str
) -> None:
    order = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=40))
    check_streams(SOURCES[source](encoder(None), order), SOURCES[source](encoder(level=level), order))


pieces = st.builds(
    lambda text, count: text * count, st.text(max_size=4), st.sampled_from([1, 1, 2, 86, 129, 258, 300, 9000])
)


@FEW
@given(st.lists(pieces, min_size=1, max_size=4), st.data(), st.sampled_from(LEVELS))
def test_texts_that_repeat_parts_of_each_other_unpack(pool: list[str], data: st.DataObject, level: int | None) -> None:
    texts = st.lists(st.sampled_from(pool), max_size=3).map("".join)
    names = st.sampled_from(["a", "ab", "b"])
    given_events = [
        event(number, properties)
        for number, properties in enumerate(data.draw(st.lists(st.dictionaries(names, texts), min_size=1, max_size=12)))
    ]
    check_streams(encoder(None).encode(given_events).batches, encoder(level=level).encode(given_events).batches)


# --- the same input gives the same bytes ---


def bodies(of: Encoder, given_events: list[Any]) -> list[bytes]:
    return [batch.body for batch in of.encode(given_events).batches]


@cache
def expected_bodies(case: str, level: int | None) -> list[bytes]:
    """Return the bodies of a new encoder, which has encoded nothing before."""
    return bodies(encoder(level=level), CASES[case]())


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES)
def test_a_used_encoder_and_a_new_one_give_the_same_bytes(
    case: str, level: int | None, cases: dict[str, list[Any]]
) -> None:
    used = encoder(level=level)
    bodies(used, cases["names in turn"])
    bodies(used, cases["values that share ends"])
    for _ in range(2):
        assert bodies(used, cases[case]) == expected_bodies(case, level)


@pytest.mark.parametrize("case", ["flights", "names in turn", "values of every kind", "rejected in between"])
def test_equal_events_at_other_addresses_give_the_same_bytes(case: str, cases: dict[str, list[Any]]) -> None:
    """The addresses of names and values differ from run to run."""
    equal = json_copies(cases[case])
    assert equal == cases[case]
    for level in LEVELS:
        assert bodies(encoder(level=level), equal) == expected_bodies(case, level)


def json_copies(value: Any) -> Any:
    """Return a copy in which each text is a new object."""
    if isinstance(value, dict):
        return {json_copies(name): json_copies(member) for name, member in value.items()}
    if isinstance(value, list):
        return [json_copies(element) for element in value]
    return value.encode().decode() if isinstance(value, str) else copy.copy(value)


@pytest.mark.parametrize("level", LEVELS)
def test_threads_give_the_same_bytes(level: int | None, cases: dict[str, list[Any]]) -> None:
    shared = encoder(level=level)
    # Threads that run at the same time encode different cases.
    chosen = ["flights", "shuffled keys", "rejected in between", "2000 events"] * 10
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda case: bodies(shared, cases[case]), chosen))
    assert results == [expected_bodies(case, level) for case in chosen]


PROGRAM = """
from encoder.test_gzip_streams import digest
print(digest())
"""


def digest() -> str:
    """Return a hash of the bodies of all cases at every level."""
    every = [b"".join(expected_bodies(case, level)) for case in CASES for level in LEVELS]
    return hashlib.sha256(b"".join(every)).hexdigest()


def test_another_process_gives_the_same_bytes() -> None:
    tests = Path(__file__).parent.parent
    path = os.pathsep.join(filter(None, [str(tests), str(tests.parent), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "77"}
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert result.stdout.strip() == digest(), result.stderr


# --- sizes ---


@pytest.mark.parametrize("seed", [{}, {"seed": 11}], ids=["the benchmarks' seed", "another seed"])
@pytest.mark.parametrize("mix", MIXES)
def test_each_mix_is_no_larger_than_with_zlib_6(mix: str, seed: dict[str, int]) -> None:
    sizes = worst.sizes_of(good_events(mix, 2000, **seed))
    assert sizes.own <= sizes.zlib_6


@pytest.mark.parametrize("case", worst.CASES)
def test_each_worst_case_is_bounded(case: str) -> None:
    sizes = worst.sizes_of(worst.CASES[case]())
    assert sizes.ratio <= worst.BOUND
