"""The slow obvious twin of the encoder: every rule in plain Python, to be read and to be compared with.

It uses the standard library alone and shares no code with the package. Events travel one way through the modules:

    nodes        what a value can be
    values       what a Python value is                        (one level at a time)
    json_text    what JSON text is; json_events: where one event ends and the next begins
    rules        the rules in order, the numbers, and what is reported
    write        any value: truncate, serialize, and the rules that hold everywhere
    walk         one event: validate
    long_text    what is cut, and what may be done instead
    derive       the canonical text of an event, and the `$insert_id` made of it
    encode       many events: the verdicts, and the batches

Where the documents leave something open, the choice that was made stands in a comment that begins with "Choice:".
"""

from .derive import canonical_text, derive_insert_id
from .encode import Batch, Encoded, encode, encode_json
from .json_events import Unreadable, read_events
from .rules import DISALLOWED_IDS, LIMITS, PROFILES, RULES, Options, Rejection, Truncation

__all__ = [
    "DISALLOWED_IDS",
    "LIMITS",
    "PROFILES",
    "RULES",
    "Batch",
    "Encoded",
    "Options",
    "Rejection",
    "Truncation",
    "Unreadable",
    "canonical_text",
    "derive_insert_id",
    "encode",
    "encode_json",
    "read_events",
]
