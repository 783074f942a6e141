"""Say in one sentence why a write failed. Ray gives the driver the exception of a stage only as text."""

from __future__ import annotations

import re

OF_STAGE = "UserCodeException"
_NEXT = "\n\nThe above exception was the direct cause of the following exception:\n\n"
_FRAME = re.compile(r'^  File "[^\n]*\n(?:[ ][^\n]*\n)*', re.M)


def reason_of(error: Exception) -> str:
    """Return the first line of what a task or a stage raised, without a full stop, and without the advice that Ray adds
    in further lines.
    """
    cause = getattr(error, "cause", None) or error
    raised = _raised_by_stage(str(error)) if type(cause).__name__ == OF_STAGE else None
    if raised is not None:
        return f"a stage raised {raised}"
    return _first_line(str(cause)) or type(cause).__name__


def _raised_by_stage(text: str) -> str | None:
    """Return the line with the exception of a stage: behind the last frame of the traceback before Ray's own."""
    before = text.rpartition(_NEXT)[0].rpartition(_NEXT)[2]
    frames = list(_FRAME.finditer(before + "\n"))
    return (_first_line(before[frames[-1].end() :]) or None) if frames else None


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "").rstrip(".")
