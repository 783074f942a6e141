"""`mixpress` itself: its help, its version, and where its commands are."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {"import": "import_", "spool": "spool", "emulator": "emulator", "demo": "demo"}
"""The module of each command in this package; its attribute `command` is the command."""

EXTRAS = {"click": "cli", "rich": "cli", "orjson": "emulator", "starlette": "emulator", "uvicorn": "emulator"}
"""Which extra of mixpress installs a package."""


class CannotRun(click.ClickException):
    """The command was understood and can't be carried out here: a sentence, and exit status 2."""

    exit_code = 2


class LazyGroup(click.Group):
    """A group whose commands are imported when they are looked up."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """A command by name, or one that says what to install."""
        if cmd_name not in COMMANDS:
            return None
        try:
            command = import_module(f"mixpress.cli.{COMMANDS[cmd_name]}").command
        except ImportError as error:
            extra = extra_of(error)
            if extra is None:
                raise
            command = stand_in(cmd_name, extra)
        return command if isinstance(command, click.Command) else None


def extra_of(error: ImportError) -> str | None:
    """The extra that would have prevented an import error, or None."""
    cause: BaseException | None = error
    while cause is not None:
        name = cause.name if isinstance(cause, ImportError) else None
        if name is not None and name.partition(".")[0] in EXTRAS:
            return EXTRAS[name.partition(".")[0]]
        cause = cause.__cause__
    return None


def stand_in(name: str, extra: str) -> click.Command:
    """A command that takes anything, and says which extra it needs."""

    def explain(rest: tuple[str, ...]) -> None:  # noqa: ARG001 - what was asked for can't be done
        raise CannotRun(f"this command needs `pip install 'mixpress[{extra}]'`")

    return click.Command(
        name,
        callback=explain,
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        add_help_option=False,
        short_help=f"(needs `pip install 'mixpress[{extra}]'`)",
    )


def show_version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    """Print the version and exit."""
    if asked and not ctx.resilient_parsing:
        from mixpress import __version__  # noqa: PLC0415 - loads the core, which the help does not need

        click.echo(f"mixpress {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show it.")
def group() -> None:
    """Get events into Mixpanel: validated, gzipped, delivered, with a verdict for every one.

    \b
    Try it with no account, in two terminals:
      mixpress emulator
      mixpress import examples/flights.ndjson.gz --to http://127.0.0.1:8400

    \b
    Exit status:
      0  all events were imported
      1  some events failed; it is said which, and why
      2  wrong usage
      3  nothing could be delivered
    """
