"""Names that are one object first, then an object of each event, then the first one again: the bytes are the same."""

import json
from typing import Any

from mixpress import Encoder

EVENT: dict[str, Any] = {
    "event": "e",
    "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i", "a name": 1, "nested": {"a name": 2}},
}


def test_a_name_is_recognised_when_its_object_changes_for_good_or_in_turn() -> None:
    encoder = Encoder(compression=None)
    text = json.dumps(EVENT, separators=(",", ":"))
    fresh = [json.loads(text) for _ in range(60)]
    constant = [EVENT] * 60
    in_turn = [event for pair in zip(constant, fresh, strict=True) for event in pair]
    for events in (constant, fresh, constant, in_turn, fresh, constant):
        (batch,) = encoder.encode(events).batches
        assert batch.body == f"[{','.join([text] * len(events))}]".encode()
