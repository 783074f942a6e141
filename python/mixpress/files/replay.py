"""`DeadLetterInput`: the failed events of a dead letter, to be imported again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mixpress.dead_letter import CARRIED, MARK, FromLine
from mixpress.files.json_piece import INVALID
from mixpress.files.piece import EncodedPiece, Piece, Problem
from mixpress.files.update_rows import COUNTED, is_counted, is_update, members_of_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeGuard

    from mixpress._core import Encoder
    from mixpress.files.mapper import Mapper
    from mixpress.files.mapping import Mapping
    from mixpress.files.piece import Ended, Input, Known, Place

UNUSABLE = "not-a-dead-letter"
"""The rule of a line that no dead letter has."""
MAY_COUNT_TWICE = "may-count-twice"
"""The rule of an `$add` or an `$append` that the server may have taken."""
_UNSURE = (
    "the server may have taken this $add or $append, and it would count twice: look at the profile, and remove the "
    "line, or send it with --retry-unsafe"
)
OTHER_KIND = "other-kind"
"""The rule of a line that needs other options: an event, an update, or a row that was imported by another operation."""
UNREPAIRED = "not-repaired"
"""The rule of an event with a value that JSON could not represent."""


class DeadLetterInput:
    """The events in the lines of dead letters, each as it was read at first; `lines` reads the files as NDJSON.

    Updates that the server may have taken, and that would count twice, are problems, unless `retry_unsafe`. Lines that
    need another mapping are problems, too.
    """

    def __init__(self, lines: Input, retry_unsafe: bool = False) -> None:
        self._lines = lines
        self._retry_unsafe = retry_unsafe
        self.size = lines.size
        self.damaged = lines.damaged
        self.unusable = lines.unusable

    def __iter__(self) -> Iterator[Piece]:
        yield from (ReplayedPiece(piece, self._retry_unsafe) for piece in self._lines)
        self.unusable = self._lines.unusable

    def resume(self, known: Known, ended: Ended) -> None:
        """Leave the pieces unread that `known` finds, and call `ended` for each file that was read to its end."""
        self._lines.resume(known, ended)

    def stop(self, reason: str) -> None:
        """End the iteration with `Stopped`."""
        self._lines.stop(reason)


class ReplayedPiece(Piece):
    """Lines of a dead letter. Its places are those of the lines, and its originals the events in them."""

    def __init__(self, lines: Piece, retry_unsafe: bool = False) -> None:
        self._retry_unsafe = retry_unsafe
        self.file = lines.file
        self.start = lines.start
        self.end = lines.end
        self.position = lines.position
        self._lines = lines

    def count(self) -> int:
        """Return the number of its records."""
        return self._lines.count()

    def digest(self, end: int | None = None) -> bytes:
        """Return a hash of its text, or of the part before `end`."""
        return self._lines.digest(end)

    def next_line(self) -> int | None:
        """Return the number of the line where the next one begins, if a reader can start there."""
        return self._lines.next_line()

    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events. A line without one, or with a value that was not repaired, is a problem."""
        events: list[Any] = []
        numbers: list[int] = []
        problems: list[Problem] = []
        for number, line in enumerate(self._lines.originals(range(self.count()))):
            problem = _problem(number, line)
            if problem is None and _is_failure(line):
                event = _event_of(line)
                problem = self._reason_to_keep(number, line, event, mapper.mapping)
                if problem is None:
                    events.append(event)
                    numbers.append(number)
            if problem is not None:
                problems.append(problem)
        mapped = mapper.rows(events)
        problems += (problem._replace(record=numbers[problem.record]) for problem in mapped.problems)
        records = [numbers[record] for record in mapped.records]
        return EncodedPiece(encoder.encode(mapped.events), records, sorted(problems))

    def _reason_to_keep(self, number: int, line: dict[str, Any], event: object, mapping: Mapping) -> Problem | None:
        """Return why a line is not sent, if it may count twice or needs other options."""
        if line.get(MARK) and not self._retry_unsafe and _counts(line, event):
            return Problem(number, MAY_COUNT_TWICE, _UNSURE)
        other = _other_kind(line, event, mapping)
        return Problem(number, OTHER_KIND, other) if other else None

    def places(self, records: Sequence[int]) -> list[Place]:
        """Return where each of these lines begins."""
        return self._lines.places(records)

    def originals(self, records: Sequence[int]) -> list[object]:
        """Return the event of each of these lines; a line that no dead letter has, as it is."""
        return [_original(line) if _is_failure(line) else line for line in self._lines.originals(records)]


def _original(line: dict[str, Any]) -> object:
    """Return the event of a line, with what the line of another dead letter must have of this one."""
    members = {name: line[name] for name in CARRIED if name in line}
    return FromLine(line["event"], members) if members else line["event"]


def _counts(line: dict[str, Any], event: object) -> bool:
    """Return whether an update counts twice if it is sent twice. A row of which it is not known does."""
    if isinstance(event, dict) and is_update(event):
        return is_counted(event)
    return f"${line.get('operation', 'add')}" in COUNTED


def _other_kind(line: dict[str, Any], event: object, mapping: Mapping) -> str:
    """Return what a line is, and the options that it needs; an empty text if it fits the mapping."""
    of_api = _kind_of(event) if isinstance(event, dict) else None
    if of_api is not None:
        return "" if of_api == (mapping.endpoint or "events") else f"the line is {_NEEDED[of_api]}"
    written = {name: line[name] for name in ("endpoint", "operation", "group_key") if name in line}
    if "operation" not in written or written == members_of_rows(mapping):
        return ""
    profiles = f"--groups {written.get('group_key')}" if "group_key" in written else "--profiles"
    return (
        f"the line is a row that was imported with {profiles} --operation {written['operation']}: replay it with "
        "these options"
    )


_NEEDED = {
    "events": "an event: replay it without --profiles and --groups",
    "engage": "an update of a user's profile: replay it with --profiles",
    "groups": "an update of a group's profile: replay it with --groups KEY",
}


def _kind_of(record: dict[str, Any]) -> str | None:
    """Return the endpoint for a record in a form of the API, `"events"` for an event; None for any other record."""
    if is_update(record):
        return "groups" if "$group_id" in record else "engage" if "$distinct_id" in record else None
    return "events" if "event" in record and isinstance(record.get("properties"), dict) else None


def _event_of(line: dict[str, Any]) -> object:
    """Return the event of a line. A text that was not JSON may be by now."""
    event = line["event"]
    if not isinstance(event, str):
        return event
    try:
        return json.loads(event)
    except (ValueError, RecursionError):
        return event


def _is_failure(line: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a line is one of a dead letter."""
    return isinstance(line, dict) and {"event", "kind", "message"} <= line.keys()


def _problem(number: int, line: object) -> Problem | None:
    if isinstance(line, str) and (reason := _not_json(line)):
        return Problem(number, INVALID, f"the line is not JSON: {reason}: was it broken when it was corrected?")
    if not _is_failure(line):
        message = (
            "the line is not one of a dead letter, which has an event, a kind and a message: use `mixpress import`"
        )
        return Problem(number, UNUSABLE, message)
    if _has_repr(line["event"]):
        message = (
            'a value could not be written as JSON, and stands there as {"$repr": ...}: replace it by another value'
        )
        return Problem(number, UNREPAIRED, message)
    return None


def _not_json(text: str) -> str:
    """Return why an object in a text is not JSON; nothing if it is, or if it is another text."""
    if not text.startswith("{"):
        return ""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg.removesuffix(' at')} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def _has_repr(value: object) -> bool:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.keys() == {"$repr"}:
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False
