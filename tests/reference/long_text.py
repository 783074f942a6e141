"""Truncate: what is cut, what the documents recommend for it, and how that is carried out."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from .json_text import parse
from .nodes import Array, Node, Object, Text
from .rules import MAX_LEVELS

# Unicode's White_Space, which is not what Python's \s matches.
WHITE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
BLANK = re.compile(f"[{WHITE}]*")
URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*://([^{WHITE}\x00-\x1f]+)")

Members = list[tuple[Text, Node]]


def length_of(text: str, unit: str) -> int:
    """In characters, or in bytes of UTF-8."""
    return len(text) if unit == "chars" else len(text.encode())


def cut(text: str, maximum: int, unit: str) -> str:
    """As many whole characters as fit."""
    if unit == "chars":
        return text[:maximum]
    return text.encode()[:maximum].decode(errors="ignore")


def advise(text: str) -> str:
    """What a long text is: a URL, JSON (an object or array) in a string, or just text."""
    if URL.fullmatch(text):
        return "url"
    return "json" if isinstance(parse(text), Object | Array) else "text"


def convert(name: str, text: str, *, on_url: str, on_json: str, on_text: str) -> Members | None:
    """The members that stand in for a long text, as its advice says; None: it is cut."""
    advice = advise(text)
    if advice == "url" and on_url == "parse":
        return parts_of_url(name, text)
    if advice == "json" and on_json == "flatten":
        return flatten(name, parse(text), levels=0)
    if advice == "text" and on_text == "drop":
        return []
    return None


def parts_of_url(name: str, url: str) -> Members:
    """`<name>_host`, `<name>_path` and `<name>_param_<key>`; host and path are left out where they are empty.

    Choice: the host is without user, password and port; the path is as it stands; parameters are decoded as forms are
    (`+` is a space, broken UTF-8 is U+FFFD), and of several with one name the last one wins, in its own place.
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
    """`<name>_<key>` for each member, `<name>_<key>_<key>` for those of objects in it; None: nested past 64 levels.

    Choice: a list stays a list, and an outermost one keeps the name; an inner object without members stays too.
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
