"""What is known of types stays from one call of `mixpress.encode` to the next, keeps no class alive, is not stale."""

from __future__ import annotations

import collections
import dataclasses
import enum
import gc
import json
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pytest

import mixpress
import reference
from encoder.twins import outcome_of_core, outcome_of_reference
from mixpress import Encoder, _core, plans
from reference import Options

NEEDED = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
HAS_PLANS = "abi3" not in _core.__file__  # the stable ABI hides the versions of types


def event_of(value: Any) -> dict[str, Any]:
    return {"event": "e", "properties": {**NEEDED, "a": value}}


def check(value: Any) -> None:
    """Compare two calls, of which the second may know what the first one learned, with the reference."""
    for _ in range(2):
        encoded = mixpress.encode([event_of(value)], compression=None, now=lambda: 1_700_000_000.0)
        assert outcome_of_core(encoded) == outcome_of_reference(reference.encode([event_of(value)], Options()))


def written(value: Any) -> Any:
    (batch,) = mixpress.encode([event_of(value)], compression=None).batches
    return json.loads(batch.body)[0]["properties"]["a"]


def a_dataclass() -> Any:
    @dataclasses.dataclass
    class Made:
        x: int = 1

    return Made()


def with_slots() -> Any:
    @dataclasses.dataclass(slots=True)
    class Made:
        x: int = 1

    return Made()


def a_member() -> Any:
    class Made(enum.Enum):
        ONE = 1

    return Made.ONE


def a_member_of_its_own_class() -> Any:
    member = a_member()
    member.value_of_class = type(member)
    member._value_ = [1]
    member._value_.append({"a": 2})
    return member


def an_int_member() -> Any:
    class Made(enum.IntEnum):
        ONE = 1

    return Made.ONE


def a_flag() -> Any:
    class Made(enum.IntFlag):
        ONE = 1
        TWO = 2

    return Made.ONE | Made.TWO


def a_dict() -> Any:
    class Made(dict[str, int]):
        pass

    return Made(a=1)


def a_set() -> Any:
    class Made(set[int]):
        pass

    return Made([1])


def a_str() -> Any:
    class Made(str):
        __slots__ = ()

    return Made("text")


MAKERS: list[Callable[[], Any]] = [
    a_dataclass,
    with_slots,
    a_member,
    a_member_of_its_own_class,
    an_int_member,
    a_flag,
    a_dict,
    a_set,
    a_str,
]


@pytest.mark.skipif(not HAS_PLANS, reason="no type has a plan")
@pytest.mark.parametrize("make", MAKERS)
def test_a_type_is_asked_in_the_first_of_many_calls(make: Callable[[], Any]) -> None:
    event = event_of(make())
    with mock.patch.object(plans, "plan_of", wraps=plans.plan_of) as asked:
        for _ in range(5):
            mixpress.encode([event])
            Encoder().encode([event])
    assert asked.call_count == 1


@pytest.mark.parametrize("make", MAKERS)
def test_a_class_that_was_encoded_is_freed(make: Callable[[], Any]) -> None:
    encoder, value = Encoder(), make()
    watched = weakref.ref(type(value))
    for _ in range(3):
        mixpress.encode([event_of(value)])
        encoder.encode([event_of(value)])
    del value
    gc.collect()
    assert watched() is None


def test_a_class_at_the_address_of_one_that_was_freed_is_read_as_itself() -> None:
    addresses = set()
    for number in range(100):
        made = dataclasses.make_dataclass("Made", [f"x{number}"], slots=number % 3 == 0)
        addresses.add(id(made))
        check(made(number))
        del made
        gc.collect()
    assert len(addresses) < 100


@pytest.mark.parametrize("slots", [True, False])
def test_a_class_that_is_changed_between_calls_is_asked_again(*, slots: bool) -> None:
    made = dataclasses.make_dataclass("Made", ["x", "y"], slots=slots)
    derived = dataclasses.make_dataclass("Derived", ["z"], bases=(made,), slots=slots)
    values = [made(1, 2), derived(1, 2, 3)]
    check(values)
    made.x = property(lambda _: "of the class")  # type: ignore[attr-defined]
    check(values)
    del made.__dataclass_fields__  # type: ignore[attr-defined]
    check(values)


def test_a_class_that_is_registered_as_a_mapping_between_calls_is_asked_again() -> None:
    @dataclasses.dataclass
    class Registered:
        x: int = 1

        def items(self) -> Any:
            return [("a", self.x)]

    class Derived(Registered):
        pass

    check([Registered(), Derived()])
    assert written(Derived()) == {"x": 1}
    Mapping.register(Registered)
    check([Registered(), Derived()])
    assert written(Derived()) == {"a": 1}


def test_threads_and_classes_of_their_own() -> None:
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for number in range(60):
            name = f"x{seed}_{number}"
            value = dataclasses.make_dataclass("Made", [name])(number)
            kind = enum.Enum("Kind", {"ONE": name})  # type: ignore[misc]
            for _ in range(3):
                found = written([value, kind.ONE])
                if found != [{name: number}, name]:
                    wrong.append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


class Sized(enum.IntEnum):
    ZERO = 0
    ONE = 1
    NEGATIVE = -5
    HUGE = 2**70
    NEGATIVE_HUGE = -(10**40)


class Bits(enum.IntFlag):
    READ = 1
    WRITE = 2
    FAR = 2**40


class Raw(bytes, enum.Enum):
    EMPTY = b""
    SOME = b"bytes"


class Pair(tuple[int, ...], enum.Enum):
    NONE = ()
    TWO = (1, 2)


class Word(str, enum.Enum):
    A = "a"
    LONG = "é" * 300


class Labelled(enum.Enum):
    """Its members have `_value_` behind other attributes."""

    FIRST = (1, "one")
    SECOND = ([2, {"b": None}], "two")

    def __new__(cls, value: Any, label: str) -> Labelled:
        made = object.__new__(cls)
        made.label = label  # type: ignore[attr-defined]
        made._value_ = value
        return made


class Large(enum.Enum):
    """Its members have more attributes than are searched."""

    FIRST = (1,)

    def __new__(cls, value: Any) -> Large:
        made = object.__new__(cls)
        vars(made).update({f"attribute {number}": number for number in range(200)})
        made._value_ = value
        return made


class Other(int, enum.Enum):
    """Its members are ints with another value."""

    FIRST = (1, "first")

    def __new__(cls, number: int, value: Any) -> Other:
        made = int.__new__(cls, number)
        made._value_ = value
        return made


KINDS: list[type[enum.Enum]] = [Sized, Bits, Raw, Pair, Word, Labelled, Large, Other]
MEMBERS: list[Any] = [member for kind in KINDS for member in kind] + [Bits.READ | Bits.FAR, Bits(0), ~Bits.READ]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: f"{type(member).__name__}.{member._name_}")
def test_the_value_of_a_member_is_read_like_by_the_reference(member: Any) -> None:
    check(member)
    check([member, {"x": member}])
    vars(member)  # makes the dict of an object that had none
    check(member)


@pytest.mark.parametrize("base", [(), (int,), (str,)], ids=str)
def test_a_member_whose_value_changes_is_read_as_it_is(base: tuple[type, ...]) -> None:
    class Made(*base, enum.Enum):  # type: ignore[misc]
        ONE = 1

    member: Any = Made.ONE
    check(member)
    for value in (5, [1, b"bytes"], Made, Sized.ONE, Large.FIRST, {1: 2}):
        member._value_ = value
        check(member)
    del member._value_
    check(member)
    vars(member).clear()
    check(member)
    vars(member)["".join(["_value", "_"])] = 7
    check(member)
    object.__setattr__(member, "__dict__", collections.OrderedDict(_value_=8))
    check(member)


def test_members_that_are_the_values_of_each_other_are_rejected() -> None:
    first, second, own = a_member(), a_member(), an_int_member()
    first._value_, second._value_, own._value_ = second, first, own
    for value in (first, second, own):
        for _ in range(3):
            [rejection] = mixpress.encode([event_of([1, value])]).rejected
            assert [finding.rule for finding in rejection.findings] == ["unsupported-type"]


def test_an_enum_whose_property_is_replaced_is_read_by_the_new_one() -> None:
    member = a_member()
    check(member)
    with mock.patch.object(enum.Enum, "value", property(lambda _: "replaced")):
        check(member)
        assert written(member) == "replaced"
    check(member)
    assert written(member) == 1
