"""`JsonPiece`: whole records of JSON text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mixpress.files.piece import EncodedPiece, Piece, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress._core import Encoder, JsonPart
    from mixpress.files.mapper import Mapper

INVALID = "invalid-json"
"""The rule of a record that is not JSON, also in the core."""


class JsonPiece(Piece):
    """Records of a JSON text: lines, elements of an array, or objects one after another.

    Its records are numbered as `Encoder.encode_json` counts them: text that is not JSON is one, a blank line is none.
    """

    def __init__(self, file: str, part: JsonPart, *, position: int, longest: int) -> None:
        self.file = file
        self.start = part.start
        self.end = part.end
        self.position = position
        self._part = part
        self._longest = longest
        self._count: int | None = 1 if part.dropped else None

    def count(self) -> int:
        """Return the number of its records."""
        if self._count is None:
            self._count = len(self._part.spans())
        return self._count

    def digest(self, end: int | None = None) -> bytes:
        """Return a hash of its text, or of the part before `end`."""
        return self._part.digest(end)

    def next_line(self) -> int | None:
        """Return the number of the line where the next one begins, if a reader can start there."""
        return self._part.next_line()

    def encode(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events."""
        if self._part.dropped:
            reason = f"the record is longer than {self._longest:,} bytes and was skipped"
            kept = f"only its first {len(self._part.text):,} are kept"
            return EncodedPiece(encoder.encode([]), range(0), [Problem(0, INVALID, f"{reason}; {kept}")])
        if not mapper.passes_json:
            return self._encode_mapped(encoder, mapper)
        encoded = encoder.encode_json(self._part)
        if encoded.rejected and mapper.maps_rejected:
            return self._encode_mapped(encoder, mapper)
        self._count = sum(batch.count for batch in encoded.batches) + len(encoded.rejected)
        return EncodedPiece(encoded, range(self._count), ())

    def places(self, records: Sequence[int]) -> list[Place]:
        """Return where each of these records begins."""
        return [Place(self.file, line, self.start + begin) for line, begin, _ in self._spans(records)]

    def originals(self, records: Sequence[int]) -> list[object]:
        """Return each of these records as it was read."""
        text = self._part.text
        return [_parsed(text[begin:end])[0] for _, begin, end in self._spans(records)]

    def _spans(self, records: Sequence[int]) -> list[tuple[int, int, int]]:
        if self._part.dropped:
            return [(self._part.line, 0, len(self._part.text))] * len(records)
        return self._part.spans(list(records))

    def _encode_mapped(self, encoder: Encoder, mapper: Mapper) -> EncodedPiece:
        """Return its events after mapping. Text that is not JSON is not mapped."""
        text, spans = self._part.text, self._part.spans()
        self._count = len(spans)
        parsed: list[object] = []
        numbers: list[int] = []
        problems: list[Problem] = []
        for number, (_, begin, end) in enumerate(spans):
            record, reason = _parsed(text[begin:end])
            if reason is None:
                parsed.append(record)
                numbers.append(number)
            else:
                problems.append(Problem(number, INVALID, reason))
        mapped = mapper.rows(parsed)
        problems += (problem._replace(record=numbers[problem.record]) for problem in mapped.problems)
        records = mapped.records
        if len(numbers) != len(spans):
            records = [numbers[record] for record in records]
        return EncodedPiece(encoder.encode(mapped.events), records, sorted(problems))


def _parsed(text: bytes) -> tuple[object, str | None]:
    """Return the value of a text; or the text, and why it is not JSON."""
    try:
        return json.loads(text), None
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1} of the record"
    except UnicodeDecodeError as error:
        reason = f"not UTF-8: {error.reason} at byte {error.start + 1} of the record"
    except (ValueError, RecursionError) as error:
        reason = f"cannot be parsed: {error}"
    return text.strip(b" \t\r\n").decode("utf-8", "surrogateescape"), reason
