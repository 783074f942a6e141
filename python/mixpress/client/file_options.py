"""`FileOptions`: how an import of files is carried out, apart from how its records are mapped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mixpress.wording import counted

if TYPE_CHECKING:
    import os

SAMPLE = 1000
"""Events from which a share of failures is looked at."""


class TooManyFailures(Exception):  # noqa: N818 - a bound of the user's was met
    """More events failed than `max_errors` allows."""


@dataclass(frozen=True)
class MaxErrors:
    """So many failures end an import early: `count` of them, or `percent` of the events, after the first 1000."""

    count: int | None = None
    percent: float | None = None

    @classmethod
    def of(cls, value: int | str | MaxErrors | None) -> MaxErrors | None:
        """Return the bound for 100, "100" or "2.5%". Raises `ValueError` for another value."""
        if value is None or isinstance(value, MaxErrors):
            return value
        found = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", str(value).strip())
        if found is None or isinstance(value, bool):
            raise ValueError(f'max_errors must be a number such as 100, or a percentage such as "2%", got {value!r}')
        if found[1]:
            return cls(count=int(found[1]))
        percent = float(found[2])
        if percent > 100:
            raise ValueError(f"max_errors must be at most 100%, got {value!r}")
        return cls(percent=percent)

    def exceeded(self, failed: int, events: int) -> TooManyFailures | None:
        """Return the exception if so many failures among so many events are too many."""
        if self.count is not None and failed > self.count:
            return TooManyFailures(f"{counted(failed, 'event')} failed, more than max_errors={self.count:,} allows")
        if self.percent is not None and events >= SAMPLE and failed * 100 > self.percent * events:
            return TooManyFailures(
                f"{failed:,} of {events:,} events failed, more than max_errors={self.percent:g}% allows"
            )
        return None


@dataclass(frozen=True)
class FileOptions:
    """How an import of files is carried out. See `Client.import_files`."""

    state: str | os.PathLike[str] | None = None
    dead_letter: str | os.PathLike[str] | None = None
    max_errors: MaxErrors | None = None
    dry_run: bool = False
    limit: int | None = None
