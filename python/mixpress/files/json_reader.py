"""Read JSON text as pieces: NDJSON, an array, or objects one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress._core import JsonCutter
from mixpress.files.json_piece import JsonPiece
from mixpress.files.piece import KnownPiece
from mixpress.files.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpress._core import JsonPart
    from mixpress.files.formats import Format
    from mixpress.files.opening import Opened
    from mixpress.files.piece import Piece

PIECE = 4 << 20
"""Bytes of text in a piece: about 10,000 events."""
LONGEST = 64 << 20
"""Bytes of the longest record that is read, 64 times the API's limit for an event."""
NEWLINE = b"\n"


def read_json(opened: Opened, format: Format) -> Iterator[Piece]:
    """Read the pieces of a file. A file that ends badly notes it in `opened`; what came before is read."""
    last: JsonPart | _KnownLines | None = None
    cutter = JsonCutter("lines" if format == "ndjson" else "values", longest=LONGEST)
    reading = Reading(opened)
    offset = 0
    while not reading.is_over:
        if format == "ndjson" and (known := _known(opened, offset)) is not None:
            yield known
            last, offset = known, known.end
            cutter = JsonCutter.at(LONGEST, offset, known.line)
            continue
        cutter.push(reading.more(PIECE - cutter.held, PIECE))
        at_end = reading.is_over and reading.stopped is None and reading.error is None
        while part := cutter.finish() if at_end else cutter.cut():
            last, offset = part, part.end
            yield JsonPiece(opened.name, part, position=opened.position(), longest=LONGEST)
    if reading.stopped is not None:
        raise reading.stopped
    if reading.error is not None:
        # The rest is a record that was cut by the damage, unless it is whole by chance.
        opened.damage("line", _last_line(last), reading.error)


class _KnownLines(KnownPiece):
    line: int
    """The line behind it."""


def _known(opened: Opened, offset: int) -> _KnownLines | None:
    """Return the piece that begins here and leave it unread, if its content is not needed."""
    found = opened.known(opened.name, offset) if opened.known is not None and opened.stored is not None else None
    if found is None:
        return None
    opened.jump(found[0])
    piece = _KnownLines(opened.name, offset, found[0], position=found[0])
    piece.line = found[1]
    return piece


def _last_line(part: JsonPart | _KnownLines | None) -> int:
    """Return the line at which the last record of a part ends; 0 without a part."""
    if part is None:
        return 0
    if isinstance(part, _KnownLines):
        return part.line - 1
    text = part.text
    return part.line + text.count(NEWLINE) - text.endswith(NEWLINE)
