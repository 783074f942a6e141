"""Remove credentials from exceptions that a transport raised."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, overload

from mixpress.errors import TransportError

if TYPE_CHECKING:
    from mixpress.reply import Hide


@overload
def without_credentials(error: TransportError, hide: Hide) -> TransportError: ...
@overload
def without_credentials(error: Exception, hide: Hide) -> Exception: ...
def without_credentials(error: Exception, hide: Hide) -> Exception:
    """Return `error`, or an exception that shows `***` instead if anything in it shows a credential.

    The replacement has neither the traceback nor the causes of the original, since these would show the credential.
    """
    shown = "".join([*traceback.format_exception(error), repr(error), repr(vars(error))])
    if hide(shown) == shown:
        return error
    if isinstance(error, TransportError):
        return TransportError(hide(str(error)), error.kind)
    return RuntimeError(f"the transport raised {type(error).__name__}: {hide(str(error))}")
