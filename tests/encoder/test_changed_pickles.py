"""A pickle of a batch that was changed is refused with an ordinary exception that names the field."""

from __future__ import annotations

from typing import Any

import pytest

from encoder.test_embedding import batch_of, event
from mixpress import Encoder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({5: ()}, "a batch has at least one"),
        ({5: (1, 1)}, "ascend"),
        ({5: (2, 1)}, "ascend"),
        ({6: [1]}, "one entry for each event"),
        ({0: "people"}, 'endpoint must be "import" or "track" or "engage" or "groups", got "people"'),
        ({1: "xml"}, "layout must be"),
        ({1: "form"}, "layout must be one that the endpoint takes"),
        ({0: "track", 1: "ndjson"}, "layout must be one that the endpoint takes"),
        ({2: False}, "raw_size must be"),
        ({3: 0}, "level must be an integer from 1"),
        ({3: 200}, "level must be an integer from 1"),
        ({3: 2**70}, "level must be an integer from 1"),
        ({4: 2**46}, "raw_size must be the size of the body before gzip"),
        ({4: 0}, "raw_size must be the size of the body before gzip"),
        ({4: 2**70}, "raw_size must be an integer >= 0"),
        ({4: -1}, "raw_size must be an integer >= 0"),
        ({5: range(2**46)}, "indexes must be of no more events than the body has room for"),
        ({5: (0, 2**63 - 1)}, "indexes must be integers >= 0"),
        ({5: (-1, 1)}, "indexes must be integers >= 0"),
        ({6: range(2**46)}, "lines must be of no more events than the body has room for"),
        ({6: (2, 1)}, "lines must have one entry"),
    ],
)
def test_a_pickle_with_an_invalid_state_is_refused(change: dict[int, Any], message: str) -> None:
    restore, (body, state) = batch_of(event(0), event(1)).__reduce__()
    changed = tuple(change.get(place, value) for place, value in enumerate(state))
    with pytest.raises(ValueError, match=message):
        restore(body, changed)


def test_reading_the_events_of_a_changed_body_raises() -> None:
    restore, (_, state) = batch_of(event(0)).__reduce__()
    with pytest.raises(ValueError, match="not made by this encoder"):
        restore(b"no gzip", state).events()
    (batch,) = Encoder().encode([event(0)]).batches
    restore, (body, state) = batch.__reduce__()
    with pytest.raises(ValueError, match="not made by this encoder"):
        restore(body[:12] + bytes(len(body) - 16) + body[-4:], state).events()


@pytest.mark.parametrize("place", range(7))
@pytest.mark.parametrize("wrong", [None, "x", b"x", -1, 2**100, 1.5, [], {}, object, ["x"], [None]], ids=repr)
def test_a_field_of_a_wrong_type_raises_an_ordinary_exception(place: int, wrong: Any) -> None:
    restore, (body, state) = batch_of(event(0), event(1)).__reduce__()
    changed = (*state[:place], wrong, *state[place + 1 :])
    if (place in (3, 6) and wrong is None) or (place == 6 and wrong in ([], {})):
        assert restore(body, changed).events()
        return
    with pytest.raises((TypeError, ValueError)):
        restore(body, changed)
