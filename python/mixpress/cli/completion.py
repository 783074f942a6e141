"""`mixpress completion`: the script by which a shell completes the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mixpress.cli.group import CannotRun, group

NAME = "mixpress"


@click.command("completion", short_help="Print the script that completes this command in a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script by which SHELL completes commands, options and their values. Bash needs version 4.4.

    \b
    Add it to the start of the shell, once:
      mixpress completion bash >> ~/.bashrc
      mixpress completion zsh >> ~/.zshrc
      mixpress completion fish > ~/.config/fish/completions/mixpress.fish

    \b
    Try it in this shell:
      eval "$(mixpress completion bash)"
    """
    found = get_completion_class(shell)
    if found is None:
        raise CannotRun(f"this version of click does not know {shell}: pip install -U click")
    complete = found(group, {}, NAME, f"_{NAME.upper()}_COMPLETE")
    # `source` of bash first runs bash to see its version, which may not be on this machine.
    click.echo(complete.source_template % complete.source_vars())
