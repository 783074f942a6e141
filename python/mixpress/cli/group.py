"""The group `mixpress`: its help, its version and its commands, loaded on demand."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click
from click.shell_completion import CompletionItem

COMMANDS = {
    "check": ("check", "Say what an import would do, without a network."),
    "init": ("init", "Look at a file and write a mapping for it."),
    "import": ("import_", "Send the events of files."),
    "replay": ("replay", "Send the failed events of a dead letter again."),
    "lookup": ("lookup", "List lookup tables, and replace the rows of one."),
    "ping": ("ping", "Say what a server makes of the credentials."),
    "spool": ("spool", "Show or deliver a client's spool."),
    "emulator": ("emulator", "Run a local server of the ingestion API."),
    "demo": ("demo", "Import a month of flights into a local emulator."),
    "completion": ("completion", "Print the script that completes this command in a shell."),
}
"""The module of each command in this package, whose attribute `command` is the command, and its line in the help. The
help does not import the commands, which takes a second on a slow machine.
"""

EXTRAS = {"click": "cli", "rich": "cli", "orjson": "emulator", "starlette": "emulator", "uvicorn": "emulator"}
"""The extra of mixpress that installs each package."""

_SERVER = ("starlette", "uvicorn", "orjson")
NEEDED: dict[str, tuple[str, ...]] = {"completion": (), "emulator": _SERVER, "demo": ("rich", *_SERVER)}
"""The packages of extras that a command needs; others need rich."""


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
            command = import_module(f"mixpress.cli.{COMMANDS[cmd_name][0]}").command
        except ImportError as error:
            extra = extra_of(error)
            if extra is None:
                raise
            command = UnavailableCommand(cmd_name, extra)
        return command if isinstance(command, click.Command) else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin with a text, and the options, without an import."""
        found = [CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the names and the lines of the commands, or the extra that one needs."""
        rows = []
        for name, (_, line) in COMMANDS.items():
            extra = missing_extra(name)
            rows.append((name, f"(needs `pip install 'mixpress[{extra}]'`)" if extra else line))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def missing_extra(name: str) -> str | None:
    """Return the extra that a command needs and that is not installed, or None."""
    needed = NEEDED.get(name, ("rich",))
    return next((EXTRAS[package] for package in needed if find_spec(package) is None), None)


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
