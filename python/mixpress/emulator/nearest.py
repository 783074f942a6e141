"""Compare an event with a wanted one, and find the most similar of many."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SIMILAR = 0.6  # names at least this similar, of 0 to 1, may be a misspelling of each other
MAX_NAMES = 1000  # names that are compared with the wanted one; others count as different
MAX_NAME = 64  # characters of a name that are compared


class Difference(NamedTuple):
    """A property that is not as wanted."""

    path: str
    """Its name; `address.city` for one in an object."""
    wanted: Any
    found: Any
    """ABSENT if there is none."""


class Absent:
    """The type of ABSENT."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


class Comparison(NamedTuple):
    """An event's properties beside the wanted ones."""

    equal: int
    """Number of wanted properties that the event has, those within objects counted one by one."""
    differences: list[Difference]


class Candidate(NamedTuple):
    """An event that is not the wanted one."""

    name: str
    properties: Any
    comparison: Comparison


def contains(found: object, wanted: object) -> bool:
    """Return whether a JSON value is as wanted.

    An object may have more members than the wanted one; an array has as many elements. `...` is any value. `true` is
    not `1`, which Python's `==` takes for equal.
    """
    if wanted is ...:
        return True
    if isinstance(wanted, Mapping):
        return isinstance(found, dict) and all(name in found and contains(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list | tuple):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(contains, found, wanted))
    if isinstance(wanted, int | float) and isinstance(found, bool) is not isinstance(wanted, bool):
        return False
    return bool(wanted == found)


def compare(found: object, wanted: Mapping[str, Any]) -> Comparison:
    """Return how the properties of an event differ from the wanted ones."""
    differences: list[Difference] = []
    equal = 0
    for path, value, actual in _pairs(found if isinstance(found, dict) else {}, wanted, ""):
        if actual is not ABSENT and contains(actual, value):
            equal += 1
        else:
            differences.append(Difference(path, value, actual))
    return Comparison(equal, differences)


def count_equal(found: object, wanted: Mapping[str, Any]) -> int:
    """Return `compare(...).equal`, in less time."""
    if not isinstance(found, dict):
        return 0
    equal = 0
    for name, value in wanted.items():
        if name in found:
            actual = found[name]
            if isinstance(value, Mapping) and isinstance(actual, dict):
                equal += count_equal(actual, value)
            else:
                equal += contains(actual, value)
    return equal


def _pairs(found: dict[str, Any], wanted: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any, Any]]:
    """Return the path, the wanted and the found value of each wanted property; ABSENT for one that is not there."""
    for name, value in wanted.items():
        actual = found.get(name, ABSENT)
        if isinstance(value, Mapping) and isinstance(actual, dict):
            yield from _pairs(actual, value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value, actual


class Similarity:
    """How similar names are to a wanted one, from 0 to 1; below `SIMILAR` it is 0."""

    def __init__(self, wanted: str) -> None:
        self._matcher = SequenceMatcher(autojunk=False)
        self._matcher.set_seq2(wanted[:MAX_NAME].casefold())
        self._known: dict[str, float] = {wanted: 1.0}

    def of(self, name: str) -> float:
        """Return the similarity of a name, computed once."""
        known = self._known.get(name)
        if known is not None or len(self._known) > MAX_NAMES:
            return known or 0.0
        self._matcher.set_seq1(name[:MAX_NAME].casefold())
        is_near = self._matcher.real_quick_ratio() >= SIMILAR and self._matcher.quick_ratio() >= SIMILAR
        ratio = self._matcher.ratio() if is_near else 0.0
        # Less than 1 for other letters or case: an event of the very name is nearer, whatever its properties.
        self._known[name] = min(ratio, 0.99) if ratio >= SIMILAR else 0.0
        return self._known[name]


def find_nearest(events: Iterable[tuple[str, Any]], wanted: Mapping[str, Any]) -> Candidate | None:
    """Return the first event with the most equal properties; None if there is no event."""
    most = -1
    nearest: tuple[str, Any] | None = None
    for event in events:
        equal = count_equal(event[1], wanted)
        if equal > most:
            most, nearest = equal, event
    return None if nearest is None else Candidate(*nearest, compare(nearest[1], wanted))
