"""Apply the operation of an update to the properties of a profile."""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from mixpress.emulator.checks import Place, Problem
from mixpress.emulator.updates.checks import MAX_PROPERTIES, check_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mixpress.emulator.checks import Properties

CREATING = frozenset(["$set", "$set_once", "$add", "$union", "$append"])
"""Operations that create a profile that does not exist; the others then change nothing."""


class NotAppliedError(Exception):
    """An update that a profile's properties do not allow; the profile is not changed. Holds the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Elements:
    """A list of a profile while a request changes it: only the first change reads all elements.

    Equal elements have the same identity, which is their JSON.
    """

    def __init__(self, values: list[Any]) -> None:
        self._values = list(values)
        """With those that were removed since."""
        self._bytes = len(orjson.dumps(values)) - 1 if values else 0
        """Of the elements' JSON, each with a comma."""
        self._counts: Counter[bytes] | None = None
        """Of identities; None until an operation asks whether the list has an element."""
        self._removed: dict[bytes, int] = {}
        """Elements of an identity before this position are removed."""

    def counts(self) -> Counter[bytes]:
        """Return how many elements each identity has, which the caller does not change."""
        if self._counts is None:
            self._counts = Counter(map(identity_of, self._values))
        return self._counts

    def size_with(self, identities: Iterable[bytes]) -> int:
        """Return the bytes of the list's JSON, with elements that it does not have yet."""
        return max(len("[]"), 1 + self._bytes + sum(len(each) + 1 for each in identities))

    def add(self, identity: bytes, value: Any) -> None:
        """Add an element to the end."""
        self._values.append(value)
        self._bytes += len(identity) + 1
        if self._counts is not None:
            self._counts[identity] += 1

    def remove(self, identity: bytes) -> None:
        """Remove all elements of an identity."""
        count = self.counts().pop(identity, 0)
        if count:
            self._bytes -= count * (len(identity) + 1)
            self._removed[identity] = len(self._values)

    def to_list(self) -> list[Any]:
        """Return the elements that are left."""
        if not self._removed:
            return self._values
        return [each for at, each in enumerate(self._values) if at >= self._removed.get(identity_of(each), 0)]


def apply(operation: str, content: Any, properties: Properties) -> None:
    """Change the properties by a valid operation other than `$delete`. NotAppliedError if they do not allow it.

    Lists that are changed become `Elements`; `finish` makes them lists again.
    """
    if operation in CREATING and len(properties) + sum(name not in properties for name in content) > MAX_PROPERTIES:
        sentence = f"the profile would have more than {MAX_PROPERTIES} properties"
        raise NotAppliedError(Problem(operation, f"'{operation}' is invalid: {sentence}"))
    _CHANGES[operation](properties, content)


def finish(properties: Properties) -> Properties:
    """Return the properties with lists in place of `Elements`."""
    return {name: each.to_list() if isinstance(each, Elements) else each for name, each in properties.items()}


def identity_of(value: Any) -> bytes:
    """Return what equal JSON values have in common."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _set(properties: Properties, content: Properties) -> None:
    properties.update(content)


def _set_once(properties: Properties, content: Properties) -> None:
    for name, value in content.items():
        properties.setdefault(name, value)


def _add(properties: Properties, content: dict[str, float]) -> None:
    sums = {}
    for name, number in content.items():
        before = properties.get(name, 0)
        if type(before) not in (int, float):
            raise _unfit("$add", name, "a number")
        total = before + number
        if isinstance(total, int) and not -(2**63) <= total < 2**64:
            total = float(total)
        if not isfinite(total):
            raise NotAppliedError(Problem(f"$add.{name}", f"'$add.{name}' is invalid: the sum is too large a number"))
        sums[name] = total
    properties.update(sums)


def _append(properties: Properties, content: Properties) -> None:
    grown = {}
    for name, value in content.items():
        grown[name] = _elements_of("$append", properties, name), [(identity_of(value), value)]
    _extend("$append", properties, grown)


def _union(properties: Properties, content: dict[str, list[Any]]) -> None:
    grown = {}
    for name, values in content.items():
        elements = _elements_of("$union", properties, name)
        known = elements.counts()
        new: dict[bytes, Any] = {}
        for value in values:
            identity = identity_of(value)
            if identity not in known:
                new.setdefault(identity, value)
        grown[name] = elements, list(new.items())
    _extend("$union", properties, grown)


def _extend(operation: str, properties: Properties, grown: dict[str, tuple[Elements, list[tuple[bytes, Any]]]]) -> None:
    """Add elements to lists, to all or, if one would be too long, to none."""
    for name, (elements, new) in grown.items():
        size = elements.size_with(identity for identity, _ in new)
        problem = check_size(Place(Place(None, operation), name), size)
        if problem is not None:
            raise NotAppliedError(problem)
    for name, (elements, new) in grown.items():
        for identity, value in new:
            elements.add(identity, value)
        properties[name] = elements


def _remove(properties: Properties, content: Properties) -> None:
    for name, value in content.items():
        if isinstance(properties.get(name), list | Elements):
            _elements_of("$remove", properties, name).remove(identity_of(value))


def _unset(properties: Properties, names: Iterable[str]) -> None:
    for name in names:
        properties.pop(name, None)


_CHANGES: dict[str, Callable[[Properties, Any], None]] = {
    "$set": _set,
    "$set_once": _set_once,
    "$add": _add,
    "$union": _union,
    "$append": _append,
    "$remove": _remove,
    "$unset": _unset,
}


def _elements_of(operation: str, properties: Properties, name: str) -> Elements:
    """Return the elements of a property, of a missing one none; they are made once."""
    before = properties.get(name, [])
    if isinstance(before, Elements):
        return before
    if not isinstance(before, list):
        raise _unfit(operation, name, "a list")
    elements = Elements(before)
    if name in properties:
        properties[name] = elements
    return elements


def _unfit(operation: str, name: str, kind: str) -> NotAppliedError:
    field = f"{operation}.{name}"
    return NotAppliedError(Problem(field, f"'{field}' is invalid: the profile's property is not {kind}"))
