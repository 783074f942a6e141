"""Hypothesis strategies for values of exact types that the core reads in place, though JSON has no such types."""

from __future__ import annotations

import pickle
import zoneinfo
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import numpy
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

# Half an hour of summer time, a summer time below the standard time, offsets of seconds, none at all.
KEYS = [
    *(
        "America/New_York",
        "Europe/London",
        "Europe/Dublin",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Kathmandu",
    ),
    *("Africa/Monrovia", "Pacific/Apia", "America/St_Johns", "UTC", "Etc/GMT+12"),
]
# Local times at which one of them changes its offset.
EDGES = [
    *(datetime(2024, 3, 10, 2), datetime(2024, 11, 3, 1), datetime(2024, 3, 31, 1), datetime(2024, 10, 27, 1)),
    *(datetime(2024, 4, 7, 2), datetime(2024, 10, 6, 2), datetime(2040, 11, 4, 1), datetime(2040, 3, 11, 3)),
    *(datetime(1883, 11, 18, 12, 3, 58), datetime(1972, 1, 7), datetime(2011, 12, 30), datetime(1, 1, 1, 6)),
    *(datetime(9999, 12, 31, 20),),
]

fixed_zones = st.one_of(
    st.just(timezone.utc),
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds, microseconds=7))),
)
zones = st.sampled_from(sorted(set(KEYS) & zoneinfo.available_timezones())).map(zoneinfo.ZoneInfo)
near_edges = st.builds(
    lambda edge, seconds, fold, zone: (edge + timedelta(seconds=seconds)).replace(fold=fold, tzinfo=zone),
    st.sampled_from(EDGES),
    st.integers(-7300, 7300) | st.integers(-2, 2) | st.sampled_from([3599, 3600, 3601]),
    st.integers(0, 1),
    zones | fixed_zones,
)
moments = near_edges | st.datetimes(timezones=zones | fixed_zones | st.none(), allow_imaginary=True)
times = st.times(timezones=st.none() | fixed_zones | zones)
durations = st.timedeltas() | st.builds(
    timedelta, days=st.integers(-200_000, 200_000), microseconds=st.integers(-(10**10), 10**10)
)
long_integers = st.builds(
    lambda bits, off, sign: sign * (2**bits + off), st.integers(60, 1030), st.integers(-3, 3), st.sampled_from([1, -1])
) | st.integers(-(2**1025), 2**1025)
decimals = st.one_of(
    st.decimals(),
    st.builds(
        lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
        st.integers(0, 1),
        st.lists(st.integers(0, 9), min_size=1, max_size=90).map(tuple),
        st.integers(-120, 120) | st.integers(-8, 8),
    ),
    st.sampled_from([10**18, 10**19 - 1, 10**19, 10**38, 10**76]).map(Decimal),
)
uuids = st.uuids() | st.integers(0, 2**128 - 1).map(lambda value: UUID(int=value))


UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]
numpy_numbers = npst.arrays(
    npst.scalar_dtypes() | st.sampled_from(["longdouble", "?", ">i4", ">f8", "e"]).map(numpy.dtype), ()
).map(lambda array: array[()])
ticks = st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**6), 10**6) | st.integers(-2_200_000_000, 2_200_000_000)
numpy_ticks = st.builds(
    lambda kind, count, unit, step: kind(count, f"{step}{unit}"),
    st.sampled_from([numpy.datetime64, numpy.timedelta64]),
    ticks,
    st.sampled_from(UNITS),
    st.sampled_from([1, 1, 7, 1000]),
) | st.sampled_from([numpy.datetime64("NaT", "s"), numpy.timedelta64("NaT", "s")])
numpy_texts = st.text(max_size=6).map(numpy.str_) | st.just(numpy.str_("\ud800 numpy's"))
long_doubles = st.builds(
    lambda fraction, power: numpy.ldexp(numpy.longdouble(fraction) / 3, power),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-1200, 1000) | st.integers(-1140, -1070) | st.integers(-16500, 16300),
)


def unpickled(array: Any) -> Any:
    """Return an equal array, of which the dtype is another object."""
    return pickle.loads(pickle.dumps(array))


views = st.sampled_from(
    [lambda a: a, lambda a: a.T, lambda a: a[::-1], lambda a: a[..., ::2], lambda a: a.copy("F"), unpickled]
)
numpy_arrays = st.builds(
    lambda view, array: view(array) if array.ndim else array,
    views,
    npst.arrays(
        st.sampled_from(
            ["?", "i1", "u2", "i4", "i8", "u8", "e", "f4", "f8", "g", ">i4", "U2", "M8[s]", "m8[D]", "c8", "S1"]
        ),
        npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
)


def array_of(elements: list[Any]) -> Any:
    """Return an array of these objects: numpy's own function would take the elements of lists."""
    array = numpy.empty(len(elements), dtype=object)
    for place, element in enumerate(elements):
        array[place] = element
    return array


def packed(array: Any) -> Any:
    """Return an array whose references are not aligned, with null at its end: numpy reads None."""
    records = numpy.empty(len(array) + 2, dtype=[("byte", "i1"), ("object", "O")])
    records["object"][: len(array)] = array
    return records["object"]


OBJECT_VIEWS: list[Callable[[Any], Any]] = [
    *(lambda a: a, lambda a: a[::-1], lambda a: a[::2], lambda a: a[:0], lambda a: a.reshape(1, -1)),
    *(lambda a: a.reshape(-1, 1)[:, ::-1], lambda a: a.reshape(-1, 1).T, lambda a: a[:1].reshape(1, 1, -1)),
    *(lambda a: a.repeat(4).reshape(2, 2, -1)[::-1, :, ::3], lambda a: a.reshape(-1, 1).repeat(3, 1).T),
    *(lambda a: a[:1].reshape(()) if len(a) else a, lambda a: a.reshape(0, 2) if not len(a) else a, packed),
    *(lambda a: numpy.broadcast_to(a, (2, len(a))), lambda a: a.astype(numpy.dtype("O", metadata={"a": 1}))),
]


def object_arrays(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda view, elements: view(array_of(elements)),
        st.sampled_from(OBJECT_VIEWS),
        st.lists(inside, max_size=4),
    )


numpy_values = numpy_numbers | numpy_ticks | numpy_texts | long_doubles | numpy_arrays
numpy_values |= object_arrays(st.none() | st.booleans() | uuids | st.text(max_size=3) | numpy_values)
pandas_values: st.SearchStrategy[Any] = st.nothing()
if find_spec("pandas"):
    import pandas

    def timestamp(moment: datetime) -> Any:
        try:
            return pandas.Timestamp(moment)
        except (ValueError, OverflowError):  # a moment that is none in its zone, or not in UTC
            return pandas.NaT

    pandas_values = (
        moments.map(timestamp)
        | st.sampled_from([pandas.NaT, pandas.NA])
        | st.integers(-(2**62), 2**62).map(pandas.Timestamp)
        | st.integers(-(10**12), 10**12).map(lambda seconds: pandas.Timestamp(numpy.datetime64(seconds, "s")))
        | st.integers(-(2**62), 2**62).map(lambda count: pandas.Timedelta(count, "ns"))
    )

native: st.SearchStrategy[Any] = st.one_of(
    uuids, decimals, moments, st.dates(), times, durations, long_integers, numpy_values, pandas_values
)
