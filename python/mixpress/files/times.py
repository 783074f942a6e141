"""Times as they are written in files, read as milliseconds since the epoch. One value at a time: the specification."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=timezone.utc)
MILLISECOND = timedelta(milliseconds=1)

DAY = 86_400_000
HOUR = 3_600_000

EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999, in milliseconds."""

SMALLEST_MILLISECONDS = 31_536_000_000
"""Numbers from here on count as milliseconds: the start of 1971. A thousand times as much counts as microseconds, a
million times as much as nanoseconds. The API and the encoder have the same border between the first two."""

UNITS = {"unix": 1, "unix_ms": 1000, "unix_us": 1_000_000, "unix_ns": 1_000_000_000}
"""The formats of numbers, and their units in a second."""

NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)

ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?: ?([Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)


UNKNOWN_FORM = "is neither ISO 8601 nor a number: give a time_format"


class Unreadable(Exception):  # noqa: N818 - a property of a value
    """A value is not a time. The message goes on after the value: `is not ...`."""


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the zone of a name of the IANA database."""
    if name is None:
        return None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - rarely needed

    try:
        return ZoneInfo(name)
    except Exception as error:
        raise ValueError(
            f"time_zone must be a name of the IANA database such as 'Europe/Berlin', got {name!r}; "
            "on Windows the names need `pip install tzdata`"
        ) from error


class Times:
    """Reads times.

    `zone`: the zone of times without one; None is UTC. `offset`: hours that are subtracted from them instead.
    `format`: one of `UNITS`, a format of strptime, or None to recognise it. `local_numbers`: whether numbers too count
    the seconds of the zone's clock, as in exports of old Mixpanel projects.
    """

    def __init__(
        self,
        zone: ZoneInfo | None = None,
        *,
        offset: float | None = None,
        format: str | None = None,
        local_numbers: bool = False,
    ) -> None:
        self.zone = zone
        self.offset = round((offset or 0) * HOUR)
        self.units = UNITS.get(format or "")
        self.format = None if self.units else format
        self.local_numbers = local_numbers or offset is not None

    def read(self, value: object) -> int | None:
        """Return milliseconds since the epoch; None if there is no value. Raises `Unreadable`."""
        if value is None:
            return None
        if isinstance(value, str):
            text = value.strip()
            return self._text(text) if text else None
        if isinstance(value, datetime):
            return self._moment(value)
        if isinstance(value, date):
            return self._local(_since_epoch(datetime(value.year, value.month, value.day)))
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise Unreadable("is not a time")
        if self.format is not None:
            if isinstance(value, int):
                return self._text(str(value))
            raise Unreadable(f"does not have the format {self.format!r}")
        return self._number(value)

    def _text(self, text: str) -> int:
        if self.format is not None:
            try:
                return self._moment(datetime.strptime(text, self.format))
            except (ValueError, OverflowError):
                raise Unreadable(f"does not have the format {self.format!r}") from None
        found = None if self.units else ISO.fullmatch(text)
        if found:
            return self._iso(found)
        if not NUMBER.fullmatch(text):
            raise Unreadable(
                "is not a number" if self.units else "is neither ISO 8601 nor a number: give a time_format"
            )
        return self._number(int(text) if text.lstrip("+-").isdigit() else float(text))

    def _iso(self, found: re.Match[str]) -> int:
        year, month, day, hour, minute, second, fraction, zone = found.groups("0")
        try:
            moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))
        except ValueError as error:
            raise Unreadable(f"is not a time: {error}") from None
        milliseconds = _since_epoch(moment) + int(fraction[:3].ljust(3, "0"))
        return self._local(milliseconds) if zone == "0" else _inside(milliseconds - _zone_offset(zone))

    def _number(self, value: float | Decimal) -> int:
        if isinstance(value, Decimal):
            if not value.is_finite() or value.adjusted() > 30:
                raise Unreadable("is not a time")
            value = int(value) if value == value.to_integral_value() else float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise Unreadable("is not a time")
        units = self.units or _units_by_size(value)
        if isinstance(value, float):
            milliseconds = round(value * 1000.0) if units == 1 else round(value / (units // 1000))
        else:
            milliseconds = value * 1000 if units == 1 else value // (units // 1000)
        return self._local(_inside(milliseconds)) if self.local_numbers else _inside(milliseconds)

    def _moment(self, moment: datetime) -> int:
        if moment.utcoffset() is None:
            return self._local(_since_epoch(moment.replace(tzinfo=None)))
        return _inside((moment - EPOCH_UTC) // MILLISECOND)

    def _local(self, milliseconds: int) -> int:
        """Return the time at which the clock of the zone shows this."""
        offset = self.offset if self.zone is None else self.zone_offset(milliseconds)
        return _inside(milliseconds - offset)

    def zone_offset(self, milliseconds: int) -> int:
        """Return the zone's offset when its clock shows this, in milliseconds."""
        if self.zone is None:
            return 0
        offset = self.zone.utcoffset((EPOCH + timedelta(milliseconds=milliseconds)).replace(tzinfo=self.zone))
        return 0 if offset is None else offset // MILLISECOND


def boundary(text: str, times: Times, *, last: bool) -> int:
    """Return the milliseconds of `since`, or of `until` if `last`: a date is the start of its day, or the end."""
    found = ISO.fullmatch(text.strip())
    if not found:
        raise Unreadable("is not a time")
    whole_day = last and found[4] is None
    milliseconds = times.read(text)
    assert milliseconds is not None
    if not whole_day:
        return milliseconds
    next_day = datetime(int(found[1]), int(found[2]), int(found[3])) + timedelta(days=1)
    return times.read(next_day) or 0


def as_sent(milliseconds: int) -> int:
    """Return a time as the encoder reads it: before 1971 in seconds, which a small number counts as."""
    return milliseconds if abs(milliseconds) >= SMALLEST_MILLISECONDS else milliseconds // 1000


def _units_by_size(value: float) -> int:
    size = abs(value)
    for units, largest in ((1, 1), (1000, 1000), (1_000_000, 1_000_000)):
        if size < SMALLEST_MILLISECONDS * largest:
            return units
    return 1_000_000_000


def _zone_offset(zone: str) -> int:
    digits = zone[1:].replace(":", "")
    if not digits.isdigit():
        return 0
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        raise Unreadable(f"is not a time: the zone {zone} does not exist")
    return (hours * 60 + minutes) * (-60_000 if zone[0] == "-" else 60_000)


def _since_epoch(moment: datetime) -> int:
    return (moment - EPOCH) // MILLISECOND


def _inside(milliseconds: int) -> int:
    if not EARLIEST <= milliseconds <= LATEST:
        raise Unreadable("is outside of the years 1 to 9999")
    return milliseconds
