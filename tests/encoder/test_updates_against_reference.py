"""Updates of profiles are encoded like the reference says, from objects, JSON text and tables."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pyarrow as pa
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from encoder.arrow_twin import rows_of_updates
from encoder.test_json_against_reference import (
    number_spellings,
    shuffled,
    spaces,
    spell_list,
    spell_object,
    strings,
    values,
    words,
)
from encoder.twins import Outcome, core_encoder, outcome_of_core, outcome_of_reference
from reference import Options
from strategies import update_options
from strategies.updates import FIELDS, plain_updates, updates

SOME = settings(max_examples=settings().max_examples // 2)
with_updates = update_options().flatmap(
    lambda chosen: st.tuples(st.just(chosen), st.lists(updates(chosen.endpoint), min_size=1, max_size=4))
)
with_plain_updates = update_options().flatmap(
    lambda chosen: st.tuples(st.just(chosen), st.lists(plain_updates(chosen.endpoint), max_size=4))
)


def note_each(outcome: Outcome) -> None:
    """Note what the examples reach, for `--hypothesis-show-statistics`."""
    for _, _, _, rule in outcome.rejected:
        note(f"rejected: {rule}")
    note(f"cut: {bool(outcome.truncated)}, batches: {len(outcome.batches)}")


@given(with_updates)
def test_any_updates_are_encoded_like_the_reference(drawn: tuple[Options, list[Any]]) -> None:
    chosen, given_updates = drawn
    before = repr(given_updates)
    expected = outcome_of_reference(reference.encode(given_updates, chosen))
    note_each(expected)
    assert outcome_of_core(core_encoder(chosen).encode(given_updates)) == expected
    assert repr(given_updates) == before, "the input was changed"


@SOME
@given(with_plain_updates)
def test_an_update_is_the_same_from_text_and_from_objects(drawn: tuple[Options, list[Any]]) -> None:
    chosen, given_updates = drawn
    encoder = core_encoder(chosen)
    from_text = outcome_of_core(encoder.encode_json(orjson.dumps(given_updates)))
    assert from_text == outcome_of_core(encoder.encode(given_updates))


# --- JSON text, with every spelling of names and values ---

field_names = st.sampled_from(FIELDS).flatmap(lambda name: strings(st.just(name)))
members_of_operation = st.lists(st.tuples(strings(), values | number_spellings | words), max_size=3)
operand_texts = st.one_of(
    st.builds(spell_object, members_of_operation, spaces),
    st.builds(spell_list, st.lists(strings() | values, max_size=3), spaces),
    strings(),
)


@st.composite
def update_texts(draw: st.DrawFn, endpoint: str) -> str:
    ids = ["$distinct_id"] if endpoint == "engage" else ["$group_key", "$group_id"]
    members = [(json.dumps(name), draw(st.just('"u"') | strings())) for name in ids]
    members.append((draw(field_names), draw(operand_texts)))
    return spell_object(draw(shuffled(members)), draw(spaces))


with_texts = update_options().flatmap(
    lambda chosen: st.tuples(st.just(chosen), st.lists(update_texts(chosen.endpoint), max_size=4))
)


@given(with_texts)
def test_any_text_of_updates_is_encoded_like_the_reference(drawn: tuple[Options, list[str]]) -> None:
    chosen, texts = drawn
    data = spell_list(texts, "\n").encode("utf-8", "surrogatepass")
    expected = outcome_of_reference(reference.encode_json(data, chosen))
    note_each(expected)
    assert outcome_of_core(core_encoder(chosen).encode_json(data)) == expected


# --- tables ---

LISTS = pa.list_(pa.string())
OBJECT = pa.struct([("a", pa.int64()), ("b", pa.string()), ("c", pa.struct([("d", LISTS)]))])
COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "$set": (
        OBJECT,
        st.fixed_dictionaries({"a": st.integers(0, 3), "b": st.none() | st.just("x" * 20), "c": st.none()}),
    ),
    "$add": (pa.struct([("n", pa.float64())]), st.fixed_dictionaries({"n": st.none() | st.floats()})),
    "$union": (pa.struct([("l", LISTS)]), st.fixed_dictionaries({"l": st.lists(st.none() | st.just("v"), max_size=3)})),
    "$unset": (LISTS, st.lists(st.none() | st.just("name"), max_size=3)),
    "$delete": (pa.string(), st.just("")),
    "$ip": (pa.string(), st.just("1.2.3.4")),
    "plan": (pa.string(), st.just("pro")),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.RecordBatch:
    count = draw(st.integers(0, 4))
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), max_size=3, unique=True))
    kinds = {name: COLUMNS[name] for name in names}
    kinds |= {name: (pa.string(), st.sampled_from(["u", "", "NULL"])) for name in ("user", "$group_id")}
    arrays = [
        pa.array(draw(st.lists(st.none() | cells, min_size=count, max_size=count)), kind)
        for kind, cells in kinds.values()
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(kinds))


@SOME
@given(tables(), update_options())
def test_a_row_is_an_update(table: pa.RecordBatch, chosen: Options) -> None:
    columns = {"$distinct_id" if chosen.endpoint == "engage" else "$group_key": "user"}
    expected = outcome_of_reference(reference.encode(rows_of_updates(table, columns), chosen))
    assert outcome_of_core(core_encoder(chosen).encode_arrow(table, columns=columns)) == expected
