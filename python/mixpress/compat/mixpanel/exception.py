"""The one exception of the official client: its own class wherever it is installed, so that `except` clauses hold."""

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
    """The exception as the official client makes it: `message` is the JSON that was not sent, `endpoint` its place."""
    made = MixpanelException(error)
    made.message = message
    made.endpoint = endpoint
    return made
