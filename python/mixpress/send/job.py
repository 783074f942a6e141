"""A batch on its way, and where batches wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mixpress.batch import Outgoing, Verdicts
    from mixpress.send.backoff import Halt


def _do_nothing(_parcel: Parcel) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Parcel:
    """A batch, the account that its verdicts go to, and what halts it.

    `taken` is called by the thread that is to send it, before it waits for its turn. `done` is called once, when every
    event has its verdict, in whatever thread that was found out.
    A `patient` one is sent for as long as the policy allows also where no server was ever reached: nobody is
    there to be told that the URL is wrong.
    """

    batch: Outgoing
    account: Verdicts
    halt: Halt
    done: Callable[[Parcel], None]
    patient: bool = False
    taken: Callable[[Parcel], None] = _do_nothing


class Backlog(Protocol):
    """Where parcels wait for a thread. The pool calls it under its lock, so no two calls meet."""

    def put(self, parcel: Parcel) -> None:
        """Keep a parcel."""

    def take(self) -> Parcel | None:
        """The one that has waited longest; None where none waits."""

    def withdraw(self, halt: Halt | None) -> list[Parcel]:
        """Take out those that `halt` halts, or all."""

    def done(self, parcel: Parcel) -> None:
        """One that was taken has its verdicts."""

    def __len__(self) -> int:
        """How many wait."""


class MemoryBacklog:
    """The default: what waits is lost with the process."""

    def __init__(self) -> None:
        self._waiting: deque[Parcel] = deque()

    def put(self, parcel: Parcel) -> None:
        """Keep a parcel."""
        self._waiting.append(parcel)

    def take(self) -> Parcel | None:
        """The one that has waited longest; None where none waits."""
        return self._waiting.popleft() if self._waiting else None

    def withdraw(self, halt: Halt | None) -> list[Parcel]:
        """Take out those that `halt` halts, or all."""
        taken = [parcel for parcel in self._waiting if halt in (None, parcel.halt)]
        self._waiting = deque(parcel for parcel in self._waiting if halt not in (None, parcel.halt))
        return taken

    def done(self, parcel: Parcel) -> None:
        """Nothing is kept of one that was taken."""

    def __len__(self) -> int:
        return len(self._waiting)
