"""The types of CSV columns, which are decided once for a file, and the values of their texts.

Nothing is lost: a number is read as one only if JSON spells it alike, so that `007`, `+1` and an id of 20 digits stay
texts, and a text that does not fit the type of its column stays a text.
"""

from __future__ import annotations

import math
import re
from enum import Enum
from functools import cache

import pyarrow
from pyarrow import compute

INTEGER = "^(?:0|-?[1-9][0-9]{0,18})$"
FLOAT = r"^-?(?:(?:0|[1-9][0-9]{0,14})|(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))$"
"""Numbers as JSON spells them. A whole number of more than 15 digits is an id that a float would change."""

TRUE = "^(?:true|True|TRUE)$"
FALSE = "^(?:false|False|FALSE)$"

NOTHING = r"^(?:NA|N/A|NaN|nan|null|NULL|None|\\N)$"
"""What programs write for an empty number or boolean. In a column of texts it is a text."""

ALWAYS_TEXT = frozenset({"event", "distinct_id", "$insert_id", "$device_id", "$user_id"})
"""The API wants texts here."""

LARGEST = (1 << 63) - 1


class Kind(Enum):
    """The type of a column."""

    INTEGER = "int64"
    FLOAT = "float64"
    BOOLEAN = "bool"
    TEXT = "text"


def kind_of(name: str, texts: pyarrow.Array) -> Kind:
    """Return the type of a column of which these are the first texts."""
    if name in ALWAYS_TEXT or _without_nothings(texts).null_count == len(texts):
        return Kind.TEXT
    kinds = (Kind.INTEGER, Kind.FLOAT, Kind.BOOLEAN)
    return next((kind for kind in kinds if typed(texts, kind) is not None), Kind.TEXT)


def typed(texts: pyarrow.Array, kind: Kind) -> pyarrow.Array | None:
    """Return the values of a column, or None if one of its texts does not fit."""
    if kind is Kind.TEXT:
        return texts
    read = {Kind.INTEGER: _integers, Kind.FLOAT: _floats, Kind.BOOLEAN: _booleans}[kind]
    values = read(texts)
    return read(_without_nothings(texts)) if values is None else values


def _without_nothings(texts: pyarrow.Array) -> pyarrow.Array:
    nulls = pyarrow.nulls(len(texts), texts.type)
    return compute.if_else(compute.match_substring_regex(texts, NOTHING), nulls, texts)


def _integers(texts: pyarrow.Array) -> pyarrow.Array | None:
    try:
        integers = texts.cast(pyarrow.int64())
    except pyarrow.ArrowInvalid:
        return None
    # The cast also accepts `007`, which would not be spelled in this way again.
    return integers if integers.cast(texts.type).equals(texts) else None


def _floats(texts: pyarrow.Array) -> pyarrow.Array | None:
    if not _all(compute.match_substring_regex(texts, FLOAT)):
        return None
    floats = texts.cast(pyarrow.float64())
    return floats if _all(compute.is_finite(floats)) else None


def _booleans(texts: pyarrow.Array) -> pyarrow.Array | None:
    # By patterns: to make an array or a scalar, pyarrow imports pandas if that is installed, and 60 MB with it.
    truths = compute.match_substring_regex(texts, TRUE)
    return truths if _all(compute.or_(truths, compute.match_substring_regex(texts, FALSE))) else None


def _all(found: pyarrow.Array) -> bool:
    """Return whether all are true that are not null."""
    return bool(compute.all(found, min_count=0).as_py())


@cache
def _pattern(regex: str) -> re.Pattern[str]:
    return re.compile(regex.removesuffix("$") + r"\Z")


def value(text: str | None, kind: Kind) -> object:
    """Return the value of one text; the text itself if it does not fit."""
    if text is None or kind is Kind.TEXT:
        return text
    if _pattern(NOTHING).match(text):
        return None
    if kind is Kind.BOOLEAN:
        return True if _pattern(TRUE).match(text) else False if _pattern(FALSE).match(text) else text
    if kind is Kind.INTEGER and _pattern(INTEGER).match(text) and -LARGEST - 1 <= int(text) <= LARGEST:
        return int(text)
    number = float(text) if _pattern(FLOAT).match(text) else math.inf
    return number if math.isfinite(number) else text
