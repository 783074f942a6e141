"""The options that choose how events are encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Command = TypeVar("Command", bound=Callable[..., None])

_OPTIONS = (
    click.option(
        "--long-url",
        type=click.Choice(["cut", "parse"]),
        default="cut",
        help="What becomes of a URL over 255 characters: parse sends its host, path and parameters.  [default: cut]",
    ),
    click.option(
        "--long-json",
        type=click.Choice(["cut", "flatten"]),
        default="cut",
        help="What becomes of long JSON in a text: flatten sends its members.  [default: cut]",
    ),
    click.option(
        "--long-text",
        type=click.Choice(["cut", "drop"]),
        default="cut",
        help="What becomes of another long text: drop leaves it out.  [default: cut]",
    ),
)


def encoder_options(command: Command) -> Command:
    """Add the options for long texts to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_encoder_arguments(options: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Remove the options of the encoder, and return its arguments with those that a mapping wants."""
    given = {f"on_{name}": options.pop(name) for name in ("long_url", "long_json", "long_text")}
    return {**{name: value for name, value in given.items() if value != "cut"}, **more}
