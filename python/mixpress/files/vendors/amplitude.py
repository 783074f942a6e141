"""Amplitude: the events of its library, and the files of its Export API.

https://amplitude.com/docs/apis/analytics/export
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mixpress.files.vendors.reading import object_of
from mixpress.files.vendors.values import (
    country,
    first_known,
    identity,
    mapping,
    missing,
    present,
    time_and_insert_id,
    without_time,
)

FIELDS = {
    "adid": "adid",
    "android_id": "android_id",
    "app_version": "$app_version_string",
    "carrier": "$carrier",
    "city": "$city",
    "currency": "currency",
    "device_brand": "$brand",
    "device_manufacturer": "$manufacturer",
    "device_model": "$model",
    "dma": "dma",
    "event_id": "event_id",
    "idfa": "idfa",
    "idfv": "idfv",
    "ip": "ip",
    "ip_address": "ip",
    "language": "language",
    "library": "mp_lib",
    "location_lat": "location_lat",
    "location_lng": "location_lng",
    "os_name": "$os",
    "os_version": "$os_version",
    "partner_id": "partner_id",
    "platform": "platform",
    "price": "price",
    "productId": "productId",
    "product_id": "productId",
    "quantity": "quantity",
    "region": "$region",
    "revenue": "revenue",
    "revenueType": "revenueType",
    "revenue_type": "revenueType",
    "session_id": "session_id",
    "user_agent": "user_agent",
    "version_name": "version_name",
}
"""Fields of an Amplitude event beside its properties, and Mixpanel's names for them."""

REVENUE = {
    f"${name}": name for name in ("currency", "price", "productId", "quantity", "receipt", "receiptSig", "revenue")
}
REVENUE["$revenueType"] = "revenueType"
"""Properties of a `Revenue` event, without the `$`, which Mixpanel reserves."""

NO_EVENTS = {"$groupidentify", "$identify"}
"""Event types that only update profiles."""


def event_of(record: Any) -> dict[str, Any] | None:
    """Return the event of a line of an export; None for one that only updates profiles."""
    return event_of_object(object_of(record, "event_type"))


def event_of_object(event: object) -> dict[str, Any] | None:
    """Return the event in the form of /import; None for one that only updates profiles. The input is not modified."""
    name = read(event, "event_type")
    if isinstance(name, str) and name in NO_EVENTS:
        return None
    properties = read(event, "event_properties")
    if not missing(properties) and not isinstance(properties, Mapping):
        return {"event": name, "properties": properties}
    return {
        "event": name,
        "properties": {
            **without_time(
                {
                    field: value
                    for field, value in mapping(read(event, "user_properties")).items()
                    if not is_operation(field)
                }
            ),
            **without_time(mapping(read(event, "groups"))),
            **_fields(event),
            **without_time({REVENUE.get(field, field): value for field, value in present(mapping(properties)).items()}),
            **identity(read(event, "user_id"), read(event, "device_id")),
            **time_and_insert_id(_first(event, "time", "event_time"), _first(event, "insert_id", "$insert_id", "uuid")),
        },
    }


def read(event: object, name: str) -> Any:
    """Return a field of an event, which is an object of the library or a mapping."""
    return event.get(name) if isinstance(event, Mapping) else getattr(event, name, None)


def _first(event: object, *names: str) -> Any:
    return first_known(*(read(event, name) for name in names))


def _fields(event: object) -> dict[str, Any]:
    found = {own: value for name, own in FIELDS.items() if (value := read(event, name)) is not None}
    if found.get("platform") == "Web":  # for "Web", Amplitude puts the browser into the fields of the operating system
        found = {{"$os": "$browser", "$os_version": "$browser_version"}.get(own, own): found[own] for own in found}
    if (plan := read(event, "plan")) is not None:
        found["plan"] = plan.get_plan_body() if hasattr(plan, "get_plan_body") else plan
    if (metadata := read(event, "ingestion_metadata")) is not None:
        found["ingestion_metadata"] = metadata.get_body() if hasattr(metadata, "get_body") else metadata
    return found | country(read(event, "country"))


def is_operation(name: object) -> bool:
    """Return whether the name of a property is that of an operation."""
    return isinstance(name, str) and name.startswith("$")
