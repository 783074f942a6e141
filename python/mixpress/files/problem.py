"""What becomes of the records of a piece: events, and problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress._core import Encoded


class Problem(NamedTuple):
    """Why a record can't be made an event: a row with too many values, a time that can't be read."""

    record: int
    """Number of the record in its piece, from 0."""
    rule: str
    """A stable word, such as `ragged-row` or `unreadable-time`."""
    message: str
    """A sentence with the value and the remedy."""
    field: str = ""
    """The column, if one is to blame."""


class EncodedPiece(NamedTuple):
    """The events of a piece. A record in neither `records` nor `problems` was left out by the mapping's filters."""

    encoded: Encoded
    records: Sequence[int]
    """Index of an event in `encoded` -> number of its record in the piece; a `range` if none was left out."""
    problems: Sequence[Problem]
