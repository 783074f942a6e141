"""The files on docs/emulator-docker.md: valid by their schemas, and with options that the command has."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from click import Context

from mixpress.cli.emulator import command

PAGE = (Path(__file__).parents[2] / "docs" / "emulator-docker.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


COMPOSE, *WORKFLOWS = blocks("yaml")


@pytest.mark.parametrize(
    ("text", "schema"),
    [(COMPOSE, "vendor.compose-spec"), *((text, "vendor.github-workflows") for text in WORKFLOWS)],
)
def test_a_file_is_valid(text: str, schema: str, tmp_path: Path) -> None:
    path = tmp_path / "file.yml"
    path.write_text(text)
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_of_a_workflow_are_bash() -> None:
    scripts = [
        (one_line or textwrap.dedent(block)).strip()
        for text in WORKFLOWS
        for block, one_line in re.findall(r"^ +(?:- )?run: (?:\|\n((?: {10,}.*\n)+)|(.+)\n)", text, re.M)
    ]
    assert len(scripts) == 5
    for script in scripts:
        subprocess.run(["bash", "-n", "-c", script], check=True, timeout=60)


def instructions() -> list[tuple[str, str]]:
    """Return each instruction of the Dockerfile and its arguments."""
    [text] = blocks("dockerfile")
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines if not line.startswith("#") and line]


def test_the_image_is_of_two_stages_and_runs_without_root() -> None:
    names = [name for name, _ in instructions()]
    assert names.count("FROM") == 2
    assert names.index("USER") > names.index("COPY")
    assert dict(instructions())["USER"].isdigit()  # so that a cluster can see that it is not root


def test_the_commands_of_the_image_have_options_that_exist() -> None:
    words: dict[str, Any] = {name: text for name, text in instructions() if name in ("ENTRYPOINT", "CMD")}
    given = json.loads(words["ENTRYPOINT"]) + json.loads(words["CMD"])
    assert given[:2] == ["mixpress", "emulator"]
    parse(given[2:])


def test_the_commands_in_the_text_have_options_that_exist() -> None:
    runs = re.findall(r"mixpress emulator (?!export)(-[^>|\n`]+)", "\n".join(blocks("yaml")))
    runs += re.findall(r"mixpress-emulator (--[^`]+)`", PAGE)
    exports = re.findall(r"mixpress emulator export ([^`\n]+)", PAGE)
    assert len(runs) == 2
    assert len(exports) == 2
    for text in runs:
        parse(shlex.split(text))
    for text in exports:
        export = command.commands["export"]
        export.make_context("export", shlex.split(text), resilient_parsing=False)


def parse(arguments: list[str]) -> Context:
    return command.make_context("emulator", arguments)


def test_the_check_of_health_is_python_that_compiles() -> None:
    health = json.loads(dict(instructions())["HEALTHCHECK"].split("CMD", 1)[1])
    assert health[:2] == ["python", "-c"]
    compile(health[2], "health", "exec")
    assert "/_emulator/ready" in health[2]
