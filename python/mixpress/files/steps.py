"""`Steps`: a mapping, prepared for many records."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from mixpress._core import DISALLOWED_IDS
from mixpress.files.checked import FIELDS
from mixpress.files.names import path_of
from mixpress.files.times import Times, boundary, zone_of
from mixpress.files.vendors import shape_of
from mixpress.files.where import Where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mixpress.files.mapping import Mapping

MAX_KINDS = 1000
"""Kinds of records that are remembered: an input may have any number."""

Path = tuple[str, ...]


class Named(NamedTuple):
    """What columns are used for."""

    event: Path | None
    """Where the event's name is; None if there is no such column."""
    fields: tuple[tuple[str, str, Path | None], ...]
    """Each field of the API, the name of its column, and where that is."""
    properties: tuple[tuple[str, str], ...]
    """Columns that become properties by themselves, and their names."""
    removed: tuple[Path, ...]
    """What is removed from objects."""
    has_id: bool
    """Whether there is an id, or a column of those that one is made of. Without any, all events would have one id."""
    lifted: tuple[tuple[Path, str], ...]
    """What becomes a property since the mapping names it, and the properties' names."""


class Steps:
    """What a mapping does, with its names, its boundaries and its expression prepared. Threads can share it."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        zone = zone_of(mapping.time_zone)
        self.times = Times(
            zone,
            offset=mapping.time_offset,
            format=mapping.time_format,
            local_numbers=mapping.source == "mixpanel" and zone is not None,
        )
        self.since = None if mapping.since is None else boundary(str(mapping.since), Times(zone), last=False)
        self.until = None if mapping.until is None else boundary(str(mapping.until), Times(zone), last=True)
        self.where = None if mapping.where is None else Where(mapping.where)
        self.blank = mapping.placeholder_ids == "blank"
        self.columns = _columns_of(mapping)
        """Field -> column."""
        self.names_id = mapping.distinct_id_column is not None or mapping.group_id_column is not None
        """Whether an option names the column of the id. Otherwise that of an update may have the API's name."""
        self.reserved = FIELDS if mapping.endpoint is None else ()
        """Names that no other column may have as a property."""
        self.event_column = mapping.event_column or "event"
        self.used = {*self.columns.values(), *([mapping.event_column] if mapping.event_column else [])}
        """Columns that fields are made of, which aren't properties too."""
        self.shape = None if mapping.source is None else shape_of(mapping.source)
        """Makes an event of a record of a vendor."""
        self._named: dict[tuple[bool, tuple[str, ...]], Named] = {}

    def named(self, columns: Iterable[str], *, of_api: bool) -> Named:
        """Return what these columns are used for. It is remembered: records of one kind have the same columns."""
        key = (of_api, tuple(columns))
        found = self._named.get(key)
        if found is None:
            if len(self._named) >= MAX_KINDS:
                self._named.clear()
            found = self._named[key] = self._uses(set(key[1]), key[1], of_api)
        return found

    def _uses(self, there: set[str], columns: tuple[str, ...], of_api: bool) -> Named:
        mapping = self.mapping
        of_fields, used = self.columns, self.used
        if mapping.endpoint is not None and not self.names_id:
            of_fields = {field: field if field in there else column for field, column in of_fields.items()}
            used = set(of_fields.values())
        event_is_used = not of_api and mapping.event is None and mapping.event_column is None
        targets = [(column, self._property_of(column, used, event_is_used)) for column in columns]
        names = (*mapping.keep, *mapping.drop, *mapping.rename)
        paths = {name: path for name in names if (path := path_of(name, there))}
        nested = {name: path for name, path in paths.items() if len(path) > 1}
        kept = [(nested[name], name) for name in mapping.keep if name in nested and name not in used]
        renamed = [(paths[name], target) for name, target in mapping.rename.items() if name in paths]
        return Named(
            event=path_of(self.event_column, there),
            fields=tuple((field, column, path_of(column, there)) for field, column in of_fields.items()),
            properties=tuple((column, target) for column, target in targets if target is not None),
            removed=tuple(nested[name] for name in (*mapping.drop, *mapping.rename) if name in nested),
            has_id=not mapping.insert_id_from
            or path_of(self.columns["$insert_id"], there) is not None
            or any(name == "event" or path_of(name, there) for name in mapping.insert_id_from),
            lifted=(*kept, *renamed),
        )

    def _property_of(self, column: str, used: set[str], event_is_used: bool) -> str | None:
        """Return the name of the property that a column becomes by itself; None if it does not."""
        mapping = self.mapping
        if column in used or column in mapping.drop or column in mapping.rename:
            return None
        if column == "event" and event_is_used:
            return None
        if mapping.keep and column not in mapping.keep:
            return None
        return f"{column}_property" if column in self.reserved else column

    def in_range(self, milliseconds: int) -> bool:
        """Return whether a time is taken."""
        return (self.since is None or milliseconds >= self.since) and (self.until is None or milliseconds < self.until)

    def sampled(self, identity: str) -> bool:
        """Return whether the events of a user are taken."""
        share = self.mapping.sample
        if share is None:
            return True
        digest = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") < share * 2**64


def _columns_of(mapping: Mapping) -> dict[str, str]:
    match mapping.endpoint:
        case "engage":
            return {"$distinct_id": mapping.distinct_id_column or "distinct_id"}
        case "groups":
            return {"$group_id": mapping.group_id_column or "group_id"}
    return {
        "time": mapping.time_column or "time",
        "distinct_id": mapping.distinct_id_column or "distinct_id",
        "$insert_id": mapping.insert_id_column or "$insert_id",
    }


def is_placeholder(id: object) -> bool:
    """Return whether the API disallows an id."""
    return isinstance(id, str) and len(id) <= 36 and id.isascii() and id.lower() in DISALLOWED_IDS
