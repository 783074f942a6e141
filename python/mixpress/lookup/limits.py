"""The numbers of the API's lookup tables, each with its source."""

from __future__ import annotations

MAX_BYTES = 100_000_000
"""Bytes of a table's CSV before gzip. Replace a Lookup Table: "413 error if a Lookup Table exceeds 100MB uncompressed",
read as 100,000,000, the smaller of its readings."""

MIN_COLUMNS = 2
"""Replace a Lookup Table: the id of the row, and at least one property."""

LISTED = 10
"""Problems that an error lists. Replace a Lookup Table: "at most the first 10 rows that failed validation"."""

CALLS = 100
"""Replacements of a project in any 24 hours. Replace a Lookup Table: "429 error if called more than 100 times in a
rolling 24 hour window"."""
