"""Replacements for the official client's consumers: `mixpanel.Mixpanel(token, consumer=BufferedConsumer(fast=True))`.

`Consumer` and `BufferedConsumer` send as the official ones do, or with `fast=True` through the engine of
`mixpress.Client`. `Mixpanel` is the official class, with events encoded without JSON text in between.
`docs/migrating.md` lists the differences.

`Mixpanel` needs the official client, and the default mode needs requests: `pip install 'mixpress[mixpanel]'`.
"""

from typing import TYPE_CHECKING, Any

from mixpress.compat.mixpanel.buffered import BufferedConsumer
from mixpress.compat.mixpanel.consumer import Consumer
from mixpress.compat.mixpanel.exception import MixpanelException

if TYPE_CHECKING:
    from mixpress.compat.mixpanel.client import Mixpanel

__all__ = ["BufferedConsumer", "Consumer", "Mixpanel", "MixpanelException"]


def __getattr__(name: str) -> Any:
    if name != "Mixpanel":
        raise AttributeError(f"module 'mixpress.compat.mixpanel' has no attribute {name!r}")
    from mixpress.compat.mixpanel.client import Mixpanel  # noqa: PLC0415 - needs the official client

    return Mixpanel
