"""`Mapping`: its fields are checked, and it is read from and written as TOML."""

from __future__ import annotations

import re
import sys
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import mixpress
from mixpress import Encoder, Mapping
from mixpress._core import DISALLOWED_IDS
from mixpress.files.mapping import typed
from mixpress.files.steps import is_placeholder
from strategies.records import HAS_CEL, mappings

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"event": "a", "event_column": "b"}, "event is 'a' and event_column is 'b': give one of them"),
    ({"event": " "}, "event must be a text that is not blank, got ' '"),
    ({"time_column": 5}, "time_column must be a text that is not blank, got 5"),
    ({"time_format": "iso"}, "time_format must be one of unix, unix_ms, unix_us, unix_ns, or a format of strptime"),
    ({"time_format": "%Q"}, "time_format '%Q' is not a format of strptime: 'Q' is a bad directive"),
    ({"time_zone": "Berlin"}, "time_zone must be a name of the IANA database such as 'Europe/Berlin', got 'Berlin'"),
    ({"time_zone": "../etc/passwd"}, "time_zone must be a name of the IANA database"),
    ({"time_offset": 25}, "time_offset must be between -24 and 24 hours, got 25"),
    ({"time_offset": "2"}, "time_offset must be a number, got '2'"),
    ({"time_offset": True}, "time_offset must be a number, got True"),
    ({"time_offset": 1, "time_zone": "UTC"}, "time_zone is 'UTC' and time_offset is 1: give one of them"),
    ({"insert_id_from": "a,b"}, "insert_id_from must be a list of names, got 'a,b'"),
    ({"drop": [1]}, "drop must have names of columns, got 1"),
    ({"keep": [None]}, "keep must have names of columns, got None"),
    ({"rename": {"a": ""}}, "rename must have names, got 'a': ''"),
    ({"rename": ["a"]}, "rename must have the form {column: name}, got ['a']"),
    ({"rename": {"a": 1}}, "rename must have names, got 'a': 1"),
    (
        {"rename": {"uid": "distinct_id"}},
        "rename can't make 'uid' the field 'distinct_id': use distinct_id_column='uid'",
    ),
    ({"rename": {"a": "c", "b": "c"}}, "rename gives 'a' and 'b' the same name 'c'"),
    ({"drop": ["a"], "keep": ["a"]}, "drop has 'a', as keep= has: give it once"),
    ({"set": {"time": 1}}, "set can't give every event the same time: use time_column"),
    ({"set": {"a": None}}, "set: 'a' must be a text, a number, true, false, a list or an object, got None"),
    ({"set": {"a": [float("nan")]}}, "set: 'a' must be a finite number, got nan"),
    ({"set": {"a": 2**64}}, "set: 'a' must be a number of at most 64 bits"),
    ({"since": "yesterday"}, "since must be a date such as '2024-01-31', or a date and time such as"),
    ({"until": "9999-12-31"}, "until must be a date"),
    ({"since": "2024-02-01", "until": "2024-01-31"}, "since '2024-02-01' must be before until='2024-01-31'"),
    ({"sample": 0}, "sample must be more than 0 and at most 1, such as 0.01 for 1 %, got 0"),
    ({"sample": 1.5}, "sample must be more than 0 and at most 1"),
    ({"placeholder_ids": "keep"}, "placeholder_ids must be 'reject' or 'blank', got 'keep'"),
    ({"insert_id_from": ["a"], "drop": ["a"]}, "insert_id_from has 'a', which drop= removes"),
    ({"insert_id_from": ["a"], "keep": ["b"]}, "insert_id_from has 'a', which keep= leaves out: add it to keep="),
    (
        {"insert_id_from": ["a.id"]},
        "insert_id_from has 'a.id', which may be within an object: make it a property, such as 'id', by rename=",
    ),
    ({"source": "adobe"}, "source must be one of amplitude"),
]

if HAS_CEL:
    WRONG += [
        ({"where": "a =="}, "where is not an expression of CEL: Failed to parse expression 'a ==': ERROR: <input>:1:5"),
        ({"where": "shout(a)"}, "where: 'shout(a)' has an unknown function 'shout'"),
    ]


@pytest.mark.parametrize(("fields", "message"), WRONG, ids=[message[:50] for _, message in WRONG])
def test_a_wrong_value_is_an_error_that_names_the_field_and_the_remedy(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        Mapping(**fields)


def test_it_is_public() -> None:
    assert mixpress.Mapping is Mapping
    assert "Mapping" in dir(mixpress)


def test_lists_and_dates_are_taken() -> None:
    until = datetime(2024, 2, 1, tzinfo=timezone.utc)
    mapping = Mapping(drop=["a"], keep=("b",), since=date(2024, 1, 1), until=until)
    assert (mapping.drop, mapping.keep) == (("a",), ("b",))
    assert (mapping.since, mapping.until) == ("2024-01-01", "2024-02-01T00:00:00+00:00")
    assert mapping.changed().keys() == {"drop", "keep", "since", "until"}


def test_a_later_change_of_an_argument_does_not_change_the_mapping() -> None:
    names = {"a": "b"}
    mapping = Mapping(rename=names)
    names["c"] = "time"
    assert mapping.rename == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("pro", "pro"), ("5", 5), ("1.5", 1.5), ("true", True), ('"5"', "5"), ("[1]", [1]), ("NaN", "NaN"), ("", "")],
)
def test_an_options_value_is_json_if_it_can_be(text: str, value: object) -> None:
    assert typed(text) == value


def test_the_placeholders_are_those_that_the_encoder_rejects() -> None:
    encoder = Encoder()
    others = {"", "nulls", "1", "un\u212anown", "user-1"}
    for id in {*DISALLOWED_IDS, *map(str.upper, DISALLOWED_IDS), *others}:
        event = {"event": "Seen", "properties": {"time": 1_700_000_000, "distinct_id": id, "$insert_id": "i"}}
        rejected = [one.rule for one in encoder.encode([event]).rejected]
        assert (rejected == ["distinct-id-disallowed"]) == is_placeholder(id), id
    assert len(DISALLOWED_IDS) == 17


# --- TOML ---

needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is newer")


@needs_toml
@given(mappings())
def test_a_mapping_is_the_same_after_toml(mapping: Mapping) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).write_text(mapping.to_toml(), encoding="utf-8")
        assert Mapping.from_toml(file.name) == mapping


@needs_toml
def test_toml_has_comments_and_the_source_is_called_from(tmp_path: Path) -> None:
    mapping = Mapping(source="mixpanel", rename={"a b": 'c"\x7f'}, set={"n": {"x": [1, True]}}, time_offset=-8)
    text = mapping.to_toml({"source": ["The tool."], "time_zone": ["One\ntwo", 'time_zone = "UTC"']})
    assert text.startswith('# The tool.\nfrom = "mixpanel"\n')
    assert '# One\n# two\n# time_zone = "UTC"\n' in text
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    assert Mapping.from_toml(path) == mapping


@needs_toml
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"time_colum = 'ts'", "unknown key 'time_colum'; the keys are event, event_column"),
        (b"time_column = ", "not TOML: Invalid value"),
        (b"\xff\xfe", "not UTF-8 at byte 0: save the file as UTF-8"),
        (b"sample = 2", "sample must be more than 0"),
        (b"from = 'adobe'", "source must be one of"),
        (b"drop = 'a'", "drop must be a list of names"),
        (b"set = {day = 2024-01-01}", "set: 'day' must be a text"),
    ],
)
def test_an_error_in_a_file_names_the_file(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_bytes(content)
    with pytest.raises((TypeError, ValueError), match=re.escape(message)) as caught:
        Mapping.from_toml(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Mapping.from_toml(tmp_path / "none.toml")
