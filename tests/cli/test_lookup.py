"""`mixpress lookup` against the emulator and a server that answers as the test wants."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from click.testing import Result
from pyarrow import parquet

from mixpress.emulator import Emulator
from support.fixtures import listen, no_leftover_threads
from support.listener import Behave, Listener, http, replying

from .importing import ACCOUNT, run, write

__all__ = ["listen", "no_leftover_threads"]

TEXT = b"id,name\na,x\nb,y\n"
TWICE = b"id,name\na,x\na,y\n"


@pytest.fixture
def songs() -> Iterator[Emulator]:
    with Emulator(lookup_tables={"songs": "Songs", "a-longer-id": "Plans\x1b"}) as emulator:
        yield emulator


def lookup(*arguments: str, env: dict[str, str] | None = None, given: bytes | None = None) -> Result:
    return run(*arguments, env=ACCOUNT if env is None else env, given=given, command="lookup")


# -- list


def test_the_tables_are_listed_a_line_each(songs: Emulator) -> None:
    result = lookup("list", "--to", songs.url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["a-longer-id  Plans\\x1b", "songs        Songs"]


def test_the_list_as_json(songs: Emulator) -> None:
    result = lookup("list", "--to", songs.url, "--json")
    assert json.loads(result.stdout)[1] == {"id": "songs", "name": "Songs"}


def test_a_project_without_tables(server: Emulator) -> None:
    result = lookup("list", "--to", server.url)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "created on Mixpanel's page" in result.stderr


def test_a_server_on_this_machine_needs_no_credentials(songs: Emulator) -> None:
    for env in ({}, {"MIXPRESS_TOKEN": "canary-token-91"}):
        assert lookup("list", "--to", songs.url, env=env).exit_code == 0
        assert lookup("replace", "songs", "-", "--to", songs.url, env=env, given=TEXT).exit_code == 0


def test_another_server_needs_a_service_account() -> None:
    for command in (["list"], ["replace", "songs", "-"]):
        result = lookup(*command, "--region", "eu", env={"MIXPRESS_TOKEN": "canary-token-91"})
        assert result.exit_code == 2
        assert "need a service account, not a project token" in result.stderr
        assert lookup(*command, "--region", "eu", env={}).exit_code == 2


# -- replace


def test_a_table_is_replaced(songs: Emulator, tmp_path: Path) -> None:
    result = lookup("replace", "songs", write(tmp_path / "a.csv", TEXT), "--to", songs.url)
    assert result.exit_code == 0
    assert result.stdout.startswith("replaced songs: 2 rows of 2 columns, 16 bytes of CSV, sent as ")
    assert songs.lookup_table("songs") == [{"id": "a", "name": "x"}, {"id": "b", "name": "y"}]


@pytest.mark.parametrize("kind", ["gz", "tsv", "parquet", "stdin"])
def test_each_kind_of_input(kind: str, songs: Emulator, tmp_path: Path) -> None:
    path, given, options = tmp_path / "a", None, []
    if kind == "gz":
        path.write_bytes(gzip.compress(TEXT))
    elif kind == "tsv":
        path.write_bytes(TEXT.replace(b",", b"\t"))
        options = ["--format", "tsv"]
    elif kind == "parquet":
        parquet.write_table(pyarrow.table({"id": ["a", "b"], "name": ["x", "y"]}), path)
    else:
        given = TEXT
    result = lookup("replace", "songs", "-" if given else str(path), "--to", songs.url, *options, given=given)
    assert result.exit_code == 0, result.output
    assert songs.lookup_table("songs") == [{"id": "a", "name": "x"}, {"id": "b", "name": "y"}]


def test_what_was_sent_as_json(songs: Emulator) -> None:
    result = lookup("replace", "songs", "-", "--to", songs.url, "--json", given=TEXT)
    found = json.loads(result.stdout)
    assert (found["id"], found["rows"], found["columns"], found["dry_run"]) == ("songs", 2, ["id", "name"], False)


def test_a_dry_run_needs_no_server_and_no_credentials() -> None:
    result = lookup("replace", "songs", "-", "--dry-run", env={}, given=TEXT)
    assert result.exit_code == 0
    assert "- breaks no rule: 2 rows of 2 columns, 16 bytes of CSV; this was a dry run" in result.stdout
    found = json.loads(lookup("replace", "songs", "-", "--dry-run", "--json", env={}, given=TEXT).stdout)
    assert (found["rows"], found["bytes_sent"], found["dry_run"]) == (2, 0, True)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_rows_that_break_a_rule_are_listed(options: list[str], songs: Emulator) -> None:
    result = lookup("replace", "songs", "-", "--to", songs.url, *options, given=TWICE)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "Error: the table was not sent: 1 problem:",
        "  row 2 (line 3): its id 'a' is that of row 1",
    ]
    assert songs.requests() == []


def test_problems_as_json() -> None:
    result = lookup("replace", "songs", "-", "--dry-run", "--json", given=TWICE)
    found = json.loads(result.stdout)
    assert (result.exit_code, found["kind"], found["count"]) == (1, "invalid", 1)
    assert found["problems"] == [{"row": 2, "line": 3, "message": "its id 'a' is that of row 1"}]


def test_an_escape_sequence_reaches_no_terminal(tmp_path: Path) -> None:
    """Neither of a table, nor of the name of a file."""
    result = lookup("replace", "songs", "-", "--dry-run", given=b"id,\x1b1,\x1b1\na,b,c\n")
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    for name, content, status in [
        ("\x1b1", TEXT, 0),
        ("\x1b2", gzip.compress(TEXT)[:-3], 2),
        ("\x1b3", None, 2),
    ]:
        path = str(tmp_path / name) if content is None else write(tmp_path / name, content)
        result = lookup("replace", "songs", path, "--dry-run")
        assert (result.exit_code, "\x1b" in result.output) == (status, False)


def test_messages_as_json() -> None:
    result = lookup("replace", "songs", "-", "--dry-run", "--log-json", given=TWICE)
    [line] = map(json.loads, result.stderr.splitlines())
    assert (line["kind"], line["level"]) == ("log", "error")
    assert "row 2" in line["message"]


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("401", 3, "401 Unauthorized: Invalid credentials"),
        ("400:0", 1, "the server lists 1 row\n  row 1: invalid row"),
        ("413:3", 1, "413 Request Entity Too Large"),
        ("429", 3, "100 calls in any 24 hours"),
        ("503", 3, "given up after 1 attempt"),
        ("reset", 3, ""),
    ],
)
def test_what_the_server_says_decides_the_exit_status(fault: str, status: int, words: str, songs: Emulator) -> None:
    songs.faults = fault
    result = lookup("replace", "songs", "-", "--to", songs.url, "--attempts", "1", given=TEXT)
    assert result.exit_code == status
    assert words in result.stderr
    assert songs.lookup_table("songs") == []


def test_an_id_that_the_project_does_not_have(songs: Emulator) -> None:
    result = lookup("replace", "gone", "-", "--to", songs.url, given=TEXT)
    assert result.exit_code == 1
    assert "no lookup table of this project has the id 'gone'; `mixpress lookup list` shows" in result.stderr


def test_a_server_that_is_not_there() -> None:
    result = lookup("replace", "songs", "-", "--to", "http://127.0.0.1:1", "--attempts", "1", given=TEXT)
    assert result.exit_code == 3
    assert "connection to 127.0.0.1:1 refused" in result.stderr


def test_a_reply_with_the_secret_is_redacted(listen: Callable[[Behave], Listener]) -> None:
    secret = ACCOUNT["MIXPRESS_SECRET"]
    listener = listen(replying(http("400 Bad Request", f'{{"error": "wrong {secret}"}}'.encode())))
    result = lookup("replace", "songs", "-", "--to", f"http://127.0.0.1:{listener.port}", given=TEXT)
    assert result.exit_code == 1
    assert secret not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["replace", "songs"],
        ["replace", "..", "-", "--dry-run"],
        ["replace", "songs", "/nothing/there.csv", "--dry-run"],
        ["replace", "songs", ".", "--dry-run"],
        ["replace", "songs", "-", "--format", "json"],
        ["replace", "songs", "-", "--to", "nothing"],
        ["list", "--region", "mars"],
        ["list", "--to", "http://127.0.0.1:1", "--region", "eu"],
    ],
)
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    result = lookup(*arguments, given=TEXT)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_a_damaged_file_has_status_2(tmp_path: Path) -> None:
    result = lookup("replace", "songs", write(tmp_path / "a", gzip.compress(TEXT)[:-3]), "--dry-run")
    assert result.exit_code == 2
    assert "ends too early" in result.stderr


@pytest.mark.parametrize("command", [["list"], ["replace"]])
def test_the_help_teaches_with_an_example_and_the_exit_statuses(command: list[str]) -> None:
    text = lookup(*command, "--help").stdout
    assert f"mixpress lookup {command[0]}" in text
    assert "Exit status:" in text
    assert "MIXPRESS_SERVICE_ACCOUNT" in text


def test_a_terminal_sees_the_progress(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from rich.console import Console

    from mixpress.cli import lookup as module

    shown: list[str] = []

    class Terminal(Console):
        is_terminal = True

        def status(self, *arguments: Any, **options: Any) -> Any:
            status = super().status(*arguments, **options)
            monkeypatch.setattr(status, "update", shown.append)
            return status

    monkeypatch.setattr(module, "Console", Terminal)
    text = b"id,n\n" + b"".join(b"%d,\n" % number for number in range(12_000))
    assert lookup("replace", "songs", write(tmp_path / "a", text), "--dry-run").exit_code == 0
    assert shown == ["checking: 10,000 rows, 58.9 kB"]
