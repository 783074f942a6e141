"""Hypothesis strategies for texts and names: about as long as the limit, with every kind of character, and with the
names and ids that the rules recognize.
"""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from reference import DISALLOWED_IDS

SMALL_STRING = 12  # the smallest limit that cuts none of the names that the rules recognize


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of several strategies by weight. (`one_of` flattens nested alternatives and gives each the same weight.)"""
    return st.sampled_from([strategy for weight, strategy in choices for _ in range(weight)]).flatmap(lambda it: it)


around_the_cut = st.integers(SMALL_STRING - 2, SMALL_STRING + 3)
letters = st.sampled_from(
    ["a", "é", "€", "😀", '"', "\\", "\n", "\x00", "\x7f", "\u2028", "\ud800", "\udfff", " ", "0"]
)
ordinary = st.text(st.characters(codec="utf-8"), max_size=20)
with_surrogates = st.text(max_size=20)
repeated = st.builds(lambda letter, count: letter * count, letters, around_the_cut)
astride = st.builds(
    lambda before, middle, after: "x" * before + middle + "y" * after,
    around_the_cut,
    st.text(letters, max_size=3),
    st.integers(0, 3),
)
urls = st.builds(
    lambda scheme, mark, rest: scheme + mark + rest,
    st.sampled_from(["http", "https", "a+b.c-1", "1a", "é", ""]),
    st.sampled_from(["://", "://", "://", ":/"]),
    st.text(st.sampled_from("aaabb//?&=#%20@:é😀") | st.sampled_from("\u3000\x1f \u200b"), min_size=8, max_size=20),
)
json_texts = st.builds(
    lambda begin, inside, end: begin + inside + end,
    st.sampled_from(["[", '{"a":', " [", '{"a":1,"a":']),
    st.sampled_from(
        [
            '"long enough to be cut"',
            '"\\ud800\\u00e9\\n   "',
            '"\\x          "',
            "1234567890123456",
            "[[[[[[[[[]]]]]]]]]",
            "true ,  false  ",
            "NaN            ",
            "-Infinity     ",
            "01             ",
            "1.            ",
        ]
    ),
    st.sampled_from(["]", "}", "] ", "]x", ""]),
)
disallowed = st.sampled_from(sorted(DISALLOWED_IDS)).flatmap(
    lambda text: st.sampled_from([text, text.upper(), text.title()])
)
whites = st.text(st.sampled_from(" \t\n\u3000\x85\xa0\x1c\x1f\u200b"), max_size=3)
texts = weighted(
    (2, ordinary), (1, with_surrogates), (2, repeated), (2, astride), (2, urls), (2, json_texts), (1, disallowed)
)
names = st.one_of(
    st.sampled_from(string.ascii_lowercase[:6]),
    st.sampled_from(
        ["", "a.b", "time", "$insert_id", "distinct_id", "token", "event", "properties", "\ud800", "\ud801", "\ufffd"]
    ),
    st.builds(lambda count, end: "k" * count + end, around_the_cut, st.sampled_from(["", "1", "😀", "\ud800"])),
    texts,
)
