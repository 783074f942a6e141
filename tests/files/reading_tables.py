"""Read bytes as an input of an import, and encode its pieces."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress import Encoder, Limits, rules
from mixpress.files.mapper import mapper_of
from mixpress.files.opening import Opened
from mixpress.files.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress.files.mapper import Mapper
    from mixpress.files.piece import Piece, Place, Problem


NO_RULES = Limits(rules={rule.id: "off" for rule in rules()})
"""So that any row is an event."""


class Read(NamedTuple):
    """What was read of an input."""

    pieces: list[Piece]
    events: dict[int, bytes]
    """Record -> event in a batch; records are counted over the whole input."""
    rejected: dict[int, str]
    """Record -> the rule that the encoder found broken."""
    problems: dict[int, Problem]
    places: list[Place]
    originals: list[object]
    damaged: list[str]


def opened(data: bytes, name: str = "events.csv") -> Opened:
    return Opened(name, io.BytesIO(data), Stopping(), size=len(data), seekable=True)


def read(
    source: Opened, pieces: Callable[[Opened], Iterator[Piece]], mapper: Mapper | None = None, **options: Any
) -> Read:
    """Read all pieces of a file and encode them."""
    found = list(pieces(source))
    return read_pieces(found, source.damaged, mapper, **options)


def read_pieces(pieces: list[Piece], damaged: list[str], mapper: Mapper | None = None, **options: Any) -> Read:
    encoder = Encoder(compression=None, **{"insert_id": "derive", "limits": NO_RULES, **options})
    result = Read(pieces, {}, {}, {}, [], [], damaged)
    base = 0
    for piece in pieces:
        encoded, records, problems = piece.encode(encoder, mapper or mapper_of(None))
        for batch in encoded.batches:
            for index, event in zip(batch.indexes, batch.events(), strict=True):
                result.events[base + records[index]] = event
        result.rejected.update({base + records[found.index]: found.rule for found in encoded.rejected})
        result.problems.update({base + problem.record: problem for problem in problems})
        every = range(piece.count())
        result.places.extend(piece.places(every))
        result.originals.extend(piece.originals(every))
        base += piece.count()
    return result
