"""Spell numbers and texts as JSON: the same characters that orjson writes."""

from __future__ import annotations

import math
import re
from decimal import Decimal

SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def spell_text(value: str) -> str:
    """Return a JSON string: quotes, backslashes and control characters escaped, all other characters as they are."""
    return '"' + "".join(SHORT_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'


def without_surrogates(value: str) -> str:
    """Replace each lone surrogate by U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", value)


def spell_integer(value: int) -> str:
    """Return all digits. `str` of an int raises beyond 4300 digits; that of a Decimal does not."""
    return str(Decimal(value))


def spell_float(value: float) -> str:
    """Return the shortest digits that read back as the same float: in full from 1e-5 to below 1e16, else as 1.5e-7."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return f"{sign}0.0"
    _, parts, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, parts))
    point = len(digits) + int(exponent)  # the position of the decimal point, from the first digit on
    if 0 < point <= 16:
        return f"{sign}{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"
    if -5 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = "." + digits[1:] if digits[1:] else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"
