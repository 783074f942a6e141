"""Words for numbers in messages, summaries and reports."""

from __future__ import annotations


def counted(count: int, what: str, many: str = "") -> str:
    """Return a count with its noun, such as `1 event` or `2,000 events`; `many` is an irregular plural."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {many or what + 's'}"


def in_words(seconds: float) -> str:
    """Return a duration for a person: `59.9 s`, `1 min 1 s` or `2 h 2 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min"
