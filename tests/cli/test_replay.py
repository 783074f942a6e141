"""`mixpress replay`: the events of a dead letter, after they were repaired."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mixpress.emulator import Emulator

from .importing import event, ndjson, run, write


def replay(*arguments: str) -> Result:
    return run(*arguments, command="replay")


def failed(tmp_path: Path, server: Emulator, content: bytes, *arguments: str) -> Path:
    """Import a file, and return its dead letter."""
    letter = tmp_path / "failed"
    run(write(tmp_path / "a", content), "--to", server.url, "--dead-letter", str(letter), *arguments)
    return letter


def repair(letter: Path, before: str, after: str) -> None:
    letter.write_text(letter.read_text().replace(before, after))


def test_repaired_events_are_imported(server: Emulator, tmp_path: Path) -> None:
    content = ndjson(event(0), event(1, distinct_id="NA"), event(2, distinct_id="NA")) + b'{"event": "Seen", oops}\n'
    letter = failed(tmp_path, server, content)
    repair(letter, '"NA"', '"somebody"')
    repair(
        letter,
        "oops",
        '\\"properties\\": {\\"time\\": 1700000000, \\"distinct_id\\": \\"u\\", \\"$insert_id\\": \\"3\\"}',
    )
    result = replay(str(letter), "--to", server.url)
    assert result.exit_code == 0, result.output
    assert f"3 events read from {letter}" in result.stdout
    assert sorted(one["properties"]["$insert_id"] for one in server.events()) == ["3", "event-0", "event-1", "event-2"]


def test_what_fails_again_is_written_to_another_dead_letter(server: Emulator, tmp_path: Path) -> None:
    letter = failed(tmp_path, server, ndjson(event(0, distinct_id="NA"), event(1, distinct_id="null"), "text"))
    repair(letter, '"NA"', '"somebody"')
    again = tmp_path / "again"
    result = replay(str(letter), "--to", server.url, "--dead-letter", str(again))
    assert result.exit_code == 1
    assert f"{letter}:2  properties.distinct_id" in result.stdout
    lines = [json.loads(line) for line in again.read_text().splitlines()]
    assert [(line["file"], line["line"], line["event"]) for line in lines] == [
        (str(letter), 2, event(1, distinct_id="null")),
        (str(letter), 3, "text"),
    ]
    assert replay(str(again), "--to", server.url).exit_code == 1


def test_a_dead_letter_can_t_be_its_own(server: Emulator, tmp_path: Path) -> None:
    letter = failed(tmp_path, server, ndjson(event(0, distinct_id="NA")))
    before = letter.read_bytes()
    result = replay(str(letter), "--to", server.url, "--dead-letter", str(letter))
    assert result.exit_code == 2
    assert "cannot be both read and written as the dead letter" in result.stderr
    assert letter.read_bytes() == before


def test_a_record_is_mapped_again(server: Emulator, tmp_path: Path) -> None:
    mapping = ["--event", "Ordered", "--distinct-id-column", "user", "--insert-id-column", "id"]
    record = {"time": 1_700_000_000, "user": "null", "id": "1"}
    letter = failed(tmp_path, server, ndjson(record), *mapping)
    assert json.loads(letter.read_text())["event"] == record
    repair(letter, '"null"', '"u"')
    assert replay(str(letter), "--to", server.url, *mapping).exit_code == 0
    assert [one["properties"]["distinct_id"] for one in server.events()] == ["u"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ({"event": event(0, x={"$repr": "nan"}), "kind": "rejected", "message": "m"}, "not-repaired"),
        (event(0), "not-a-dead-letter"),
        (17, "not-a-dead-letter"),
        ("text", "not-a-dead-letter"),
    ],
)
def test_a_line_that_can_t_be_sent_is_named(server: Emulator, tmp_path: Path, line: Any, rule: str) -> None:
    letter = write(tmp_path / "failed", ndjson(line))
    result = replay(letter, "--to", server.url)
    assert result.exit_code == 1
    assert f"1 {rule}\n             {letter}:1  " in result.stdout
    assert server.requests() == []


def test_a_line_that_is_not_json_is_named(server: Emulator, tmp_path: Path) -> None:
    broken = b'{"event": {}, "kind": oops}'
    letter, again = write(tmp_path / "failed", ndjson(17) + broken + b"\n"), tmp_path / "again"
    result = replay(letter, "--to", server.url, "--dead-letter", str(again))
    assert result.exit_code == 1
    says = "the line is not JSON: Expecting value at character 23: was it broken when it was corrected?"
    assert f"1 invalid-json\n             {letter}:2  {says}" in result.stdout
    assert json.loads(again.read_text().splitlines()[1])["event"] == broken.decode()


def test_an_event_that_is_no_line_of_a_dead_letter_is_kept_as_a_whole(server: Emulator, tmp_path: Path) -> None:
    letter, again = write(tmp_path / "events", ndjson(event(0))), tmp_path / "again"
    assert replay(letter, "--to", server.url, "--dead-letter", str(again)).exit_code == 1
    assert json.loads(again.read_text())["event"] == event(0)


def test_help_teaches_by_an_example() -> None:
    assert "mixpress replay failed.ndjson --region eu" in replay("--help").stdout
