"""Events made to be nasty, for hypothesis: nearly valid ones mostly, with one or two things broken.

The limits are made small, so that every boundary is reached often from both sides.
"""

from __future__ import annotations

import dataclasses
import enum
import string
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy
from hypothesis import strategies as st

from reference import DISALLOWED_IDS, RULES, Options

NOW = 1_700_000_000_000
SMALL_STRING = 12  # the smallest limit that cuts none of the names that the rules know


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of several by weight. (`one_of` gives each alternative of an alternative as much weight as the others.)"""
    return st.sampled_from([strategy for weight, strategy in choices for _ in range(weight)]).flatmap(lambda it: it)


# --- options ---

formats = st.sampled_from([("import", "json"), ("import", "ndjson"), ("track", "json"), ("track", "form")])
small_limits = st.fixed_dictionaries(
    {},
    optional={
        "max_string": st.integers(SMALL_STRING, SMALL_STRING + 2),
        "truncate_unit": st.sampled_from(["chars", "bytes"]),
        "max_properties": st.integers(3, 6),
        "max_keys": st.integers(1, 3),
        "max_elements": st.integers(1, 3),
        "max_depth": st.integers(0, 3) | st.just(100),
        "max_event_bytes": st.integers(80, 300),
        "max_insert_id_bytes": st.integers(1, 4),
        "max_batch_events": st.integers(1, 3),
        "max_batch_bytes": st.integers(80, 500),
    },
)
actions = st.dictionaries(st.sampled_from(RULES), st.sampled_from(["reject", "warn", "warn", "off"]), max_size=4)
all_actions = st.fixed_dictionaries({rule: st.sampled_from(["warn", "off"]) for rule in RULES})


@st.composite
def options(draw: st.DrawFn) -> Options:
    endpoint, layout = draw(formats)
    return Options(
        endpoint=endpoint,
        format=layout,
        token=draw(st.sampled_from([None, "tok", "tok"])),
        profile=draw(st.sampled_from(["documented", "documented", "observed"])),
        limits=draw(st.just({"max_string": SMALL_STRING}) | small_limits),
        rules=draw(st.just({}) | actions | all_actions),
        now=NOW,
    )


# --- texts ---

around_the_cut = st.integers(SMALL_STRING - 2, SMALL_STRING + 3)
letters = st.sampled_from(
    ["a", "é", "€", "😀", '"', "\\", "\n", "\x00", "\x7f", "\u2028", "\ud800", "\udfff", " ", "0"]
)
ordinary = st.text(st.characters(codec="utf-8"), max_size=20)
with_surrogates = st.text(max_size=20)
repeated = st.builds(lambda letter, count: letter * count, letters, around_the_cut)
astride = st.builds(
    lambda before, middle, after: "x" * before + middle + "y" * after,
    around_the_cut,
    st.text(letters, max_size=3),
    st.integers(0, 3),
)
urls = st.builds(
    lambda scheme, mark, rest: scheme + mark + rest,
    st.sampled_from(["http", "https", "a+b.c-1", "1a", "é", ""]),
    st.sampled_from(["://", "://", "://", ":/"]),
    st.text(st.sampled_from("aaabb//?&=#%20@:é😀") | st.sampled_from("\u3000\x1f \u200b"), min_size=8, max_size=20),
)
json_texts = st.builds(
    lambda begin, inside, end: begin + inside + end,
    st.sampled_from(["[", '{"a":', " [", '{"a":1,"a":']),
    st.sampled_from(
        [
            '"long enough to be cut"',
            '"\\ud800\\u00e9\\n   "',
            '"\\x          "',
            "1234567890123456",
            "[[[[[[[[[]]]]]]]]]",
            "true ,  false  ",
            "NaN            ",
            "-Infinity     ",
            "01             ",
            "1.            ",
        ]
    ),
    st.sampled_from(["]", "}", "] ", "]x", ""]),
)
disallowed = st.sampled_from(sorted(DISALLOWED_IDS)).flatmap(
    lambda text: st.sampled_from([text, text.upper(), text.title()])
)
whites = st.text(st.sampled_from(" \t\n\u3000\x85\xa0\x1c\x1f\u200b"), max_size=3)
texts = weighted(
    (2, ordinary), (1, with_surrogates), (2, repeated), (2, astride), (2, urls), (2, json_texts), (1, disallowed)
)
names = st.one_of(
    st.sampled_from(string.ascii_lowercase[:6]),
    st.sampled_from(
        ["", "a.b", "time", "$insert_id", "distinct_id", "token", "event", "properties", "\ud800", "\ud801", "\ufffd"]
    ),
    st.builds(lambda count, end: "k" * count + end, around_the_cut, st.sampled_from(["", "1", "😀", "\ud800"])),
    texts,
)

# --- values of other types, and classes that misbehave ---


class Color(enum.Enum):
    TEXT = "a long text is in it"
    NUMBER = 7
    NESTED = {"a": [1.5, None]}  # noqa: RUF012 (a member, not a default)
    BROKEN = b"bytes"


class Word(str, enum.Enum):
    LONG = "a word, but a long one"
    SHORT = "word"


class Level(enum.IntEnum):
    HIGH = 10**30


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "a lie"


class Integer(int):
    def __str__(self) -> str:
        return "a lie"

    __repr__ = __str__


class Float(float):
    def __repr__(self) -> str:
        return "a lie"


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = None


class Pairs(Mapping[Any, Any]):
    """A mapping of any pairs: names may be there twice."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs = pairs

    def __getitem__(self, name: Any) -> Any:
        raise KeyError(name)

    def __iter__(self) -> Iterator[Any]:
        return iter([name for name, _ in self.pairs])

    def __len__(self) -> int:
        return len(self.pairs)

    def items(self) -> Any:
        return self.pairs


class Lying(dict[Any, Any]):
    """A dict with nothing in it, whose `items()` says otherwise."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs = pairs

    def items(self) -> Any:
        return iter(self.pairs)


class Raising(dict[Any, Any]):
    """A dict that can't be read."""

    def items(self) -> Any:
        raise RuntimeError("not today")


class Unpaired(Raising):
    """A dict whose `items()` are no pairs."""

    def items(self) -> Any:
        return [1, 2, 3]


integers = st.one_of(
    st.integers(),
    st.sampled_from(
        [sign * (2**bits + off) for bits in (31, 32, 53, 63, 64, 127) for off in (-1, 0, 1) for sign in (1, -1)]
    ),
    st.sampled_from([10**40, -(10**400)]),
)
floats = st.floats() | st.sampled_from([1e16, 9999999999999998.0, 1e-5, 9.9e-6, 1e-4, 1e22, 0.1, -0.0, 5e-324])
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# A year is left at both ends: an instant outside the years 1 to 9999 of UTC is a case of its own.
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
        timedelta(1),
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
    st.sampled_from([*Color, *Word, *Level]),
    numpy_scalars,
    subclassed,
    unsupported,
)
sets = st.one_of(
    st.sets(integers | floats, max_size=4),
    st.frozensets(texts, max_size=4),
    st.sets(st.none() | st.integers(0, 9) | st.sampled_from(["a", "b"]), max_size=4),
)


def containers(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pairs = st.lists(st.tuples(names, inside), max_size=4)
    odd_pairs = st.lists(
        st.tuples(names | st.sampled_from([1, None, True, b"b", 1.5, ("a",), Text("own")]), inside), max_size=3
    )
    return st.one_of(
        st.lists(inside, max_size=4),
        st.lists(inside, max_size=3).map(tuple),
        pairs.map(dict),
        odd_pairs.map(dict),
        odd_pairs.map(Pairs),
        odd_pairs.map(Lying),
        st.builds(Point, inside, inside),
    )


def nested(kinds: list[Callable[[Any], Any]], count: int) -> Any:
    value: Any = 1
    for level in range(count):
        value = kinds[level % len(kinds)](value)
    return value


@st.composite
def containing_themselves(draw: st.DrawFn) -> Any:
    around: list[Any] = []
    inner: Any = draw(st.sampled_from([around, {"again": around}, (around,), [[around]]]))
    around.extend([draw(scalars), inner])
    return around


wraps = st.sampled_from(
    [lambda value: [value], lambda value: {"n": value}, lambda value: (value,), lambda value: Pairs([("p", value)])]
)
deep = st.builds(nested, st.lists(wraps, min_size=1, max_size=3), st.integers(1, 5) | st.integers(62, 67))
values = st.one_of(
    scalars, scalars, st.recursive(scalars, containers, max_leaves=8), sets, deep, containing_themselves()
)

# --- events ---

edges_ms = [0, 1, 31_536_000_000, NOW, NOW + 3_600_000, NOW - 5 * 86_400_000, -31_536_000_000]
milliseconds = st.builds(
    lambda edge, off: edge + off, st.sampled_from(edges_ms), st.integers(-2, 2) | st.integers(-2000, 2000)
)
seconds = st.builds(lambda edge, off: edge // 1000 + off, st.sampled_from(edges_ms), st.integers(-2, 2))
good_times: st.SearchStrategy[Any] = st.integers(NOW - 86_400_000, NOW) | st.integers(NOW // 1000 - 86_400, NOW // 1000)
times: st.SearchStrategy[Any] = st.one_of(
    good_times,
    milliseconds,
    seconds,
    milliseconds.map(float),
    milliseconds.map(lambda value: value / 1000),
    milliseconds.map(lambda value: value + 0.5),
    milliseconds.map(lambda value: datetime.fromtimestamp(value / 1000, timezone.utc)),
    milliseconds.map(Decimal),
    milliseconds.map(lambda value: Decimal(value) / 1000),
    milliseconds.map(numpy.int64),
    moments,
    st.dates(),
    scalars,
)
edges = weighted((3, milliseconds), (3, seconds), (4, times))
insert_ids = st.text(st.sampled_from("bz9-"), min_size=1, max_size=4)
bad_ids: st.SearchStrategy[Any] = st.one_of(
    disallowed,
    disallowed,
    st.text(st.sampled_from("ab-_é\ud800"), max_size=6),
    st.sampled_from([35, 36, 37, 38]).map(lambda count: "i" * count),
    values,
)
extra = st.lists(
    st.tuples(names.filter(lambda name: name not in ("time", "distinct_id", "$insert_id")), values), max_size=3
)
Event = dict[Any, Any]


@st.composite
def valid_events(draw: st.DrawFn) -> Event:
    required = {"time": draw(good_times), "distinct_id": draw(ordinary.filter(allowed)), "$insert_id": draw(insert_ids)}
    properties = list(required.items()) + draw(extra)
    if draw(st.booleans()):
        properties = draw(st.permutations(properties))
    return {
        "event": draw(st.sampled_from(["e", "Signed Up", "a rather long name of an event"])),
        "properties": dict(properties),
    }


def allowed(value: str) -> bool:
    return value.lower() not in DISALLOWED_IDS


def break_property(draw: st.DrawFn, event: Event) -> None:
    name = draw(st.sampled_from(["time", "distinct_id", "$insert_id", "token"]))
    event["properties"][name] = draw(edges if name == "time" else bad_ids)


def break_name(draw: st.DrawFn, event: Event) -> None:
    event["event"] = draw(weighted((2, whites), (1, texts), (1, values)))


def break_properties(draw: st.DrawFn, event: Event) -> None:
    event["properties"] = draw(values)


def leave_out(draw: st.DrawFn, event: Event) -> None:
    part = draw(st.sampled_from([event, event["properties"]]))
    if part:
        part.pop(draw(st.sampled_from(list(part))))


def add_field(draw: st.DrawFn, event: Event) -> None:
    event[draw(names | st.sampled_from([1, None]))] = draw(values)


def change_class(draw: st.DrawFn, event: Event) -> None:
    pairs = list(event["properties"].items())
    doubled = pairs + draw(st.lists(st.sampled_from(pairs), max_size=2)) if pairs else pairs
    event["properties"] = draw(st.sampled_from([Pairs, Lying]))(doubled)


BREAKS = [break_property, break_property, leave_out, add_field, break_name, change_class, break_properties]


@st.composite
def broken_events(draw: st.DrawFn) -> Any:
    """A valid event with one or two things broken."""
    event = draw(valid_events())
    for break_it in draw(st.lists(st.sampled_from(BREAKS), min_size=1, max_size=2)):
        if isinstance(event.get("properties"), dict) and type(event["properties"]) is dict:
            break_it(draw, event)
    return event


@dataclasses.dataclass
class EventClass:
    event: Any
    properties: Any


strange_events: st.SearchStrategy[Any] = st.one_of(
    values,
    valid_events().map(lambda event: Pairs(list(event.items()))),
    valid_events().map(lambda event: Lying([*event.items(), ("event", "again")])),
    valid_events().map(lambda event: EventClass(**event)),
)


@st.composite
def events(draw: st.DrawFn) -> Any:
    """Any event. (Not by `one_of`, which would give each kind of value that is no event as much weight as the rest.)"""
    kinds = [valid_events(), broken_events(), broken_events(), broken_events(), strange_events]
    return draw(draw(st.sampled_from(kinds)))


# --- events that JSON can spell ---

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


@st.composite
def plain_events(draw: st.DrawFn) -> Event:
    """Mostly valid events of dicts, lists and scalars alone."""
    event = {
        "event": draw(plain_texts),
        "properties": {
            "time": draw(good_times | plain_scalars),
            "distinct_id": draw(plain_texts),
            "$insert_id": draw(insert_ids),
            **draw(st.dictionaries(plain_texts, plain_values, max_size=4)),
        },
    }
    return draw(st.sampled_from([event, event, event, event, {**event, "foo": 1}, draw(plain_values)]))
