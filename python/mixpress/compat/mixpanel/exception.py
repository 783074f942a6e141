"""`MixpanelException`: the official client's own class if that is installed, so that `except` clauses keep working."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:

    class MixpanelException(Exception):  # noqa: N818 - the official name
        """Messages were not sent."""

        message: str
        endpoint: str

else:
    try:
        from mixpanel import MixpanelException
    except ModuleNotFoundError as missing:
        if missing.name != "mixpanel":
            raise

        class MixpanelException(Exception):  # noqa: N818 - the official name
            """Messages were not sent."""


def not_sent(error: object, endpoint: str, message: str) -> MixpanelException:
    """Return the exception as the official client makes it, with the JSON that was not sent and its endpoint."""
    exception = MixpanelException(error)
    exception.message = message
    exception.endpoint = endpoint
    return exception
