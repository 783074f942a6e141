"""The options of a mapping: one for each field of `Mapping`, and a TOML file that has them all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import click

from mixpress.cli.group import CannotRun
from mixpress.files.checked_updates import Operation
from mixpress.files.mapping import Mapping, typed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Command = TypeVar("Command", bound=Callable[..., None])

if TYPE_CHECKING:
    _PairType = click.ParamType[tuple[str, str]]
    _NamesType = click.ParamType[tuple[str, ...]]
else:  # the lowest version of click that works is not generic
    _PairType = _NamesType = click.ParamType

VENDORS = ("amplitude", "ga4", "heap", "mixpanel", "posthog", "segment", "snowplow")


class Pair(_PairType):
    """A value such as `a=b`."""

    name = "pair"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the two sides."""
        if isinstance(value, tuple):
            return value
        left, equals, right = value.partition("=")
        if not left or not equals:
            self.fail(f"{value!r} must be NAME=VALUE", param, ctx)
        return left, right


class Names(_NamesType):
    """Names separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the names."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(","))
        if not all(names):
            self.fail(f"{value!r} must be names separated by commas", param, ctx)
        return names


_OPTIONS = (
    click.option(
        "--config",
        type=click.Path(dir_okay=False),
        metavar="TOML",
        help="Read these options from a file, as `mixpress init` writes it; those given here win.",
    ),
    click.option("--from", "source", type=click.Choice(VENDORS), help="The files are an export of this tool."),
    click.option("--event", metavar="NAME", help="Name of every event."),
    click.option("--event-column", metavar="C", help="Column with the event's name.  [default: event]"),
    click.option("--time-column", metavar="C", help="Column with the time.  [default: time]"),
    click.option("--time-format", metavar="F", help="unix, unix_ms, or a format such as '%d/%m/%Y %H:%M'."),
    click.option("--time-zone", metavar="Z", help="Zone of times without one, such as Europe/Berlin.  [default: UTC]"),
    click.option(
        "--time-offset",
        type=float,
        metavar="HOURS",
        help="Hours that the file's clock is ahead of UTC: exports of older projects have local time.",
    ),
    click.option("--distinct-id-column", metavar="C", help="Column with the user's id.  [default: distinct_id]"),
    click.option("--insert-id-column", metavar="C", help="Column with the event's unique id.  [default: $insert_id]"),
    click.option(
        "--insert-id-from", type=Names(), metavar="A,B,C", help="Columns that make an event unique, to derive an id."
    ),
    click.option("--rename", type=Pair(), multiple=True, metavar="A=B", help="Send column A as property B."),
    click.option("--drop", multiple=True, metavar="C", help="Leave out a column."),
    click.option("--keep", multiple=True, metavar="C", help="Send only these columns as properties."),
    click.option("--set", type=Pair(), multiple=True, metavar="K=V", help="Add a property; V may be JSON."),
    click.option("--where", metavar="EXPR", help="Take only records such as 'plan == \"pro\" && age > 20' (CEL)."),
    click.option("--since", metavar="TIME", help="Take only events from this date, or date and time, on."),
    click.option("--until", metavar="TIME", help="Take only events up to this date, or before this date and time."),
    click.option("--sample", type=float, metavar="SHARE", help="Take only this share of users, such as 0.01."),
    click.option(
        "--profiles",
        is_flag=True,
        default=None,
        help="The records are updates of user profiles: objects of the API, or rows with one column for the id.",
    ),
    click.option("--groups", metavar="KEY", help="They are updates of groups with this key, such as company."),
    click.option("--group-id-column", metavar="C", help="With --groups, the column with the id.  [default: group_id]"),
    click.option(
        "--operation",
        type=click.Choice(get_args(Operation)),
        help="What rows of updates do with the other columns.  [default: set]",
    ),
    click.option(
        "--placeholder-ids",
        type=click.Choice(["reject", "blank"]),
        help="What becomes of a user id such as null or NA: blank sends an empty one.  [default: reject]",
    ),
)


def mapping_options(command: Command) -> Command:
    """Add the options of a mapping to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_mapping(options: dict[str, Any]) -> Mapping:
    """Remove the options of a mapping from those of a command, and return it.

    Raises `CannotRun` if the file can't be read, UsageError for a wrong value.
    """
    config, given = options.pop("config"), _given(options)
    vendor = given.pop("source", None)
    if config is not None:
        given = {**_read(config).changed(), **given}
    source = vendor or given.pop("source", None)
    try:
        return Mapping.vendor(source, **given) if source else Mapping(**given)
    except ImportError as error:
        raise CannotRun(_with_options(str(error))) from error
    except (TypeError, ValueError) as error:
        raise click.UsageError(_with_options(str(error))) from error


def _read(config: str) -> Mapping:
    """Return the mapping of a file. What is said of it names the file's keys."""
    try:
        return Mapping.from_toml(config)
    except OSError as error:
        raise CannotRun(f"cannot read {config}: {error.strerror}") from error
    except ImportError as error:
        raise CannotRun(str(error)) from error
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Remove and return the fields of a mapping that were given."""
    values = {option.name: options.pop(option.name) for option in _parameters() if option.name != "config"}
    values["rename"] = dict(values["rename"])
    values["set"] = {name: typed(text) for name, text in values["set"]}
    return {name: value for name, value in values.items() if value not in (None, (), {})}


def _parameters() -> list[click.Option]:
    @click.command()
    def bare() -> None: ...

    return [option for option in mapping_options(bare).params if isinstance(option, click.Option)]


def _with_options(message: str) -> str:
    """Return a message about fields as one about their options.

    A field is the first word, or has an underscore, or is written as `keep=`: other words may be English. What is in
    quotes is not a field, nor is what CEL says of an expression.
    """
    options = {str(option.name): option.opts[0] for option in _parameters()}
    names = "|".join(sorted(options, key=len, reverse=True))

    def replaced(found: re.Match[str]) -> str:
        name, equals = found["name"], found["equals"]
        if name is None or not (found.start() == 0 or "_" in name or equals):
            return found[0]
        return options[name] + (" " if equals and found.end() < len(message) and message[found.end()] in "'\"" else "")

    quoted = r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    count = 1 if message.startswith("where") else 0
    return re.sub(rf"{quoted}|\b(?P<name>{names})\b(?P<equals>=?)", replaced, message, count=count)
