"""How large SQLite makes a query before it runs it.

SQLite copies the body of a view or a common table expression wherever it is used: ten of them that use the one before
twice are a thousand copies, and thirty fill the memory. Nothing interrupts that.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import zip_longest
from typing import NamedTuple

from mixpress.emulator.store.views import VIEWS

MAX_CHARACTERS = 1_000_000
"""Of a query with its copies: about half a second."""

_TOKEN = re.compile(
    r"""
    (?P<left> [ \t\n\f\r]+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<quoted> '(?:[^']|'')*'? | "(?:[^"]|"")*"? | `(?:[^`]|``)*`? | \[[^\]]*\]? )
    | [A-Za-z0-9_$\x80-\U0010ffff]+  # any character that is not ASCII may be part of a name
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    """In lower case, without quotes."""
    is_quoted: bool


def may_copy_too_much(sql: str) -> bool:
    """Return whether a query may have more than `MAX_CHARACTERS` with its copies.

    The number of copies is estimated from above: the product of how often each common table expression is named.
    """
    if "with" not in sql.lower():
        return False
    tokens = list(_tokens(sql))
    named = Counter(
        token.text
        for token, after in zip_longest(tokens, tokens[1:])
        if after != (".", False)  # the table of a column
    )
    size = len(sql) + sum(named[name] * len(select) for name, select in VIEWS.items())
    for name in _defined(tokens):
        size *= max(1, named[name] - 1)
        if size > MAX_CHARACTERS:
            return True
    return False


def _tokens(sql: str) -> list[_Token]:
    tokens = []
    for found in _TOKEN.finditer(sql):
        text = found[0]
        if found["quoted"]:
            quote = text[0]
            text = text[1:-1] if quote == "[" else text[1:-1].replace(quote * 2, quote)
        if not found["left"]:
            tokens.append(_Token(text.lower(), bool(found["quoted"])))
    return tokens


def _defined(tokens: list[_Token]) -> list[str]:
    """Return the name in each `NAME AS (` and `NAME (COLUMNS) AS MATERIALIZED (`."""
    names = []
    opened: list[int] = []
    opening: dict[int, int] = {}
    """The position of each closing parenthesis, and of the one that opens it."""
    for at, (text, is_quoted) in enumerate(tokens):
        if is_quoted:
            continue
        if text == "(":
            opened.append(at)
            before = at - 1
            while before >= 0 and tokens[before] in {("materialized", False), ("not", False)}:
                before -= 1
            if before > 0 and tokens[before] == ("as", False):
                name = opening.get(before - 1, before) - 1  # before the columns, if there are any
                names.append(tokens[name].text if name >= 0 else "")
        elif text == ")" and opened:
            opening[at] = opened.pop()
    return names
