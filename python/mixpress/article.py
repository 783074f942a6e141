"""Put "a" or "an" before the name of a type in a message."""

from __future__ import annotations


def with_article(name: str) -> str:
    """Return a name after "an" if it starts with a, e, i or o, else after "a": names with u are like "UUID", "Unit"."""
    return f"an {name}" if name[:1].lower() in {"a", "e", "i", "o"} else f"a {name}"


def type_of(value: object) -> str:
    """Return the name of a value's type with its article, for a message: "an int"."""
    return with_article(type(value).__name__)
