"""Snowplow: enriched events, as lines of its TSV format, as JSON of its SDKs, or as rows of `atomic.events`.

https://docs.snowplow.io/docs/fundamentals/canonical-event
"""

from __future__ import annotations

import re
from typing import Any

from mixpress.files.vendors.not_an_event import NotAnEvent
from mixpress.files.vendors.reading import object_of, parsed, renamed
from mixpress.files.vendors.values import as_id, country, first_known, identity, insert_id, mapping

_COLUMNS = """
app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid
geo_country geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization
ip_domain ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath
page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery
refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign
contexts se_category se_action se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total
tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity
pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name br_family br_version br_type
br_renderengine br_lang br_features_pdf br_features_flash br_features_java br_features_director
br_features_quicktime br_features_realplayer br_features_windowsmedia br_features_gears
br_features_silverlight br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer
os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height
tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone
mkt_clickid mkt_network etl_tags dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts
domain_sessionid derived_tstamp event_vendor event_name event_format event_version event_fingerprint
true_tstamp
"""
COLUMNS = tuple(_COLUMNS.split())
"""The fields of a line, which has no header."""

NAMES = {
    "br_family": "$browser",
    "br_version": "$browser_version",
    "dvce_screenheight": "$screen_height",
    "dvce_screenwidth": "$screen_width",
    "dvce_type": "$device_type",
    "geo_city": "$city",
    "geo_region_name": "$region",
    "mkt_campaign": "utm_campaign",
    "mkt_content": "utm_content",
    "mkt_medium": "utm_medium",
    "mkt_source": "utm_source",
    "mkt_term": "utm_term",
    "os_name": "$os",
    "page_referrer": "$referrer",
    "page_url": "$current_url",
    "user_ipaddress": "ip",
    "useragent": "user_agent",
}
"""Snowplow's fields, and Mixpanel's names for them."""

TIMES = ("true_tstamp", "derived_tstamp", "dvce_created_tstamp", "collector_tstamp")
"""The times of an event, the most reliable one first."""

CONTEXTS = ("contexts", "derived_contexts")

USED = frozenset(
    (
        "event",
        "event_name",
        "event_id",
        "user_id",
        "geo_country",
        "unstruct_event",
        "etl_tstamp",
        "dvce_sent_tstamp",
        "event_format",
        "event_version",
        "event_fingerprint",
        "etl_tags",
        *CONTEXTS,
        *TIMES,
    )
)
"""Fields that are not sent under their own names, or only say how the event was processed."""

NUMBERS = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?")
TEXTS = frozenset(
    (
        "user_id",
        "domain_userid",
        "network_userid",
        "user_fingerprint",
        "geo_zipcode",
        "tr_orderid",
        "ti_orderid",
        "ti_sku",
    )
)
"""Fields that stay texts in a line even if they look like numbers."""

UNSTRUCT = "unstruct_event_"
"""The start of the name of a column that holds the data of a self-describing event."""


def event_of(record: Any) -> dict[str, Any]:
    """Return the event of an enriched event.

    A self-describing event is named by its schema, and its data become properties; a structured one is named by its
    action. Each entity of the contexts is a property named by its schema.
    """
    row = object_of(_row_of(record), "event_id")
    own = {name: value for name, value in row.items() if not name.startswith(UNSTRUCT)}
    data = _data(row)
    return {
        "event": _name(row),
        "properties": {
            **renamed(own, NAMES, USED),
            **_entities(row),
            **country(row.get("geo_country") or None),
            **renamed(data, {}, frozenset()),
            **identity(as_id(row.get("user_id")), first_known(row.get("domain_userid"), row.get("network_userid"))),
            "time": first_known(*(row.get(name) for name in TIMES)),
            "$insert_id": insert_id(row["event_id"]),
        },
    }


def _row_of(record: object) -> object:
    if not isinstance(record, str):
        return record
    values = record.rstrip("\r\n").split("\t")
    if len(values) < len(COLUMNS):
        raise NotAnEvent(f"the line has {len(values)} fields; an enriched event has {len(COLUMNS)}")
    return {name: _number(name, value) for name, value in zip(COLUMNS, values, strict=False) if value}


def _number(name: str, value: str) -> object:
    if name in TEXTS or not NUMBERS.fullmatch(value):
        return value
    return float(value) if "." in value else int(value)


def _name(row: dict[str, Any]) -> object:
    kind = row.get("event")
    if kind in ("struct", "se"):
        return first_known(row.get("se_action"), "struct")
    return first_known(row.get("event_name"), kind)


def _data(row: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a self-describing event: in one column as JSON, or in a column named by the schema."""
    outer = mapping(parsed(row.get("unstruct_event")))
    inner = mapping(outer.get("data"))
    data = dict(mapping(inner.get("data")))
    for name, value in row.items():
        if name.startswith(UNSTRUCT) and name != "unstruct_event":
            data |= mapping(parsed(value))
    return data


def _entities(row: dict[str, Any]) -> dict[str, Any]:
    """Return the entities of the contexts by the names that Snowplow's SDKs give them; several of a kind are a list."""
    found: dict[str, list[Any]] = {}
    for column in CONTEXTS:
        entities = mapping(parsed(row.get(column))).get("data")
        for entity in entities if isinstance(entities, list) else []:
            schema = mapping(entity).get("schema")
            if isinstance(schema, str):
                found.setdefault(_schema_name(schema), []).append(mapping(entity).get("data"))
    return {name: entities[0] if len(entities) == 1 else entities for name, entities in found.items()}


def _schema_name(schema: str) -> str:
    """Return `contexts_com_acme_user_1` for `iglu:com.acme/user/jsonschema/1-0-2`."""
    vendor, _, rest = schema.removeprefix("iglu:").partition("/")
    name, *_, version = rest.split("/") if "/" in rest else (rest, "")
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return re.sub(r"[^a-z0-9_]", "_", f"contexts_{vendor.lower()}_{snake}_{version.partition('-')[0]}")
