"""The commands in the README and in docs/ exist and have the options that the pages use."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from mixpress.cli.group import group

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = rf"(?:{'|'.join(group.list_commands(click.Context(group)))})\b"
LINE = re.compile(rf"^ *(?:\$ )?mixpress ({NAMES}.*?)(?:\s+[#>&|].*)?$", re.M)
WITHIN_A_SENTENCE = re.compile(rf"`mixpress ({NAMES}[^`]*)`")
COMMANDS = sorted(
    {
        words
        for page in PAGES
        for form in (LINE, WITHIN_A_SENTENCE)
        for words in form.findall(page.read_text("utf-8").replace("\\\n", ""))
    }
)


def test_the_pages_show_every_command() -> None:
    assert {words.split()[0] for words in COMMANDS} == set(group.list_commands(click.Context(group)))


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_in_the_pages_is_valid(words: str) -> None:
    command: click.Command = group
    context, arguments = click.Context(group), shlex.split(words)
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name = arguments.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command = found
    command.make_parser(click.Context(command)).parse_args(arguments)
