"""The help and the completion of `mixpress`, which import no command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mixpress.cli import group as group_module
from mixpress.cli.group import COMMANDS, LazyGroup, group

from .process import COMMAND

HEAVY = ("rich", "starlette", "uvicorn", "orjson", "pyarrow", "urllib3", "asyncio", "sqlite3", "mixpress.client")


HELP = """
from click.testing import CliRunner
from mixpress.cli.group import group
assert CliRunner().invoke(group, ["--help"]).exit_code == 0
"""


def modules_of(program: str) -> set[str]:
    """Return the modules that a program has imported at its end."""
    program += "\nimport json, sys\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(ended.stderr))


@pytest.mark.parametrize(
    "program",
    [
        "import mixpress",
        HELP,
    ],
    ids=["import mixpress", "mixpress --help"],
)
def test_the_start_imports_nothing_heavy(program: str) -> None:
    found = modules_of(program)
    assert [name for name in HEAVY if name in found] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_line_in_the_help(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.short_help == COMMANDS[name][1]
    assert COMMANDS[name][1] in CliRunner().invoke(group, ["--help"], terminal_width=120).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_teaches_with_an_example(name: str) -> None:
    result = CliRunner().invoke(group, [name, "--help"])
    assert result.exit_code == 0
    assert f"  mixpress {name}" in result.stdout


def test_a_missing_extra_is_named_in_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_module, "find_spec", lambda name: None if name == "uvicorn" else object())
    lines = CliRunner().invoke(group, ["--help"]).stdout.splitlines()
    needing = [line.split()[0] for line in lines if "pip install 'mixpress[emulator]'" in line]
    assert needing == ["emulator", "demo"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str) -> None:
    result = CliRunner().invoke(group, ["completion", shell])
    assert result.exit_code == 0
    assert "_MIXPRESS_COMPLETE" in result.stdout


def test_another_shell_is_wrong_usage() -> None:
    assert CliRunner().invoke(group, ["completion", "cmd"]).exit_code == 2


def complete(words: str, position: int) -> list[str]:
    """Return what bash would offer."""
    asked = {"_MIXPRESS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    ended = subprocess.run(COMMAND, env=os.environ | asked, capture_output=True, text=True, check=True)
    return [line.partition(",")[2] for line in ended.stdout.splitlines()]


def test_commands_options_and_values_are_completed() -> None:
    assert complete("mixpress ", 1) == list(COMMANDS)
    assert complete("mixpress ch", 1) == ["check"]
    assert "--dead-letter" in complete("mixpress import --", 2)
    assert complete("mixpress import --region ", 3) == ["us", "eu", "in"]
    assert complete("mixpress completion ", 2) == ["bash", "zsh", "fish"]


BASH = Path("/bin/bash")


@pytest.mark.skipif(not BASH.exists(), reason="needs bash")
def test_bash_can_read_its_script() -> None:
    script = CliRunner().invoke(group, ["completion", "bash"]).stdout
    ended = subprocess.run([BASH, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_group_is_lazy() -> None:
    assert isinstance(group, LazyGroup)
