"""Google Analytics 4: the tables `events_*` of its BigQuery export.

https://support.google.com/analytics/answer/7029846
"""

from __future__ import annotations

from typing import Any

from mixpress.files.vendors.reading import object_of, parsed, renamed, whole
from mixpress.files.vendors.values import as_id, country, identity, mapping, present

KINDS = ("string_value", "int_value", "double_value", "float_value")
"""A parameter has one of these."""

DEVICE = {
    "category": "$device_type",
    "mobile_brand_name": "$brand",
    "mobile_model_name": "$model",
    "operating_system": "$os",
    "operating_system_version": "$os_version",
    "language": "$locale",
    "browser": "$browser",
    "browser_version": "$browser_version",
}
WEB = {"browser": "$browser", "browser_version": "$browser_version", "hostname": "hostname"}
GEO = {"city": "$city", "region": "$region"}
TRAFFIC = {"source": "utm_source", "medium": "utm_medium", "name": "utm_campaign"}
APP = {"version": "$app_version_string", "id": "$app_namespace"}
PARAMETERS = {"page_location": "$current_url", "page_referrer": "$referrer"}
"""Google's names, and Mixpanel's for them."""

USED = frozenset(
    (
        "event_name",
        "event_timestamp",
        "event_date",
        "event_params",
        "user_properties",
        "user_id",
        "user_pseudo_id",
        "device",
        "geo",
        "app_info",
        "traffic_source",
        "items",
        "ecommerce",
    )
)
"""Columns that are not sent under their own names. `event_date` repeats the time."""


def event_of(record: Any) -> dict[str, Any]:
    """Return the event of a row, as BigQuery exports it to JSON or Parquet.

    A parameter is a property; `user_properties`, `items` and `ecommerce` stay objects. A row has no unique id.
    """
    row = object_of(record, "event_name")
    device, geo = mapping(row.get("device")), mapping(row.get("geo"))
    web = renamed(mapping(device.get("web_info")), WEB, frozenset())
    beside = {name: whole(value) for name, value in renamed(row, {}, USED).items()}
    kept = {name: parsed(row.get(name)) for name in ("items", "ecommerce") if row.get(name)}
    users = _parameters(row.get("user_properties"))
    return {
        "event": row["event_name"],
        "properties": {
            **beside,
            **present({own: device.get(name) for name, own in DEVICE.items()}),
            **{name: value for name, value in web.items() if name in WEB.values()},
            **present({own: geo.get(name) or None for name, own in GEO.items()}),
            **country(geo.get("country") or None),
            **present({own: mapping(row.get("traffic_source")).get(name) for name, own in TRAFFIC.items()}),
            **present({own: mapping(row.get("app_info")).get(name) for name, own in APP.items()}),
            **kept,
            **({"user_properties": users} if users else {}),
            **renamed(_parameters(row.get("event_params")), PARAMETERS, frozenset()),
            **identity(as_id(row.get("user_id")), as_id(row.get("user_pseudo_id"))),
            **_time(row.get("event_timestamp")),
        },
    }


def _time(microseconds: object) -> dict[str, Any]:
    number = whole(microseconds)
    return {} if number is None else {"time": number // 1000 if isinstance(number, int) else number}


def _parameters(parameters: object) -> dict[str, Any]:
    """Return a list of keys and values as an object."""
    if isinstance(parameters, dict):  # Avro and some loaders wrap a repeated field
        parameters = parameters.get("list")
    found = {}
    for one in parameters if isinstance(parameters, list) else []:
        inner = mapping(mapping(one).get("element", one))
        value = mapping(inner.get("value"))
        values = [
            whole(value[kind]) if kind == "int_value" else value[kind] for kind in KINDS if value.get(kind) is not None
        ]
        if isinstance(inner.get("key"), str) and values:
            found[inner["key"]] = values[0]
    return found
