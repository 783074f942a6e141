"""What somebody else's code raised, kept from showing the credentials that it was handed."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from mixpress.errors import TransportError

if TYPE_CHECKING:
    from mixpress.reply import Hide


def without_credentials(error: Exception, hide: Hide) -> Exception:
    """`error`; or, where what it shows holds a credential, another in its place that shows `***` there.

    That one has neither the traceback nor the causes of the first, as these would show it again.
    """
    shown = "".join([*traceback.format_exception(error), repr(error), repr(vars(error))])
    if hide(shown) == shown:
        return error
    if isinstance(error, TransportError):
        return TransportError(hide(str(error)), error.kind)
    return RuntimeError(f"the transport raised {type(error).__name__}: {hide(str(error))}")
