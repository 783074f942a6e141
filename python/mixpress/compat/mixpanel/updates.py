"""Updates of people and groups, as the official client sends them: their encoder and their URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpress._core import Encoder, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mixpress.send.request import UpdateEndpoint

ENDPOINTS: Mapping[str, UpdateEndpoint] = {"people": "engage", "groups": "groups"}
"""The official names of the endpoints for updates, and their paths."""

_IDS = ("$distinct_id", "$group_key", "$group_id")

_NULL_OVERWRITES = {"not-a-number": "reject"}
"""Null instead of NaN would overwrite the stored value."""

_FREE_FIELDS = {"operation-unknown": "off"}
"""The official client adds `$time` to each update. Other names are operations that are newer than mixpress."""

_LEFT_TO_THE_SERVER = ("operation-missing", "operation-repeated", "distinct-id-type", "group-id-type", "group-key-type")


def encoder_of_updates(endpoint: UpdateEndpoint, token: str, limits: Limits | None) -> Encoder:
    """Return an encoder that adds nothing to an update of the official client, which has neither `$ip` nor
    `$ignore_time` unless `meta` says so.
    """
    is_for_users = endpoint == "engage"
    return Encoder(
        endpoint,
        token=token,
        limits=limits_of_updates(limits),
        ip=True if is_for_users else None,
        ignore_time=False if is_for_users else None,
    )


def limits_of_updates(given: Limits | None) -> Limits:
    """Return the limits of an encoder of updates: those given, or such that the server decides what it may accept.

    The server may accept a depth of 10, fields and operations that mixpress does not know, and numbers as ids.
    """
    if given is None:
        observed = Limits.observed()
        rules = {"unknown-field": "off", **dict.fromkeys(_LEFT_TO_THE_SERVER, "warn")}
        return Limits(
            max_depth=observed.max_depth,
            truncate_unit=observed.truncate_unit,
            rules={**_NULL_OVERWRITES, **rules, **_FREE_FIELDS},
        )
    return Limits(
        max_string=given.max_string,
        truncate_unit=given.truncate_unit,
        max_keys=given.max_keys,
        max_elements=given.max_elements,
        max_depth=given.max_depth,
        max_event_bytes=given.max_event_bytes,
        max_batch_events=given.max_batch_events,
        max_batch_bytes=given.max_batch_bytes,
        max_profile_properties=given.max_profile_properties,
        max_value_bytes=given.max_value_bytes,
        rules={**_NULL_OVERWRITES, **given.rules, **_FREE_FIELDS},
    )


def without_null_ids(update: Any) -> Any:
    """Return an update without ids that are null, so that it is rejected as one without an id.

    The server refuses it, but says so only if it takes no other update of the batch.
    """
    if not isinstance(update, dict) or all(update.get(name, "") is not None for name in _IDS):
        return update
    return {name: value for name, value in update.items() if value is not None or name not in _IDS}


def url_of_updates(url: str) -> str:
    """Return the URL with `verbose=1` (error messages) and `ip=0` (no geolocation by the sender's address)."""
    return f"{url}{'&' if '?' in url else '?'}verbose=1&ip=0"
