"""The TOML of a mapping: read, and written with comments."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

BARE = re.compile(r"[A-Za-z0-9_-]+")


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of a TOML file. Raises `OSError`, and `ValueError` with the path and the place."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        found: dict[str, Any] = _parser().loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}: save the file as UTF-8") from error
    except ValueError as error:
        raise ValueError(f"{path}: not TOML: {error}") from error
    return found


def _parser() -> Any:
    if sys.version_info >= (3, 11):
        return import_module("tomllib")
    try:
        return import_module("tomli")  # the same, for older interpreters
    except ImportError:
        raise ValueError("a TOML file needs Python 3.11 or newer, or `pip install tomli`") from None


def written(values: Mapping[str, Any], comments: Mapping[str, Iterable[str]], order: Sequence[str]) -> str:
    """Return TOML of the values, each after its comments, in an order of keys. A comment needs no value."""
    there = [name for name in order if name in values or name in comments]
    tables = [name for name in there if isinstance(values.get(name), dict)]
    return "\n".join(_block(name, values, comments) for name in [*(n for n in there if n not in tables), *tables])


def comment(line: str) -> str:
    """Return a line as a comment, which can't have control characters."""
    printable = "".join(one if one.isprintable() else "?" for one in line)
    return f"# {printable}".rstrip()


def _block(name: str, values: Mapping[str, Any], comments: Mapping[str, Iterable[str]]) -> str:
    lines = [comment(line) for text in comments.get(name, ()) for line in text.splitlines() or [""]]
    value = values.get(name)
    if isinstance(value, dict):
        lines += [f"[{_key(name)}]", *(f"{_key(key)} = {_value(inner)}" for key, inner in value.items())]
    elif value is not None:
        lines.append(f"{_key(name)} = {_value(value)}")
    return "".join(f"{line}\n" for line in lines)


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def _text(text: str) -> str:
    """Return a basic string: JSON's escapes are TOML's, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
