"""Faults of the emulator: which requests fail, and how.

    429:10%, 502:3, latency:200ms±50, seed=7

makes the next three requests fail with a bad gateway and then a tenth with a rate limit; every request is 150 to 250 ms
late. `mixpress.emulator.faults.grammar` has the syntax, `mixpress.emulator.faults.schedule` that of a schedule.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mixpress.emulator.faults.fault import Phase, Rule, check_shares
from mixpress.emulator.faults.grammar import parse_rules
from mixpress.emulator.faults.schedule import (
    MAX_BYTES,
    Schedule,
    check_order,
    is_schedule,
    read_schedule,
    write_schedule,
)
from mixpress.emulator.faults.sequence import FaultSequence

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike


@dataclass(frozen=True)
class Faults:
    """Which requests fail, and how; with `Faults()` none fails. A schedule has `phases` instead of `rules`."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0
    phases: tuple[Phase, ...] = ()
    repeat: bool = False
    """Whether the first phase follows the last."""

    def __post_init__(self) -> None:
        check_shares(self.rules)
        if self.phases and self.rules:
            raise ValueError("faults must have rules or phases, not both")
        check_order(self.phases, "schedule", repeat=self.repeat)

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Parse a text such as `429:10%,drop-reply:2,seed=7`, or the TOML of a schedule; the seed defaults to 0.

        No file is read: `load` does that. Raises ValueError with the invalid item and what is allowed.
        """
        if is_schedule(text):
            return cls._of(read_schedule(text))
        if is_path(text):
            raise ValueError(
                f"fault '{text}': no file is read here; pass the text of the schedule, or Faults.load(path)"
            )
        return cls(*parse_rules(text))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Faults:
        """Read a schedule, a TOML file.

        Raises OSError if it cannot be read, and ValueError, with the path, if it is no schedule.
        """
        try:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise OSError(f"cannot read the schedule {path}: {error.strerror or error}") from error
        if len(data) > MAX_BYTES:
            raise ValueError(f"{path}: a schedule must have at most {MAX_BYTES} bytes")
        try:
            return cls._of(read_schedule(data.decode("utf-8-sig"), str(path)))
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not UTF-8 at byte {error.start}: save the file as UTF-8") from error

    @classmethod
    def _of(cls, schedule: Schedule) -> Faults:
        return cls((), schedule.seed, schedule.phases, schedule.repeat)

    def __str__(self) -> str:
        """Return the text for `parse`."""
        if self.phases:
            return write_schedule(Schedule(self.phases, self.repeat, self.seed))
        return ",".join([*map(str, self.rules), f"seed={self.seed}"])

    def sequence(self, now: Callable[[], float] = time.time) -> FaultSequence:
        """Return an endless iterator of the fault of each request in turn; `now` is the clock that ends phases."""
        phases = self.phases or (Phase(self.rules),)
        return FaultSequence(phases, again=self.repeat and bool(self.phases), seed=self.seed, now=now)


def is_path(text: str) -> bool:
    """Return whether a text names a file with a schedule."""
    return text.strip().endswith(".toml") and "\n" not in text


def to_faults(faults: Faults | str | None) -> Faults:
    """Return the faults, parsed if they are a text, read if it names a `.toml` file, empty if None."""
    if isinstance(faults, str):
        return Faults.load(faults.strip()) if is_path(faults) else Faults.parse(faults)
    return faults or Faults()
