"""`Failures`: those of some events. An object is made only for one that is read.

Many events fail for the same reason at once: a thousand that break rules, or a batch without an answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from mixpress.report.report import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mixpress._core import Rejection, Rejections


class Failures(ABC):
    """The failures of some events, in the order in which they were found."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Failure]: ...

    @abstractmethod
    def kinds(self) -> Mapping[str, int]:
        """Return how many failures there are of each kind: names of counts."""

    @abstractmethod
    def reasons(self) -> Mapping[str, int]:
        """Return how many failures there are for each reason, in the order of the first ones."""

    @abstractmethod
    def first(self, reason: str) -> Failure | None:
        """Return the first failure for a reason."""

    @abstractmethod
    def head(self, most: int) -> Failures:
        """Return the first failures, at most so many. They keep no memory of the others."""


class MadeFailures(Failures):
    """Failures that are objects already. The sequence must not change."""

    def __init__(self, made: Sequence[Failure] = ()) -> None:
        self._made = made

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[Failure]:
        return iter(self._made)

    def kinds(self) -> Mapping[str, int]:
        """Return how many failures there are of each kind: names of counts."""
        return _counted(failure.kind for failure in self._made)

    def reasons(self) -> Mapping[str, int]:
        """Return how many failures there are for each reason."""
        return _counted(failure.reason for failure in self._made)

    def first(self, reason: str) -> Failure | None:
        """Return the first failure for a reason."""
        return self._firsts.get(reason)

    @cached_property
    def _firsts(self) -> dict[str, Failure]:
        return {failure.reason: failure for failure in reversed(self._made)}

    def head(self, most: int) -> Failures:
        """Return the first failures."""
        return self if len(self) <= most else MadeFailures(self._made[:most])


class RejectedFailures(Failures):
    """The failures of events that break a rule."""

    def __init__(self, rejections: Rejections) -> None:
        self._rejections = rejections

    def __len__(self) -> int:
        return len(self._rejections)

    def __iter__(self) -> Iterator[Failure]:
        return map(rejected, self._rejections.to_list())

    def kinds(self) -> Mapping[str, int]:
        """Return how many failures there are of the one kind."""
        return {"rejected": len(self)}

    def reasons(self) -> Mapping[str, int]:
        """Return how many events were rejected by each rule."""
        return self._rejections.rules

    def first(self, reason: str) -> Failure | None:
        """Return the first failure by a rule."""
        first = self._rejections.first(reason)
        return rejected(first) if first else None

    def head(self, most: int) -> Failures:
        """Return the first failures."""
        return RejectedFailures(self._rejections.head(most))


class UndeliveredFailures(Failures):
    """The failures of events that got no answer, all for the same reason."""

    def __init__(self, indexes: Sequence[int], reason: str) -> None:
        self._indexes = indexes
        self._reason = reason

    def __len__(self) -> int:
        return len(self._indexes)

    def __iter__(self) -> Iterator[Failure]:
        return (Failure(index, "undelivered", self._reason) for index in self._indexes)

    def kinds(self) -> Mapping[str, int]:
        """Return how many failures there are of the one kind."""
        return {"undelivered": len(self)}

    def reasons(self) -> Mapping[str, int]:
        """Return the one reason."""
        return {self._reason: len(self)} if self._indexes else {}

    def first(self, reason: str) -> Failure | None:
        """Return the first failure."""
        return next(iter(self), None) if reason == self._reason else None

    def head(self, most: int) -> Failures:
        """Return the first failures."""
        return UndeliveredFailures(self._indexes[:most], self._reason)


def _counted(names: Iterable[str]) -> dict[str, int]:
    """Count names. A `Counter` takes several times as long for the few that there are."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def rejected(found: Rejection) -> Failure:
    """Return the failure of an event that breaks a rule."""
    return Failure(found.index, "rejected", found.message, found.rule, found.field, found.insert_id)
