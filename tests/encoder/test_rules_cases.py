"""The core and the reference give the result of each case of tests/cases."""

from __future__ import annotations

from typing import Any

import pytest

import reference
from cases.rule_cases import event_of, read_cases, written_of
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from reference import Options


@pytest.mark.parametrize(("file", "case"), [pytest.param(f, c, id=f"{f}: {c['id']}") for f, c in read_cases()])
def test_each_case_has_its_result(file: str, case: dict[str, Any]) -> None:
    options = Options(**case.get("options", {}))
    event = event_of(case)
    result = outcome_of_core(core_encoder(options).encode([event]))
    if "rejects" in case:
        assert [[field, rule] for _, _, field, rule in result.rejected] == [case["rejects"]]
        assert (result.batches, result.warnings, result.truncated) == ([], [], [])
    else:
        assert result.rejected == []
        assert [[field, rule] for _, _, field, rule in result.warnings] == case.get("warns", [])
        assert [[path, length, advice] for _, path, length, advice in result.truncated] == case.get("truncated", [])
        written = written_of(case)
        if written is not None:
            assert result.batches[0][0] == f"[{written}]".encode()
    assert result == outcome_of_reference(reference.encode([event], options))
