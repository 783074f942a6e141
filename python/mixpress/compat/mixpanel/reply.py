"""What an answer of the server means to the default mode: taken, or what was wrong."""

from __future__ import annotations

from typing import Any

_TAKEN = (1, "1", "OK", "ok", None)


def trouble_in(status: int, reply: Any) -> str | None:
    """The server's complaint in the JSON of an answer of that HTTP status; None where it took the messages.

    It says so by `{"status": 1}`, under strict by `{"status": "OK"}`, by a bare `1`, and sometimes by no status at all.
    """
    if not isinstance(reply, dict):
        return None if reply == 1 and status < 400 else f"it answered {reply!r}"
    error, word = reply.get("error"), reply.get("status")
    if word == 1 or (word in _TAKEN and status < 400 and not error):
        return None
    return str(error or f"it answered {status} with the status {word!r}")
