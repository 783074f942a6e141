"""Guess a mapping from some records of a file, and say why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress.files.mapping import Mapping
from mixpress.files.rows import unpacked
from mixpress.files.seen import Column, columns_of, share_of
from mixpress.files.steps import is_placeholder
from mixpress.files.times import Times, Unreadable
from mixpress.files.vendors.snowplow import COLUMNS as SNOWPLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Mapping as Members

TIME_NAMES = (
    "time timestamp eventtime eventtimestamp ts occurredat happenedat datetime date timehour createdat eventdate "
    "createdon created loggedat receivedat sentat"
)
EVENT_NAMES = "event eventname eventtype action activity eventtitle type name kind"
USER_NAMES = (
    "distinctid userid uid useruuid customerid accountid memberid visitorid clientid anonymousid deviceid userpseudoid "
    "email user customer"
)
ID_NAMES = "insertid eventid messageid uuid guid id orderid transactionid requestid rowid"
"""Names of columns for each purpose, the most telling ones first, without their punctuation and case."""

ROW_NUMBER = re.compile(r"|column_1|unnamed: 0|index|row|row_?(number|num|no)|#|no\.?|nr\.?", re.I)
"""Names of a column that counts the rows; `column_1` is a first one without a name."""

TIME_FORMATS = tuple(
    date + clock
    for date in ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%d %b %Y", "%b %d, %Y", "%d-%b-%Y")
    for clock in ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
)
"""Formats that are tried on texts that are not ISO 8601."""

FIRST_YEAR, AFTER_LAST_YEAR = 946_684_800_000, 4_102_444_800_000
"""The years 2000 to 2099: numbers outside of them are hardly times."""

LARGEST_MILLISECONDS = 31_536_000_000_000
"""Larger numbers count as microseconds, which the API does not know."""

SHARE = 0.9
"""The share of values that must be of a kind."""

SIGNATURES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("amplitude", ("event_type", "event_time"), ("amplitude_id", "event_properties")),
    ("ga4", ("event_name", "event_timestamp"), ("event_params", "user_pseudo_id")),
    ("posthog", ("uuid", "event", "distinct_id", "properties"), ("person_id", "team_id", "elements_chain")),
    ("snowplow", ("event_id", "collector_tstamp"), ("domain_userid", "event_vendor", "network_userid")),
    ("heap", ("event_id", "user_id", "session_id", "time"), ("event_table_name",)),
    ("segment", ("type", "messageId"), ("anonymousId", "userId")),
)
"""Vendor, the members that its records have, and those of which they have one at least."""


class Guess(NamedTuple):
    """A mapping, and the reasons for each of its fields and for those that are left to the user."""

    mapping: Mapping
    reasons: dict[str, list[str]]
    """Field -> sentences. A sentence for a field that is not set has a proposal."""
    columns: list[Column]
    """The columns that become properties."""


def guess(records: Sequence[object], file: str = "events") -> Guess:
    """Return a mapping for records such as these. `file`: the name of their file, in case no column names the event."""
    vendor = vendor_of(records)
    if vendor is not None:
        return _of_vendor(*vendor)
    objects = [record for record in records if isinstance(record, dict)]
    whole = [unpacked(record) for record in objects]
    of_api = bool(whole) and all(is_api for _, _, is_api in whole)
    columns = columns_of([members for _, members, _ in whole])
    found = Found(columns, len(objects))
    found.row_numbers()
    if of_api:
        found.reasons["event"] = ["The records are events of the API: names refer to their properties."]
    else:
        found.event(file)
    found.time()
    found.distinct_id()
    found.insert_id([members for _, members, _ in whole])
    if of_api:
        found.leave_the_names_of_the_api()
    rest = [column for column in columns if column.name not in found.used and "." not in column.name]
    return Guess(Mapping(**found.fields), found.reasons, rest)


def vendor_of(records: Sequence[object]) -> tuple[str, str] | None:
    """Return the vendor whose records these are, and the reason; None if there is none."""
    lines = [record for record in records if isinstance(record, str)]
    if lines and all(line.count("\t") >= len(SNOWPLOW) - 1 for line in lines):
        return "snowplow", f"Each line has the {len(SNOWPLOW)} fields of Snowplow's enriched events."
    objects = [record for record in records if isinstance(record, dict)]
    if not objects:
        return None
    for vendor, needed, one_of in SIGNATURES:
        if all(all(name in record for name in needed) and any(name in record for name in one_of) for record in objects):
            names = ", ".join(name for name in (*needed, *one_of) if name in objects[0])
            return vendor, f"Each record has {names}, as exports of this tool have."
    exported = "mp_processing_time_ms"
    if all(isinstance(record.get("properties"), dict) and exported in record["properties"] for record in objects):
        return "mixpanel", f"Each record has properties.{exported}, as exports of this tool have."
    return None


def _of_vendor(vendor: str, reason: str) -> Guess:
    reasons = {"source": [reason, "The other options refer to the events that are made of its records."]}
    if vendor == "mixpanel":
        reasons["time_zone"] = [
            "Exports of projects made before 2023 have the times of the project's zone. For such a project:",
            'time_zone = "US/Pacific"',
        ]
    return Guess(Mapping.vendor(vendor), reasons, [])


class Found:
    """The fields that were found so far, and the reasons."""

    def __init__(self, columns: list[Column], count: int) -> None:
        self.columns = columns
        self.count = count
        self.fields: dict[str, Any] = {}
        self.reasons: dict[str, list[str]] = {}
        self.used: set[str] = set()

    def event(self, file: str) -> None:
        """Find the column with the events' names."""
        for column in self.named(EVENT_NAMES):
            few = len(column.distinct) <= max(20, column.count // 5)
            if few and share_of(column, lambda value: isinstance(value, str) and 0 < len(value) <= 255) >= SHARE:
                count = f"{len(column.distinct)} name{'s' if len(column.distinct) > 1 else ''}"
                self.take("event_column", column, f"{count}, such as {column.examples()}.")
                return
        name = re.sub(r"[^A-Za-z0-9]+", " ", file.rpartition("/")[2].partition(".")[0]).strip().title() or "Event"
        self.fields["event"] = name
        self.reasons["event"] = ["No column looks like the name of an event: all get the name of the file."]

    def time(self) -> None:
        """Find the column with the time, and how it is written."""
        for column in self.named(TIME_NAMES, others=True):
            style = time_style(column)
            if style is None:
                continue
            self.take("time_column", column, f"{style.reason}, such as {column.examples(2)}.")
            if style.format is not None:
                self.fields["time_format"] = style.format
                self.reasons["time_format"] = style.advice
            if style.is_naive:
                self.reasons["time_zone"] = [
                    "The times have no zone, so they are taken as UTC. If they are local:",
                    'time_zone = "Europe/Berlin"',
                ]
            return
        self.reasons["time_column"] = [
            "No column looks like a time, and every event needs one:",
            f'time_column = "{self.columns[0].name if self.columns else "time"}"',
        ]

    def distinct_id(self) -> None:
        """Find the column with the user's id."""
        for column in self.named(USER_NAMES):
            if share_of(column, lambda value: isinstance(value, (str, int)) and not isinstance(value, bool)) < SHARE:
                continue
            self.take("distinct_id_column", column, f"{len(column.distinct)} users in {self.count} records.")
            bad = sorted({str(value) for value in column.distinct if is_placeholder(str(value))})
            if bad:
                self.reasons["placeholder_ids"] = [
                    f"The API disallows ids such as {', '.join(map(repr, bad))}. To send these events without a user:",
                    'placeholder_ids = "blank"',
                ]
            return
        self.fields["set"] = {"distinct_id": ""}
        self.reasons["set"] = [
            "No column looks like the id of a user: the events are sent without one.",
            "If there is one, remove this, and add above:",
            f'distinct_id_column = "{self.columns[0].name if self.columns else "user"}"',
        ]

    def leave_the_names_of_the_api(self) -> None:
        """Remove what changes nothing: JSON of events that need no mapping is passed on as it is."""
        plain: dict[str, tuple[str, Callable[[Any], bool]]] = {
            "time_column": ("time", lambda value: isinstance(value, int) and value < LARGEST_MILLISECONDS),
            "distinct_id_column": ("distinct_id", lambda value: isinstance(value, str)),
            "insert_id_column": ("$insert_id", lambda value: isinstance(value, str)),
        }
        columns = {column.name: column for column in self.columns}
        for field, (name, is_plain) in plain.items():
            if self.fields.get(field) == name and share_of(columns[name], is_plain) == 1:
                del self.fields[field]

    def row_numbers(self) -> None:
        """Drop a first column that only counts the rows, as pandas writes it. One with another name may be an id."""
        for column in self.columns[:1]:
            if not ROW_NUMBER.fullmatch(column.name):
                continue
            texts = list(map(str, column.values))
            if self.count > 1 and texts in ([str(n + first) for n in range(self.count)] for first in (0, 1)):
                self.fields["drop"] = (column.name,)
                self.reasons["drop"] = ["It counts the rows."]
                self.used.add(column.name)

    def insert_id(self, records: Sequence[Members[str, Any]]) -> None:
        """Find the column with the event's unique id, or columns that make one."""
        for column in self.named(ID_NAMES):
            unique = column.count == self.count and len(column.distinct) == column.count
            if not unique or share_of(column, lambda value: isinstance(value, (str, int))) < 1:
                continue
            reason = f"{self.count} of {self.count} values are different."
            if share_of(column, _is_insert_id) == 1:
                self.take("insert_id_column", column, reason)
            elif "." in column.name:
                continue
            else:
                self.fields["insert_id_from"] = (column.name,)
                self.reasons["insert_id_from"] = [
                    f"{reason} They have characters that the API does not allow, or more than 36: a hash is sent.",
                ]
            return
        dropped = self.fields.get("drop", ())
        names = [column.name for column in self.columns if "." not in column.name and column.name not in dropped]
        if names:
            self.fields["insert_id_from"] = tuple(names)
            alike = "" if _are_distinct(names, records) else " Some of these records are alike."
            self.reasons["insert_id_from"] = [
                f"No column has a unique id. Records that are alike in all columns count as one event.{alike}",
                "A few columns that make a record unique would do, such as a user, a time and a number.",
            ]

    def named(self, names: str, *, others: bool = False) -> list[Column]:
        """Return the unused columns with one of these names, the most telling ones first, then the others if wanted."""
        order = {name: place for place, name in enumerate(names.split())}
        ranked = []
        for place, column in enumerate(self.columns):
            plain = re.sub(r"[^a-z0-9]", "", column.name.rpartition(".")[2].lower())
            rank = order.get(plain, len(order) if others else None)
            if rank is not None and column.name not in self.used and column.count and column.name.strip():
                ranked.append((rank, "." in column.name, place, column))
        return [column for *_, column in sorted(ranked, key=lambda one: one[:3])]

    def take(self, field: str, column: Column, reason: str) -> None:
        """Set a field to a column."""
        self.fields[field] = column.name
        self.used.add(column.name)
        self.reasons[field] = [reason]


class TimeStyle(NamedTuple):
    """How the times of a column are written."""

    format: str | None
    is_naive: bool
    reason: str
    advice: list[str]


def time_style(column: Column) -> TimeStyle | None:
    """Return how the times of a column are written; None if its values are not times."""
    texts = [value for value in column.values if isinstance(value, str)]
    plain = _readable(Times(), column.values)
    if plain >= SHARE:
        numbers = not any(
            isinstance(value, str) and not value.strip().lstrip("+-").isdigit() for value in column.values
        )
        naive = any(
            isinstance(value, str) and re.search(r"(?:\d\d:\d\d|-\d\d)(?:[:.,\d]*)$", value.strip()) for value in texts
        )
        has_date = not numbers or _is_named_like_a_time(column)
        reason = f"{round(plain * 100)} % of the values are {'numbers of the size of times' if numbers else 'ISO 8601'}"
        return TimeStyle(None, naive and not _zoned(texts), reason, []) if has_date else None
    formats = [style for style in TIME_FORMATS if _readable(Times(format=style), texts[:1]) == 1]
    fitting = [style for style in formats if _readable(Times(format=style), texts) == 1]
    if not fitting:
        return None
    advice = ["The format of all values."]
    if len(fitting) > 1:
        advice.append(f"Days and months can't be told apart; the other possibility is {fitting[1]!r}.")
    return TimeStyle(fitting[0], True, "All values are dates in the format below", advice)


def _readable(times: Times, values: Sequence[Any]) -> float:
    """Return the share of values that are times of our age."""
    good = 0
    for value in values:
        try:
            milliseconds = times.read(value)
        except Unreadable:
            continue
        good += milliseconds is not None and FIRST_YEAR <= milliseconds < AFTER_LAST_YEAR
    return good / len(values) if values else 0


def _zoned(texts: Sequence[str]) -> bool:
    return any(re.search(r"\d(?:Z|z| UTC| GMT|[+-]\d\d:?\d\d)$", text.strip()) for text in texts)


def _is_named_like_a_time(column: Column) -> bool:
    name = column.name.rpartition(".")[2].lower()
    return bool(re.search(r"time|date|(?:^|_)ts$|(?:_at|At)$|created|when", name))


def _is_insert_id(value: object) -> bool:
    return re.fullmatch(r"[A-Za-z0-9-]{1,36}", str(value)) is not None and isinstance(value, (str, int))


def _are_distinct(names: Sequence[str], records: Sequence[Members[str, Any]]) -> bool:
    keys = {tuple(repr(record.get(name)) for name in names) for record in records}
    return len(keys) == len(records)
