"""What the arguments of a client come to, and which of them make no sense."""

from __future__ import annotations

import gzip
import math
import time
from typing import TYPE_CHECKING, Literal, get_args

from mixpress._core import Encoder, Limits
from mixpress.auth import Auth, ProjectToken
from mixpress.queues.event_queue import OnFull
from mixpress.send.request import Endpoint

if TYPE_CHECKING:
    from mixpress.spool import Layout
    from mixpress.spool.layout import Format

Edition = Literal[2022]

EVENTS_OF_2022 = 50
"""Events in a request by the documents of 2022, uncompressed and as a form; 2000 since January 2024."""


def check_numbers(**numbers: object) -> None:
    """Counts, from 1 on."""
    for name, number in numbers.items():
        if not isinstance(number, int) or number < 1:
            raise ValueError(f"{name} must be a whole number from 1 on, and is {number!r}")


def check_seconds(**spans: object) -> None:
    """Spans of time, from 0 on."""
    for name, span in spans.items():
        if not isinstance(span, int | float) or not 0 <= span < math.inf:
            raise ValueError(f"{name} must be a number of seconds from 0 on, and is {span!r}")


def check_on_full(on_full: object) -> None:
    """What a full queue does."""
    if on_full not in get_args(OnFull):
        raise ValueError(f'on_full must be "block", "raise" or "drop", and is {on_full!r}')


def make_encoder(auth: Auth, endpoint: Endpoint, edition: Edition | None, encoder: Encoder | None) -> Encoder:
    """The encoder that was given, or the one that the endpoint and its edition ask for."""
    if edition not in (None, 2022) or (edition and endpoint != "track"):
        raise ValueError(f'edition is 2022, for endpoint="track", or None; and is {edition!r}')
    if encoder is None:
        token = auth.token if endpoint == "track" and isinstance(auth, ProjectToken) else None
        if edition is None:
            return Encoder(endpoint, token=token)
        limits = Limits(max_batch_events=EVENTS_OF_2022)
        return Encoder("track", format="form", compression=None, token=token, limits=limits)
    if edition is not None:
        raise ValueError("edition and encoder both say how a request is written: give one of them")
    if encoder.endpoint != endpoint:
        raise ValueError(f"the encoder is made for /{encoder.endpoint}, and the client for /{endpoint}")
    return encoder


def make_event_encoder(auth: Auth, endpoint: Endpoint) -> Encoder:
    """What writes one event as JSON, where nobody chose an encoder: gzip would be for nothing."""
    token = auth.token if endpoint == "track" and isinstance(auth, ProjectToken) else None
    return Encoder(endpoint, compression=None, token=token)


def layout_of(encoder: Encoder) -> Layout:
    """The layout by which a spool makes bodies as an encoder does."""
    from mixpress.spool import Layout  # noqa: PLC0415 - some Pythons are built without SQLite

    form: Format = encoder.format
    if form == "form" and _writes_base64(encoder):
        form = "form-base64"
    return Layout(form, encoder.compression is not None, encoder.level)


def _writes_base64(encoder: Encoder) -> bool:
    """Encoders do not tell, but in what they write: the JSON of a form begins with a bracket, which is escaped."""
    probe = {"event": "e", "properties": {"time": int(time.time()), "distinct_id": "d", "$insert_id": "i"}}
    batches = encoder.encode([probe]).batches
    if not batches:
        return False
    body = batches[0].body
    return not (gzip.decompress(body) if encoder.compression else body).startswith(b"data=%5B")
