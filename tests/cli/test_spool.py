"""`mixpress spool`: what it shows and delivers, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mixpress.auth import ProjectToken, ServiceAccount
from mixpress.cli.group import group
from mixpress.emulator import Emulator, Request
from mixpress.spool import Destination, Spool
from mixpress.spool.show import show

from .process import COMMAND, ENVIRONMENT

ACCOUNT = {"MIXPRESS_SERVICE_ACCOUNT": "user", "MIXPRESS_SECRET": "canary-4e1f9c", "MIXPRESS_PROJECT_ID": "17"}
NOTHING = {**dict.fromkeys(ACCOUNT, ""), "MIXPRESS_TOKEN": ""}


def run(*arguments: object, env: dict[str, str] | None = None) -> Result:
    """Run the command. The only exception that may leave it is its exit."""
    result = CliRunner().invoke(group, ["spool", *map(str, arguments)], env=NOTHING | (env or {}))
    assert "Traceback" not in result.output
    assert "canary" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def event(number: int) -> bytes:
    properties = {"time": 1_700_000_000, "distinct_id": "user", "$insert_id": f"event-{number}"}
    return json.dumps({"event": "Seen", "properties": properties}).encode()


def leave(path: Path, count: int, url: str = "", batches: int = 1) -> None:
    """Leave events in a spool like a client that has ended. With `url`, they are bound to project 17 there."""
    auth = ServiceAccount("user", "canary-4e1f9c", project_id="17")
    destination = Destination.of(f"{url}/import", auth) if url else None
    with Spool(path, destination=destination, max_events=2) as queue:
        queue.append_many(map(event, range(count)))
        for _ in range(batches):
            queue.pack()


# show


def test_show_counts_what_is_in_the_spool(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    leave(path, 5, "http://127.0.0.1:8400")
    before = path.read_bytes()
    result = run("show", path)
    assert result.exit_code == 0
    assert f"5 events in {path} (" in result.stdout
    assert ", for http://127.0.0.1:8400/import" in result.stdout
    assert "3 waiting      not batched yet, " in result.stdout
    assert "2 packed       in 1 batch of " in result.stdout
    assert "The oldest was accepted " in result.stdout
    assert result.stderr == ""
    assert path.read_bytes() == before


def test_show_can_print_json(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    leave(path, 5)
    shown: dict[str, Any] = json.loads(run("show", path, "--json").stdout)
    assert (shown["pending"], shown["events"], shown["batches"], shown["batched"]) == (5, 3, 1, 2)
    assert (shown["url"], shown["failed"], shown["quarantined"], shown["processes"]) == (None, 0, 0, [])
    assert shown["oldest"] >= 0


def test_show_lists_failed_events_and_unreadable_rows(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    with Spool(path, max_events=2) as queue:
        queue.append_many([*map(event, range(2)), b"broken", b"broken"])
        batch = queue.pack()
        assert batch is not None
        queue.fail(batch, "404 Not Found")
        queue.pack()
        result = run("show", path)
    assert f"0 events in {path}" in result.stdout
    assert "2 events given up:\n           1 404 Not Found" in result.stdout
    assert "2 rows quarantined as unreadable:\n           2 it is not a JSON object" in result.stdout
    assert "Open in process " in result.stdout


@pytest.mark.parametrize("command", ["show", "drain"])
def test_a_file_that_is_not_a_spool_is_status_2(tmp_path: Path, command: str) -> None:
    assert run(command, tmp_path / "missing").exit_code == 2
    path = tmp_path / "text"
    path.write_text("this is not a spool")
    result = run(command, path, env=ACCOUNT)
    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert "not a spool" in result.stderr
    assert not (tmp_path / "missing").exists()


# drain


def test_drain_delivers_what_is_left(server: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    leave(path, 5, server.url)
    result = run("drain", path, "--to", server.url, env=ACCOUNT)
    assert result.exit_code == 0, result.output
    assert server.count() == 5
    assert f"5 events read from {path} in " in result.stdout
    assert "5 imported" in result.stdout
    assert "left in the spool" not in result.stdout
    again = run("drain", path, "--to", server.url, env=ACCOUNT)
    assert again.exit_code == 0
    assert f"0 events read from {path}" in again.stdout


def test_drain_of_another_project_needs_force(server: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    leave(path, 5, server.url)
    other = {**ACCOUNT, "MIXPRESS_PROJECT_ID": "18"}
    refused = run("drain", path, "--to", server.url, env=other)
    assert refused.exit_code == 2
    assert "another project" in refused.stderr
    assert "--force delivers them anyway" in refused.stderr
    assert server.count() == 0
    assert run("drain", path, "--to", server.url, "--force", env=other).exit_code == 0
    assert server.count() == 5


def test_drain_reports_refused_and_undelivered_events(tmp_path: Path) -> None:
    path, letter = tmp_path / "events.spool", tmp_path / "failed.ndjson"
    answers: Iterator[Any] = iter([(400, {}, json.dumps({"failed_records": [{"index": 0, "message": "no"}]}).encode())])

    def answer(_request: object) -> Any:
        return next(answers, (404, {}, b"gone"))

    with Emulator(before=answer) as server:
        leave(path, 5, server.url)
        result = run("drain", path, "--to", server.url, "--dead-letter", letter, "--concurrency", 1, env=ACCOUNT)
    assert result.exit_code == 1
    assert "1 imported" in result.stdout
    assert "1 refused" in result.stdout
    assert "3 undelivered" in result.stdout
    assert "event 1  no" in result.stdout
    assert f"{letter} has the refused events that left the spool, with the reasons." in result.stdout
    assert "3 events left in the spool." in result.stdout
    assert len(letter.read_text().splitlines()) == 1


def test_drain_without_delivery_is_status_3(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    leave(path, 5)
    with Emulator(before=lambda _request: (401, {}, b"no")) as server:
        result = run("drain", path, "--to", server.url, env=ACCOUNT)
    assert result.exit_code == 3
    assert "5 events left in the spool." in result.stdout
    assert "Error: 401 Unauthorized" in result.stderr


def test_drain_without_credentials_is_status_2(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    leave(path, 1)
    result = run("drain", path)
    assert result.exit_code == 2
    assert "no credentials in the environment" in result.stderr


def test_drain_sends_events_for_track_to_track(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    now = 1_700_000_100.0
    with Emulator(now=lambda: now) as server:
        destination = Destination.of(f"{server.url}/track", ProjectToken("the-token"))
        one = json.loads(event(0))
        one["properties"]["token"] = "the-token"
        with Spool(path, destination=destination) as queue:
            queue.append(json.dumps(one).encode())
        result = run("drain", path, "--to", server.url, env={"MIXPRESS_TOKEN": "the-token"})
        assert result.exit_code == 0, result.output
        assert len(server.events(endpoint="/track")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_drain_with_its_summary(number: signal.Signals, tmp_path: Path) -> None:
    """More batches wait than are taken at once, and the first reply comes after the signal."""
    path = tmp_path / "events.spool"
    asked, go = threading.Event(), threading.Event()

    def slow(_request: Request) -> None:
        asked.set()
        assert go.wait(20)

    with Emulator(before=slow) as server:
        leave(path, 200, server.url, batches=100)
        command = [*COMMAND, "spool", "drain", str(path), "--to", server.url]
        drain = subprocess.Popen(
            command, env=os.environ | ENVIRONMENT | ACCOUNT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert asked.wait(20)
            drain.send_signal(number)
            assert drain.stderr is not None
            said = drain.stderr.readline()
            go.set()
            out, error = drain.communicate(timeout=20)
        finally:
            go.set()
            drain.kill()
        imported = server.count()
    assert "a second one aborts" in said
    assert error == f"Error: stopped by {'SIGTERM' if number == signal.SIGTERM else 'Ctrl-C'}\n"
    assert 0 < imported < 200
    assert f"{imported} imported" in out
    assert f"{200 - imported} events left in the spool." in out
    assert drain.returncode == 1
    assert show(path, 0.0).processes == []
