from __future__ import annotations

import pytest

from mixpress.check.ids import KINDS, suspicion

WRONG = {
    "placeholder": [
        "NaN",
        "(null)",
        "guest",
        "TEST",
        "test_user",
        "no-id",
        "xxx",
        "00000",
        "000-000",
        "(not set)",
        "-",
    ],
    "test-address": ["jane@example.com", "a@b.example.org", "me@test.com", "x@localhost", "x@mail.invalid"],
    "template": ["{{user.id}}", "${userId}", "<%= id %>", "[object Object]", "%7B%7Bid%7D%7D"],
    "white-space": [" u-1", "u-1\n", "u-1\u00a0"],
    "number-as-float": ["12345.0", "-3.00"],
    "rounded-number": ["1.23457E+15", "1e9"],
    "empty": [""],
}
GOOD = [
    "u-1", "12345", "jane@company.com", "jane@examples.com", "jane@latest", "5d958f87-542d-4c10-9422-0ed75893dc81",
    "$device:1234", "tester17", "testament", "12.5", "1.2.0", "user-1", "0a0", "1e9f", "Ünal", "xyz",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "identity"), [(kind, one) for kind, ids in WRONG.items() for one in ids])
def test_a_likely_mistake_is_named(kind: str, identity: str) -> None:
    assert suspicion(identity) == kind


@pytest.mark.parametrize("identity", GOOD)
def test_an_ordinary_id_is_no_mistake(identity: str) -> None:
    assert suspicion(identity) is None


def test_each_kind_has_its_words_and_its_cases() -> None:
    assert KINDS.keys() == WRONG.keys()
