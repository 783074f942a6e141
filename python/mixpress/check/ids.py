"""Ids that the API accepts and that are probably mistakes."""

from __future__ import annotations

import re

KINDS = {
    "placeholder": "a word for no id: all these users become one",
    "test-address": "an address of a domain for examples and tests",
    "template": "a template that was not filled in",
    "white-space": "white space around the id: the same id without it is another user",
    "number-as-float": "a whole number that was read as a float: the same id without its fraction is another user",
    "rounded-number": "a number in scientific notation: a spreadsheet has rounded it, so several users have become one",
    "empty": "an empty id: the event has no user",
}
"""What is wrong with each kind."""

_SUSPICIOUS = re.compile(
    r"""
    (?P<empty> \A\Z)
    | (?P<template> \{\{ | \$\{ | <% | \[object\s | %7[Bb]%7[Bb])
    | (?P<white_space> \A\s | \s\Z)
    | (?P<placeholder> \A (?: nan | \(null\) | <null> | \\N | \#n/a | nul | missing | empty | no[-_ ]?id | no[-_ ]?user
        | guest | user | test | tests | testing | tester | test[-_ ]?user | dummy | default | example | foo | bar | x+
        | anonymous[-_ ]?user | unknown[-_ ]?user | not[-_ ]?set | \(not[ ]set\) | undefined[-_ ]?user | deleted
        | redacted | 0[0-]+ | 123456789 0? | f{8}-f{4}-f{4}-f{4}-f{12} | - | \. | \? ) \Z)
    | (?P<test_address> @ (?: [^@\s]*\. )? (?: example\.(?:com|org|net) | example | test\.com | test | invalid
        | localhost | mailinator\.com | domain\.com | email\.com | yourdomain\.com ) \Z)
    | (?P<number_as_float> \A -?\d+\.0+ \Z)
    | (?P<rounded_number> \A -?\d(?:\.\d+)? e\+?\d{1,3} \Z)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def suspicion(identity: str) -> str | None:
    """Return the kind of mistake that an id is likely to be, or None."""
    found = _SUSPICIOUS.search(identity)
    return None if found is None or found.lastgroup is None else found.lastgroup.replace("_", "-")
