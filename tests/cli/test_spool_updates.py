"""`mixpress spool` shows and delivers updates of profiles, which are in files beside that of the events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mixpress import Client, ServiceAccount
from mixpress.emulator import Emulator, Request
from mixpress.spool import Spool
from spool.makers import HASTY
from support.replies import busy
from support.server import FakeServer

from .test_spool import ACCOUNT, run

TOKEN = {"MIXPRESS_TOKEN": "canary-77aa"}
BOTH = ACCOUNT | TOKEN


@pytest.fixture
def path(server: Emulator, tmp_path: Path) -> Path:
    """Return a spool that a client left with two events and four updates, while its server was away."""
    account = ServiceAccount("user", "canary-4e1f9c", project_id="17")
    away = FakeServer(busy())
    with Client(
        account,
        token=TOKEN["MIXPRESS_TOKEN"],
        base_url=server.url,
        transport=away,
        spool=tmp_path / "events.spool",
        linger=3600,
        retry=HASTY,
    ) as client:
        for number in range(2):
            client.track("Seen", "u", insert_id=f"event-{number}")
        client.profiles.set("u", {"plan": "free"})
        client.profiles.set("u", {"plan": "pro"})
        client.profiles.append("u", {"tags": "a"})
        client.groups("company").set("acme", {"seats": 20})
        client.close(timeout=0)
    return tmp_path / "events.spool"


def test_show_counts_events_and_updates_of_each_kind(path: Path) -> None:
    result = run("show", path)
    assert result.exit_code == 0
    assert f"2 events in {path} (" in result.stdout
    assert f"3 updates of profiles of users in {path}.engage (" in result.stdout
    assert f"1 update of profiles of groups in {path}.groups (" in result.stdout
    shown = json.loads(run("show", path, "--json").stdout)
    assert (shown["pending"], shown["updates"]["engage"]["pending"], shown["updates"]["groups"]["pending"]) == (2, 3, 1)


def test_drain_delivers_events_and_updates_and_says_what_became_of_each(server: Emulator, path: Path) -> None:
    result = run("drain", path, "--to", server.url, env=BOTH)
    assert result.exit_code == 0, result.output
    assert (server.count(), server.profile("u")) == (2, {"plan": "pro", "tags": ["a"]})
    assert server.group("company", "acme") == {"seats": 20}
    for line in (
        f"2 events read from {path} in ",
        f"3 updates read from {path}.engage (profiles of users) in ",
        f"1 update read from {path}.groups (profiles of groups) in ",
    ):
        assert line in result.stdout
    again = run("drain", path, "--to", server.url, env=ACCOUNT)
    assert (again.exit_code, again.stdout.count("read from")) == (0, 1)


def test_the_file_of_the_updates_can_be_drained_alone(server: Emulator, path: Path) -> None:
    result = run("drain", f"{path}.engage", "--to", server.url, env=TOKEN)
    assert result.exit_code == 0, result.output
    assert (server.count(), server.profile("u")) == (0, {"plan": "pro", "tags": ["a"]})


def test_updates_need_the_token_before_anything_is_sent(server: Emulator, path: Path) -> None:
    result = run("drain", path, "--region", "eu", env=ACCOUNT)
    assert result.exit_code == 2
    assert "no project token in the environment: set MIXPRESS_TOKEN, which updates of profiles need" in result.stderr
    other = run("drain", path, "--to", server.url, env=ACCOUNT | {"MIXPRESS_TOKEN": "another"})
    assert other.exit_code == 2
    assert f"the events in the spool {path}.engage are for another project" in other.stderr
    assert server.requests() == []


def test_a_request_that_counts_twice_is_not_repeated_and_its_updates_are_written(server: Emulator, path: Path) -> None:
    letter = path.with_name("failed.ndjson")
    arguments = (path, "--to", server.url, "--dead-letter", letter)
    run("drain", f"{path}.groups", "--to", server.url, env=TOKEN)
    with Spool(path) as queue:  # the first request is that of the updates
        while batch := queue.take(early=True):
            queue.settle(batch)
    server.fail_next("taken")
    result = run("drain", *arguments, env=BOTH)
    assert result.exit_code == 3
    assert "3 undelivered  not confirmed by the server; $add and $append count twice" in result.stdout
    assert f"{letter} has the undelivered updates that left the spool, with the reasons." in result.stdout
    assert len(letter.read_text().splitlines()) == 3
    assert server.profile("u") == {"plan": "pro", "tags": ["a"]}
    assert run("show", path).stdout.count("0 updates") == 2


def test_updates_without_an_answer_stay_for_the_next_drain(path: Path) -> None:
    def fail_updates(request: Request) -> tuple[int, dict[str, str], bytes] | None:
        return (404, {}, b"gone") if request.path == "/engage" else None

    with Emulator(before=fail_updates) as other:
        result = run("drain", path, "--to", other.url, "--force", env=BOTH)
        assert result.exit_code == 1
        assert (other.count(), other.group("company", "acme")) == (2, {"seats": 20})
    assert "3 updates left in the spool." in result.stdout
    assert "the drain ended at the first updates without an answer" in result.stderr


def test_show_says_which_updates_may_have_been_taken(path: Path) -> None:
    with Spool(f"{path}.engage") as queue:
        batch = queue.take(early=True)
        assert batch is not None
        queue.mark_sent(batch)
    assert "3 sent         without an answer yet" in run("show", path).stdout
