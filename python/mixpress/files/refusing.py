"""Note a file of which nothing, or only a part, can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpress.files.opening import Opened

INCOMPLETE = "it is truncated, or still being written; copy or write it to its end"


def refuse(opened: Opened, reason: object) -> None:
    """Note that nothing of a file can be read."""
    opened.damaged.append(f"cannot read {opened.name}: {reason}")


def damage_table(opened: Opened, rows: int, error: BaseException) -> None:
    """Note that a table can't be read after these rows, by what Arrow says, which has no remedy, or by the system's."""
    if getattr(error, "strerror", None):
        opened.damage("row", rows, error)
        return
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    opened.damage("row", rows, f"the file is damaged ({said}): copy, download or write it again")
