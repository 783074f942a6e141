"""`mixpress import`: the requests, the output and the exit status."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpress.emulator import Emulator
from mixpress.files.files import Files

from .importing import ACCOUNT, NOTHING, event, ndjson, run, write


def test_a_valid_file_is_imported(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson.gz", gzip.compress(ndjson(*map(event, range(3000)))))
    result = run(path, "--to", server.url)
    assert result.exit_code == 0
    assert server.count() == 3000
    assert re.search(rf"^3,000 events read from {path} in [\d.]+ s, [\d,]+ events/s$", result.stdout, re.M)
    assert "3,000 imported" in result.stdout
    assert re.search(r"^\d+ kB of JSON, sent as [\d.]+ kB in 2 requests$", result.stdout, re.M)
    assert result.stderr == ""


def test_the_standard_input_is_imported(server: Emulator) -> None:
    result = run("-", "--to", server.url, given=ndjson(event(0), event(1)))
    assert result.exit_code == 0
    assert "2 events read from the standard input" in result.stdout
    assert server.count() == 2


def test_several_files_are_imported(server: Emulator, tmp_path: Path) -> None:
    paths = [write(tmp_path / name, ndjson(event(number))) for number, name in enumerate("abc")]
    result = run(*paths, "--to", server.url)
    assert result.exit_code == 0
    assert "3 events read from 3 files" in result.stdout


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b"", mtime=0)])  # equal ids in every worker
def test_an_empty_file_sends_no_request(server: Emulator, tmp_path: Path, content: bytes) -> None:
    result = run(write(tmp_path / "a", content), "--to", server.url)
    assert result.exit_code == 0
    assert "0 events read from" in result.stdout
    assert server.requests() == []


def test_a_failure_is_shown_with_its_file_and_line(server: Emulator, tmp_path: Path) -> None:
    content = (
        ndjson(event(0))
        + b"\n"
        + b'{"event": "cut in the mid\n'
        + ndjson(event(1, distinct_id="NA"), event(2, distinct_id="null"), event(3), "[bold]text[/bold]")
    )
    path, letter = write(tmp_path / "a", content), tmp_path / "failed.ndjson"
    result = run(path, "--to", server.url, "--dead-letter", str(letter))
    assert result.exit_code == 1
    assert server.count() == 2
    assert f"2 distinct-id-disallowed\n             {path}:4  properties.distinct_id: " in result.stdout
    assert f"1 invalid-json\n             {path}:3  line 3, column " in result.stdout
    assert f"1 event-not-object\n             {path}:7  " in result.stdout
    assert '"[bold]text[/bold]"' in result.stdout
    assert f"{letter} has the failed events, with the reasons." in result.stdout
    written = [json.loads(line) for line in letter.read_text().splitlines()]
    assert [(line["index"], line["rule"]) for line in written] == [
        (1, "invalid-json"),
        (2, "distinct-id-disallowed"),
        (3, "distinct-id-disallowed"),
        (5, "event-not-object"),
    ]
    assert written[0]["event"] == '{"event": "cut in the mid'
    assert "is not JSON" in written[0]["message"]
    assert (written[0]["file"], written[0]["line"], written[0]["byte"]) == (path, 3, len(ndjson(event(0))) + 1)
    assert written[1]["event"] == event(1, distinct_id="NA")


def test_the_summary_counts_truncations_and_warnings(server: Emulator, tmp_path: Path) -> None:
    content = ndjson(event(0, url="https://x.example/" + "a" * 300), event(1, url="b" * 300, price=float("nan")))
    result = run(write(tmp_path / "a", content), "--to", server.url)
    assert result.exit_code == 0
    assert "2 strings cut, most often properties.url (2): send a URL's host" in result.stdout
    assert "1 warning: not-a-number (1)" in result.stdout


def test_the_summary_lists_twelve_reasons_at_most(tmp_path: Path) -> None:
    def refuse(request: Any) -> Any:
        records = [{"index": number, "message": f"reason {number}"} for number in range(20)]
        return 400, {}, json.dumps({"error": "some", "failed_records": records}).encode()

    path = write(tmp_path / "a", ndjson(*map(event, range(20))))
    with Emulator(before=refuse) as server:
        result = run(path, "--to", server.url)
    assert result.exit_code == 1
    assert "20 refused      sent, but refused by the server" in result.stdout
    assert "reason 11" in result.stdout
    assert "reason 12" not in result.stdout
    assert "and 8 other reasons" in result.stdout


def test_a_damaged_file_does_not_stop_the_next_one(server: Emulator, tmp_path: Path) -> None:
    packed = gzip.compress(ndjson(*map(event, range(20_000))))
    damaged = write(tmp_path / "a.gz", packed[: len(packed) // 2])
    other = write(tmp_path / "b", ndjson(event(99_999)))
    result = run(damaged, other, "--to", server.url)
    assert result.exit_code == 1
    assert f"Error: cannot read {damaged} after line " in result.stderr
    assert "event-99999" in {one["properties"]["$insert_id"] for one in server.events()}


# Before anything is sent


@pytest.mark.parametrize("name", ["missing", "empty", "*.parquet"])
def test_a_file_that_cannot_be_read_sends_nothing(server: Emulator, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    good = write(tmp_path / "a", ndjson(event(0)))
    result = run(good, str(tmp_path / name), "--to", server.url)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: cannot read {tmp_path / name}: ")
    assert server.requests() == []


def test_a_dead_letter_that_cannot_be_opened_sends_nothing(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0)))
    result = run(path, "--to", server.url, "--dead-letter", str(tmp_path / "no" / "failed"))
    assert result.exit_code == 2
    assert f"Error: the dead letter {tmp_path / 'no' / 'failed'} can't be opened for writing" in result.stderr
    assert server.requests() == []


def test_a_file_cannot_be_its_own_dead_letter(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0)))
    result = run(path, "--to", server.url, "--dead-letter", os.path.relpath(path))
    assert result.exit_code == 2
    assert "cannot be both read and written" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing argument 'FILE...'"),
        (["-", "-"], "the standard input (-) can be read only once"),
        (["-", "--to", "127.0.0.1:8400"], "--to must be an http or https URL with a host"),
        (["-", "--to", "http://u:canary@127.0.0.1:8400"], "--to contains credentials"),
        (["-", "--to", "http://127.0.0.1:8400", "--region", "eu"], "pass one of them"),
        (["-", "--region", "mars"], "'mars' is not one of 'us', 'eu', 'in'"),
        (["-", "--attempts", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], says: str) -> None:
    result = run(*arguments, given=b"")
    assert result.exit_code == 2
    assert says in result.stderr
    assert "canary" not in result.stderr


# Credentials


def test_without_credentials_the_error_names_the_variables() -> None:
    result = run("-", given=b"")
    assert result.exit_code == 2
    for name in NOTHING:
        assert name in result.stderr


def test_a_missing_part_of_the_credentials_is_named() -> None:
    result = run("-", given=b"", env={**ACCOUNT, "MIXPRESS_PROJECT_ID": ""})
    assert result.exit_code == 2
    assert "a service account needs MIXPRESS_PROJECT_ID in addition to" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        ([], ACCOUNT),
        (["--service-account", "user"], {**ACCOUNT, "MIXPRESS_SERVICE_ACCOUNT": "other"}),
        (["--project-id", "17"], {**ACCOUNT, "MIXPRESS_PROJECT_ID": ""}),
        ([], {"MIXPRESS_TOKEN": "the-token"}),
    ],
)
def test_credentials_come_from_the_environment(arguments: list[str], env: dict[str, str]) -> None:
    with Emulator(credentials=[("user", "canary-4e1f9c"), ("the-token", "")]) as server:
        result = run("-", "--to", server.url, *arguments, env=env, given=ndjson(event(0)))
        assert server.count() == 1
    assert result.exit_code == 0


def test_a_wrong_password_is_status_3(tmp_path: Path) -> None:
    letter = tmp_path / "failed.ndjson"
    with Emulator(credentials=[("user", "another")]) as server:
        arguments = ["-", "--to", server.url, "--dead-letter", str(letter)]
        result = run(*arguments, env=ACCOUNT, given=ndjson(event(0), event(1)))
    assert result.exit_code == 3
    assert "Error: 401 Unauthorized: Invalid credentials" in result.stderr
    assert "2 undelivered  not confirmed by the server" in result.stdout
    assert "canary" not in result.output + letter.read_text()


def test_no_strict_leaves_strict_out_of_the_query() -> None:
    queries: list[Any] = []
    with Emulator(before=lambda request: queries.append(request.query)) as server:
        result = run("-", "--to", server.url, "--no-strict", given=ndjson(event(0)))
    assert result.exit_code == 0
    assert [query.get("strict") for query in queries] == [None]


# Failures while sending


def test_a_server_that_does_not_listen_is_status_3() -> None:
    with socket.socket() as bound:  # and not listening, so that no other process can have the port
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        result = run("-", "--to", url, "--attempts", "1", given=ndjson(event(0)))
    assert result.exit_code == 3
    assert f"Error: connection to {url.removeprefix('http://')} refused" in result.stderr
    assert "1 undelivered" in result.stdout


def test_a_server_that_fails_later_is_status_1(tmp_path: Path) -> None:
    def fail_later(request: Any) -> Any:
        return (500, {}, b"out of order") if request.number > 1 else None

    with Emulator(before=fail_later) as server:
        path = write(tmp_path / "a", ndjson(*map(event, range(2500))))
        result = run(path, "--to", server.url, "--attempts", "1", "--concurrency", "1")
    assert result.exit_code == 1
    assert "2,000 imported" in result.stdout
    assert "500 undelivered" in result.stdout
    assert "given up after 1 attempt; last error: 500 Internal Server Error: out of order" in result.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_for_the_dead_letter_is_status_1(server: Emulator) -> None:
    given = ndjson(event(0), event(1, distinct_id="NA"), event(2))
    result = run("-", "--to", server.url, "--dead-letter", "/dev/full", given=given)
    assert result.exit_code == 1
    assert server.count() == 2
    assert "1 of 1 failed events could not be written to the dead letter /dev/full" in result.stderr
    assert "has the failed events" not in result.stdout


def test_ctrl_c_aborts(server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_files: Files) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Files, "__iter__", interrupted)
    result = run("-", "--to", server.url, given=b"")
    assert result.exit_code == 1
    assert "Aborted!" in result.stderr


# On a terminal, and as a process


def test_progress_is_shown_on_a_terminal(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(*map(event, range(5000))))
    result = run(path, "--to", server.url, env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
    assert result.exit_code == 0
    assert "100%" in result.stderr
    assert "5,000 events" in result.stderr


def test_the_reply_of_a_busy_server_is_quoted() -> None:
    with Emulator(before=lambda request: (503, {}, b"closed for lunch")) as server:
        result = run("-", "--to", server.url, "--attempts", "1", given=ndjson(event(0)))
    assert result.exit_code == 3
    assert "503 Service Unavailable: closed for lunch" in result.stdout


def test_help_explains_the_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("MIXPRESS_SECRET", "Exit status:", "mixpress import events.ndjson.gz --to", "--dead-letter"):
        assert word in result.stdout


def test_the_command_runs_as_a_process(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0), event(1, distinct_id="NA")))
    command = [sys.executable, "-c", "from mixpress.cli import main; main()", "import", path, "--to", server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | NOTHING)
    assert done.returncode == 1
    assert "1 imported" in done.stdout
    assert done.stderr == ""
