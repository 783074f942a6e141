"""`NotAnEvent`: a record is not one of the vendor's."""

from __future__ import annotations


class NotAnEvent(Exception):  # noqa: N818 - a property of a record
    """A record is not one of the vendor's. The message says what it lacks."""
