"""The seeds of the fuzzers, encoded like the reference: faults that a fuzzer found stay mended."""

from __future__ import annotations

from pathlib import Path

import pytest

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from reference import RULES, Options

SEEDS = sorted((Path(__file__).parents[2] / "fuzz" / "seeds").iterdir())

OPTIONS = {
    "documented": Options(),
    "observed, explained": Options(profile="observed", explain=True, format="ndjson"),
    "small limits": Options(
        limits={
            "max_string": 12,
            "truncate_unit": "bytes",
            "max_properties": 4,
            "max_keys": 2,
            "max_elements": 2,
            "max_depth": 1,
            "max_event_bytes": 120,
            "max_insert_id_bytes": 3,
            "max_batch_events": 2,
        },
        explain=True,
    ),
    "all rules warn": Options(rules=dict.fromkeys(RULES, "warn"), limits={"max_string": 12}),
    "updates of users": Options(endpoint="engage", token="a-token", explain=True, limits={"max_string": 20}),
    "updates of users, small limits": Options(
        endpoint="engage",
        ip=True,
        ignore_time=False,
        explain=True,
        limits={"max_profile_properties": 2, "max_value_bytes": 10, "max_event_bytes": 120},
        rules={"too-many-elements": "reject"},
    ),
    "updates of users, all rules warn": Options(endpoint="engage", rules=dict.fromkeys(RULES, "warn")),
    "updates of users, long texts converted": Options(
        endpoint="engage", format="form", token="t", on_long_url="parse", on_long_json="flatten", on_long_text="drop"
    ),
    "updates of groups": Options(endpoint="groups", explain=True),
    "updates of groups, all rules warn": Options(
        endpoint="groups", group_key="company", rules=dict.fromkeys(RULES, "warn")
    ),
    "simplified": Options(identity="simplified", explain=True),
    "simplified track, all rules warn": Options(
        endpoint="track", identity="simplified", rules=dict.fromkeys(RULES, "warn")
    ),
    "original": Options(identity="original", explain=True),
    "track": Options(endpoint="track", now=1_700_000_000_000 + 5 * 86_400_000),
    "track, with everything the encoder can add": Options(
        endpoint="track",
        format="form",
        token="a-token",
        insert_id="derive",
        on_long_url="parse",
        on_long_json="flatten",
        on_long_text="drop",
        now=1_700_000_100_000,
    ),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.stem)
def test_the_core_and_the_reference_agree(seed: Path, options: Options) -> None:
    text = seed.read_bytes()
    expected = outcome_of_reference(reference.encode_json(text, options))
    assert outcome_of_core(core_encoder(options).encode_json(text)) == expected
    assert outcome_of_core(core_encoder(options).encode_json(bytearray(text))) == expected


def test_the_seeds_break_every_rule_that_a_text_can_break() -> None:
    broken: set[str] = set()
    for seed in SEEDS:
        for options in OPTIONS.values():
            encoded = reference.encode_json(seed.read_bytes(), options)
            broken |= {finding.rule for finding in encoded.rejected + encoded.warnings}
    assert set(RULES) - broken == {"unsupported-type"}
