"""Apply the operation of an update to the properties of a profile."""

from __future__ import annotations

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


class Lists:
    """Which values the lists of a profile have, so that a long list is read once for all updates of a request."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[list[Any], set[str | bytes]]] = {}
        self._changes: list[tuple[str, list[Any], list[str | bytes], list[str | bytes]]] = []

    def values_of(self, name: str, values: list[Any]) -> set[str | bytes]:
        """Return the identities of the values of a property, which the caller does not change."""
        found = self._known.get(name)
        if found is None or found[0] is not values:
            found = self._known[name] = values, set(map(_identity, values))
        return found[1]

    def plan(self, name: str, after: list[Any], added: list[str | bytes], removed: list[str | bytes]) -> None:
        """Note a change of a list, for the case that the update is applied."""
        self._changes.append((name, after, added, removed))

    def finish(self, *, applied: bool) -> None:
        """Enter the planned changes if the update was applied, and forget them."""
        for name, after, added, removed in self._changes if applied else ():
            if name in self._known:
                known = self._known[name][1]
                known.update(added)
                known.difference_update(removed)
                self._known[name] = after, known
        self._changes.clear()


def apply(operation: str, content: Any, properties: Properties, lists: Lists) -> None:
    """Change the properties by a valid operation other than `$delete`. NotAppliedError if they do not allow it."""
    applied = False
    try:
        changed = _CHANGES[operation](properties, content, lists)
        if len(properties) + sum(name not in properties for name in changed) > MAX_PROPERTIES:
            sentence = f"the profile would have more than {MAX_PROPERTIES} properties"
            raise NotAppliedError(Problem(operation, f"'{operation}' is invalid: {sentence}"))
        properties.update(changed)
        applied = True
    finally:
        lists.finish(applied=applied)


def _set(_properties: Properties, content: Properties, _lists: Lists) -> Properties:
    return content


def _set_once(properties: Properties, content: Properties, _lists: Lists) -> Properties:
    return {name: value for name, value in content.items() if name not in properties}


def _add(properties: Properties, content: dict[str, float], _lists: Lists) -> Properties:
    changed = {}
    for name, number in content.items():
        before = properties.get(name, 0)
        if type(before) not in (int, float):
            raise _unfit("$add", name, "a number")
        total = before + number
        if isinstance(total, int) and not -(2**63) <= total < 2**64:
            total = float(total)
        if not isfinite(total):
            raise NotAppliedError(Problem(f"$add.{name}", f"'$add.{name}' is invalid: the sum is too large a number"))
        changed[name] = total
    return changed


def _union(properties: Properties, content: dict[str, list[Any]], lists: Lists) -> Properties:
    changed = {}
    for name, values in content.items():
        before = _list_of("$union", properties, name)
        known = lists.values_of(name, before)
        added: dict[str | bytes, Any] = {}
        for value in values:
            key = _identity(value)
            if key not in known:
                added.setdefault(key, value)
        after = _bounded("$union", name, [*before, *added.values()])
        lists.plan(name, after, list(added), [])
        changed[name] = after
    return changed


def _append(properties: Properties, content: Properties, lists: Lists) -> Properties:
    changed = {}
    for name, value in content.items():
        after = _bounded("$append", name, [*_list_of("$append", properties, name), value])
        lists.plan(name, after, [_identity(value)], [])
        changed[name] = after
    return changed


def _remove(properties: Properties, content: Properties, lists: Lists) -> Properties:
    changed = {}
    for name, value in content.items():
        before = properties.get(name)
        unwanted = _identity(value)
        if isinstance(before, list) and unwanted in lists.values_of(name, before):
            # Comparing as Python does is faster, and true for all that are equal as JSON.
            after = [each for each in before if each != value or _identity(each) != unwanted]
            lists.plan(name, after, [], [unwanted])
            changed[name] = after
    return changed


def _unset(properties: Properties, names: Iterable[str], _lists: Lists) -> Properties:
    for name in names:
        properties.pop(name, None)
    return {}


_CHANGES: dict[str, Callable[[Properties, Any, Lists], Properties]] = {
    "$set": _set,
    "$set_once": _set_once,
    "$add": _add,
    "$union": _union,
    "$append": _append,
    "$remove": _remove,
    "$unset": _unset,
}


def _list_of(operation: str, properties: Properties, name: str) -> list[Any]:
    before = properties.get(name, [])
    if not isinstance(before, list):
        raise _unfit(operation, name, "a list")
    return before


def _unfit(operation: str, name: str, kind: str) -> NotAppliedError:
    field = f"{operation}.{name}"
    return NotAppliedError(Problem(field, f"'{field}' is invalid: the profile's property is not {kind}"))


def _bounded(operation: str, name: str, values: list[Any]) -> list[Any]:
    problem = check_size(Place(Place(None, operation), name), values)
    if problem is not None:
        raise NotAppliedError(problem)
    return values


def _identity(value: Any) -> str | bytes:
    """Return what equal JSON values have in common."""
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
