"""The table of rules is complete, and docs/rules.md is rendered from it (`make rules`)."""

from __future__ import annotations

from pathlib import Path

import mixpress

PAGE = Path(__file__).parent.parent.parent / "docs" / "rules.md"
HEAD = """# Rules

What an event, or an update of a profile, is held to. One that breaks several rules is rejected by the first of this
table; with `Encoder(explain=True)` its `Rejection.findings` lists all. A rule is checked for the endpoints of its row.

Each rule can be set: `Limits(rules={"too-deep": "warn"})`. `reject`: the event is not sent. `warn`: it is sent, and
the finding is in `Encoded.warnings`. `off`: it is not checked. On /track `distinct-id-missing`, and on /engage and
/groups `too-many-elements`, are `off` unless they are set. This page is `mixpress.rules()`, rendered by `make rules`.

| rule | endpoints | demands that | source | documented | observed |
|---|---|---|---|---|---|
"""


def page() -> str:
    rows = [
        f"| `{rule.id}` | {shown(rule.endpoints)} | {rule.says} | {rule.source} | {rule.documented} | {rule.observed} |"
        for rule in mixpress.rules()
    ]
    return HEAD + "\n".join(rows) + "\n"


def shown(endpoints: tuple[str, ...]) -> str:
    return "all" if len(endpoints) == 4 else ", ".join(endpoints)


def test_the_page_lists_the_rules_of_the_core() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/rules.md is stale: run `make rules`"


def test_every_rule_can_be_set_by_its_id() -> None:
    words = [rule.id for rule in mixpress.rules()]
    assert len(words) == len(set(words)) == 54
    limits = mixpress.Limits(rules=dict.fromkeys(words, "off"))
    assert list(limits.rules) == words


def test_the_profiles_differ_where_the_server_does() -> None:
    differ = {
        rule.id: (rule.documented, rule.observed) for rule in mixpress.rules() if rule.documented != rule.observed
    }
    assert differ == {"time-in-future": ("warn", "reject")}


def test_a_rule_is_checked_for_the_endpoints_of_its_row() -> None:
    from reference.rules import ENDPOINTS, RULES  # not at the top: `make rules` runs this file outside of the tests

    of = {rule.id: rule.endpoints for rule in mixpress.rules()}
    every = ("import", "track", "engage", "groups")
    assert of == {rule: ENDPOINTS.get(rule, every) for rule in RULES}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
