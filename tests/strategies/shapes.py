"""Hypothesis strategies for shapes of events that are common in practice (`benches/support/shapes.py`).

Each family draws what its events have: vocabularies, lengths, skew, numbers of properties, their order, and ids of high
entropy beside them. An example is a shape, whose events come from a seed.
"""

from __future__ import annotations

from collections.abc import Callable

from benches.support.shapes import (
    Choice,
    Constant,
    Flag,
    Id,
    Kind,
    List,
    Members,
    Number,
    Permission,
    Shape,
    Text,
    Url,
    Value,
    Words,
    vocabulary,
)
from hypothesis import strategies as st

Values = st.SearchStrategy[Value]

skews = st.sampled_from([1.0, 1.0, 1.5, 2.0, 3.0, 5.0])
shares = st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.9])
booleans = st.booleans()
never = st.just(False)


@st.composite
def words(draw: st.DrawFn, smallest: int = 2, largest: int = 1000) -> Words:
    sizes = [size for size in (2, 3, 4, 7, 12, 20, 50, 100, 300, 1000) if smallest <= size <= largest]
    shortest = draw(st.integers(2, 8))
    longest = shortest + draw(st.sampled_from([0, 2, 4, 8, 16]))
    return Words(draw(st.sampled_from(sizes)), shortest, longest, draw(skews), draw(st.integers(0, 3)))


@st.composite
def lists(draw: st.DrawFn, elements: Values, most: int) -> List:
    shortest = draw(st.integers(0, most))
    longest = draw(st.integers(shortest, most))
    return List(draw(elements), shortest, longest, draw(booleans), draw(booleans))


flags: Values = st.builds(Flag, shares)
numbers: Values = st.builds(Number, st.sampled_from([3, 10, 100, 1000, 10**6]), st.sampled_from([0, 0, 1, 2, 4]), skews)
ids: Values = st.builds(Id, st.sampled_from(["uuid", "hex", "base62"]), st.sampled_from([8, 16, 22, 32]))
constants: Values = st.builds(Constant, st.sampled_from(["production", "x", 1, 0.5, True, None, "", "2.14.3-beta.1"]))
permissions: Values = st.builds(Permission, words(4, 50))
urls: Values = st.builds(Url, words(4, 300), st.integers(1, 5), st.integers(0, 5), booleans)
texts: Values = st.builds(
    lambda chosen, fewest, more: Text(chosen, fewest, fewest + more), words(20), st.integers(1, 6), st.integers(0, 10)
)
scalars: Values = st.one_of(words(), words(), numbers, flags, constants)


@st.composite
def members(
    draw: st.DrawFn, values: Values, fewest: int = 1, most: int = 12, shuffled: st.SearchStrategy[bool] = never
) -> Members:
    """Draw an object. Its values are drawn one by one, or are all of one kind."""
    count = draw(st.integers(fewest, most))
    shortest = draw(st.integers(2, 10))
    names = vocabulary(count, shortest, shortest + draw(st.integers(1, 10)), draw(st.integers(10, 20)))
    drawn = [draw(values)] * count if draw(booleans) else [draw(values) for _ in range(count)]
    share = draw(st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5, 0.2]))
    return Members(tuple(zip(names, drawn, strict=True)), draw(shuffled), share)


@st.composite
def of_kind(draw: st.DrawFn, properties: st.SearchStrategy[Members], name: str = "Order Placed") -> Kind:
    """Draw a kind of event with those properties, and up to three ids before or after them."""
    drawn = draw(properties)
    beside = tuple((f"id {number}", draw(ids)) for number in range(draw(st.sampled_from([0, 0, 1, 2, 3]))))
    both = beside + drawn.members if draw(booleans) else drawn.members + beside
    return Kind(name, Members(both, drawn.shuffled, drawn.share))


@st.composite
def of_kinds(draw: st.DrawFn, properties: st.SearchStrategy[Members], most: int = 1, half_way: bool = False) -> Shape:
    names = ("Kind", "Later") if half_way else ("Kind",)
    kinds, *later = (
        tuple(draw(of_kind(properties, f"{name} {number}")) for number in range(draw(st.integers(1, most))))
        for name in names
    )
    return Shape(
        kinds,
        in_turn=draw(booleans),
        later=later[0] if half_way else (),
        ids=draw(st.none() | ids),
        users=draw(st.sampled_from([1, 100, 3000, 10**6])),
        jitter=draw(st.sampled_from([0, 0, 5, 1000])),
    )


@st.composite
def values_that_change(draw: st.DrawFn, values: Values) -> Shape:
    """Draw a shape whose names get other values half-way."""
    first = draw(of_kind(members(values, 2, 8)))
    later = tuple((name, draw(values)) for name, _ in first.properties.members)
    changed = Members(later, first.properties.shuffled, first.properties.share)
    return Shape((first,), later=(Kind(first.name, changed),), ids=draw(st.none() | ids))


def named(name: str, value: Values) -> st.SearchStrategy[tuple[tuple[str, Value], ...]]:
    return value.map(lambda drawn: ((name, drawn),))


def beside(special: st.SearchStrategy[tuple[tuple[str, Value], ...]]) -> st.SearchStrategy[Members]:
    """Return members with something special, and up to four scalars after it."""
    return st.builds(lambda first, rest: Members(first + rest.members), special, members(scalars, 0, 4))


item: Values = members(scalars, 2, 6)


def layer(inner: Values) -> Values:
    """Return objects of such values, and lists of objects."""
    return st.one_of(members(inner, 1, 4), lists(members(inner, 1, 3), 3))


nested: Values = layer(st.one_of(scalars, layer(st.one_of(scalars, scalars, layer(scalars)))))
flag_objects: Values = st.one_of(
    members(flags, 3, 40), members(st.just(Constant(True)), 3, 40), members(words(2, 4), 3, 20)
)
any_value: Values = st.one_of(
    scalars, scalars, lists(words(3, 100), 5), urls, texts, members(scalars, 1, 5), lists(item, 3), flag_objects
)

FAMILIES: dict[str, Callable[[], st.SearchStrategy[Shape]]] = {
    "lists of words": lambda: of_kinds(beside(named("tags", lists(words(3), 12)))),
    "two lists of words": lambda: of_kinds(members(lists(words(3, 100), 6), 2, 3)),
    "carts": lambda: of_kinds(beside(named("items", lists(item, 20)))),
    "names in any order": lambda: of_kinds(members(st.one_of(constants, scalars), 4, 20, st.just(True))),
    "words under many names": lambda: of_kinds(members(words(), 4, 25)),
    "flags": lambda: of_kinds(beside(named("flags", flag_objects))),
    "lists of flags": lambda: of_kinds(beside(named("flags", lists(flags, 30)))),
    "URLs": lambda: of_kinds(members(urls, 1, 3)),
    "permissions": lambda: of_kinds(beside(named("permissions", lists(permissions, 12)))),
    "nested": lambda: of_kinds(members(nested, 1, 3)),
    "texts": lambda: of_kinds(members(st.one_of(texts, words()), 1, 4)),
    "types that vary": lambda: of_kinds(members(st.builds(Choice, st.tuples(scalars, scalars, scalars)), 2, 10)),
    "several kinds": lambda: of_kinds(members(any_value, 1, 5), 8),
    "half-way": lambda: of_kinds(members(any_value, 1, 5), 3, half_way=True),
    "values that change": lambda: values_that_change(any_value),
    "mixed": lambda: of_kinds(members(any_value, 1, 8, booleans)),
}
