"""Say how values of a type are read, once for each type.

The core keeps the answer until the type is changed. Everything is found in the dicts of the type and its bases, and not
by attributes, which a metaclass may compute.
"""

from __future__ import annotations

import collections
import enum
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from mixpress.snapshot import form_of, names_of

Plan = tuple[str, Any]

_BASES: list[tuple[type, str, tuple[str, ...]]] = [
    (dict, "dict", ("items",)),
    (list, "list", ("__iter__", "__len__", "__length_hint__")),
    (tuple, "tuple", ("__iter__", "__len__", "__length_hint__")),
]
"""A base, the word for its plan, and the methods that a subclass must not override: values are read by them."""
_SCALARS: list[tuple[type, str]] = [(str, "text"), (int, "integer"), (float, "float")]
"""These are read by their base, whatever a subclass has."""
_IN_PLACE: dict[type, str] = {types.MappingProxyType: "proxy", collections.OrderedDict: "ordered"}
"""Types that the core reads itself where it knows how the interpreter lays them out."""
_GENERIC = frozenset({object, str, int, float, dict, list, tuple, collections.defaultdict, collections.OrderedDict})
"""Types whose attributes are found as those of any object."""

_VALUE = vars(enum.Enum)["value"]
"""The property that returns the attribute `_value_` of a member."""


def plan_of(kind: type) -> Plan | None:
    """Return how values of a type are read: a word and what belongs to it. None: in no special way.

    `("member", name)` is for the members of an Enum: by the attribute of this name, which is in `__dict__`.
    `("fields", [(name, slot), ...])`, `("instance", [name, ...])` and `("attributes", [name, ...])` are for the members
    of an object: by slots, by `__dict__`, or by any code. With `"form"`, `"proxy"` and `"ordered"` comes the function
    that returns a value's form of one level.
    """
    bases = type.__dict__["__mro__"].__get__(kind)
    dicts = [type.__dict__["__dict__"].__get__(base) for base in bases]
    if any(type(name) is not str for each in dicts for name in each):
        return None  # to look up a name could run the code of that one

    def owner(name: str) -> Any:
        return next((base for base, each in zip(bases, dicts, strict=True) if name in each), None)

    getter = owner("__getattribute__")
    if owner("__class__") is not object or type(vars(getter)["__getattribute__"]) is not types.WrapperDescriptorType:
        return None  # values may say that they are of another class
    is_generic = getter in _GENERIC
    if enum.Enum in bases:
        is_own = owner("value") is enum.Enum and vars(enum.Enum)["value"] is _VALUE and owner("_value_") is None
        return ("member", "_value_") if is_generic and is_own else None
    return (
        next(((word, None) for base, word in _SCALARS if base in bases), None)
        or _plan_of_container(kind, bases, owner)
        or _plan_of_object(kind, owner, is_generic=is_generic)
    )


def _plan_of_container(kind: type, bases: tuple[type, ...], owner: Callable[[str], Any]) -> Plan | None:
    is_mapping = issubclass(kind, Mapping)
    for base, word, methods in _BASES:
        if base in bases and is_mapping == (base is dict) and all(owner(name) in (base, None) for name in methods):
            return word, None
    form = form_of(kind)
    return form and (_IN_PLACE.get(kind, "form"), form)


def _plan_of_object(kind: type, owner: Callable[[str], Any], *, is_generic: bool) -> Plan | None:
    names = names_of(kind)
    if names is None or any(type(name) is not str for name in names):
        return None
    owners = [(name, owner(name)) for name in names]
    attributes = [(name, None if base is None else vars(base)[name]) for name, base in owners]
    if is_generic and all(type(attribute) is types.MemberDescriptorType for _, attribute in attributes):
        return "fields", attributes
    is_in_dict = is_generic and not any(_is_data_descriptor(attribute) for _, attribute in attributes)
    return "instance" if is_in_dict else "attributes", list(map(sys.intern, names))


def _is_data_descriptor(attribute: Any) -> bool:
    """Return whether an attribute of a class comes before one of an object's `__dict__`."""
    return hasattr(type(attribute), "__set__") or hasattr(type(attribute), "__delete__")
