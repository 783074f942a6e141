"""`Column`: what was seen of a column in some records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_COLUMNS = 500
DEEPEST = 3


@dataclass
class Column:
    """A column, or a member of objects, whose name has dots."""

    name: str
    values: list[Any] = field(default_factory=list)
    """Those that are not null or blank."""

    @property
    def count(self) -> int:
        """How many records have a value."""
        return len(self.values)

    @property
    def distinct(self) -> set[Any]:
        """The different values; objects and lists by their text."""
        return {value if isinstance(value, (str, int, float)) else repr(value) for value in self.values}

    def examples(self, count: int = 3) -> str:
        """Return the first different values, shortened."""
        found = [repr(value) for value in dict.fromkeys(map(_short, self.values))]
        return ", ".join(found[:count])

    def kind(self) -> str:
        """Return what its values are, in a word."""
        kinds = dict.fromkeys(_kind(value) for value in self.values)
        return " or ".join(kinds) or "empty"


def columns_of(records: Iterable[Mapping[str, Any]]) -> list[Column]:
    """Return the columns of records, and the members of their objects, in the order of their first occurrences."""
    columns: dict[str, Column] = {}
    for record in records:
        _add(columns, record, "", 1)
    return list(columns.values())


def share_of(column: Column, is_good: Callable[[Any], bool]) -> float:
    """Return the share of values that are good."""
    return sum(map(is_good, column.values)) / column.count if column.count else 0


def _add(columns: dict[str, Column], record: Mapping[str, Any], before: str, depth: int) -> None:
    for name, value in record.items():
        whole = f"{before}{name}"
        if whole not in columns:
            if len(columns) >= MAX_COLUMNS:
                continue
            columns[whole] = Column(whole)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            columns[whole].values.append(value)
        if isinstance(value, dict) and depth < DEEPEST:
            _add(columns, value, f"{whole}.", depth + 1)


def _short(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "list" if isinstance(value, (list, tuple)) else "text" if isinstance(value, str) else type(value).__name__
