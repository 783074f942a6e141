"""NDJSON, arrays and objects one after another are read as pieces: records, lines, bytes and originals are right."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.reading import PARSING, PLAIN, good, read, write
from mixpress.files import json_reader
from mixpress.files.files import Files
from mixpress.files.mapper import Mapper

EVENTS = [good(number) for number in range(5)]
PARSED = [json.loads(event) for event in EVENTS]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of one or two records."""
    monkeypatch.setattr(json_reader, "PIECE", 150)
    monkeypatch.setattr(json_reader, "LONGEST", 2000)


def spread(event: bytes) -> bytes:
    return json.dumps(json.loads(event), indent=2).encode()


LAYOUTS = {
    "lines": b"\n".join(EVENTS),
    "lines with CRLF": b"\r\n".join(EVENTS) + b"\r\n",
    "lines after a byte order mark": b"\xef\xbb\xbf" + b"\n".join(EVENTS) + b"\n",
    "blank lines": b"\n \n" + b"\n\n\t\r\n".join(EVENTS) + b"\n\n",
    "objects on one line": b"".join(EVENTS),
    "objects with CR between them": b"\r".join(EVENTS),
    "an array on one line": b"[" + b",".join(EVENTS) + b"]",
    "an array with an element a line": b"[\n" + b",\n".join(EVENTS) + b"\n]\n",
    "a pretty array": json.dumps(PARSED, indent=4).encode(),
    "a pretty array with CRLF": json.dumps(PARSED, indent=1).replace("\n", "\r\n").encode(),
    "a pretty array after a byte order mark": b"\xef\xbb\xbf" + json.dumps(PARSED, indent=1).encode(),
    "objects over lines": b"\n".join(map(spread, EVENTS)),
    "objects with names after a newline": b"\n".join(event.replace(b',"', b',\n"') for event in EVENTS),
    "objects with leading commas": b"\n".join(event.replace(b',"', b'\n,"') for event in EVENTS),
}


@pytest.mark.parametrize("mapper", [PLAIN, PARSING])
@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_read(name: str, mapper: Mapper, tmp_path: Path) -> None:
    path, text = write(tmp_path / "a", LAYOUTS[name]), LAYOUTS[name]
    found = read(path, mapper=mapper)
    assert found.originals == PARSED
    assert not found.rejected
    assert not found.damaged
    assert len(found.ends) > 1
    for place in found.places:
        assert text.startswith((b'{"event"', b"{\n", b"{\r\n"), place.offset)
        assert place.line == text.count(b"\n", 0, place.offset) + 1
        assert str(place) == f"{path}:{place.line}"


@pytest.mark.parametrize("mapper", [PLAIN, PARSING])
@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b'{"event": "A", "prop', '{"event": "A", "prop'),
        (b"nope", "nope"),
        (b'{"a": "\xff"}', '{"a": "\udcff"}'),
        (b"a\0b", "a\0b"),
        (b"\0\0\0\0", "\0\0\0\0"),
        (b'{"event" "A"}\r', '{"event" "A"}'),
    ],
)
def test_a_line_that_is_not_json_costs_no_other(line: bytes, kept: str, mapper: Mapper, tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"\n".join([*EVENTS[:3], line, *EVENTS[3:]]))
    found = read(path, mapper=mapper)
    assert found.originals == [*PARSED[:3], kept, *PARSED[3:]]
    assert list(found.rejected) == [3]
    assert found.places[3].line == 4
    assert found.places[3].offset == sum(len(event) + 1 for event in EVENTS[:3])


def test_the_message_of_a_broken_line_has_its_place_in_the_file(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a", b"\n".join([*EVENTS, b'{"a" 1}'])))
    offset = sum(len(event) + 1 for event in EVENTS) + 5
    assert f"line 6, column 6 (byte {offset}) is not JSON" in found.rejected[5]


def test_a_value_that_is_no_object_is_a_record(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a", b"1\n" + EVENTS[0] + b"\nnull\n"))
    assert found.originals == [1, PARSED[0], None]
    assert list(found.rejected) == [0, 2]


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf", b"[]", b"[\n]\n"])
def test_a_file_without_records_has_none(content: bytes, tmp_path: Path) -> None:
    path, next_one = write(tmp_path / "a", content), write(tmp_path / "b", EVENTS[0])
    found = read(path, next_one)
    assert found.originals == PARSED[:1]
    assert str(found.places[0]) == f"{next_one}:1"
    assert not found.damaged


@pytest.mark.parametrize("mapper", [PLAIN, PARSING])
@pytest.mark.parametrize("end", [b"", b",", b" ", b",\n"])
def test_an_array_that_never_ends_is_reported(end: bytes, mapper: Mapper, tmp_path: Path) -> None:
    found = read(write(tmp_path / "a", b"[" + b",".join(EVENTS) + end), mapper=mapper)
    assert found.originals[:5] == PARSED
    assert list(found.rejected) == [5]


def test_a_record_over_lines_that_never_ends_costs_no_other(tmp_path: Path) -> None:
    content = b'[\n  {\n  "event": {"cut\n  },\n' + b",\n".join(b"  " + event for event in EVENTS * 10) + b"\n]"
    found = read(write(tmp_path / "a", content))
    assert found.originals[1:] == PARSED * 10
    assert list(found.rejected) == [0]


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize(("before", "between"), [(b"", b"\n"), (b"[", b",")])
def test_a_record_that_is_too_long_is_one_record(before: bytes, between: bytes, end: bytes, tmp_path: Path) -> None:
    long = b'{"event":"' + b"x" * 5000 + b'"}'
    after = b"]" + end if before else end
    content = before + between.join([EVENTS[0], long, EVENTS[1], long]) + after
    found = read(write(tmp_path / "a", content))
    assert found.originals == [PARSED[0], long[:1000].decode(), PARSED[1], long[:1000].decode()]
    assert list(found.rejected) == [1, 3]
    assert "longer than 2,000 bytes and was skipped; only its first 1,000 are kept" in found.rejected[1]
    assert found.places[1].offset == content.index(long)
    assert found.ends[-1] == len(content)


def test_a_record_longer_than_a_piece_is_read_whole(tmp_path: Path) -> None:
    long = good(1).replace(b'"A"', b'"' + b"x" * 1000 + b'"')
    found = read(write(tmp_path / "a", b"\n".join([EVENTS[0], long, EVENTS[2]])))
    assert found.originals == [PARSED[0], json.loads(long), PARSED[2]]


def test_line_numbers_restart_in_each_file(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, b"\n".join(EVENTS[:2])) for name in "ab"]
    assert [str(place) for place in read(*paths).places] == [f"{path}:{line}" for path in paths for line in (1, 2)]


def test_pieces_are_cut_at_the_same_places_each_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"\n".join(EVENTS * 20))
    once, twice = ([(piece.start, piece.end, piece.digest()) for piece in Files([path])] for _ in range(2))
    assert once == twice
    assert len(once) > 50


def test_a_change_of_one_byte_changes_the_digest(tmp_path: Path) -> None:
    content = b"\n".join(EVENTS)
    digests = set()
    for at in range(0, len(content), 7):
        changed = bytearray(content)
        changed[at] ^= 1
        [*pieces] = Files([write(tmp_path / "a", bytes(changed))], "ndjson")
        digests.add(tuple(piece.digest() for piece in pieces))
    assert len(digests) == len(range(0, len(content), 7))


def test_what_is_appended_while_a_file_is_read_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"\n".join(EVENTS) + b"\n")
    originals: list[Any] = []
    for piece in Files([path]):
        originals += piece.originals(range(piece.count()))
        with open(path, "ab") as file:
            file.write(EVENTS[0] + b"\n")
    assert originals == PARSED


def test_a_file_that_is_cut_while_it_is_read_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"\n".join(EVENTS * 100) + b"\n")
    files = Files([path])
    pieces = iter(files)
    count = next(pieces).count()
    os.truncate(path, 1000)
    count += sum(piece.count() for piece in pieces)
    [message] = files.damaged
    assert message.startswith(f"cannot read {path} after line {count}: it has only ")
    assert 1 < count < 500


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=5), inside, max_size=4),
    max_leaves=20,
)


@given(
    records=st.lists(values | st.builds(lambda value: {"event": "A", "properties": value}, values), max_size=8),
    data=st.data(),
)
def test_any_records_in_any_layout_are_read_as_json_reads_them(
    records: list[Any], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ascii_only, indent = data.draw(st.booleans()), data.draw(st.sampled_from([None, 0, 2]))
    piece = data.draw(st.integers(1, 300))
    as_array = data.draw(st.booleans())
    records = [record for record in records if as_array or isinstance(record, dict)]
    if as_array:
        text = json.dumps(records, ensure_ascii=ascii_only, indent=indent)
    else:
        text = "\n".join(json.dumps(record, ensure_ascii=ascii_only, indent=indent) for record in records)
    content = text.encode("utf-8", "surrogatepass") if ascii_only else text.encode()
    path = write(tmp_path_factory.mktemp("any") / "a", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_reader, "PIECE", piece)
        patch.setattr(json_reader, "LONGEST", 1 << 20)
        for mapper in (PLAIN, PARSING):
            found = read(path, format="json", mapper=mapper)
            assert found.originals == records
            assert [content[place.offset :].lstrip()[:1] for place in found.places] == [
                json.dumps(record, ensure_ascii=ascii_only).encode()[:1] for record in records
            ]
