"""The exports of other tools: one module each, whose `event_of` makes an event of a record."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

VENDORS = ("amplitude", "ga4", "heap", "mixpanel", "posthog", "segment", "snowplow")


def check_vendor(name: object) -> None:
    """Raise `ValueError` if there is no such vendor."""
    if name is not None and name not in VENDORS:
        raise ValueError(f"source must be one of {', '.join(VENDORS)}, got {name!r}")


def defaults_of(name: str) -> dict[str, Any]:
    """Return the fields of a vendor's mapping, apart from `source`."""
    found: dict[str, Any] = getattr(_module(name), "DEFAULTS", {})
    return found


def shape_of(name: str) -> Callable[[Any], dict[str, Any] | None]:
    """Return the function that makes an event of a record of this vendor.

    It returns None for a record that is no event, such as a profile update, and raises `NotAnEvent` for a record that
    is not one of this vendor.
    """
    found: Callable[[Any], dict[str, Any] | None] = _module(name).event_of
    return found


def _module(name: str) -> Any:
    return import_module(f"mixpress.files.vendors.{name}")
