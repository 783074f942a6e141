"""`Mapping`: how the records of a file become events, or updates of profiles. Its fields are the options of
`mixpress import`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Members
from dataclasses import dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from mixpress.files import toml
from mixpress.files.checked import check, names_of
from mixpress.files.checked_updates import Operation
from mixpress.files.vendors import check_vendor, defaults_of

if TYPE_CHECKING:
    import os

    from typing_extensions import Self

    from mixpress.send.request import UpdateEndpoint


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """How the records of a file become events, or updates of profiles. Without any of these, a record is an event with
    the names of the API.

    A record with `event` and `properties`, an object, is an event of the API: names refer to its properties. Any other
    record is flat: names refer to its columns, and each column without another use is a property. A name with dots,
    such as `context.timestamp`, reaches into objects; a column that has the whole name comes first.

    Raises `ValueError` or `TypeError`, which names the field, its value and the remedy.
    """

    event: str | None = None
    """The name of every event."""
    event_column: str | None = None
    """The column with the event's name. Default `event`."""
    time_column: str | None = None
    """The column with the time. Default `time`."""
    time_format: str | None = None
    """How times are written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, or a format of `strptime`, such as `%d/%m/%Y`.
    By default numbers are told apart by their size, and texts are ISO 8601 or numbers."""
    time_zone: str | None = None
    """The zone of times without one, such as `Europe/Berlin`. Default UTC. An hour that occurs twice is its first
    occurrence; an hour that is skipped is counted on by the offset before it."""
    time_offset: float | None = None
    """Hours by which the clock of the file is ahead of UTC, such as -8. Texts with a zone are not shifted."""
    distinct_id_column: str | None = None
    """The column with the user's id. Default `distinct_id`."""
    insert_id_column: str | None = None
    """The column with the event's unique id. Default `$insert_id`."""
    insert_id_from: Sequence[str] = ()
    """Columns that make an event unique: an event without `$insert_id` gets a hash of their values."""
    rename: Members[str, str] = field(default_factory=dict)
    """Column -> name of its property. It replaces a property of that name."""
    drop: Sequence[str] = ()
    """Columns that are not sent."""
    keep: Sequence[str] = ()
    """The only columns that become properties, besides those of `rename`."""
    set: Members[str, Any] = field(default_factory=dict)
    """Property -> value, for every event. It replaces a property of that name."""
    where: str | None = None
    """An expression of CEL (https://cel.dev) over the record's columns. Records for which it is false are left out."""
    since: str | date | None = None
    """The first time that is taken: a date, or a date and time."""
    until: str | date | None = None
    """The end of what is taken: a date, which is included, or a date and time, which is not."""
    sample: float | None = None
    """The share of users that is taken, such as 0.01. Every run takes the same ones."""
    placeholder_ids: Literal["reject", "blank"] = "reject"
    """What becomes of a `distinct_id` that the API disallows, such as `null`: `"blank"` sends an empty one."""
    source: str | None = None
    """The tool whose export the file is: see `vendor`. The key `from` of a TOML file."""
    profiles: bool = False
    """Whether the records are updates of user profiles, for /engage, instead of events. One with an operation of the
    API, such as `{"$distinct_id": "u", "$set": {"plan": "pro"}}`, is sent as it is. Any other is flat: one column has
    the id, and the others become what `operation` says. A null, or an empty field, is not sent."""
    groups: str | None = None
    """The group key, such as `company`: the records are updates of profiles of its groups, for /groups."""
    group_id_column: str | None = None
    """With `groups`, the column with the group's id. Default `group_id`."""
    operation: Operation = "set"
    """What flat records of updates do. `"union"` makes a list of a single value, `"remove"` removes the value of each
    column from the property's list, `"unset"` removes the properties whose columns have a value, and `"delete"` deletes
    the profile. Groups have no `"add"` and `"append"`."""

    def __post_init__(self) -> None:
        for name in ("insert_id_from", "drop", "keep"):
            object.__setattr__(self, name, names_of(name, getattr(self, name)))
        for name in ("since", "until"):
            object.__setattr__(self, name, _as_text(getattr(self, name)))
        check(self)
        check_vendor(self.source)
        for name in ("rename", "set"):
            object.__setattr__(self, name, dict(getattr(self, name)))  # the caller may change what it passed

    @property
    def endpoint(self) -> UpdateEndpoint | None:
        """The endpoint for updates of profiles; None for events."""
        return "groups" if self.groups is not None else "engage" if self.profiles else None

    @classmethod
    def vendor(cls, name: str, **changes: Any) -> Self:
        """Return the mapping for an export of another tool.

        `name`: `"amplitude"`, `"ga4"`, `"heap"`, `"mixpanel"`, `"posthog"`, `"segment"` or `"snowplow"`. `changes`:
        further fields; they refer to the events that are made of the export's records.
        """
        check_vendor(name)
        return cls(**{"source": name, **defaults_of(name), **changes})

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Self:
        """Return the mapping of a TOML file, whose keys are the fields.

        Raises `OSError` if the file can't be read, `ValueError` or `TypeError`, with the path, for a wrong content.
        Python 3.10 needs the package tomli.
        """
        found = toml.read(path)
        if "from" in found:
            found["source"] = found.pop("from")
        known = [one.name for one in fields(cls)]
        unknown = [name for name in found if name not in known]
        if unknown:
            raise ValueError(f"{path}: unknown key {unknown[0]!r}; the keys are {', '.join(known)}")
        try:
            return cls.vendor(found.pop("source"), **found) if "source" in found else cls(**found)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{path}: {error}") from error

    def changed(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults."""
        default = type(self)()
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value != getattr(default, name)}

    def to_toml(self, comments: Members[str, Iterable[str]] | None = None) -> str:
        """Return the mapping as TOML. `comments`: field -> lines before it."""
        order = _with_from({one.name: None for one in fields(self)})
        return toml.written(_with_from(self.changed()), _with_from(comments or {}), list(order))


def typed(text: str) -> Any:
    """Return the value of an option such as `--set plan=pro`: JSON if it can be parsed, otherwise the text."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _with_from(values: Members[str, Any]) -> dict[str, Any]:
    """Return values by the keys of TOML, the tool first."""
    found = {"from": values["source"]} if "source" in values else {}
    return found | {name: value for name, value in values.items() if name != "source"}


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _as_text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
