"""`mixpress import`: what it sends, what it prints, and with which status it ends."""

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
from click.testing import CliRunner, Result

from mixpress.cli.group import group
from mixpress.cli.ndjson import Lines
from mixpress.emulator import Emulator

ACCOUNT = {
    "MIXPRESS_SERVICE_ACCOUNT": "user",
    "MIXPRESS_SECRET": "canary-4e1f9c",
    "MIXPRESS_PROJECT_ID": "17",
}
NOTHING = {**dict.fromkeys(ACCOUNT, ""), "MIXPRESS_TOKEN": ""}


def event(number: int, **changes: Any) -> dict[str, Any]:
    properties = {"time": 1_700_000_000, "distinct_id": "user", "$insert_id": f"event-{number}"}
    return {"event": "Seen", "properties": properties | changes}


def ndjson(*events: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def run(*arguments: str, env: dict[str, str] | None = None, given: bytes | None = None) -> Result:
    """What the command did; no exception may come through but its exit."""
    result = CliRunner().invoke(group, ["import", *arguments], env=NOTHING | (env or {}), input=given)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def test_a_clean_file(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson.gz", gzip.compress(ndjson(*map(event, range(3000)))))
    result = run(path, "--to", server.url)
    assert result.exit_code == 0
    assert server.count() == 3000
    assert re.search(rf"^3,000 events read from {path} in [\d.]+ s, [\d,]+ events/s$", result.stdout, re.M)
    assert "3,000 imported" in result.stdout
    assert re.search(r"^\d+ kB of JSON, sent as [\d.]+ kB in 2 requests$", result.stdout, re.M)
    assert result.stderr == ""


def test_the_standard_input(server: Emulator) -> None:
    result = run("-", "--to", server.url, given=ndjson(event(0), event(1)))
    assert result.exit_code == 0
    assert "2 events read from the standard input" in result.stdout
    assert server.count() == 2


def test_several_files(server: Emulator, tmp_path: Path) -> None:
    paths = [write(tmp_path / name, ndjson(event(number))) for number, name in enumerate("abc")]
    result = run(*paths, "--to", server.url)
    assert result.exit_code == 0
    assert "3 events read from 3 files" in result.stdout


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b"", mtime=0)])  # equal ids in every worker
def test_a_file_with_nothing_in_it(server: Emulator, tmp_path: Path, content: bytes) -> None:
    result = run(write(tmp_path / "a", content), "--to", server.url)
    assert result.exit_code == 0
    assert "0 events read from" in result.stdout
    assert server.requests() == []


def test_what_fails_is_told_with_its_place(server: Emulator, tmp_path: Path) -> None:
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
    assert f"1 invalid-json\n             {path}:3  not JSON: Unterminated string starting" in result.stdout
    assert f"1 event-not-object\n             {path}:7  " in result.stdout
    assert '"[bold]text[/bold]"' in result.stdout
    assert f"What failed stands in {letter}, with the reasons." in result.stdout
    written = [json.loads(line) for line in letter.read_text().splitlines()]
    assert [(line["index"], line["rule"]) for line in written] == [
        (1, "invalid-json"),
        (2, "distinct-id-disallowed"),
        (3, "distinct-id-disallowed"),
        (5, "event-not-object"),
    ]
    assert written[0]["event"] == '{"event": "cut in the mid'
    assert written[0]["message"] == f"{path}:3: not JSON: Unterminated string starting at column 11"
    assert written[1]["event"] == event(1, distinct_id="NA")


def test_the_summary_tells_of_cuts_and_warnings(server: Emulator, tmp_path: Path) -> None:
    content = ndjson(event(0, url="https://x.example/" + "a" * 300), event(1, url="b" * 300, price=float("nan")))
    result = run(write(tmp_path / "a", content), "--to", server.url)
    assert result.exit_code == 0
    assert "2 strings cut, most often properties.url (2): send a URL's host" in result.stdout
    assert "1 warning: not-a-number (1)" in result.stdout


def test_many_reasons_are_not_all_listed(tmp_path: Path) -> None:
    def refuse(request: Any) -> Any:
        records = [{"index": number, "message": f"reason {number}"} for number in range(20)]
        return 400, {}, json.dumps({"error": "some", "failed_records": records}).encode()

    path = write(tmp_path / "a", ndjson(*map(event, range(20))))
    with Emulator(before=refuse) as server:
        result = run(path, "--to", server.url)
    assert result.exit_code == 1
    assert "20 refused      sent, and turned down by the server" in result.stdout
    assert "reason 11" in result.stdout
    assert "reason 12" not in result.stdout
    assert "and 8 other reasons" in result.stdout


def test_a_damaged_file_does_not_keep_the_next_one_back(server: Emulator, tmp_path: Path) -> None:
    packed = gzip.compress(ndjson(*map(event, range(20_000))))
    damaged = write(tmp_path / "a.gz", packed[: len(packed) // 2])
    other = write(tmp_path / "b", ndjson(event(99_999)))
    result = run(damaged, other, "--to", server.url)
    assert result.exit_code == 1
    assert f"Error: {damaged} can't be read further than line " in result.stderr
    assert "event-99999" in {one["properties"]["$insert_id"] for one in server.events()}


# Before anything is sent


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_can_not_be_read(server: Emulator, tmp_path: Path, name: str) -> None:
    good = write(tmp_path / "a", ndjson(event(0)))
    result = run(good, str(tmp_path / name), "--to", server.url)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path / name} can't be read: ")
    assert server.requests() == []


def test_a_dead_letter_that_can_not_be_opened(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0)))
    result = run(path, "--to", server.url, "--dead-letter", str(tmp_path / "no" / "failed"))
    assert result.exit_code == 2
    assert f"Error: the dead letter {tmp_path / 'no' / 'failed'} can't be opened for writing" in result.stderr
    assert server.requests() == []


def test_a_file_is_not_its_own_dead_letter(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0)))
    result = run(path, "--to", server.url, "--dead-letter", os.path.relpath(path))
    assert result.exit_code == 2
    assert "can't be both read and written" in result.stderr


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
def test_wrong_usage(arguments: list[str], says: str) -> None:
    result = run(*arguments, given=b"")
    assert result.exit_code == 2
    assert says in result.stderr
    assert "canary" not in result.stderr


# Credentials


def test_without_credentials_the_variables_are_named() -> None:
    result = run("-", given=b"")
    assert result.exit_code == 2
    for name in NOTHING:
        assert name in result.stderr


def test_a_part_that_is_missing_is_named() -> None:
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


def test_a_wrong_password(tmp_path: Path) -> None:
    letter = tmp_path / "failed.ndjson"
    with Emulator(credentials=[("user", "another")]) as server:
        arguments = ["-", "--to", server.url, "--dead-letter", str(letter)]
        result = run(*arguments, env=ACCOUNT, given=ndjson(event(0), event(1)))
    assert result.exit_code == 3
    assert "Error: 401 Unauthorized: Invalid credentials" in result.stderr
    assert "2 undelivered  not confirmed by the server" in result.stdout
    assert "canary" not in result.output + letter.read_text()


def test_no_strict_asks_for_no_verdict_on_each_event() -> None:
    queries: list[Any] = []
    with Emulator(before=lambda request: queries.append(request.query)) as server:
        result = run("-", "--to", server.url, "--no-strict", given=ndjson(event(0)))
    assert result.exit_code == 0
    assert [query.get("strict") for query in queries] == [None]


# Trouble on the way


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    result = run("-", "--to", url, "--attempts", "1", given=ndjson(event(0)))
    assert result.exit_code == 3
    assert f"Error: connection to {url.removeprefix('http://')} refused" in result.stderr
    assert "1 undelivered" in result.stdout


def test_a_server_that_gives_up_half_way() -> None:
    def fail_later(request: Any) -> Any:
        return (500, {}, b"out of order") if request.number > 1 else None

    with Emulator(before=fail_later) as server:
        arguments = ["-", "--to", server.url, "--attempts", "1", "--concurrency", "1"]
        result = run(*arguments, given=ndjson(*map(event, range(2500))))
    assert result.exit_code == 1
    assert "2,000 imported" in result.stdout
    assert "500 undelivered" in result.stdout
    assert "given up after 1 attempts; last error: 500 Internal Server Error: out of order" in result.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_disk_without_room_for_the_dead_letter(server: Emulator) -> None:
    given = ndjson(event(0), event(1, distinct_id="NA"), event(2))
    result = run("-", "--to", server.url, "--dead-letter", "/dev/full", given=given)
    assert result.exit_code == 1
    assert server.count() == 2
    assert "1 of 1 failed events could not be written to the dead letter /dev/full" in result.stderr
    assert "What failed stands in" not in result.stdout


def test_ctrl_c(server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_lines: Lines) -> Iterator[object]:
        yield event(0)
        raise KeyboardInterrupt

    monkeypatch.setattr(Lines, "__iter__", interrupted)
    result = run("-", "--to", server.url, given=b"")
    assert result.exit_code == 1
    assert "Aborted!" in result.stderr


# On a terminal, and as a process


def test_progress_is_shown_on_a_terminal(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(*map(event, range(5000))))
    result = run(path, "--to", server.url, env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
    assert result.exit_code == 0
    assert "100%" in result.stderr
    assert "5,000 imported" in result.stderr


def test_what_a_busy_server_said_is_shown() -> None:
    with Emulator(before=lambda request: (503, {}, b"closed for lunch")) as server:
        result = run("-", "--to", server.url, "--attempts", "1", given=ndjson(event(0)))
    assert result.exit_code == 3
    assert "503 Service Unavailable: closed for lunch" in result.stdout


def test_the_help_teaches() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("MIXPRESS_SECRET", "Exit status:", "mixpress import events.ndjson.gz --to", "--dead-letter"):
        assert word in result.stdout


def test_as_a_process(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(event(0), event(1, distinct_id="NA")))
    command = [sys.executable, "-c", "from mixpress.cli import main; main()", "import", path, "--to", server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | NOTHING)
    assert done.returncode == 1
    assert "1 imported" in done.stdout
    assert done.stderr == ""
