"""The numbers on which the API's documentation and reports from its users differ; all others are in `checks`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

LimitsName = Literal["documented", "observed"]


@dataclass(frozen=True)
class Limits:
    """The limits of one reading of the API. `profile` returns them by name."""

    max_depth: int
    """Maximum nesting of objects in `properties`. Documented (import page): 3. Observed: an engineer of the vendor says
    that the server enforces 10."""
    max_body_bytes: int
    """Maximum size of a request's uncompressed JSON; more is a 413. Documented: 10 MB, read as 10,000,000 bytes.
    Observed: 10 MiB, the reading that never refuses a request that the server may take."""
    max_event_bytes: int
    """An event's JSON must be smaller. Documented: 1 MB, read as 1,000,000 bytes. Observed: 1 MiB."""
    string_unit: Literal["characters", "bytes"]
    """Strings and names are cut to 255 of these. Documented (import page): characters. Observed (data type page, and a
    change in one of the vendor's clients): bytes of UTF-8."""
    gzip_updates: bool
    """Whether /engage and /groups accept a gzipped body. Documented (profile page): no. Observed: yes."""


DOCUMENTED = Limits(
    max_depth=3, max_body_bytes=10_000_000, max_event_bytes=1_000_000, string_unit="characters", gzip_updates=False
)
OBSERVED = Limits(
    max_depth=10, max_body_bytes=10 * 2**20, max_event_bytes=2**20, string_unit="bytes", gzip_updates=True
)
_PROFILES = {"documented": DOCUMENTED, "observed": OBSERVED}


def profile(name: LimitsName, max_depth: int | None = None, max_body_bytes: int | None = None) -> Limits:
    """Return the limits of a profile; a number that is not None replaces the profile's. ValueError if it is invalid."""
    if name not in _PROFILES:
        raise ValueError(f"limits must be {' or '.join(map(repr, get_args(LimitsName)))}, got {name!r}")
    limits = _PROFILES[name]
    if max_depth is not None:
        limits = replace(limits, max_depth=_check_number("max_depth", max_depth))
    if max_body_bytes is not None:
        limits = replace(limits, max_body_bytes=_check_number("max_body_bytes", max_body_bytes))
    return limits


def _check_number(name: str, number: int) -> int:
    if type(number) is not int or number < 1:
        raise ValueError(f"{name} must be an integer >= 1, got {number!r}")
    return number
