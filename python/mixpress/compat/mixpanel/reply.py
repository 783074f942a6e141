"""Read a server's answer in the default mode: success, or the server's error."""

from __future__ import annotations

from typing import Any

_SUCCESS = (1, "1", "OK", "ok", None)


def error_in(status: int, reply: Any) -> str | None:
    """Return the error in an answer's JSON and HTTP status; None if the server accepted the messages.

    Success is `{"status": 1}`, under strict `{"status": "OK"}`, a bare `1`, or sometimes an object without a status.
    """
    if not isinstance(reply, dict):
        return None if reply == 1 and status < 400 else f"the server answered {reply!r}"
    error, word = reply.get("error"), reply.get("status")
    if word == 1 or (word in _SUCCESS and status < 400 and not error):
        return None
    return str(error or f"the server answered {status} with the status {word!r}")
