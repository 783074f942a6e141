"""Each measurement of the encoder has a hot and a cold form, and prints the processor."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from benches import gzip
from benches.support.held_out import EVERY_MIX, events_of
from benches.support.machine import head

BENCHES = Path(__file__).parents[2] / "benches"
WITHOUT = "It has no cold form: "
"""A docstring that has this gives the reason after it."""


def measurements() -> list[str]:
    """Return the modules of `make bench` that measure the encoder, by the list in `__main__.py`."""
    (names,) = (
        assigned.value.elts
        for assigned in ast.walk(ast.parse((BENCHES / "__main__.py").read_text(encoding="utf-8")))
        if isinstance(assigned, ast.Assign)
        and ast.unparse(assigned.targets[0]) == "encoding"
        and isinstance(assigned.value, ast.List)
    )
    return [ast.unparse(name) for name in names]


def calls(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the functions that a module calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def texts(tree: ast.Module) -> str:
    """Return the texts in a module's code, without its docstring."""
    parts = [node for statement in tree.body[1:] for node in ast.walk(statement)]
    return "\n".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


@pytest.mark.parametrize("name", measurements())
def test_a_measurement_of_the_encoder_prints_the_processor_and_has_a_cold_form_or_says_why_not(name: str) -> None:
    tree = ast.parse((BENCHES / f"{name}.py").read_text(encoding="utf-8"))
    called, about = set(calls(tree)), " ".join((ast.get_docstring(tree) or "").split())
    assert "require_release_build" in called  # prints the processor
    if WITHOUT in about:
        assert "interleave_cold" not in called
    else:
        assert "COLD_EVENTS" in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert {"hot", "cold"} <= set(re.findall(r"\w+", texts(tree)))  # names of rows


def test_updates_of_tables_are_measured_with_columns_and_rows_that_agree() -> None:
    code = "import benches.mapping as it; it.ROWS, it.UPDATE_ROUNDS = 10, 2; it.updates()"
    ran = subprocess.run([sys.executable, "-c", code], cwd=BENCHES.parent, check=True, capture_output=True, text=True)
    table = [line.split(" | ")[0] for line in ran.stdout.splitlines() if line.startswith("| `")]
    assert table == ["| `set`", "| `add`", "| `union`", "| `delete`"]


@pytest.mark.parametrize("mix", EVERY_MIX)
def test_the_contestants_of_gzip_write_the_same_events(mix: str) -> None:
    events = events_of(mix, 60)
    sizes = gzip.check(mix, gzip.contestants_of(events), orjson.dumps(events))
    assert {"mixpress", "mixpress 9", "mixpress, JSON", "mixpress, Arrow"} <= sizes.keys()


def test_a_missed_target_names_the_mean_and_each_mix_that_misses_it() -> None:
    target = gzip.Target("size", lambda of_mix: 0.0, mean=1.0, each=1.02)
    assert target.wanted == " (mean at most 1.0, each at most 1.02)"
    assert list(target.missed({"web": 1.01, "iot": 1.03}, 1.02)) == [
        "the mean is 1.020, at most 1.0",
        "iot is 1.030, at most 1.02",
    ]
    assert list(target.missed({"web": 1.01, "iot": 0.98}, 0.995)) == []
    assert list(gzip.Target("speed", lambda of_mix: 0.0, least=6.5).missed({}, 6.4)) == [
        "the mean is 6.400, at least 6.5"
    ]


def test_the_head_of_a_table_names_flags_and_interpreter() -> None:
    processor, flags, interpreter = head().splitlines()
    assert processor.startswith("**")
    assert flags.startswith("Flags: ")
    assert interpreter.startswith("CPython 3.")
