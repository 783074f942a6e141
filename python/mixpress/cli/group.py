"""The group `mixpress`: its help, its version and its commands, loaded on demand."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {"import": "import_", "spool": "spool", "emulator": "emulator", "demo": "demo"}
"""The module of each command in this package; its attribute `command` is the command."""

EXTRAS = {"click": "cli", "rich": "cli", "orjson": "emulator", "starlette": "emulator", "uvicorn": "emulator"}
"""The extra of mixpress that installs each package."""


class CannotRun(click.ClickException):
    """The command cannot run on this machine or in this environment; exit status 2."""

    exit_code = 2


class UnavailableCommand(click.Command):
    """A command whose extra is not installed: it accepts any arguments and names the extra."""

    def __init__(self, name: str, extra: str) -> None:
        self._advice = f"needs `pip install 'mixpress[{extra}]'`"
        super().__init__(
            name,
            params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
            context_settings={"ignore_unknown_options": True},
            add_help_option=False,
            short_help=f"({self._advice})",
        )

    def invoke(self, ctx: click.Context) -> None:  # noqa: ARG002
        """Raise `CannotRun`."""
        raise CannotRun(f"this command {self._advice}")


class LazyGroup(click.Group):
    """A group that imports a command when it is looked up."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the order in which a new user needs them."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """Return a command, or an `UnavailableCommand` if its extra is not installed."""
        if cmd_name not in COMMANDS:
            return None
        try:
            command = import_module(f"mixpress.cli.{COMMANDS[cmd_name]}").command
        except ImportError as error:
            extra = extra_of(error)
            if extra is None:
                raise
            command = UnavailableCommand(cmd_name, extra)
        return command if isinstance(command, click.Command) else None


def extra_of(error: ImportError) -> str | None:
    """Return the extra that would have prevented an import error, or None."""
    cause: BaseException | None = error
    while cause is not None:
        name = cause.name if isinstance(cause, ImportError) else None
        if name is not None and name.partition(".")[0] in EXTRAS:
            return EXTRAS[name.partition(".")[0]]
        cause = cause.__cause__
    return None


def show_version(ctx: click.Context, _option: click.Parameter, requested: bool) -> None:
    """Print the version and exit."""
    if requested and not ctx.resilient_parsing:
        from mixpress import __version__  # noqa: PLC0415 - loads the core, which the help does not need

        click.echo(f"mixpress {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version and exit.",
)
def group() -> None:
    """Send events to Mixpanel: validated, gzipped and delivered, with a verdict for every event.

    \b
    Try it without an account, in two terminals:
      mixpress emulator
      mixpress import examples/flights.ndjson.gz --to http://127.0.0.1:8400

    \b
    Exit status:
      0  all events were imported
      1  some events failed; the summary lists the reasons
      2  wrong usage, or the command cannot run
      3  nothing could be delivered
    """
