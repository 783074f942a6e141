"""`--report` and `--log-json` of `mixpress import` and `mixpress check`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mixpress.emulator import Emulator, Faults
from mixpress.files.reading import Reading

from .importing import ACCOUNT, event, ndjson, run, write

EVENTS = [*(event(number, time=1_700_000_000 + number * 3600) for number in range(100)), event(100, distinct_id="null")]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write(tmp_path / "events.ndjson", ndjson(*EVENTS) + b"{broken\n")


def test_a_page_of_an_import(path: str, server: Emulator, tmp_path: Path) -> None:
    page = tmp_path / "import.html"
    result = run(path, "--to", server.url, "--report", str(page), env=ACCOUNT)
    assert result.exit_code == 1
    assert f"{page} has the report." in result.stdout
    text = page.read_text("utf-8")
    assert "100 of 102 events were imported; 2 failed." in text
    assert f"{path}:101" in text
    assert f"{path}:102" in text
    assert ACCOUNT["MIXPRESS_SECRET"] not in text


def test_json_of_an_import_has_days_sizes_and_samples(path: str, server: Emulator, tmp_path: Path) -> None:
    page = tmp_path / "import.json"
    run(path, "--to", server.url, "--report", str(page), env=ACCOUNT)
    found = json.loads(page.read_text("utf-8"))
    assert (found["total"], found["imported"], found["rejected"], found["server"]) == (102, 100, 2, server.url)
    assert [(one["day"], one["count"]) for one in found["days"]] == [
        ("2023-11-14", 2), ("2023-11-15", 24), ("2023-11-16", 24), ("2023-11-17", 24), ("2023-11-18", 24),
        ("2023-11-19", 2),
    ]  # fmt: skip
    assert sum(one["count"] for one in found["sizes"]) == 100
    assert found["samples"][-1]["events"] == 100
    assert {one["reason"]: one["count"] for one in found["reasons"]} == {"distinct-id-disallowed": 1, "invalid-json": 1}
    assert [one["place"]["line"] for one in found["failures"]] == [101, 102]


def test_days_and_sizes_are_of_the_events_up_to_the_limit(path: str, tmp_path: Path) -> None:
    page = tmp_path / "import.json"
    run(path, "--to", "http://127.0.0.1:1", "--dry-run", "--limit", "30", "--report", str(page))
    found = json.loads(page.read_text("utf-8"))
    assert found["total"] == 30
    assert sum(one["count"] for one in found["days"]) == sum(one["count"] for one in found["sizes"]) == 30


def test_markdown_of_a_check_and_of_a_dry_run(path: str, tmp_path: Path) -> None:
    page = tmp_path / "found.md"
    assert run(path, "--report", str(page), command="check").exit_code == 1
    assert page.read_text("utf-8").startswith("# Check before an import")
    assert run(path, "--report", str(page), "--dry-run", "--to", "http://127.0.0.1:1").exit_code == 1
    assert page.read_text("utf-8").startswith("# Dry run of an import")


@pytest.mark.parametrize("command", ["import", "check", "replay"])
@pytest.mark.parametrize("name", ["report.pdf", "report", "missing/report.html", "."])
def test_a_report_that_cannot_be_written_is_noticed_first(command: str, name: str, path: str, tmp_path: Path) -> None:
    result = run(path, "--report", str(tmp_path / name), command=command)
    assert result.exit_code == 2
    assert "--report" in result.stderr


@pytest.mark.parametrize("command", ["import", "check"])
def test_a_report_never_replaces_its_input(command: str, tmp_path: Path) -> None:
    path = write(tmp_path / "events.json", ndjson(*EVENTS))
    to = ["--to", "http://127.0.0.1:1"] if command == "import" else []
    for files in (path, str(tmp_path), str(tmp_path / "*.json")):
        result = run(files, "--report", path, *to, command=command)
        assert result.exit_code == 2
        assert "cannot be both read and written as the report" in result.stderr
    assert (tmp_path / "events.json").read_bytes() == ndjson(*EVENTS)


def test_every_line_of_stderr_is_json_if_that_is_wanted(path: str) -> None:
    with Emulator(faults=Faults.parse("503=1x,401=9x")) as emulator:
        result = run(path, "--to", emulator.url, "--log-json", env=ACCOUNT)
    assert result.exit_code == 3
    found = [json.loads(line) for line in result.stderr.splitlines()]
    kinds = [one["kind"] for one in found]
    assert {"progress", "end"} < set(kinds)
    assert kinds[-1] == "log"
    assert any("503" in one["message"] for one in found if one["kind"] == "log")
    assert "401" in found[-1]["message"]


def test_check_writes_its_progress_as_json_too(path: str) -> None:
    result = run(path, "--log-json", "--json", command="check")
    assert json.loads(result.stdout)["passed"] == 100
    assert [json.loads(line)["kind"] for line in result.stderr.splitlines()] == ["progress", "end"]


@pytest.mark.parametrize("command", ["import", "replay"])
def test_a_run_with_a_state_and_a_report_does_not_read_what_is_done(
    command: str, path: str, server: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter, page = tmp_path / "failed", tmp_path / "import.json"
    run(path, "--to", server.url, "--dead-letter", str(letter))
    files = path if command == "import" else str(letter)
    arguments = [files, "--to", server.url, "--state", str(tmp_path / "state"), "--report", str(page)]
    run(*arguments, command=command)
    more, read = Reading.more, list[int]()

    def counted(reading: Reading, size: int, piece: int) -> bytes:
        text = more(reading, size, piece)
        read.append(len(text))
        return text

    monkeypatch.setattr(Reading, "more", counted)
    assert run(*arguments, command=command).exit_code == 0
    assert sum(read) == 0
    found = json.loads(page.read_text("utf-8"))
    assert (found["total"], found["earlier"]) == (0, 102 if command == "import" else 2)


def test_a_report_whose_folder_disappears_hides_nothing_of_the_import(path: str, tmp_path: Path) -> None:
    folder, letter = tmp_path / "reports", tmp_path / "failed"
    folder.mkdir()
    with Emulator(before=lambda _request: folder.rmdir() if folder.exists() else None) as emulator:
        arguments = ["--report", str(folder / "import.html"), "--dead-letter", str(letter)]
        result = run(path, "--to", emulator.url, *arguments)
    assert result.exit_code == 1
    assert "100 imported" in result.stdout
    assert f"{letter} has the failed events" in result.stdout
    assert "has the report" not in result.stdout
    assert f"Error: cannot write {folder / 'import.html'}: No such file or directory" in result.stderr


@pytest.mark.parametrize("command", ["import", "check"])
def test_a_report_in_a_folder_that_is_read_only_is_noticed_first(
    command: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda name, mode: Path(name) != tmp_path or mode != os.W_OK)  # root may write
    result = run(path, "--report", str(tmp_path / "report.html"), command=command)
    assert result.exit_code == 2
    assert f"{tmp_path} is not writable for this user" in result.stderr
