"""Elements of HTML and SVG, with everything escaped that is not an element."""

from __future__ import annotations

import html
import re


class Markup(str):
    """Text that is HTML already. Only `element` and `joined` make it."""

    __slots__ = ()


_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
VOID = {"meta", "br"}


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """Return an element. A child that is not `Markup` is text. `class_` is the attribute `class`, `stroke_width` is
    `stroke-width`; an attribute with None is left out.
    """
    written = "".join(
        f' {_name(name)}="{escaped(str(value))}"' for name, value in attributes.items() if value is not None
    )
    if tag in VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{joined(*children)}</{tag}>")


def joined(*children: str) -> Markup:
    """Return elements and texts one after another."""
    return Markup("".join(child if isinstance(child, Markup) else escaped(child) for child in children))


def escaped(text: str) -> str:
    """Return a text for HTML. Control characters, marks of direction and lone surrogates are spelled out."""
    return html.escape(visible(text), quote=True)


def visible(text: str) -> str:
    """Return a text in which every character can be seen."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _name(name: str) -> str:
    name = name.rstrip("_").replace("_", "-")
    name = {"viewbox": "viewBox"}.get(name, name)
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an attribute")
    return name
