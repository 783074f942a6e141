"""Whether the server may take a batch twice: not if it contains `$add` or `$append`, which would count twice.

The other operations have the same effect twice as once: `$set`, `$set_once`, `$union`, `$remove`, `$unset`, `$delete`.
A batch as a whole is repeated or not. Its other updates could be sent again alone, but one of them may set what an
update before or after it adds to, and then a part of the batch has another effect than all of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpress.batch import SendableBatch

_ESCAPED = re.compile(rb"\\u00[2-7]")
"""A character of ASCII that JSON text need not escape: it may be one of an operation's name."""


def is_repeatable(batch: SendableBatch) -> bool:
    """Return whether no update of a batch is an `$add` or an `$append`. Linear in its size.

    A property with such a name, at any depth, makes the batch not repeatable: that costs a retry and no update. So a
    batch out of a spool is known by its bytes alone.
    """
    text = plain_text_of(batch)
    if b'"$add":' in text or b'"$append":' in text:
        return False
    return not has_escaped_names(text)


def plain_text_of(batch: SendableBatch) -> bytes:
    """Return the JSON of the updates of a batch."""
    headers = batch.headers
    is_plain = headers.get("Content-Type") == "application/json" and "Content-Encoding" not in headers
    return batch.body if is_plain else b",".join(batch.events())


def has_escaped_names(text: bytes) -> bool:
    """Return whether a name of the API may be written with escapes in JSON text, and so is not found by its letters."""
    # One byte is found fifty times as fast as several, and most batches have no backslash.
    return b"\\" in text and b"\\u00" in text and _ESCAPED.search(text) is not None
