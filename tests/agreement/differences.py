"""The differences that the core and the emulator may have, by the rules of the core, each with its reason.

`sent`: rules by which the emulator refuses what the core writes. `refused`: rules by which it refuses a value as it is,
and the core accepts it, because it changes what it sends. `rejected`: rules by which the core rejects what the emulator
accepts.
"""

from __future__ import annotations

# --- events, by the way they are sent ---

SENT_AND_REFUSED = {
    "strict": {
        "time-in-future": "the core only warns: the documents say that the time is overwritten; the server refuses it",
        "event-blank": "the core looks at the name before it is cut, and what is left of it is blank",
        "distinct-id-missing": "the core is not told how the project merges ids: a $device_id or $user_id may do",
    },
    "import": {"event-blank": "the same"},
    "track": {
        "event-blank": "the same",
        "token-missing": "the core takes a token that is null for one; the documents define a token as text",
    },
}

REFUSED_ALONE = {
    "time-in-future": SENT_AND_REFUSED["strict"]["time-in-future"],
    "time-type": "the core writes a time with a fraction, or a float, as an integer of milliseconds",
    "invalid-unicode": "the core replaces what is not Unicode",
    "event-too-large": "the core measures the event once its strings are cut, the emulator as it is sent",
    "token-missing": "the core writes its own token into an event without one",
}

EVERYWHERE = {
    "key-collision": "the server loses one of two values whose names are equal once they are cut",
    "event-too-large": "the observed profile of the core keeps the smaller reading of 1 MB",
}
LENIENT = {
    **EVERYWHERE,
    "time-missing": "the server fills it in",
    "insert-id-missing": "it may be missing; the event is then never deduplicated",
    "time-in-future": "the server overwrites it; the core rejects it with the observed limits",
}
REJECTED_ALONE = {
    "strict": EVERYWHERE,
    "import": {**LENIENT, "distinct-id-missing": "it may be missing"},
    "track": LENIENT,
}

# --- events with other ids, and identity events: beside the tables above ---

MERGING_REJECTED = {
    "time-missing": "the page of identity events has no time, and no id of the event",
    "insert-id-missing": "the same",
    "time-in-future": "the emulator takes identity events as without strict=1; the core rejects it if observed",
    "identity-members": "$identify may have distinct_id and $anon_distinct_id, as the vendor's browser client sends it",
}
"""Of `$identify`, `$create_alias` and `$merge`."""

SIMPLIFIED_REJECTED = {
    "device-id-type": "a server that ignores it makes another user of the event, or none; no page says what it does",
    "user-id-type": "the same",
    "device-id-disallowed": "a placeholder would make one user of all that have it; no page lists it for this property",
    "user-id-disallowed": "the same",
}

SIMPLIFIED_LENIENT = {"identity-missing": "the server fills an id in"}
"""Of a simplified project without `strict=1`."""

# --- updates of profiles ---

UPDATES_SENT = {
    "value-too-large": "$append makes a list of its value, which has two bytes more",
}
UPDATES_REFUSED_ALONE = {
    **UPDATES_SENT,
    "token-missing": "the core writes its own token into an update without one",
    "invalid-unicode": "the core replaces what is not Unicode",
    "event-too-large": "the core measures the update once its strings are cut, the emulator as it is sent",
    "value-too-large": "the core measures the value once its strings are cut, the emulator as it is sent",
}
UPDATES_REJECTED_ALONE = {
    **EVERYWHERE,
    "too-many-keys": "one limit of the core for events and updates: 254 keys, right however the page of 255 is read",
    "unknown-field": "the core has the members of the documents, and $ignore_alias only beside $delete",
    "operation-unknown": "the emulator takes members that the vendor's clients send, such as $time and $user_id",
}
