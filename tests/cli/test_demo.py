"""`mixpress demo`: the figures of the flights, and the result of each bad event."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mixpress.cli import demo
from mixpress.cli.group import group

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights.ndjson.gz"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["demo", *arguments])


def test_the_demo_imports_the_flights_of_january_2013() -> None:
    result = run(str(FLIGHTS))
    assert result.exit_code == 0, result.output
    first, second, broken = re.split("The server holds 26,849 events", result.stdout)
    for part in (first, second):
        assert "27,004 events read from" in part
        assert "26,849 imported" in part
        assert "155 rejected" in part
        assert "155 distinct-id-disallowed" in part
        assert "'distinct_id' is \"NA\"" in part
    assert broken.startswith(": the second import added 0.")
    assert result.stderr == ""


def test_each_bad_event_is_shown_with_its_rule(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"event": "A", "properties": {"time": 1, "distinct_id": "u", "$insert_id": "a"}}\n')
    result = run(str(path))
    assert result.exit_code == 0, result.output
    table = result.stdout[result.stdout.index("Importing events that are invalid") :].splitlines()
    shown = {table[number].split("  ")[1]: table[number : number + 2] for number in range(1, len(table) - 1, 2)}
    assert list(shown) == [what for what, _ in demo.BROKEN]
    rules = {what: lines[0].split()[-1] for what, lines in shown.items() if "rejected" in lines[0]}
    assert rules == {
        "a string instead of an event": "event-not-object",
        "no name": "event-blank",
        "no time": "time-missing",
        "a time that is a string": "time-type",
        "a time in 1969": "time-too-old",
        "no distinct_id": "distinct-id-missing",
        "a placeholder as distinct_id": "distinct-id-disallowed",
        "an $insert_id with a space": "insert-id-charset",
        "objects nested four deep": "too-deep",
        "255 elements in a list": "too-many-elements",
        "bytes": "unsupported-type",
        "a key that is a number": "unsupported-type",
        "a dict that contains itself": "too-deep",
    }
    assert "written as null" in shown["NaN"][1]
    assert "U+FFFD" in shown["half a surrogate pair"][1]
    assert "3,000,000 characters, cut to 255" in shown["a string of 3 MB"][1]
    assert table[-1] == "3 of 16 were imported; an invalid event does not stop the others."


def test_without_its_file_the_error_says_where_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "FLIGHTS", Path("examples", "nothing.ndjson.gz"))
    result = run()
    assert result.exit_code == 2
    assert "is part of the checkout and not of the installed package" in result.stderr
    assert "mixpress demo FILE" in result.stderr


def test_a_missing_file_is_named() -> None:
    result = run("nowhere.ndjson")
    assert result.exit_code == 2
    assert "'nowhere.ndjson' does not exist" in result.stderr
