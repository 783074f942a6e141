"""Hypothesis strategies for the records of an import: tables, and mappings of their columns."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from mixpress import Mapping

HAS_CEL = sys.version_info >= (3, 11)
if HAS_CEL:
    import cel  # noqa: F401 - it imports much, which must not happen while a value is generated

NAMES = ("ts", "time", "event", "kind", "user", "distinct_id", "$insert_id", "id", "plan", "n", "n.a", "properties")
DOTTED = ("n.a", "n.b.c", "n.z", "plan.x", "q.r")

seconds = st.integers(-(2**33), 2**33) | st.integers(31_535_999, 31_536_001) | st.just(1_711_848_600)
sizes = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(
    [sign * 31_536_000_000 * unit + near for sign in (1, -1) for unit in (1, 1000, 10**6) for near in (-1, 0, 1)]
)
moments = (
    st.datetimes(datetime(1969, 1, 1), datetime(2100, 1, 1))
    | st.datetimes(datetime(2024, 3, 31, 0, 59), datetime(2024, 3, 31, 4))
    | st.datetimes(datetime(2024, 10, 27, 0, 59), datetime(2024, 10, 27, 4))
)
formats = st.sampled_from(
    ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%Y%m%d", "%d %b %Y", "%Y-%m-%dT%H:%M:%S%z"]
)


@st.composite
def written_times(draw: st.DrawFn) -> str:
    """Texts that are times in many forms, or nearly so."""
    moment = draw(moments)
    style = draw(st.integers(0, 6))
    if style == 0:
        return moment.isoformat(draw(st.sampled_from(["T", " "])), "milliseconds")
    if style == 1:
        zone = timezone(timedelta(minutes=draw(st.integers(-1439, 1439))))
        return moment.replace(tzinfo=zone).isoformat()
    if style == 2:
        return str(draw(seconds)) + draw(st.sampled_from(["", ".5", "e3", ".", "000"]))
    if style == 3:
        return moment.strftime(draw(formats))
    if style == 4:
        return moment.isoformat()[: draw(st.integers(0, 26))] + draw(
            st.sampled_from(["", "Z", " UTC", "+01", "x", "\n"])
        )
    if style == 5:
        day = draw(
            st.sampled_from(["2024-02-29", "2023-02-29", "2024-04-31", "2024-00-10", "0999-01-01", "2024-12-32"])
        )
        return day + draw(st.sampled_from(["", " 23:59:60", "T24:00", " 12:30:00.1234567", "Z"]))
    return draw(st.text(max_size=5) | st.sampled_from(["", " ", "nan", "-0", "null"]))


TIMES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), written_times()),
    "large text": (pa.large_string(), written_times()),
    "view": (pa.string_view(), written_times()),
    "encoded text": (pa.dictionary(pa.int32(), pa.string()), written_times()),
    "seconds": (pa.int64(), seconds),
    "sizes": (pa.int64(), sizes),
    "int32": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "floats": (pa.float64(), st.floats() | seconds.map(lambda whole: whole + 0.0625)),
    "halves": (pa.float64(), st.integers(31_536_000_000, 2**41).map(lambda whole: whole + 0.5)),
    "float32": (pa.float32(), st.floats(width=32)),
    "decimals": (pa.decimal128(20, 3), st.decimals(-(10**12), 10**12, places=3)),
    "naive": (pa.timestamp("us"), moments),
    "naive s": (pa.timestamp("s"), moments.map(lambda moment: moment.replace(microsecond=0))),
    "zoned": (pa.timestamp("ms", "Asia/Kolkata"), seconds.map(lambda whole: whole * 1000 + 7)),
    "dates": (pa.date32(), st.dates(datetime(1960, 1, 1).date())),
    "bools": (pa.bool_(), st.booleans()),
    "nothing": (pa.null(), st.none()),
}
IDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), st.sampled_from(["u1", "u2", "", "NULL", "anon", "0", "ä", "u\u212a"])),
    "large text": (pa.large_string(), st.sampled_from(["u1", "N/A", ""])),
    "encoded": (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["u1", "none"])),
    "whole": (pa.int64(), st.integers(-2, 3)),
    "decimals": (pa.decimal128(38, 0), st.integers(-2, 10**20)),
    "scaled": (pa.decimal128(10, 2), st.decimals(0, 100, places=2)),
    "floats": (pa.float64(), st.sampled_from([0.0, 1.5])),
    "bools": (pa.bool_(), st.booleans()),
}
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), st.sampled_from(["pro", "free", ""])),
    "whole": (pa.int64(), st.integers(-1, 7)),
    "object": (
        pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())])), ("time", pa.int64())]),
        st.fixed_dictionaries(
            {
                "a": st.none() | st.integers(0, 3),
                "b": st.none() | st.fixed_dictionaries({"c": st.none() | st.just("x")}),
                "time": st.none() | seconds,
            }
        ),
    ),
    "lone": (pa.struct([("a", pa.int64())]), st.fixed_dictionaries({"a": st.none() | st.integers(0, 3)})),
    "list": (pa.list_(pa.int64()), st.lists(st.integers(0, 3), max_size=2)),
}
KINDS = {"ts": TIMES, "time": TIMES, "user": IDS, "distinct_id": IDS, "$insert_id": IDS, "id": IDS}


@st.composite
def columns(draw: st.DrawFn, name: str, count: int) -> pa.Array:
    kind, values = draw(st.sampled_from(list((KINDS.get(name, VALUES)).values())))
    # For a record, null can stand for the object; for a table, its type says whether it does.
    absent = st.nothing() if name == "properties" and not pa.types.is_struct(kind) else st.none()
    found = draw(st.lists(absent | values, min_size=count, max_size=count))
    if pa.types.is_dictionary(kind):
        return pa.array(found, kind.value_type).dictionary_encode()
    return pa.array(found, kind)


@st.composite
def record_batches(draw: st.DrawFn) -> pa.RecordBatch:
    """Record batches of a few columns, as the mappings name them; a slice of larger ones at times."""
    count = draw(st.integers(0, 5))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    before = draw(st.integers(0, 2))
    arrays = [draw(columns(name, count + before)) for name in names]
    return pa.RecordBatch.from_arrays(arrays, names=names).slice(before)


WHERE = ("plan == 'pro'", "plan > 2", "n.a == 1 || has(record.n)", "event", "record['n.a'] != 1")


def _some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    """Mappings of every option."""
    options: dict[str, Any] = {
        "event_column": draw(_some("event", "kind", "plan", "n.b.c", "missing")),
        "time_column": draw(_some("ts", "time", "n.time", "n.a", "missing")),
        "time_format": draw(st.none() | st.sampled_from(["unix", "unix_ms", "unix_us", "unix_ns"]) | formats),
        "distinct_id_column": draw(_some("user", "distinct_id", "n.a", "missing")),
        "insert_id_column": draw(_some("id", "n.b.c")),
        "where": draw(_some(*WHERE)) if HAS_CEL else None,
        "since": draw(_some("2000-01-01", "2024-03-31T02:30:00")),
        "until": draw(_some("2024-10-27", "2038-01-19T03:14:07Z")),
        "sample": draw(_some(0.5, 1)),
        "placeholder_ids": draw(st.sampled_from(["reject", "blank"])),
    }
    if options["event_column"] is None:
        options["event"] = draw(_some("Seen"))
    zone = draw(st.integers(0, 2))
    if zone == 1:
        options["time_zone"] = draw(st.sampled_from(["Europe/Berlin", "America/St_Johns", "Africa/Monrovia", "UTC"]))
    elif zone == 2:
        options["time_offset"] = draw(st.sampled_from([-8, 5.5, 0]))
    names = list(draw(st.permutations(sorted({*NAMES, *DOTTED}))))
    options["drop"] = draw(_some((names.pop(), names.pop()))) or ()
    options["rename"] = (
        dict.fromkeys([names.pop()], "renamed") | dict.fromkeys([names.pop()], "plan") if draw(st.booleans()) else {}
    )
    options["keep"] = tuple(names[:6]) if draw(st.booleans()) else ()
    if not options["keep"]:
        free = [name for name in ("ts", "id", "plan", "none") if name not in options["drop"]]
        options["insert_id_from"] = tuple(free[-draw(st.integers(0, 2)) :]) if draw(st.booleans()) else ()
    options["set"] = draw(_some({"plan": "x", "many": ["a"]}, {"distinct_id": "null"}, {"deep": {"a": [1, "x"]}})) or {}
    return Mapping(**options)
