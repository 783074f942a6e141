"""The specification of the encoder: every rule in plain Python, slow and obvious.

The tests hold the core to it. It uses only the standard library and shares no code with the package. Each module
depends only on those listed above it:

    nodes        the kinds of values that JSON has
    spell        how numbers and texts are written
    rules        the rules in their order, the limits, the options and the findings
    values       Python values to nodes, one level at a time
    json_text    JSON text to nodes
    json_events  JSON text to events, with recovery after a syntax error
    long_text    which texts are truncated, and the alternatives to truncating them
    derive       the canonical text of an event, and the `$insert_id` derived from it
    write        any value: truncate and serialize it, and check the rules that hold at every place
    walk         one event: validate it
    updates      one update of a profile: validate it
    encode       many events: accept or reject each, and pack the batches

Where the API's documents leave a question open, a comment starting with "Choice:" states the answer.
"""

from .derive import canonical_text, derive_insert_id
from .encode import Batch, Encoded, encode, encode_json
from .json_events import Unreadable, read_events
from .rules import DISALLOWED_IDS, LIMITS, PROFILES, RULES, Options, Rejection, Truncation
from .updates import GROUP_FIELDS, GROUP_OPERATIONS, USER_FIELDS, USER_OPERATIONS

__all__ = [
    "DISALLOWED_IDS",
    "GROUP_FIELDS",
    "GROUP_OPERATIONS",
    "LIMITS",
    "PROFILES",
    "RULES",
    "USER_FIELDS",
    "USER_OPERATIONS",
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
