"""Truncate: which texts are cut, what the documents advise instead, and how that is done."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from .json_text import parse
from .nodes import Array, Node, Object, Text
from .rules import MAX_LEVELS

# Unicode's White_Space. Python's \s also matches U+001C to U+001F.
WHITE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
BLANK = re.compile(f"[{WHITE}]*")
URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*://([^{WHITE}\x00-\x1f]+)")

Members = list[tuple[Text, Node]]


def length_of(text: str, unit: str) -> int:
    """Return the length in characters, or in bytes of UTF-8."""
    return len(text) if unit == "chars" else len(text.encode())


def cut(text: str, maximum: int, unit: str) -> str:
    """Return as many whole characters as fit."""
    if unit == "chars":
        return text[:maximum]
    return text.encode()[:maximum].decode(errors="ignore")


def advise(text: str) -> str:
    """Return the kind of a long text: "url", "json" (an object or an array) or "text"."""
    if URL.fullmatch(text):
        return "url"
    return "json" if isinstance(parse(text), Object | Array) else "text"


def convert(name: str, text: str, *, on_url: str, on_json: str, on_text: str) -> Members | None:
    """Return the members that replace one with a long text, or None if the text is cut."""
    advice = advise(text)
    if advice == "url" and on_url == "parse":
        return parts_of_url(name, text)
    if advice == "json" and on_json == "flatten":
        return flatten(name, parse(text), levels=0)
    if advice == "text" and on_text == "drop":
        return []
    return None


def parts_of_url(name: str, url: str) -> Members:
    """Return `<name>_host`, `<name>_path` and `<name>_param_<key>`, without an empty host or path.

    Choice: the host has no user, password or port. The path is not decoded. Parameters are decoded like those of a
    form: `+` is a space, invalid UTF-8 becomes U+FFFD. Of several with the same name, the last one stays, in its place.
    """
    address, _, _ = url.partition("://")[2].partition("#")
    location, _, query = address.partition("?")
    authority, slash, path = location.partition("/")
    host = re.sub(r":[0-9]*\Z", "", authority.rpartition("@")[2])
    parts = [("host", host), ("path", slash + path)]
    parameters: dict[str, str] = {}
    for key, _, value in (piece.partition("=") for piece in query.split("&") if piece):
        parameters.pop(unquote_plus(key), None)
        parameters[unquote_plus(key)] = unquote_plus(value)
    members = [(part, value) for part, value in parts if value]
    members += [(f"param_{key}", value) for key, value in parameters.items()]
    return [(Text(f"{name}_{part}"), Text(value)) for part, value in members]


def flatten(name: str, node: Node | None, levels: int) -> Members | None:
    """Return `<name>_<key>` for each member, `<name>_<key>_<key>` for the members of an object in it, and so on.

    Returns None if it is nested deeper than 64 levels. Choice: a list stays a list; an outermost one keeps the name. An
    inner object without members stays an empty object.
    """
    assert node is not None
    if not isinstance(node, Object) or (levels and not node.members):
        return [(Text(name), node)]
    if levels > MAX_LEVELS:
        return None
    flat: Members = []
    for key, value in node.members:
        inner = flatten(f"{name}_{key.value}", value, levels + 1)
        if inner is None:
            return None
        flat += inner
    return flat
