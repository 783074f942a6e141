"""The table of rules is complete, and docs/rules.md is rendered from it (`make rules`)."""

from __future__ import annotations

from pathlib import Path

import mixpress

PAGE = Path(__file__).parent.parent.parent / "docs" / "rules.md"
HEAD = """# Rules

What an event is held to. An event that breaks several rules is rejected by the first of this table; with
`Encoder(explain=True)` its `Rejection.findings` lists all.

Each rule can be set: `Limits(rules={"too-deep": "warn"})`. `reject`: the event is not sent. `warn`: it is sent, and
the finding is in `Encoded.warnings`. `off`: it is not checked. On /track `distinct-id-missing` is `off` unless it is
set, and `token-missing` applies there alone. This page is `mixpress.rules()`, rendered by `make rules`.

| rule | demands that | source | documented | observed |
|---|---|---|---|---|
"""


def page() -> str:
    rows = [
        f"| `{rule.id}` | {rule.says} | {rule.source} | {rule.documented} | {rule.observed} |"
        for rule in mixpress.rules()
    ]
    return HEAD + "\n".join(rows) + "\n"


def test_the_page_lists_the_rules_of_the_core() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/rules.md is stale: run `make rules`"


def test_every_rule_can_be_set_by_its_id() -> None:
    words = [rule.id for rule in mixpress.rules()]
    assert len(words) == len(set(words)) == 32
    limits = mixpress.Limits(rules=dict.fromkeys(words, "off"))
    assert list(limits.rules) == words


def test_the_profiles_differ_where_the_server_does() -> None:
    differ = {
        rule.id: (rule.documented, rule.observed) for rule in mixpress.rules() if rule.documented != rule.observed
    }
    assert differ == {"time-in-future": ("warn", "reject")}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
