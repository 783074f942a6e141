"""`CsvTable`: what is the same for all windows of a CSV file, and how the text of one is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow
from pyarrow import csv

from mixpress._core import csv_rows
from mixpress.files.csv_values import Kind, kind_of, typed, value
from mixpress.files.piece import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyarrow.csv import InvalidRow


class Parsed(NamedTuple):
    """Whole records of CSV text."""

    batch: pyarrow.RecordBatch
    """Their fields as texts; an empty field is null."""
    records: Sequence[int]
    """Row of `batch` -> number of the record."""
    problems: list[Problem]


class CsvTable:
    """The columns of a CSV file. Threads can share it."""

    def __init__(self, names: Sequence[str], delimiter: str) -> None:
        self.names = list(names)
        self.delimiter = delimiter
        self.kinds = [Kind.TEXT] * len(self.names)

    def decide(self, text: bytes) -> None:
        """Decide the types of the columns by the first records of the file."""
        columns = self.parse(text).batch.columns
        self.kinds = [kind_of(name, texts) for name, texts in zip(self.names, columns, strict=True)]

    def parse(self, text: bytes) -> Parsed:
        """Parse the text of whole records."""
        # A byte that is not UTF-8 costs only its record. Arrow would read none, and print an error for each ragged row.
        return self._parse_by_arrow(text) if _is_utf8(text) else self._parse_by_record(text)

    def _parse_by_arrow(self, text: bytes) -> Parsed:
        problems: list[Problem] = []

        def skip(row: InvalidRow) -> str:
            problems.append(self._ragged(row.number - 1, row.actual_columns))
            return "skip"

        table = csv.read_csv(
            pyarrow.BufferReader(text),
            csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=self._positions()),
            csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=skip),
            csv.ConvertOptions(
                column_types=dict.fromkeys(self._positions(), pyarrow.string()),
                check_utf8=False,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        batch = self._batch([column.combine_chunks() for column in table.columns])
        if not problems:
            return Parsed(batch, range(batch.num_rows), problems)
        bad = {problem.record for problem in problems}
        records = [record for record in range(batch.num_rows + len(bad)) if record not in bad]
        return Parsed(batch, records, problems)

    def _parse_by_record(self, text: bytes) -> Parsed:
        """Parse as Arrow does, with a problem for each record that is not UTF-8."""
        rows, records, problems = [], [], []
        for record, (_, _, _, fields) in enumerate(csv_rows(text, self.delimiter)):
            row = [field.decode("utf-8", "surrogateescape") for field in fields]
            problem = self._ragged(record, len(row)) if len(row) != len(self.names) else self._undecoded(record, row)
            if problem is None:
                rows.append(row)
                records.append(record)
            else:
                problems.append(problem)
        columns = zip(*rows, strict=True) if rows else [()] * len(self.names)
        texts = [pyarrow.array([text or None for text in column], pyarrow.string()) for column in columns]
        return Parsed(self._batch(texts), records, problems)

    def _batch(self, columns: list[pyarrow.Array]) -> pyarrow.RecordBatch:
        return pyarrow.RecordBatch.from_arrays(columns, names=self.names)

    def _positions(self) -> list[str]:
        # Arrow's types of columns are given by name.
        return [str(position) for position in range(len(self.names))]

    def _ragged(self, record: int, values: int) -> Problem:
        message = f"row has {values} value{'' if values == 1 else 's'}, the header {len(self.names)}"
        if values > len(self.names):
            message += f": quote a value that has {DELIMITERS.get(self.delimiter, self.delimiter)} in it"
        return Problem(record, "ragged-row", message)

    def _undecoded(self, record: int, row: list[str]) -> Problem | None:
        for name, text in zip(self.names, row, strict=True):
            bad = next((char for char in text if "\udc80" <= char <= "\udcff"), None)
            if bad is not None:
                byte = f"0x{ord(bad) - 0xDC00:02X}"
                message = f"{name} has the byte {byte}, which is not UTF-8: if it is Latin-1, {CONVERT}"
                return Problem(record, "not-utf8", message, name)
        return None

    def typed(self, batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch | None:
        """Return the values of parsed records, or None if one of them does not fit the type of its column."""
        columns = []
        for texts, kind in zip(batch.columns, self.kinds, strict=True):
            column = typed(texts, kind)
            if column is None:
                return None
            columns.append(column)
        return self._batch(columns)

    def rows(self, batch: pyarrow.RecordBatch) -> list[dict[str, object]]:
        """Return parsed records with their values converted one by one."""
        columns = [
            [value(text, kind) for text in texts.to_pylist()]
            for texts, kind in zip(batch.columns, self.kinds, strict=True)
        ]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def original(self, text: bytes, start: int, end: int, fields: Sequence[bytes]) -> object:
        """Return a record as it was read: its values without the empty ones, or its text if it has no row."""
        row = [field.decode("utf-8", "surrogateescape") for field in fields]
        if len(row) != len(self.names) or self._undecoded(0, row):
            return text[start:end].decode("utf-8", "surrogateescape")
        columns = zip(self.names, row, self.kinds, strict=True)
        values = ((name, value(field or None, kind)) for name, field, kind in columns)
        return {name: found for name, found in values if found is not None}


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a |"}

CONVERT = "convert the file: iconv -f ISO-8859-1 -t UTF-8 FILE > NEW"
"""The remedy for a file in Latin-1."""
