"""Named shapes of events that are common in practice and hard for a compressor that follows names."""

from __future__ import annotations

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
    many,
    one_kind,
)

TAGS = List(Words(7, 3, 5), 4, 4)
ITEM = Members((("sku", Words(200, 6, 9, 1.5)), ("qty", Number(5)), ("price", Number(100, 2)), ("color", Words(7))))
BOUGHT = Members((("id", Id("hex", 12)), ("name", Text(Words(200, 3, 8, 1.5), 1, 3)), ("price", Number(1000, 2))))
STEP = Members(
    (("name", Words(10)), ("ok", Flag(0.9)), ("ms", Number(2000, 0, 2.0)), ("args", List(Words(10), 0, 3, False)))
)
DEEP = Members((("f", Words(5)), ("g", Flag())))
NESTED = Members((("b", Members((("c", Words(9)), ("d", Number()), ("e", DEEP)))), ("h", Words(20))))
REFERENCE = Members((("type", Words(6)), ("id", Number(300)), ("name", Words(40))))
MIXED: tuple[Value, ...] = (Words(7), Number(), Flag(), Constant("x"), Words(100), Number(10))


def kind(number: int, value: Value | None = None) -> Kind:
    """Return a kind of event with names that no other kind has."""
    values: list[Value] = [Words(10, 3, 8, 1.0, number), Number(500), Flag(), Words(100, 3, 9, 2.0)]
    names = many(6 + number % 5, Flag(), Words(12, 4, 12, seed=20 + number))
    return Kind(f"Kind {number}", Members(tuple((name, value or values[at % 4]) for at, (name, _) in enumerate(names))))


def kinds(*numbers: int) -> tuple[Kind, ...]:
    return tuple(map(kind, numbers))


def private(count: int, size: int, shortest: int, longest: int) -> tuple[tuple[str, Value], ...]:
    """Return members each of which has a vocabulary that no other has."""
    names = many(count, Flag())
    return tuple((name, Words(size, shortest, longest, 1.0, number)) for number, (name, _) in enumerate(names))


LISTS = {
    **{
        f"{count} of {size} words": one_kind(("tags", List(Words(size, 3, 6 if size < 100 else 9), count, count)))
        for size in (4, 7, 20, 100, 1000)
        for count in (2, 4, 8)
        if count <= size
    },
    "1 to 6 of 7 words": one_kind(("tags", List(Words(7, 3, 5), 1, 6)), ("n", Number())),
    "4 of 7 words, sorted": one_kind(("tags", List(Words(7, 3, 5), 4, 4, True, True))),
    "4 of 50 words, skewed": one_kind(("tags", List(Words(50, 3, 8, 3.0), 4, 4)), ("page", Url())),
    "30 of 12 words": one_kind(("tags", List(Words(12, 3, 8), 30, 30, False))),
    "4 of 7 words beside ids": one_kind(("tags", TAGS), ("trace", Id()), ("request", Id("base62", 22))),
    "two lists of words": one_kind(("tags", TAGS), ("labels", List(Words(30, 4, 9), 0, 5)), ("n", Number())),
    "1 to 8 permissions": one_kind(("permissions", List(Permission(), 1, 8)), ("role", Words(5))),
    "20 permissions": one_kind(("permissions", List(Permission(Words(30, 4, 9)), 20, 20))),
    "5 to 12 permissions, sorted": one_kind(("permissions", List(Permission(), 5, 12, True, True)), ("user", Id())),
    "a list of 20 numbers": one_kind(("samples", List(Number(10, 3), 20, 20, False))),
}
OBJECTS = {
    **{f"a cart of {count}": one_kind(("items", List(ITEM, count, count, False))) for count in (1, 3, 20)},
    "a cart of 1 to 20": one_kind(("items", List(ITEM, 1, 20, False)), ("total", Number(1000, 2))),
    "a cart with ids": one_kind(("items", List(BOUGHT, 1, 8, False))),
    "nested, 3 deep": one_kind(("a", NESTED), ("z", Words(6))),
    "a list of nested objects": one_kind(("steps", List(STEP, 1, 6, False))),
    "objects with the same names": one_kind(*many(5, REFERENCE)),
}
NAMES = {
    "15 constants, shuffled": one_kind(*many(15, Constant()), shuffled=True),
    "15 words, shuffled": one_kind(*many(15, Words(7)), shuffled=True),
    "15 numbers, shuffled": one_kind(*many(15, Number(100)), shuffled=True),
    "20 values, shuffled": one_kind(
        *((name, MIXED[at % 6]) for at, (name, _) in enumerate(many(20, Flag()))), shuffled=True
    ),
    "30 words, half of them, shuffled": one_kind(*many(30, Words(7)), shuffled=True, share=0.5),
    "30 words, half of them": one_kind(*many(30, Words(7)), share=0.5),
    "40 numbers, a third of them": one_kind(*many(40, Number(50)), share=0.3),
    **{
        f"{names} names of {size} words": one_kind(*many(names, Words(size, 3, 9)))
        for names, size in ((5, 10), (15, 7), (15, 50), (15, 1000), (40, 7), (40, 100))
    },
    "15 names of 100 words, skewed": one_kind(*many(15, Words(100, 3, 9, 3.0))),
    "10 names, each of 8 words": one_kind(*private(10, 8, 4, 10)),
    "10 names, each of 20 long words": one_kind(*private(10, 20, 15, 40)),
    "8 names of several types": one_kind(*many(8, Choice((Number(), Words(), Flag(), Constant(None))))),
    "15 names of numbers": one_kind(*many(15, Number(1000))),
    "4 names of UUIDs": one_kind(*many(4, Id())),
    "3 names of base62": one_kind(*many(3, Id("base62", 22)), ("n", Number())),
}
FLAGS = {
    **{f"an object of {count} flags": one_kind(("flags", Members(many(count, Flag())))) for count in (5, 15, 50)},
    "20 flags, few set": one_kind(("flags", Members(many(20, Flag(0.1)))), ("plan", Words(4))),
    "a list of 20 flags": one_kind(("flags", List(Flag(), 20, 20, False))),
    "20 flags as properties": one_kind(*many(20, Flag(0.3))),
    "names of set flags": one_kind(("enabled", List(Words(30, 8, 18), 3, 12)), ("plan", Words(4))),
    "flags that are there if set": one_kind(("flags", Members(many(40, Constant(True)), False, 0.4))),
    "variants of 20 experiments": one_kind(("experiments", Members(many(20, Words(3, 5, 9))))),
}
TEXTS = {
    "paths": one_kind(("url", Url(Words(20, 4, 9), 3, 0)), ("referrer", Url(Words(20, 4, 9), 3, 0))),
    "queries": one_kind(("url", Url(Words(20, 4, 9), 2, 3)), ("referrer", Url(Words(20, 4, 9), 2, 1))),
    "paths of 500 words": one_kind(("url", Url(Words(500, 4, 12, 2.0), 4, 2)), ("status", Number(5))),
    "queries without ids": one_kind(("url", Url(Words(8, 4, 9), 4, 4, False))),
    "search texts": one_kind(("query", Text(Words(300, 2, 9, 2.0), 1, 4)), ("results", Number(500))),
    "messages": one_kind(("message", Text(Words(800, 2, 9, 2.5), 10, 40))),
}
KINDS = {
    **{f"{count} kinds": Shape(kinds(*range(count))) for count in (2, 6, 20)},
    "6 kinds in turn": Shape(kinds(*range(6)), in_turn=True),
    "3 kinds, then 3 others": Shape(kinds(0, 1, 2), later=kinds(5, 6, 7)),
    "6 kinds of words": Shape(tuple(kind(number, Words(7)) for number in range(6))),
}
COMMON: dict[str, Shape] = LISTS | OBJECTS | NAMES | FLAGS | TEXTS | KINDS
