"""Hypothesis strategies for values of every type, alone and nested."""

from __future__ import annotations

import builtins
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy
from hypothesis import strategies as st

from .native import array_of, native, object_arrays
from .odd import (
    Access,
    Attributes,
    Color,
    Derived,
    Float,
    Frozen,
    Integer,
    Iterated,
    Level,
    Listed,
    Lying,
    Model,
    Named,
    Names,
    Pairs,
    Point,
    Raising,
    Slotted,
    Struct,
    Text,
    Tier,
    Unpaired,
    Word,
    moved,
)
from .texts import letters, names, ordinary, texts, urls

integers = st.one_of(
    st.integers(),
    st.sampled_from(
        [sign * (2**bits + off) for bits in (31, 32, 53, 63, 64, 127) for off in (-1, 0, 1) for sign in (1, -1)]
    ),
    st.sampled_from([10**40, -(10**400)]),
)
floats = st.floats() | st.sampled_from([1e16, 9999999999999998.0, 1e-5, 9.9e-6, 1e-4, 1e22, 0.1, -0.0, 5e-324])
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# The first and the last year are left out: a time zone could move an instant out of the years that UTC has.
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.one_of(st.none(), zones))
decimals = st.one_of(
    st.decimals(),
    st.sampled_from(
        ["1E+3", "0E-10", "-0", "1.50", "NaN", "sNaN", "Infinity", "1E+400", "123456789012345678901234567890"]
    ).map(Decimal),
)
numpy_scalars = st.sampled_from(
    [numpy.int64(-5), numpy.uint64(2**64 - 1), numpy.float64("nan"), numpy.float64(1e16), numpy.float32(0.1)]
    + [
        numpy.bool_(True),
        numpy.str_("numpy's own long text"),
        numpy.bytes_(b"b"),
        numpy.complex128(1j),
        numpy.array([1]),
    ]
    + [numpy.datetime64("2024-02-29T12:00:00", unit) for unit in ("s", "ms", "ns")]
    + [
        numpy.datetime64("2024-02-29"),
        numpy.datetime64("NaT", "us"),
        numpy.array(1),
        numpy.longdouble(1),
        numpy.timedelta64(5, "s"),
    ]
)
subclassed = st.one_of(texts.map(Text), integers.map(Integer), floats.map(Float))
unsupported: st.SearchStrategy[Any] = st.sampled_from(
    [
        b"bytes",
        bytearray(b"b"),
        1j,
        object(),
        range(3),
        Point,
        {}.keys(),
        Raising(),
        Unpaired(),
        Color.BROKEN,
        Ellipsis,
    ]
)
scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    integers,
    floats,
    moments,
    st.dates(),
    decimals,
    st.uuids(),
    st.sampled_from([*Color, *Word, *Level, *Access, Access.READ | Access.WRITE, *Tier]),
    numpy_scalars,
    native,
    subclassed,
    unsupported,
)
sets = st.one_of(
    st.sets(integers | floats, max_size=4),
    st.frozensets(texts, max_size=4),
    st.sets(st.none() | st.integers(0, 9) | st.sampled_from(["a", "b"]), max_size=4),
)


frozen = getattr(builtins, "frozendict", dict)  # new in Python 3.15
ARRAYS: list[Callable[[Any], Any]] = [deque, Listed, Iterated]
MAPPINGS: list[Callable[[Any], Any]] = [Names, moved, lambda members: defaultdict(int, members), MappingProxyType]


def containers(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pairs = st.lists(st.tuples(names, inside), max_size=4)
    odd_pairs = st.lists(
        st.tuples(names | st.sampled_from([1, None, True, b"b", 1.5, ("a",), Text("own")]), inside), max_size=3
    )
    return st.one_of(
        st.lists(inside, max_size=4),
        st.lists(inside, max_size=3).map(tuple),
        pairs.map(dict),
        pairs.map(frozen),
        odd_pairs.map(dict),
        odd_pairs.map(Pairs),
        odd_pairs.map(Lying),
        object_arrays(inside),
        st.builds(Point, inside, inside),
        st.sampled_from([Slotted, Derived, Attributes, Struct, Named]).flatmap(
            lambda kind: st.builds(kind, inside, inside)
        ),
        st.builds(Frozen, inside, z=inside),
        st.builds(Model, x=inside),
        st.lists(inside, max_size=3).flatmap(lambda elements: st.sampled_from(ARRAYS).map(lambda kind: kind(elements))),
        odd_pairs.flatmap(lambda pairs: st.sampled_from(MAPPINGS).map(lambda kind: kind(dict(pairs)))),
    )


def nested(kinds: list[Callable[[Any], Any]], count: int) -> Any:
    value: Any = 1
    for level in range(count):
        value = kinds[level % len(kinds)](value)
    return value


@st.composite
def containing_themselves(draw: st.DrawFn) -> Any:
    around: list[Any] = []
    inner: Any = draw(st.sampled_from([around, {"again": around}, (around,), [[around]], array_of([around])]))
    around.extend([draw(scalars), inner])
    return around


wraps = st.sampled_from(
    [
        lambda value: [value],
        lambda value: {"n": value},
        lambda value: (value,),
        lambda value: Pairs([("p", value)]),
        Point,
        Slotted,
        lambda value: Listed([value]),
        lambda value: Names(n=value),
        lambda value: array_of([value]),
    ]
)
deep = st.builds(nested, st.lists(wraps, min_size=1, max_size=3), st.integers(1, 5) | st.integers(62, 67))
values = st.one_of(
    scalars, scalars, st.recursive(scalars, containers, max_leaves=8), sets, deep, containing_themselves()
)


# Values that JSON can express and every JSON library accepts.
plain_texts = st.one_of(
    ordinary, st.text(letters.filter(lambda letter: letter < "\ud800" or letter > "\udfff"), max_size=16), urls
)
plain_scalars = st.one_of(
    st.none(),
    st.booleans(),
    plain_texts,
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
plain_values = st.recursive(
    plain_scalars,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(plain_texts, inside, max_size=4),
    max_leaves=8,
)
