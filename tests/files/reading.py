"""Read files to the end, for tests: what the pieces of an input come to together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, cast

from mixpress import Encoder
from mixpress.files.files import Files
from mixpress.files.formats import Format
from mixpress.files.json_piece import JsonPiece
from mixpress.files.mapper import Mapper, mapper_of
from mixpress.files.piece import Place

GOOD = b'{"event":"A","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i%d"}}'


def good(number: int) -> bytes:
    return GOOD % number


PLAIN = mapper_of(None)
"""Changes nothing: JSON text goes into the core."""


class _Parsing:
    """Changes nothing, and has the records parsed."""

    passes_json = False

    def __getattr__(self, name: str) -> Any:
        return getattr(PLAIN, name)


PARSING = cast("Mapper", _Parsing())


class Read(NamedTuple):
    """What was read of files."""

    originals: list[Any]
    places: list[Place]
    rejected: dict[int, str]
    """Number of the record in the whole input -> message."""
    damaged: list[str]
    unusable: bool
    ends: list[int]
    """Where each piece ends."""


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def read(*paths: str, format: Format | None = None, mapper: Mapper | None = None) -> Read:
    files = Files(paths, format)
    return read_all(files, mapper or PLAIN)


def read_all(files: Files, mapper: Mapper) -> Read:
    encoder, end = Encoder(), 0
    originals: list[Any] = []
    places: list[Place] = []
    rejected: dict[int, str] = {}
    ends: list[int] = []
    for piece in files:
        assert isinstance(piece, JsonPiece)
        encoded, records, problems = piece.encode(encoder, mapper)
        before = len(originals)
        rejected |= {before + records[found.index]: found.message for found in encoded.rejected}
        rejected |= {before + problem.record: f"{problem.rule}: {problem.message}" for problem in problems}
        everything = range(piece.count())
        assert sum(batch.count for batch in encoded.batches) + len(encoded.rejected) + len(problems) == len(everything)
        originals += piece.originals(everything)
        places += piece.places(everything)
        assert piece.start in (0, end)
        end = piece.end
        ends.append(end)
    return Read(originals, places, rejected, files.damaged, files.unusable, ends)
