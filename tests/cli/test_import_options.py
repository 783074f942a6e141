"""The options of `mixpress import`: the state, early ends, the mapping and long texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mixpress.emulator import Emulator

from .importing import ACCOUNT, event, ndjson, run, write


def test_the_same_command_goes_on_with_a_state(tmp_path: Path) -> None:
    path, state = write(tmp_path / "a", ndjson(*map(event, range(5000)))), str(tmp_path / "state")
    failing = [True]

    def fail_later(request: Any) -> Any:
        return (500, {}, b"out of order") if failing[0] and request.number > 1 else None

    with Emulator(before=fail_later) as server:
        arguments = [path, "--to", server.url, "--attempts", "1", "--concurrency", "1", "--state", state]
        first = run(*arguments)
        failing[0] = False
        second = run(*arguments)
        third = run(*arguments)
        assert server.count() == 5000
    assert (first.exit_code, second.exit_code, third.exit_code) == (1, 0, 0)
    assert "3,000 undelivered" in first.stdout
    assert "2,000 more had their verdict in an earlier run, and were not sent again" in second.stdout
    assert "3,000 imported" in second.stdout
    assert "0 events read from" in third.stdout


def test_a_state_of_another_project_sends_nothing(server: Emulator, tmp_path: Path) -> None:
    path, state = write(tmp_path / "a", ndjson(event(0))), str(tmp_path / "state")
    run(path, "--to", server.url, "--state", state, env=ACCOUNT)
    before = len(server.requests())
    result = run(path, "--to", server.url, "--state", state, "--project-id", "18", env=ACCOUNT)
    assert result.exit_code == 2
    assert f"Error: the state file {state} belongs to another import: its destination is project 17" in result.stderr
    assert len(server.requests()) == before


def test_a_dry_run_sends_nothing(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0), event(1, distinct_id="NA")))
    result = run(path, "--to", server.url, "--dry-run")
    assert result.exit_code == 1
    assert "1 imported     would be sent; this was a dry run" in result.stdout
    assert server.requests() == []


@pytest.mark.parametrize("env", [{}, {**ACCOUNT, "MIXPRESS_SECRET": ""}])
def test_a_dry_run_needs_no_credentials(tmp_path: Path, env: dict[str, str]) -> None:
    path, state = write(tmp_path / "a", ndjson(event(0))), tmp_path / "state"
    result = run(path, "--region", "eu", "--dry-run", "--state", str(state), env=env)
    assert result.exit_code == 0, result.output
    assert "1 imported     would be sent; this was a dry run" in result.stdout
    assert not state.exists()


def test_a_dry_run_with_the_state_of_a_project_needs_its_credentials(server: Emulator, tmp_path: Path) -> None:
    path, state = write(tmp_path / "a", ndjson(event(0))), str(tmp_path / "state")
    run(path, "--to", server.url, "--state", state)
    result = run(path, "--region", "eu", "--state", state, "--dry-run")
    assert result.exit_code == 2
    assert "no credentials in the environment" in result.stderr


def test_max_errors_ends_the_import_early(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(*[event(0, distinct_id="NA")] * 5))
    result = run(path, "--to", server.url, "--max-errors", "3")
    assert result.exit_code != 0
    assert "Error: 5 events failed, more than --max-errors 3 allows; the rest was not read" in result.stderr
    assert run(path, "--to", server.url, "--max-errors", "x").exit_code == 2


def test_a_limit_reads_so_many_events(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(*map(event, range(50))))
    assert "7 imported" in run(path, "--to", server.url, "--limit", "7").stdout
    assert server.count() == 7


def test_options_map_the_columns_of_a_record(server: Emulator, tmp_path: Path) -> None:
    record = {"at": "2023-11-14 23:13:20", "user": "u", "order": 17, "plan": "pro", "secret": "x", "n": 1}
    path = write(tmp_path / "a", ndjson(record, {**record, "order": 18, "plan": "free"}))
    arguments = ["--event", "Ordered", "--time-column", "at", "--time-zone", "Europe/Berlin", "--rename", "n=count"]
    arguments += ["--distinct-id-column", "user", "--insert-id-column", "order", "--drop", "secret"]
    result = run(path, "--to", server.url, *arguments, "--set", "beta=true", "--where", 'plan == "pro"')
    assert result.exit_code == 0
    [found] = server.events()
    assert found["event"] == "Ordered"
    assert found["properties"]["time"] == 1_700_000_000_000
    names = ("distinct_id", "$insert_id", "plan", "count", "beta")
    assert {name: found["properties"][name] for name in names} == {
        "distinct_id": "u",
        "$insert_id": "17",
        "plan": "pro",
        "count": 1,
        "beta": True,
    }
    assert "secret" not in found["properties"]


def test_a_file_has_the_options_and_those_given_win(server: Emulator, tmp_path: Path) -> None:
    config = write(tmp_path / "c.toml", b'event = "Ordered"\ndistinct_id_column = "user"\n')
    path = write(tmp_path / "a", ndjson({"time": 1_700_000_000, "user": "u", "$insert_id": "1"}))
    assert run(path, "--to", server.url, "--config", config, "--event", "Paid").exit_code == 0
    assert [one["event"] for one in server.events()] == ["Paid"]
    missing = run(path, "--to", server.url, "--config", str(tmp_path / "no.toml"))
    assert missing.exit_code == 2
    assert f"cannot read {tmp_path / 'no.toml'}" in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--time-zone", "Mars/Olympus"], "--time-zone"),
        (["--set", "novalue"], "'novalue' must be NAME=VALUE"),
        (["--insert-id-from", "a,,b"], "names separated by commas"),
        (["--from", "other"], "'other' is not one of"),
        (["--limit", "-1"], "-1 is not in the range"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, arguments: list[str], says: str) -> None:
    result = run(write(tmp_path / "a", b""), "--to", "http://127.0.0.1:1", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_long_texts_are_treated_as_asked(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0, url="https://x.example/" + "a" * 300, note="b " * 200)))
    assert run(path, "--to", server.url, "--long-url", "parse", "--long-text", "drop").exit_code == 0
    [found] = server.events()
    assert found["properties"]["url_host"] == "x.example"
    assert "note" not in found["properties"]


def test_the_state_can_t_be_one_of_the_files(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0)))
    assert "cannot be both read and written as the state" in run(path, "--to", server.url, "--state", path).stderr


def test_the_rate_limit_can_be_switched_off(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0)))
    assert run(path, "--to", server.url, "--no-rate-limit").exit_code == 0
    assert server.count() == 1


@pytest.mark.parametrize(("name", "content"), [("a.ndjson", b""), ("a.json", b"[]"), ("a.csv", b"event,time\n")])
@pytest.mark.parametrize("options", [[], ["--profiles"]])
def test_an_import_without_records_warns(
    server: Emulator, tmp_path: Path, name: str, content: bytes, options: list[str]
) -> None:
    path = write(tmp_path / name, content)
    result = run(path, *options, "--to", server.url)
    what = "updates" if options else "events"
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == (
        f"Warning: no {what} were found: {path} has no records, or the options leave out all of them"
    )
    lines = [json.loads(line) for line in run(path, *options, "--to", server.url, "--log-json").stderr.splitlines()]
    assert any(line.get("level") == "warning" and f"no {what} were found" in line["message"] for line in lines)


def test_an_import_that_was_done_before_does_not_warn(server: Emulator, tmp_path: Path) -> None:
    arguments = (write(tmp_path / "a", ndjson(event(1))), "--state", str(tmp_path / "state"), "--to", server.url)
    assert [("Warning" in run(*arguments).stderr) for _ in range(2)] == [False, False]
