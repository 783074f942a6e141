"""`mixpress demo`: the figures of the flights, and the result of each bad event."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mixpress.cli import demo, demo_flights
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


def test_the_demo_checks_a_csv_and_goes_on_with_an_import_that_was_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = tmp_path / "flights.csv.zip"
    rows = "".join(f"{'NA' if row % 100 == 7 else 'N1'},AA,{row},JFK,515,2013-01-01T10:00:00Z\n" for row in range(3000))
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("flights.csv", f"tailnum,carrier,flight,origin,sched_dep_time,time_hour\n{rows}")
    monkeypatch.setattr(demo, "find_archive", lambda: archive)
    monkeypatch.setattr(demo_flights, "KILL_AT", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = run()
    assert result.exit_code == 0, result.output
    checked, killed, resumed, again = result.stdout.split("\n$ mixpress ")[1:]
    assert "2,970 would be sent" in checked
    assert "30 distinct-id-disallowed" in checked
    assert killed.startswith("import flights.csv")
    assert "3,000" not in killed
    assert "The server holds 2,970 events, each of them once" in resumed
    assert "3,000 more had their verdict in an earlier run" in again
    (report,) = tmp_path.glob("mixpress-demo-*/report.html")
    assert f"The report is at {report}" in result.stdout
    assert list(report.parent.iterdir()) == [report]


def test_each_bad_event_is_shown_with_its_rule(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"event": "A", "properties": {"time": 1, "distinct_id": "u", "$insert_id": "a"}}\n')
    result = run(str(path))
    assert result.exit_code == 0, result.output
    text, end = result.stdout.split("\n\nTo look at the events in a browser: ")
    assert end == "mixpress demo --keep\n"
    table = text[text.index("Importing events that are invalid") :].splitlines()
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_with_keep_the_emulator_runs_on_with_the_events_until_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"event": "A", "properties": {"time": 1e9, "distinct_id": "u", "$insert_id": "a"}}\n')
    command = [sys.executable, "-c", "from mixpress.cli import main; main()", "demo", "--keep", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = list(takewhile(lambda line: line != "Ctrl-C stops it.\n", process.stdout))
            assert lines[-2] == "The emulator runs on, with 4 events. Open its page in a browser:\n"
            url = lines[-1].strip()
            body = b'{"event": "Seen", "properties": {"token": "t"}}'
            with urllib.request.urlopen(
                urllib.request.Request(f"{url}track", body, {"Content-Type": "application/json"})
            ):
                pass
            process.send_signal(number)
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()  # it would run on if something else than the signal ended the test
    assert (process.returncode, rest) == (0, "stopped\n")


def test_the_program_is_called_by_its_path_where_it_is_not_on_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "mixpress"
    program.touch(mode=0o755)
    for called, path, shown in [
        ("-c", tmp_path, "mixpress"),
        (str(program), tmp_path, "mixpress"),
        (str(program), tmp_path / "other", str(program)),
        (".venv/bin/mixpress", tmp_path, ".venv/bin/mixpress"),
    ]:
        monkeypatch.setattr(sys, "argv", [called])
        monkeypatch.setenv("PATH", str(path))
        assert demo._program() == shown


def test_without_its_file_the_error_says_where_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_archive", lambda: None)
    monkeypatch.setattr(demo, "FLIGHTS", Path("examples", "nothing.ndjson.gz"))
    result = run()
    assert result.exit_code == 2
    assert "is part of the checkout and not of the installed package" in result.stderr
    assert "mixpress demo FILE" in result.stderr


def test_a_missing_file_is_named() -> None:
    result = run("nowhere.ndjson")
    assert result.exit_code == 2
    assert "'nowhere.ndjson' does not exist" in result.stderr
