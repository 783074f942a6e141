"""`mixpress emulator` and `mixpress` as real processes."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from .sender import Sender, event

MAIN = "from mixpress.cli import main; main()"
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+), events kept in (.+); Ctrl-C stops\n")


def mixpress(*arguments: str, code: str = MAIN) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], re.Match[str]]]:
    command = [sys.executable, "-c", MAIN, "emulator", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = LISTENING.fullmatch(line)
            assert found, line
            yield process, found
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_emulator_runs_until_a_signal(number: signal.Signals) -> None:
    with started() as (process, line):
        url, where = line.groups()
        assert where == "memory"
        sender = Sender(url)
        assert sender.post("/import?strict=1&project_id=1", [event()], user="robot:canary").status == 200
        assert sender.post("/import?strict=1", [event()], user="robot:canary").status == 401
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        sender.close()
    assert process.returncode == 0
    assert out == "stopped; events in memory: 1\n"
    requests = [line.split("  ", 1)[1] for line in err.splitlines()]
    assert [request.rpartition("  ")[0] for request in requests] == [
        "POST /import 200  events: 1",
        "POST /import 401  events: 0",
    ]
    assert "canary" not in out + err


def test_the_emulator_stores_events_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with started("--db", str(path)) as (process, line):
        url, where = line.groups()
        assert where == str(path)
        sender = Sender(url)
        sender.post("/import?strict=1", [event()])
        sender.close()
        process.terminate()
        assert process.wait(30) == 0
    assert [each.name for each in tmp_path.iterdir()] == ["events.db"]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT event FROM events").fetchall() == [("Signed Up",)]
    connection.close()


def test_fault_options_inject_faults() -> None:
    options = ["--fault", "429:3=1x", "--fault", "502=1x,taken=1x", "--fault", "503=0.5", "--fault-seed", "7"]
    with started(*options) as (process, line):
        assert process.stdout is not None
        assert process.stdout.readline() == "faults: 429:3=1x,502=1x,taken=1x,503=0.5,seed=7\n"
        sender = Sender(line[1])
        assert [sender.post("/import?strict=1", [event()]).status for _ in range(2)] == [429, 502]
        with pytest.raises(urllib3.exceptions.ProtocolError):
            sender.post("/import?strict=1", [event()])
        sender.close()
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert out == "stopped; events in memory: 1\n"
    assert [line.split("  ", 1)[1].split("  bytes")[0] for line in err.splitlines()] == [
        "POST /import 429  events: 0",
        "POST /import 502  events: 0",
        "POST /import -  events: 1",
    ]
    assert [line.rpartition("  ")[2] for line in err.splitlines()] == ["fault: 429:3", "fault: 502", "fault: taken"]


def test_an_error_is_one_line_and_status_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, message in [
            (["--host", "0.0.0.0"], "Error: host must be 127.0.0.1, ::1, localhost or another loopback address, got"),
            (["--webhook", "ftp://x"], "Error: webhook must be an http or https URL, such as http://127.0.0.1:9000/"),
            (["--port", port], f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use"),
            (["--fault", "teapot=0.1"], "Error: fault 'teapot=0.1': unknown kind 'teapot'; the kinds are 429, "),
            (
                ["--fault", "429=0.6", "--fault", "502=0.6"],
                "Error: the shares of the faults must add up to at most 1, got 1.2",
            ),
            (["--db", str(tmp_path / "no" / "x.db")], f"Error: cannot keep events in {tmp_path}/no/x.db: No such file"),
        ]:
            done = mixpress("emulator", *arguments)
            assert done.returncode == 2
            assert done.stdout == ""
            assert done.stderr.startswith(message)
            assert done.stderr.count("\n") == 1


def test_help_explains_the_commands() -> None:
    done = mixpress("--help")
    assert done.returncode == 0
    for words in ["mixpress emulator\n", "Exit status:", "nothing could be delivered", "  import  ", "  demo "]:
        assert words in done.stdout
    done = mixpress("emulator", "--help")
    assert done.returncode == 0
    for words in ["--fault KIND[:HOW-OFTEN]", "--fault-seed", "400:0+2", "latency:200ms±50", "such as 10%"]:
        assert words in done.stdout
    for words in ["--webhook URL", "--i-know-this-is-not-authenticated", "/_emulator/events"]:
        assert words in done.stdout
    for words in ["--host", "--port", "--db FILE", "mixpress import examples/", "127.0.0.1:8400"]:
        assert words in done.stdout


def test_version_is_printed() -> None:
    from mixpress import __version__

    assert mixpress("--version").stdout == f"mixpress {__version__}\n"


def test_an_unknown_command_is_status_2() -> None:
    done = mixpress("emulate")
    assert done.returncode == 2
    assert "No such command 'emulate'" in done.stderr


def without(package: str) -> str:
    return f"import sys; sys.modules['{package}'] = None; {MAIN}"


def test_without_click_the_error_names_the_extra() -> None:
    done = mixpress("emulator", code=without("click"))
    assert done.returncode == 2
    assert done.stderr == "mixpress: this command needs `pip install 'mixpress[cli]'`\n"


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "orjson"])
def test_without_the_servers_packages_the_error_names_the_extra(package: str) -> None:
    done = mixpress("emulator", "--port", "0", code=without(package))
    assert done.returncode == 2
    assert done.stderr == "Error: this command needs `pip install 'mixpress[emulator]'`\n"
    listed = mixpress("--help", code=without(package))
    assert listed.returncode == 0
    assert re.search(r"emulator +\(needs `pip install 'mixpress\[emulator\]'`\)", listed.stdout)


def test_a_schedule_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "schedule.toml"
    path.write_text('seed = 3\n[[phase]]\nfaults = "401"\nrequests = 1\n[[phase]]\nfaults = "502"\n', encoding="utf-8")
    if sys.version_info < (3, 11):
        pytest.skip("tomllib is newer")
    with started("--fault", str(path)) as (process, line):
        assert process.stdout is not None
        assert process.stdout.readline() == "faults: a schedule of 2 phases, seed=3\n"
        sender = Sender(line[1])
        assert [sender.post("/import?strict=1", [event()]).status for _ in range(3)] == [401, 502, 502]
        sender.close()
    for options, message in [
        (
            ["--fault", str(path), "--fault", "429"],
            "Error: a schedule must be the only --fault: write the other faults",
        ),
        (["--fault", f"{tmp_path}/no.toml"], f"Error: cannot read the schedule {tmp_path}/no.toml: No such file"),
    ]:
        done = mixpress("emulator", "--port", "0", *options)
        assert done.returncode == 2
        assert done.stderr.startswith(message)


def test_other_hosts_need_an_option_that_says_what_it_means() -> None:
    refused = mixpress("emulator", "--port", "0", "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "--i-know-this-is-not-authenticated" in refused.stderr
    with started("--host", "0.0.0.0", "--i-know-this-is-not-authenticated") as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline() == "without authentication, for every machine that can reach 0.0.0.0\n"
