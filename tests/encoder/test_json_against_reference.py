"""JSON text is encoded like the cases and the reference say, valid or not."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from cases.rule_cases import read_json_text_cases, text_of
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from reference import Options, Unreadable
from strategies import Event, names, options, plain_events, plain_texts

# --- texts: nearly valid, with every spelling ---

spaces = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n", "  \n  "])
number_spellings = st.sampled_from(
    [
        "0",
        "-0",
        "1",
        "1.0",
        "1.50",
        "1E5",
        "1e+05",
        "-1.5e-7",
        "1e999",
        "-0.0",
        "1e16",
        "123456789012345678901234567890",
    ]
)
time_spellings = st.sampled_from(
    [
        "1700000000",
        "1700000000000",
        "1.7e9",
        "1700000000.0",
        "1699999999.9996",
        "31536000",
        "31535999",
        "-0",
        "1e400",
        "1e22",
        *["17E8", "1700003600001", '"1700000000"', "NaN", "null", "31535999999.5", "1700000000.0000001", "0.5"],
    ]
)
words = st.sampled_from(["true", "false", "null", "NaN", "Infinity", "-Infinity"])


@st.composite
def strings(draw: st.DrawFn, texts: st.SearchStrategy[str] = plain_texts | names) -> str:
    """A string. Each character is as it is, or escaped, even if it need not be."""
    pieces = []
    for character in draw(texts):
        as_json = json.dumps(character)[1:-1]  # with a short escape if there is one
        raw = json.dumps(character, ensure_ascii=False)[1:-1]
        escaped = "".join(f"\\u{unit:04X}" for unit in code_units(character))
        # A lone surrogate has no other spelling than an escape.
        spellings = [raw, raw, as_json, escaped] if not "\ud800" <= character <= "\udfff" else [as_json, escaped]
        pieces.append(draw(st.sampled_from(spellings)) if character != "/" else draw(st.sampled_from(["/", "\\/"])))
    return '"' + "".join(pieces) + '"'


def code_units(character: str) -> list[int]:
    data = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def containers(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(strings(), inside), max_size=4)
    return st.one_of(
        st.builds(spell_list, st.lists(inside, max_size=4), spaces),
        st.builds(spell_object, members, spaces),
        st.builds(lambda twice: spell_object(twice + twice[:1], ""), members),
    )


def spell_list(elements: list[str], space: str) -> str:
    return "[" + f"{space},{space}".join(elements) + space + "]"


def spell_object(members: list[tuple[str, str]], space: str) -> str:
    return "{" + space + f",{space}".join(f"{name}{space}:{space}{value}" for name, value in members) + "}"


scalars = st.one_of(words, number_spellings, strings(), strings(), st.integers().map(str), st.floats().map(json.dumps))
deep = st.builds(lambda n, a, b: a * n + "1" + b * n, st.integers(1, 70), st.just("["), st.just("]"))
values = st.one_of(scalars, scalars, st.recursive(scalars, containers, max_leaves=6), deep)


@st.composite
def event_texts(draw: st.DrawFn) -> str:
    """A mostly valid event. Sometimes a member is missing, repeated, or of another type."""
    properties = [
        ('"time"', draw(st.just("1700000000") | time_spellings)),
        ('"distinct_id"', draw(strings() | st.just('"u"'))),
        ('"$insert_id"', draw(st.sampled_from(['"i"', '"i"', '"\\u0069"', '"_"', "5", '"null"']))),
        *draw(st.lists(st.tuples(strings(names), values), max_size=3)),
    ]
    properties = draw(shuffled(properties))
    space = draw(spaces)
    fields = [('"event"', draw(strings() | st.just('"e"'))), ('"properties"', draw(properties_of(properties, space)))]
    extra = draw(st.lists(st.tuples(strings(names), values), max_size=1)) if draw(st.integers(0, 9)) == 0 else []
    return spell_object(draw(shuffled(fields + extra)), space)


def shuffled(members: list[tuple[str, str]]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.one_of(
        st.just(members),
        st.just(members),
        st.permutations(members),
        st.sampled_from(members).map(lambda again: [*members, again]),
        st.sampled_from(members).map(lambda left: [member for member in members if member != left]),
    )


def properties_of(members: list[tuple[str, str]], space: str) -> st.SearchStrategy[str]:
    whole = spell_object(members, space)
    return st.sampled_from([whole] * 9 + ["null"])


pretty = plain_events().map(lambda event: json.dumps(event, indent=2))
lines = st.one_of(event_texts().map(lambda text: text.replace("\n", " ")), event_texts(), pretty, values)
separators = st.sampled_from(["\n", "\n", "\n", "", "\r\n", "\r", " ", "\n\n", ",\n"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Events on lines, in an array or one after another, sometimes with a syntax error."""
    events = draw(st.lists(lines, max_size=4))
    comma = draw(st.sampled_from([",", ",\n", " ,"]))
    layouts = ["".join(f"{event}{draw(separators)}" for event in events), "[" + comma.join(events) + "]\n"]
    text = draw(st.sampled_from([layouts[0], layouts[0], layouts[1], "\ufeff" + layouts[0], "\n".join(layouts)]))
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(data)))
        broken = draw(
            st.sampled_from(
                [b"", b"\n", b"{", b"}", b'"', b",", b"x", b"\xff", b"\x00", b"\\", b"[", b"]", b"\xe2\x82"]
            )
        )
        data = data[:at] + broken + data[at + draw(st.integers(0, 5)) :]
    return data


# --- the comparisons ---

SOME = settings(max_examples=settings().max_examples // 10)


@given(files(), options())
def test_any_text_is_encoded_like_the_reference(data: bytes, chosen: Options) -> None:
    result = outcome_of_core(core_encoder(chosen).encode_json(data))
    assert result == outcome_of_reference(reference.encode_json(data, chosen))


@SOME
@given(files())
def test_a_message_names_line_column_and_byte(data: bytes) -> None:
    places = {i: node for i, node in enumerate(reference.read_events(data)) if isinstance(node, Unreadable)}
    messages = {
        r.index: r.message for r in core_encoder(Options()).encode_json(data).rejected if r.rule == "invalid-json"
    }
    assert messages.keys() == places.keys()
    for index, place in places.items():
        assert f"line {place.line}, column {place.column} (byte {place.offset})" in messages[index]
        given_up = f"; {place.given_up} bytes from there on are skipped, with any events in them"
        assert (given_up in messages[index]) == (place.given_up > 0)


@SOME
@given(st.lists(plain_events(), max_size=4), options())
def test_an_event_is_the_same_from_text_and_from_objects(events: list[Event], chosen: Options) -> None:
    encoder = core_encoder(chosen)
    from_text = outcome_of_core(encoder.encode_json(orjson.dumps(events)))
    assert from_text == outcome_of_core(encoder.encode(events))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in read_json_text_cases()])
def test_each_case_has_its_result(case: dict[str, Any]) -> None:
    chosen = Options(**case.get("options", {}))
    data = text_of(case)
    encoded = core_encoder(chosen, format="ndjson").encode_json(data)
    indexes = [index for batch in encoded.batches for index in batch.indexes]
    written = [event.decode() for batch in encoded.batches for event in batch.events()]
    became: dict[int, Any] = dict(zip(indexes, written, strict=True))
    became |= {r.index: [r.field, r.rule] for r in encoded.rejected}
    expected = [["", "invalid-json"] if isinstance(b, dict) else b for b in case["becomes"]]
    assert [became[index] for index in sorted(became)] == expected
    assert [[found.index, found.field, found.rule] for found in encoded.warnings] == case.get("warns", [])
    for rejection in encoded.rejected:
        place = case["becomes"][rejection.index]
        if isinstance(place, dict):
            assert f"line {place['line']}, column {place['column']} (byte {place['offset']})" in rejection.message
    result = outcome_of_core(core_encoder(chosen).encode_json(data))
    assert result == outcome_of_reference(reference.encode_json(data, chosen))


TEXT = '{"event":"é","properties":{"time":1700000000,"distinct_id":"\U0001f600","$insert_id":"i"}}\n{}'


@pytest.mark.parametrize(
    "make", [bytes, bytearray, memoryview, lambda data: memoryview(data * 2)[: len(data)], bytes.decode]
)
def test_text_of_every_type_is_accepted(make: Any) -> None:
    result = outcome_of_core(core_encoder(Options()).encode_json(make(TEXT.encode())))
    assert result == outcome_of_reference(reference.encode_json(TEXT))


def test_a_mapped_file_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(TEXT, encoding="utf-8")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        result = outcome_of_core(core_encoder(Options()).encode_json(mapped))
    assert result == outcome_of_reference(reference.encode_json(TEXT))


def test_lone_surrogates_of_a_str_are_read_as_escapes() -> None:
    text = TEXT.replace("é", "\ud800")
    result = outcome_of_core(core_encoder(Options()).encode_json(text))
    assert result == outcome_of_reference(reference.encode_json(text))
    assert [rule for _, _, _, rule in result.warnings] == ["invalid-unicode"]


@pytest.mark.parametrize("value", ["\\\ud800", "\\\\\\\udfff", "\\u12\ud800", "\ud800\\\ud800"])
def test_a_lone_surrogate_of_a_str_after_a_backslash_is_a_syntax_error(value: str) -> None:
    text = TEXT.replace("é", value)
    result = outcome_of_core(core_encoder(Options()).encode_json(text))
    assert result == outcome_of_reference(reference.encode_json(text))
    assert "invalid-json" in [rejection[-1] for rejection in result.rejected]
    with pytest.raises(ValueError, match="escape"):
        json.loads(f'"{value}"')


@pytest.mark.parametrize("value", ["\\\\\ud800", "\ud800\udc00", "x\ud800y\\n"])
def test_a_lone_surrogate_of_a_str_after_a_whole_escape_is_read_as_its_escape(value: str) -> None:
    text = TEXT.replace("é", value)
    result = outcome_of_core(core_encoder(Options()).encode_json(text))
    assert result == outcome_of_reference(reference.encode_json(text))
    assert "invalid-json" not in [rejection[-1] for rejection in result.rejected]


@pytest.mark.parametrize(
    "number", ["1e309", "-1E+400", "9e308", "9" * 309, "1.8e308", "0.1e310", "17" + "0" * 400 + "e-50"]
)
@pytest.mark.parametrize("place", ["x", "time", "distinct_id", "$insert_id"])
def test_a_number_beyond_a_double_is_never_written(number: str, place: str) -> None:
    properties = {"time": "1700000000", "distinct_id": '"u"', "$insert_id": '"i"'} | {place: number}
    text = '{"event":"e","properties":{' + ",".join(f'"{name}":{value}' for name, value in properties.items()) + "}}"
    rules = {f"{rule}-type": "warn" for rule in ("time", "distinct-id", "insert-id")}
    for chosen in (Options(), Options(rules=rules), Options(insert_id="derive")):
        result = outcome_of_core(core_encoder(chosen).encode_json(text))
        assert result == outcome_of_reference(reference.encode_json(text, chosen))
        assert not any(number in str(body) for body in result.batches)


def test_other_types_than_text_are_refused() -> None:
    for wrong in (None, 5, [TEXT], {"event": "e"}, memoryview(b"abcdef")[::2]):
        with pytest.raises(TypeError):
            core_encoder(Options()).encode_json(wrong)  # type: ignore[arg-type]
