"""On a processor with only SSE2, mixpress can be imported and encodes to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from old_cpu.core import Changed, make_package

PROGRAM = Path(__file__).with_name("encode.py")


def encode(more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | more
    return subprocess.run([sys.executable, PROGRAM], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Changed, dict[str, str]]:
    folder = tmp_path_factory.mktemp("old")
    return folder, *make_package(folder)


def test_the_core_has_cpuid_and_newer_instructions(old: tuple[Path, Changed, object]) -> None:
    """Otherwise the next test would prove nothing."""
    _, changed, _ = old
    assert changed.cpuid > 0
    assert changed.later > 100


def test_an_old_processor_encodes_to_the_same_bytes(old: tuple[Path, object, dict[str, str]]) -> None:
    folder, _, environment = old
    by_old, by_this = encode(environment | {"CLAIMS": "nothing"}), encode({})
    assert (by_old.returncode, by_this.returncode) == (0, 0), by_old.stderr + by_this.stderr
    core, digest = by_old.stdout.split()
    assert folder in Path(core).parents
    assert digest == by_this.stdout.split()[1]


def test_newer_instructions_run_if_cpuid_claims_them(old: tuple[Path, object, dict[str, str]]) -> None:
    """So the replaced instructions are in use, and reaching one is noticed."""
    assert encode(old[2] | {"CLAIMS": "everything"}).returncode == -signal.SIGILL
