"""The sentence of each rule, word for word: they are spelled when somebody reads them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import mixpress
from mixpress import Encoder

CASES = json.loads(Path(__file__).with_name("messages.json").read_text(encoding="ascii"))
"""An event as Python text, `options` of its encoder, and its findings: path, rule, sentence. Of more than three the
first two and the last."""

DEEP: list[Any] = []
for _ in range(70):
    DEEP = [DEEP]
NAMES = {"P": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i"}, "datetime": datetime, "DEEP": DEEP}
SHOWN = 40
ELSEWHERE = {"invalid-json", "duplicate-key", "token-missing"}
"""Rules that no Python object breaks on /import."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["event"][:60])
def test_sentences_are_these(case: dict[str, Any]) -> None:
    encoder = Encoder(explain=True, compression=None, now=lambda: 1.75e9, **case.get("options", {}))
    encoded = encoder.encode([eval(case["event"], dict(NAMES))])
    found = [each for rejection in encoded.rejected for each in rejection.findings] + list(encoded.warnings)
    found = found[:2] + found[-1:] if len(found) > 3 else found
    shown = [one.field if len(one.field) < 60 else one.field[:SHOWN] + "..." for one in found]
    assert [[field, one.rule, one.message] for field, one in zip(shown, found, strict=True)] == case["findings"]


def test_each_rule_has_a_case() -> None:
    broken = {rule for case in CASES for _, rule, _ in case["findings"]}
    assert broken | ELSEWHERE == {rule.id for rule in mixpress.rules()}


def test_a_quoted_value_is_cut_to_sixty_characters() -> None:
    for text, shown in [
        ("😀" * 60, '"' + "😀" * 60 + '"'),
        ("é" * 61, '"' + "é" * 60 + '" (and 1 characters more)'),
        ("a" * 60, '"' + "a" * 60 + '"'),
    ]:
        event = {"event": "e", "properties": {**NAMES["P"], "$insert_id": text}}  # type: ignore[dict-item]
        messages = [one.message for one in Encoder(explain=True).encode([event]).rejected[0].findings]
        assert any(shown in message for message in messages), messages
