"""The dead letter: one line for every event that was not imported, and errors of writing."""

from __future__ import annotations

import datetime
import json
import math
import os
import stat
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from mixpress.dead_letter import DeadLetter, as_json
from mixpress.errors import AuthError, DeadLetterError, ImportInterrupted
from mixpress.report.report import Failure
from support.clients import client, tracking
from support.events import bad, event, events, small_batches
from support.replies import RESET, answer, ok, refusing
from support.server import FakeServer


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_holds_every_failed_event_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"
    server = FakeServer(refusing(1), *[RESET] * 10)
    given = [bad(0), event(1), event(2), "text", event(4)]
    report = client(server, encoder=small_batches(2), dead_letter=path).import_events(given)
    assert (report.imported, report.failed, report.unwritten) == (1, 4, 0)
    by_index = {line["index"]: line for line in lines(path)}
    assert {index: line["event"] for index, line in by_index.items()} == {index: given[index] for index in (0, 2, 3, 4)}
    assert by_index[0] == {
        "event": bad(0),
        "kind": "rejected",
        "index": 0,
        "rule": "distinct-id-disallowed",
        "field": "properties.distinct_id",
        "message": report.failures[0].message,
    }
    assert by_index[2] | {"event": None} == {
        "event": None,
        "kind": "refused",
        "index": 2,
        "rule": None,
        "field": "properties.x",
        "message": "no 1",
    }
    assert by_index[4]["kind"] == "undelivered"
    assert by_index[4]["message"].startswith("given up after 10 attempts")


def test_an_event_is_written_as_given_without_truncation(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"
    long = event(0, text="x" * 1000)
    client(FakeServer(refusing(0)), dead_letter=path).import_events([long])
    assert lines(path)[0]["event"] == long


def test_it_is_empty_when_every_event_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"
    client(FakeServer(), dead_letter=path).import_events(events(3))
    assert path.read_bytes() == b""


def test_it_is_appended_to_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"
    sender = client(FakeServer(), dead_letter=str(path))
    sender.import_events([bad(0)])
    sender.import_events([bad(1)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [line["event"] for line in lines(path)] == [bad(0), bad(1)]


def test_a_last_line_without_a_newline_is_terminated(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"
    path.write_text('{"event": 1}')
    client(FakeServer(), dead_letter=path).import_events([bad(0)])
    assert [line["event"] for line in lines(path)] == [1, bad(0)]


def test_events_read_but_not_sent_are_in_it(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"
    server = FakeServer(ok(), answer(401, {"error": "Invalid credentials"}))
    with pytest.raises(AuthError) as caught:
        client(server, encoder=small_batches(2), dead_letter=path).import_events(events(100))
    report = caught.value.report
    assert report is not None
    assert sorted(line["index"] for line in lines(path)) == list(range(2, report.total))


def test_it_is_complete_when_the_iterable_raises(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"

    def raising() -> Any:
        yield bad(0)
        yield event(1)
        raise OSError("gone")

    with pytest.raises(ImportInterrupted):
        client(FakeServer(refusing(0)), dead_letter=path).import_events(raising())
    assert [line["event"] for line in lines(path)] == [bad(0), event(1)]


def test_it_holds_tracked_and_imported_events(tmp_path: Path) -> None:
    path = tmp_path / "dead.ndjson"
    with tracking(FakeServer(refusing(1)), dead_letter=path) as made:
        made.track("Imported", "u")
        made.track("Refused", "u", insert_id="number-2")
        made.track("Rejected", "null")
        report = made.flush()
        made.import_events([bad(7)])
    written = lines(path)
    assert [(line["kind"], line["event"]["event"]) for line in written] == [
        ("rejected", "Rejected"),
        ("refused", "Refused"),
        ("rejected", "Seen"),
    ]
    assert written[1]["event"]["properties"]["$insert_id"] == "number-2"
    assert report.unwritten == 0


# Write errors


def test_a_path_that_cannot_be_opened_raises_at_the_first_tracked_event(tmp_path: Path) -> None:
    with (
        tracking(FakeServer(), dead_letter=tmp_path / "no" / "such") as made,
        pytest.raises(DeadLetterError, match="can't be opened"),
    ):
        made.track("A", "u")


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        ("missing/failed.ndjson", "No such file or directory; name a file in a folder that exists and is writable"),
        (".", "Is a directory; name a file in it"),
    ],
)
def test_a_path_that_cannot_be_opened_raises_before_anything_is_sent(tmp_path: Path, place: str, remedy: str) -> None:
    server = FakeServer()
    path = tmp_path / place
    with pytest.raises(DeadLetterError, match="can't be opened for writing") as caught:
        client(server, dead_letter=path).import_events(events(2))
    assert str(path) in str(caught.value)
    assert remedy in str(caught.value)
    assert caught.value.report is None
    assert server.requests == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_does_not_stop_the_import() -> None:
    server = FakeServer()
    with pytest.raises(DeadLetterError, match=r"2 of 2 failed events .* /dev/full: No space left") as caught:
        client(server, dead_letter="/dev/full").import_events([bad(0), *events(3), bad(9)])
    report = caught.value.report
    assert report is not None
    assert (report.imported, report.rejected, report.unwritten) == (3, 2, 2)
    assert len(server.imported) == 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_does_not_hide_an_auth_error(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer(answer(401, {"error": "Invalid credentials"}))
    with pytest.raises(AuthError):
        client(server, dead_letter="/dev/full").import_events(events(3))
    assert "3 of 3 failed events could not be written" in caplog.text


def test_a_line_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "failed.ndjson"
    letter = DeadLetter(path)
    letter.write(Failure(0, "rejected", "first"), {"a": 1})
    write = os.write
    left = [10, 0]

    def write_to_a_disk_that_fills_up(file: int, data: bytes) -> int:
        room = left.pop(0)
        if not room:
            raise OSError(28, "No space left on device")
        return write(file, data[:room])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write_to_a_disk_that_fills_up)
        letter.write(Failure(1, "rejected", "second"), {"a": 2})
    letter.write(Failure(2, "rejected", "third"), {"a": 3})
    letter.close()
    assert [line["index"] for line in lines(path)] == [0, 2]
    assert (letter.written, letter.lost) == (2, 1)


# Values without a JSON form


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no repr today")


class Lying(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no items today")


class Text(str):
    __slots__ = ()


def self_referencing() -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    value["self"] = value
    return value


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": [1, 2.5, None, True, "é\ud800"]}, {"a": [1, 2.5, None, True, "é\ud800"]}),
        ((1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (Lying(a=1), {"a": 1}),
        (Text("text"), "text"),
        (math.nan, {"$repr": "nan"}),
        (-math.inf, {"$repr": "-inf"}),
        ({"a": {1}}, {"a": {"$repr": "{1}"}}),
        ({1: "a"}, {"$repr": "{1: 'a'}"}),
        (b"\x00", {"$repr": "b'\\x00'"}),
        (2**64, 2**64),
        ([1 << 20_000], [{"$repr": hex(1 << 20_000)}]),
        (datetime.date(2024, 2, 29), {"$repr": "datetime.date(2024, 2, 29)"}),
        (Odd(), {"$repr": "<Odd, whose repr raised RuntimeError>"}),
        (self_referencing(), {"a": 1, "self": {"$repr": "{'a': 1, 'self': {...}}"}}),
    ],
)
def test_a_value_without_a_json_form_is_written_as_its_repr(value: object, written: object) -> None:
    assert json.loads(json.dumps(as_json(value), allow_nan=False)) == written


def test_a_value_nested_too_deeply_is_written_as_its_repr() -> None:
    text = json.dumps(as_json(nested(5000)))
    assert "$repr" in text
