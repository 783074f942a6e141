"""The TOML file that `mixpress init` writes: a guessed mapping, with its reasons as comments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mixpress.files.toml import comment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.files.guess import Guess
    from mixpress.files.seen import Column

MOST_COLUMNS = 40
"""Columns that are listed."""


def proposal(guess: Guess, files: Sequence[str], count: int, path: str) -> str:
    """Return the file's text. `count`: records that were looked at. `path`: where it will be."""
    named = " ".join(files)
    head = [
        f"A mapping of {named}, guessed from its first {count:,} records. Check it, then:",
        f"  mixpress check {named} --config {path}",
        f"  mixpress import {named} --config {path} --dry-run",
    ]
    parts = ["".join(f"{comment(line)}\n" for line in head), guess.mapping.to_toml(guess.reasons)]
    if guess.columns:
        parts.append(_rest(guess.columns, "event" if guess.mapping.endpoint is None else "update"))
    return "\n".join(part for part in parts if part)


def _rest(columns: Sequence[Column], what: str) -> str:
    """Return a list of the other columns, and what can be done with them."""
    width = min(30, max(len(column.name) for column in columns))
    lines = ["The other columns become properties:"]
    lines += [f"  {column.name:{width}}  {_described(column)}" for column in columns[:MOST_COLUMNS]]
    if len(columns) > MOST_COLUMNS:
        lines.append(f"  and {len(columns) - MOST_COLUMNS} more")
    first = columns[0].name
    lines += [
        "",
        "To leave some out, or to send only some (before any [table]):",
        f"  drop = [{json.dumps(first, ensure_ascii=False)}]",
        f"  keep = [{json.dumps(first, ensure_ascii=False)}]",
        "To give them other names:",
        "  [rename]",
        f'  {json.dumps(first, ensure_ascii=False)} = "Better Name"',
        f"To add a property to each {what}:",
        "  [set]",
        '  source = "import"',
    ]
    return "".join(f"{comment(line)}\n" for line in lines)


def _described(column: Column) -> str:
    return f"{column.kind()}, such as {column.examples()}" if column.count else "always empty"
