"""`DeadLetterInput`: the failed events of a dead letter, to be imported again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mixpress.files.json_piece import INVALID
from mixpress.files.piece import EncodedPiece, Piece, Problem
from mixpress.files.update_rows import is_counted
from mixpress.retry import NOT_REPEATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeGuard

    from mixpress._core import Encoder
    from mixpress.files.mapper import Mapper
    from mixpress.files.piece import Ended, Input, Known, Place

UNUSABLE = "not-a-dead-letter"
"""The rule of a line that no dead letter has."""
MAY_COUNT_TWICE = "may-count-twice"
"""The rule of an `$add` or an `$append` that the server may have taken."""
_UNSURE = (
    "the server may have taken this $add or $append, and it would count twice: look at the profile, and remove the "
    "line, or send it with --retry-unsafe"
)
UNREPAIRED = "not-repaired"
"""The rule of an event with a value that JSON could not represent."""


class DeadLetterInput:
    """The events in the lines of dead letters, each as it was read at first; `lines` reads the files as NDJSON.

    Updates that the server may have taken, and that would count twice, are problems, unless `retry_unsafe`.
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
        unsure: set[int] = set()
        problems: list[Problem] = []
        for number, line in enumerate(self._lines.originals(range(self.count()))):
            problem = _problem(number, line)
            if problem is not None:
                problems.append(problem)
            elif _is_failure(line):
                events.append(_event_of(line))
                numbers.append(number)
                if mapper.of_updates and not self._retry_unsafe and NOT_REPEATED in str(line["message"]):
                    unsure.add(number)
        mapped = mapper.rows(events)
        problems += (problem._replace(record=numbers[problem.record]) for problem in mapped.problems)
        records = [numbers[record] for record in mapped.records]
        found = list(zip(records, mapped.events, strict=True))
        counted = {number for number, update in found if number in unsure and is_counted(update)}
        problems += (Problem(number, MAY_COUNT_TWICE, _UNSURE) for number in counted)
        taken = [(number, update) for number, update in found if number not in counted]
        return EncodedPiece(
            encoder.encode([update for _, update in taken]), [number for number, _ in taken], sorted(problems)
        )

    def places(self, records: Sequence[int]) -> list[Place]:
        """Return where each of these lines begins."""
        return self._lines.places(records)

    def originals(self, records: Sequence[int]) -> list[object]:
        """Return the event of each of these lines; a line that no dead letter has, as it is."""
        return [line["event"] if _is_failure(line) else line for line in self._lines.originals(records)]


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
