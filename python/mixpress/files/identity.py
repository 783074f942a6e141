"""`Identity`: what a state file must agree with to be continued: the destination, the mapping and the encoder."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping as Members

    from mixpress._core import Encoder
    from mixpress.files.mapping import Mapping

_LONG = "x" * 1000
_TRIED = {
    "distinct_id": "user",
    "url": f"https://host.example/{_LONG}?a=1",
    "json": f'{{"a": "{_LONG}"}}',
    "text": _LONG,
}
"""Properties whose encoding shows the settings that an encoder has no attributes for."""


class Part(NamedTuple):
    """One part of an identity: the file has a salted hash of `text`, and `description`, which names no secret."""

    text: str
    description: str


def identity_of(
    url: str, headers: Members[str, str], mapping: Mapping | None, encoder: Encoder, token: str | None = None
) -> dict[str, Part]:
    """Return the parts by name. `url` and `headers` are those of the requests, credentials included; `token` is in each
    update of profiles.

    A service account is identified by its project: another account of the same project may continue.
    """
    address = urlsplit(url)
    target = f"{address.scheme}://{address.netloc}{address.path}"
    [project] = parse_qs(address.query).get("project_id", [""])
    secret = "" if project else token or headers.get("Authorization", "")
    named = f"project {project} at {target}" if project else target
    mapped = _set_fields(mapping)
    return {
        "destination": Part(json.dumps([target, project, secret]), named),
        "mapping": Part(json.dumps(mapped, sort_keys=True, default=repr), ", ".join(mapped) or "none"),
        "encoder": Part(json.dumps([repr(encoder.limits), _behaviour(encoder)]), repr(encoder.limits)),
    }


def _set_fields(mapping: Mapping | None) -> dict[str, object]:
    """Return the fields that differ from their defaults: a later version may have more."""
    if mapping is None:
        return {}
    default = type(mapping)()
    values = {field.name: getattr(mapping, field.name) for field in dataclasses.fields(mapping)}
    return {
        name: dict(value) if hasattr(value, "items") else value
        for name, value in values.items()
        if value != getattr(default, name)
    }


def _behaviour(encoder: Encoder) -> list[object]:
    """Return what an encoder makes of an event with long texts, and of one without an `$insert_id`."""
    if encoder.endpoint in ("engage", "groups"):
        updates = encoder.encode([{f"${name}_id": "user", "$set": _TRIED} for name in ("distinct", "group")])
        texts = [text.decode() for batch in updates.batches for text in batch.events()]
        return [encoder.endpoint, texts, [rejection.rule for rejection in updates.rejected]]
    tried = _TRIED | {"time": int(time.time())}
    encoded = encoder.encode([{"event": "Tried", "properties": tried | more} for more in ({"$insert_id": "1"}, {})])
    made = [json.loads(text)["properties"] for batch in encoded.batches for text in batch.events()]
    for properties in made:
        del properties["time"]
        properties["$insert_id"] = len(properties["$insert_id"])
    return [encoder.endpoint, made, [rejection.rule for rejection in encoded.rejected]]
