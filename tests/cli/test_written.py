"""Files that a command writes and would read: itself now, or the next time."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpress.emulator import Emulator

from .importing import event, ndjson, run, write

OPTIONS = {"--state": "state", "--dead-letter": "dead letter", "--report": "report"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, one below it, and a hidden one."""
    found = tmp_path / "exports"
    (found / "2024").mkdir(parents=True)
    (found / ".hidden").mkdir()
    write(found / "a.json", ndjson(event(0)))
    write(found / "2024" / "b.json", ndjson(event(1)))
    return found


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    ("files", "written", "place"),
    [
        ("", "x.json", "is in the folder {}"),
        ("", "2024/x.json", "is in the folder {}"),
        ("", "../exports/x.json", "is in the folder {}"),
        ("*.json", "x.json", "matches {}/*.json"),
        ("**/*.json", "x.json", "matches {}/**/*.json"),
        ("**/*.json", "2024/x.json", "matches {}/**/*.json"),
        ("20*", "2024/x.json", "is in the folder {}/2024"),
        ("20*/*.json", "2024/x.json", "matches {}/20*/*.json"),
    ],
)
def test_a_file_that_the_next_run_would_read_is_refused(
    option: str, files: str, written: str, place: str, folder: Path, server: Emulator
) -> None:
    path = f"{folder}/{written}"
    result = run(f"{folder}/{files}".rstrip("/"), "--to", server.url, option, path)
    assert result.exit_code == 2
    assert f"{path} cannot be written as the {OPTIONS[option]}: it {place.format(folder)}, so the next run" in (
        result.stderr
    )
    assert "name a file elsewhere, or one whose name begins with a dot" in result.stderr
    assert server.requests() == []
    assert not (folder / written).exists()


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    ("files", "written"),
    [
        ("", ".x.json"),
        ("", ".hidden/x.json"),
        ("", "../x.json"),
        ("2024", "x.json"),
        ("*.json", "2024/x.json"),
        ("*.json", ".x.json"),
        ("**/*.json", ".hidden/x.json"),
        ("a.json", "x.json"),
    ],
)
def test_a_file_that_no_run_reads_is_written(
    option: str, files: str, written: str, folder: Path, server: Emulator
) -> None:
    arguments = [f"{folder}/{files}".rstrip("/"), "--to", server.url, option, f"{folder}/{written}"]
    for _ in range(2):
        assert run(*arguments).exit_code == 0
    assert (folder / written).exists()


def test_a_check_refuses_its_report_in_the_folder(folder: Path) -> None:
    result = run(str(folder), "--report", str(folder / "check.html"), command="check")
    assert result.exit_code == 2
    assert f"is in the folder {folder}, so the next run would read it" in result.stderr


def test_a_replay_refuses_a_dead_letter_in_the_folder(folder: Path, server: Emulator) -> None:
    arguments = [str(folder), "--to", server.url, "--dead-letter", str(folder / "again")]
    assert f"is in the folder {folder}" in run(*arguments, command="replay").stderr


def test_a_linked_folder_is_the_same_folder(folder: Path, server: Emulator, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    result = run(str(tmp_path / "link"), "--to", server.url, "--state", str(folder / "x.state"))
    assert f"is in the folder {tmp_path / 'link'}" in result.stderr


def test_a_written_file_under_a_linked_name_of_an_input_is_refused(folder: Path, server: Emulator) -> None:
    (folder.parent / "failed").symlink_to(folder / "a.json")
    result = run(str(folder), "--to", server.url, "--dead-letter", str(folder.parent / "failed"))
    assert "cannot be both read and written as the dead letter" in result.stderr


@pytest.mark.parametrize("pair", [("--state", "--dead-letter"), ("--report", "--dead-letter"), ("--report", "--state")])
def test_two_options_cannot_write_the_same_file(
    pair: tuple[str, str], folder: Path, server: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    paths = str(tmp_path / "x.json"), str(tmp_path / "link" / "x.json")
    result = run(str(folder), "--to", server.url, pair[0], paths[0], pair[1], paths[1])
    assert result.exit_code == 2
    assert "cannot be written both as the " in result.stderr
    assert server.requests() == []
    assert not (tmp_path / "x.json").exists()
