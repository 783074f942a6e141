"""Hypothesis strategies for Arrow: arrays of every type, with nulls and slices, and tables of them in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from strategies import NOW
from strategies.events import insert_ids
from strategies.texts import astride, ordinary, repeated, urls

AROUND_NOW = {"s": NOW // 1000, "ms": NOW, "us": NOW * 1000 + 1_500, "ns": NOW * 1_000_000 + 2_500_999}

texts = (ordinary | repeated | astride | urls).map(lambda text: text.encode("utf-8", "replace").decode())
# Arrow's C data interface ends a name at a NUL.
names = st.sampled_from("abcd") | texts.map(lambda text: text.replace("\0", "0"))

# --- arrays ---


def whole(bits: int, least: int = 0) -> st.SearchStrategy[int]:
    most = 2**bits - 1
    return st.integers(least, most) | st.sampled_from([least, most, 0])


def signed(bits: int) -> st.SearchStrategy[int]:
    return whole(bits - 1, -(2 ** (bits - 1)))


LEAVES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.null(), st.none()),
    (pa.bool_(), st.booleans()),
    *[(kind, signed(kind.bit_width)) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())],
    *[(kind, whole(kind.bit_width)) for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())],
    *[(kind, st.floats(width=kind.bit_width)) for kind in (pa.float16(), pa.float32(), pa.float64())],
    *[(kind, texts) for kind in (pa.string(), pa.large_string(), pa.string_view())],
    (pa.uuid(), st.uuids().map(lambda value: value.bytes)),
    (pa.bool8(), st.booleans()),
    (pa.binary(), st.binary(max_size=3)),
    (pa.binary(16), st.binary(min_size=16, max_size=16)),
    (pa.time32("s"), st.integers(0, 86_399)),
    (pa.time64("ns"), st.integers(0, 86_399 * 10**9)),
    (pa.duration("us"), st.integers(-5, 5)),
    (pa.month_day_nano_interval(), st.just((1, 2, 3))),
]
MOMENTS = [pa.date32(), pa.date64()] + [
    pa.timestamp(unit, zone) for unit in AROUND_NOW for zone in (None, "UTC", "Europe/Berlin", "+05:30")
]
DECIMALS = [(pa.decimal32, 9), (pa.decimal64, 18), (pa.decimal128, 38), (pa.decimal256, 76)]


@st.composite
def moments(draw: st.DrawFn, length: int) -> pa.Array:
    kind = draw(st.sampled_from(MOMENTS))
    around = AROUND_NOW[kind.unit] if pa.types.is_timestamp(kind) else 19_000
    scale = 86_400_000 if pa.types.is_date64(kind) else 1
    ticks = st.integers(around - 10**6, around + 10**6) | st.integers(-(10**6), 10**6) | signed(31)
    if scale == 1 and not pa.types.is_date32(kind):
        ticks |= signed(64)
    values = draw(st.lists(st.none() | ticks.map(lambda count: count * scale), min_size=length, max_size=length))
    return pa.array(values, pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(kind)


@st.composite
def decimals(draw: st.DrawFn, length: int) -> pa.Array:
    kind, digits = draw(st.sampled_from(DECIMALS))
    precision = draw(st.sampled_from([1, digits // 2, digits]))
    scale = draw(st.sampled_from([0, 1, precision, precision, -3]))
    largest = 10**precision - 1
    numbers = st.integers(-largest, largest) | st.sampled_from([0, 1, -largest])
    values = draw(st.lists(st.none() | numbers, min_size=length, max_size=length))
    # Built from bytes, since pyarrow does not accept all of them as a Decimal.
    width = kind(1, 0).bit_width // 8
    stored = b"".join((value or 0).to_bytes(width, "little", signed=True) for value in values)
    valid = pa.array([value is not None for value in values], pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(kind(precision, scale), length, [valid, pa.py_buffer(stored)])


@st.composite
def leaves(draw: st.DrawFn, length: int) -> pa.Array:
    kind, values = draw(st.sampled_from(LEAVES))
    drawn = draw(st.lists(st.none() | values, min_size=length, max_size=length))
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    array = pa.array([int(value) if storage == pa.int8() and value is not None else value for value in drawn], storage)
    return kind.wrap_array(array) if storage is not kind else array


@st.composite
def unions(draw: st.DrawFn, length: int) -> pa.Array:
    values = pa.array(draw(st.lists(st.none() | st.booleans(), min_size=length, max_size=length)), pa.bool_())
    return pa.UnionArray.from_sparse(pa.array([0] * length, pa.int8()), [values])


def masks(length: int) -> st.SearchStrategy[pa.Array]:
    return st.lists(st.booleans(), min_size=length, max_size=length).map(lambda nulls: pa.array(nulls, pa.bool_()))


def bounds(length: int, most: int) -> st.SearchStrategy[list[int]]:
    """Offsets of lists in their elements: the start of each, and the end of the last one."""
    return st.lists(st.integers(0, most), min_size=length + 1, max_size=length + 1).map(sorted)


@st.composite
def lists(draw: st.DrawFn, length: int, levels: int) -> pa.Array:
    offsets, mask = draw(bounds(length, 5)), draw(masks(length))
    elements = draw(arrays(5, levels))
    kind = draw(st.sampled_from([pa.ListArray, pa.LargeListArray, pa.ListViewArray, pa.LargeListViewArray, None]))
    if kind is None:
        return pa.FixedSizeListArray.from_arrays(draw(arrays(2 * length, levels)), 2, mask=mask)
    index = pa.int32() if kind in (pa.ListArray, pa.ListViewArray) else pa.int64()
    if kind in (pa.ListArray, pa.LargeListArray):
        return kind.from_arrays(pa.array(offsets, index), elements, mask=mask)
    sizes = [after - before for before, after in pairwise(offsets)]
    return kind.from_arrays(pa.array(offsets[:-1], index), pa.array(sizes, index), elements, mask=mask)


@st.composite
def structs(draw: st.DrawFn, length: int, levels: int) -> pa.Array:
    inside = draw(st.lists(names, min_size=1, max_size=3))
    return pa.StructArray.from_arrays([draw(arrays(length, levels)) for _ in inside], inside, mask=draw(masks(length)))


@st.composite
def maps(draw: st.DrawFn, length: int, levels: int) -> pa.Array:
    offsets, mask = draw(bounds(length, 5)), draw(masks(length))
    keys = pa.array(
        draw(st.lists(names, min_size=5, max_size=5)), draw(st.sampled_from([pa.string(), pa.string_view()]))
    )
    if draw(st.booleans()):
        keys = pa.array(range(5)) if draw(st.booleans()) else keys.cast(pa.string()).dictionary_encode()
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, draw(arrays(5, levels)), mask=mask)


@st.composite
def dictionaries(draw: st.DrawFn, length: int, levels: int) -> pa.Array:
    size = draw(st.integers(0, 3))
    positions = st.none() | st.integers(0, size - 1) if size else st.none()
    kind = draw(st.sampled_from([pa.int8(), pa.uint8(), pa.int32(), pa.int64(), pa.uint64()]))
    indices = pa.array(draw(st.lists(positions, min_size=length, max_size=length)), kind)
    # The core's Arrow library reads an extension type in a dictionary as its storage type.
    values = draw(arrays(size, levels).filter(lambda array: not isinstance(array, pa.ExtensionArray)))
    return pa.DictionaryArray.from_arrays(indices, values)


@st.composite
def runs(draw: st.DrawFn, length: int, levels: int) -> pa.Array:
    ends = sorted(draw(st.sets(st.integers(1, max(length, 1)), max_size=3)) | {max(length, 1)})
    kind = draw(st.sampled_from([pa.int16(), pa.int32(), pa.int64()]))
    values = draw(arrays(len(ends), levels))
    return pa.RunEndEncodedArray.from_arrays(pa.array(ends, kind), values).slice(0, length)


@st.composite
def arrays(draw: st.DrawFn, length: int, levels: int = 2) -> pa.Array:
    """An array of any type, often a slice of a longer one."""
    before, behind = draw(st.sampled_from([(0, 0), (0, 0), (1, 0), (2, 1)]))
    size = before + length + behind
    flat = [leaves, leaves, leaves, moments, decimals, unions]
    nested = [lists, structs, maps, dictionaries, runs]
    make: Any = draw(st.sampled_from([*flat, *(nested if levels else [])]))
    array = draw(make(size) if make in flat else make(size, levels - 1))
    return array.slice(before, length)


# --- tables ---


@dataclass(frozen=True)
class Table:
    """A table as record batches, and the arguments to encode it with."""

    batches: list[pa.RecordBatch]
    event: str | None
    columns: Mapping[str, str] | None

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.batches[0].schema, self.batches)


def filled(length: int, values: st.SearchStrategy[Any], *kinds: pa.DataType) -> st.SearchStrategy[pa.Array]:
    """An array without nulls."""
    drawn = st.lists(values, min_size=length, max_size=length)
    return st.builds(lambda kind, values: pa.array(values, kind), st.sampled_from(kinds), drawn)


def times(length: int) -> st.SearchStrategy[pa.Array]:
    zoned = [pa.timestamp(unit, "UTC") for unit in AROUND_NOW]
    around = [filled(length, st.integers(-(10**6), 0).map(AROUND_NOW[kind.unit].__add__), kind) for kind in zoned]
    seconds = st.integers(NOW // 1000 - 86_400, NOW // 1000)
    return st.one_of(*around, filled(length, seconds, pa.int64(), pa.uint32(), pa.float64(), pa.decimal128(20, 3)))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables of mostly valid events."""
    length = draw(st.integers(0, 5))
    text_kinds = (pa.string(), pa.large_string(), pa.string_view())
    needed: dict[str, Any] = {
        "event": filled(length, st.sampled_from(["e", "Signed Up", "a rather long name of an event"]), *text_kinds),
        "time": times(length),
        "distinct_id": filled(length, st.sampled_from(["u", "user-1", "é"]), *text_kinds),
        "$insert_id": filled(length, insert_ids, *text_kinds),
    }
    for name in draw(st.sampled_from([[], [], [], ["time"], ["event"], ["distinct_id"], ["$insert_id"]])):
        needed[name] = arrays(length)
    columns = {
        name: f"the {name}" for name in draw(st.just([]) | st.lists(st.sampled_from(sorted(needed)), unique=True))
    }
    event = draw(st.none() | st.sampled_from(["constant", " "])) if "event" not in columns else None
    others = draw(st.lists(names.filter(lambda name: name not in needed), max_size=3, unique=True))
    drawn = {columns.get(name, name): draw(needed[name]) for name in needed} | {
        name: draw(arrays(length)) for name in others
    }
    ordered = {name: drawn[name] for name in draw(st.permutations(list(drawn)))}
    if draw(st.integers(0, 4)) == 0 and event is None:
        name = columns.get("event", "event")
        inside = {key: array for key, array in ordered.items() if key != name}
        mask = draw(masks(length) | st.none())
        ordered = {
            name: ordered[name],
            "properties": pa.StructArray.from_arrays(inside.values(), list(inside), mask=mask),
        }
    batch = pa.RecordBatch.from_arrays(list(ordered.values()), list(ordered))
    cuts = [0, *draw(bounds(0, length)), length]
    pieces = [batch.slice(start, end - start) for start, end in pairwise(cuts)]
    return Table(pieces, event, draw(st.just(columns or None)))
