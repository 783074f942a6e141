"""How values of a type are read is asked once, and again when the type changes."""

from __future__ import annotations

import dataclasses
import enum
import gc
import json
import weakref
from collections import Counter, OrderedDict, UserDict, defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from unittest import mock

import attrs
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference, unshared
from mixpress import Encoder, _core, plans
from reference import Options
from strategies.models import MODELS
from strategies.odd import Attributes, Names, Pairs, Point, Slotted, Struct

NEEDED = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
HAS_PLANS = "abi3" not in _core.__file__  # the stable ABI hides the versions of types


def event_of(value: Any) -> dict[str, Any]:
    return {"event": "e", "properties": {**NEEDED, "a": value}}


def check(encoder: Encoder, value: Any, options: Options | None = None) -> None:
    """Compare what an encoder, which may know the type already, does with the reference."""
    for _ in range(2):
        expected = reference.encode([event_of(value)], options or Options())
        assert outcome_of_core(encoder.encode([event_of(value)])) == outcome_of_reference(expected)


def encoder_of(**options: Any) -> Encoder:
    return core_encoder(Options(**options))


class AnyEnum(enum.Enum):
    LIST = [1, {"a": 2}]  # noqa: RUF012 - the value of a member
    BYTES = b"bytes"
    HUGE = 10**400
    TUPLE = (1, b"")


class Counting(enum.Enum):
    ONE = 1

    @property
    def value(self) -> Any:
        counted.append(1)
        return len(counted)


counted: list[int] = []


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class OfEnums(enum.Enum):
    NESTED = AnyEnum.TUPLE


@attrs.define(slots=False)
class Unslotted:
    x: Any
    y: Any = None


class Model(pydantic.BaseModel):
    x: Any
    y: Any = pydantic.Field(None, exclude=True)


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: Any
    z: Any = 3


@dataclasses.dataclass
class Computed:
    x: Any
    y: Any = dataclasses.field(init=False)


Computed.y = property(lambda self: [self.x])


@dataclasses.dataclass
class Watching:
    x: Any

    def __getattribute__(self, name: str) -> Any:
        return "seen" if name == "x" else super().__getattribute__(name)


KINDS: list[Callable[[Any], Any]] = [
    Attributes,
    Unslotted,
    Struct,
    lambda value: Model(x=value, y=1),
    *MODELS,
    Point,
    Slotted,
    Frozen,
    Computed,
    Watching,
    lambda value: defaultdict(int, x=value),
    lambda value: OrderedDict(x=value),
    lambda value: Counter(x=value),
    lambda value: {1: value},
    lambda value: [value],
    *(lambda _, member=member: member for member in [*AnyEnum, *OfEnums, *Access, Access.READ | Access.WRITE]),
]


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5), st.sampled_from([1, "é", b"bytes", 10**30, None]))
def test_values_of_known_types_are_read_as_by_the_reference(kinds: list[Callable[[Any], Any]], value: Any) -> None:
    for kind in kinds:
        value = kind(value)
    check(KNOWING, value)
    check(encoder_of(), value)
    for options in (unshared(Options()), unshared(Options(default=repr))):
        check(core_encoder(options), value, options)


KNOWING = encoder_of()


def asked(encoder: Encoder, values: list[Any]) -> int:
    """Return how many types are asked for a list of values."""
    with mock.patch.object(plans, "plan_of", wraps=plans.plan_of) as called:
        encoder.encode([event_of(value) for value in values])
    return called.call_count


@pytest.mark.skipif(not HAS_PLANS, reason="no type has a plan")
def test_a_type_is_asked_once() -> None:
    encoder = core_encoder(unshared(Options()))
    assert asked(encoder, [Point(1), Point(2), [Point(3), Slotted(1)], AnyEnum.LIST, AnyEnum.TUPLE]) == 3 + 1
    assert asked(encoder, [Point(1), Slotted(1), AnyEnum.LIST]) == 0


CHANGES: list[Callable[[Any], None]] = [
    lambda kind: setattr(kind, "x", property(lambda _: "of the class")),
    lambda kind: setattr(
        kind, "__getattribute__", lambda own, name: 7 if name == "x" else object.__getattribute__(own, name)
    ),
    lambda kind: setattr(kind, "__dataclass_fields__", {}),
    lambda kind: delattr(kind, "__dataclass_fields__"),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("slots", [True, False])
def test_a_changed_dataclass_is_asked_again(change: Callable[[Any], None], *, slots: bool) -> None:
    encoder = encoder_of()
    made = dataclasses.make_dataclass("Made", ["x", "y"], slots=slots)
    derived = dataclasses.make_dataclass("Derived", ["z"], bases=(made,), slots=slots)
    values = [made(1, 2), derived(1, 2, 3)]
    for value in values:
        check(encoder, value)
    change(made)
    for value in values:
        check(encoder, value)


def test_a_class_that_says_it_is_another_is_read_as_by_the_reference() -> None:
    claims: list[Callable[[Any], type]] = [lambda _: dict, lambda _: str, lambda _: enum.Enum]
    for claim in claims:
        body = {"__class__": property(claim)}
        check(encoder_of(), dataclasses.make_dataclass("Made", ["x"], namespace=body)(1))


def test_a_changed_subclass_is_asked_again() -> None:
    encoder = encoder_of()

    class Names(dict[str, Any]):
        pass

    class Listed(list[Any]):
        pass

    class Kind(enum.Enum):
        ONE = 1

    for value in (Names(a=1), Listed([1]), Kind.ONE):
        check(encoder, value)
    Names.items = lambda _: [("b", 2)]  # type: ignore[method-assign, assignment, return-value]
    Listed.__iter__ = lambda _: iter("ab")  # type: ignore[method-assign]
    Kind.value = property(lambda _: "changed")  # type: ignore[assignment]
    for value in (Names(a=1), Listed([1]), Kind.ONE):
        check(encoder, value)
    assert json.loads(encoder.encode([event_of(Kind.ONE)]).batches[0].body)[0]["properties"]["a"] == "changed"


def test_an_object_that_changes_its_class_is_read_by_the_new_one() -> None:
    encoder, value = encoder_of(), Point(1, 2)
    check(encoder, value)
    value.__class__ = Unslotted  # type: ignore[assignment]
    check(encoder, value)


def test_a_computed_value_of_an_enum_is_read_each_time() -> None:
    encoder, before = encoder_of(), len(counted)
    encoder.encode([event_of(Counting.ONE)] * 3)
    assert len(counted) == before + 3


def test_the_value_of_a_member_is_read_in_place() -> None:
    encoder = encoder_of()
    check(encoder, AnyEnum.LIST)
    AnyEnum.LIST.value.append("more")
    check(encoder, AnyEnum.LIST)
    AnyEnum.LIST.value.pop()


def test_an_object_without_an_attribute_is_rejected_alone() -> None:
    encoder = encoder_of()
    for value in (Slotted(1), Point(1), Attributes(1)):
        check(encoder, value)
        del value.x
        check(encoder, value)
        value.x = 2
        check(encoder, value)


def test_a_class_attribute_is_read_where_an_object_has_none() -> None:
    encoder, value = encoder_of(), Point(1, 2)
    del value.y
    check(encoder, value)
    value.__dict__["y"] = 5
    check(encoder, value)


class Evil(str):
    """A name that is equal to none, and changes what is read when it is compared."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash("x")

    def __eq__(self, other: object) -> bool:
        for each in targets:
            each.clear()
        return False


targets: list[dict[str, Any]] = []


def test_names_with_code_run_none_of_it_during_a_walk() -> None:
    for slots in (True, False):
        body: dict[Any, Any] = {Evil("x"): 1}
        made = dataclasses.make_dataclass("Made", ["x", "y"], slots=slots, namespace=body)
        event = event_of([made(1, 2), {"z": 3}])
        targets[:] = [event["properties"]["a"][1]]
        encoder = encoder_of()
        for _ in range(3):
            assert encoder.encode([event]).rejected == []
    value = Point(1, 2)
    value.__dict__.clear()
    value.__dict__[Evil("x")] = 1
    value.__dict__["x"] = 5
    for _ in range(3):
        assert KNOWING.encode([event_of(value)]).rejected == []
    targets.clear()


def test_more_types_than_are_remembered_are_read() -> None:
    encoder = encoder_of()
    made = [dataclasses.make_dataclass(f"Made{number}", ["x"], slots=True)(number) for number in range(600)]
    check(encoder, made[:100])
    expected = reference.encode(list(map(event_of, made)), Options())
    assert outcome_of_core(encoder.encode(list(map(event_of, made)))) == outcome_of_reference(expected)
    check(encoder, [made[:200], made[200:400], made[400:]])


def test_more_members_than_are_remembered_are_read() -> None:
    encoder = encoder_of()
    many = enum.Enum("Many", {f"M{number}": number for number in range(5000)})  # type: ignore[misc]
    for _ in range(2):
        encoded = encoder.encode([event_of(member) for member in many])
        written = [event["properties"]["a"] for batch in encoded.batches for event in json.loads(batch.body)]
        assert written == list(range(5000))


def test_an_ordered_dict_has_its_own_order() -> None:
    encoder = encoder_of()
    value: OrderedDict[Any, Any] = OrderedDict((name, [name]) for name in "abcdef")
    check(encoder, value)
    changes: list[Callable[[], object]] = [
        lambda: value.move_to_end("b"),
        lambda: value.move_to_end("d", last=False),
        lambda: value.pop("c"),
        lambda: value.setdefault("c", [1]),
        lambda: value.popitem(last=False),
        lambda: value.update({Evil("z"): 1}),
        value.clear,
    ]
    for change in changes:
        change()
        check(encoder, value)
        check(encoder, value.copy())


def test_a_mapping_proxy_is_read_as_its_mapping() -> None:
    encoder = encoder_of()
    moved = OrderedDict(a=1, b=2)
    moved.move_to_end("a")
    for mapping in ({"a": [1]}, {1: 2}, moved, UserDict(a=1), Names(a=b"x"), Pairs([("a", 1), ("a", 2)]), {}):
        check(encoder, MappingProxyType(mapping))
        check(encoder, [MappingProxyType({"inside": MappingProxyType(mapping)}), mapping])
    own: dict[str, Any] = {}
    own["own"] = MappingProxyType(own)
    check(encoder, own)


def test_a_type_that_holds_its_encoder_is_freed() -> None:
    class Holding(enum.Enum):
        ONE = 1

    encoder = Encoder(compression=None)
    Holding.encoder = encoder  # type: ignore[attr-defined]
    encoder.encode([event_of(Holding.ONE)])
    watched = weakref.ref(Holding)
    del Holding, encoder
    gc.collect()
    assert watched() is None


def test_an_exception_that_ends_the_program_passes() -> None:
    @dataclasses.dataclass
    class Stopping:
        x: Any = None

        def __getattribute__(self, name: str) -> Any:
            raise KeyboardInterrupt

    encoder = encoder_of()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            encoder.encode([event_of(Stopping())])


def test_a_mapping_by_registration_is_read_as_one() -> None:
    class Registered:
        def items(self) -> Any:
            return [("a", 1)]

    Mapping.register(Registered)
    check(encoder_of(), Registered())
