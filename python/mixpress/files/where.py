"""`Where`: the expression that selects records, in CEL (https://cel.dev)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD = "record"
"""The variable that holds the whole record, for names that are not identifiers: `record["utm source"]`."""

_FUNCTIONS = """
all bool bytes contains double duration endsWith exists exists_one filter getDate getDayOfMonth getDayOfWeek
getDayOfYear getFullYear getHours getMilliseconds getMinutes getMonth getSeconds has int map matches max min
size startsWith string timestamp type uint
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""The functions of CEL that the library has. It finds out only at the first record that another one is unknown."""


class WhereFailed(Exception):  # noqa: N818 - a property of a record
    """The expression has no value for a record, or one that is neither true nor false."""


class Where:
    """A compiled expression over the columns of a record. Threads can share it. A column that is missing is null.

    Raises `ValueError` with the place for an expression that can't be compiled, and `ModuleNotFoundError` without the
    package common-expression-language.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._program = _compiled(expression)
        references = self._program.references()
        unknown = [name for name in references["functions"] if name.isidentifier() and _unknown(name)]
        if unknown:
            raise ValueError(f"where: {expression!r} has an unknown function {unknown[0]!r}")
        self.variables: tuple[str, ...] = tuple(references["variables"])

    def selects(self, columns: Mapping[str, Any]) -> bool:
        """Return whether a record is taken. `columns`: the values of `variables`. Raises `WhereFailed`."""
        try:
            selected = self._program.execute({name: columns.get(name) for name in self.variables})
        except KeyError as error:
            raise WhereFailed(f"there is no member {error}") from error
        except Exception as error:
            raise WhereFailed(_short(str(error))) from error
        if not isinstance(selected, bool):
            # An object of the library has its members in no order.
            value = (
                repr(selected)[:60] if isinstance(selected, (str, int, float, type(None))) else "an object or a list"
            )
            raise WhereFailed(f"its value is {value}, which is neither true nor false")
        return selected


def _unknown(name: str) -> bool:
    return not name.startswith("_") and name not in FUNCTIONS


def _compiled(expression: str) -> Any:
    if sys.version_info < (3, 11):
        raise ModuleNotFoundError("where needs Python 3.11 or newer", name="cel")
    try:
        import cel  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ModuleNotFoundError("where needs `pip install 'mixpress[cli]'`", name="cel") from error
    try:
        return cel.compile(expression)
    except Exception as error:
        raise ValueError(f"where is not an expression of CEL: {error}") from error


def _short(message: str) -> str:
    """Return the first sentence of a message of the library, which adds advice for programmers."""
    return message.partition(". ")[0].rstrip(".")
