"""All rules of the core are compared or listed, and the documentation has every listed difference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mixpress import rules

from . import differences
from .agreeing import RULES_BY_MESSAGE
from .agreeing_updates import UPDATE_RULES_BY_MESSAGE

LISTED: dict[str, set[str]] = {
    "Events": {
        *[rule for table in differences.SENT_AND_REFUSED.values() for rule in table],
        *differences.REFUSED_ALONE,
        *[rule for table in differences.REJECTED_ALONE.values() for rule in table],
    },
    "Identities": {
        *differences.MERGING_REJECTED,
        *differences.SIMPLIFIED_REJECTED,
        *differences.SIMPLIFIED_LENIENT,
        "distinct-id-missing",
        "identity-members",
    },
    "Updates of profiles": {
        *differences.UPDATES_SENT,
        *differences.UPDATES_REFUSED_ALONE,
        *differences.UPDATES_REJECTED_ALONE,
    },
}
"""The rules of the differences, by the headings of the page that lists them."""


@pytest.mark.parametrize("heading", LISTED)
def test_the_docs_list_the_rules_of_all_differences(heading: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "emulator-behaviour.md").read_text(encoding="utf-8")
    part = page.partition("## Where the core differs")[2].partition("\n## ")[0]
    table = part.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
    assert {rule for row in rows for rule in re.findall("`([$a-z_-]+)`", row[1])} == LISTED[heading]


def test_every_rule_of_the_core_is_compared_or_listed() -> None:
    compared = {rule for _, named in [*RULES_BY_MESSAGE, *UPDATE_RULES_BY_MESSAGE] for rule in named}
    others = {
        "invalid-json": "the whole body is refused",
        "unsupported-type": "no body can have such a value",
        "not-a-number": "the whole body is refused; the core writes null",
        "duplicate-key": "both keep the last one; the core also warns",
        "key-truncated": "both cut the name; the core also warns",
        "key-collision": differences.EVERYWHERE["key-collision"],
        "device-id-type": differences.SIMPLIFIED_REJECTED["device-id-type"],
        "user-id-type": differences.SIMPLIFIED_REJECTED["user-id-type"],
        "device-id-prefix": "the core only warns",
        "device-id-disallowed": differences.SIMPLIFIED_REJECTED["device-id-disallowed"],
        "user-id-disallowed": differences.SIMPLIFIED_REJECTED["user-id-disallowed"],
    }
    assert {rule.id for rule in rules()} == compared | others.keys()
    assert not compared & others.keys()
