"""`mixpress replay` of updates of profiles: none counts twice, and a line that needs other options is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mixpress import Client, ProjectToken
from mixpress.emulator import Emulator

from .importing import event, ndjson, run, write

TOKEN = {"MIXPRESS_TOKEN": "a-token"}
ADD = {"$distinct_id": "u", "$add": {"n": 1}}


def replay(server: Emulator, *arguments: object) -> Result:
    return run(*map(str, arguments), "--to", server.url, command="replay", env=TOKEN)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def add_without_an_answer(server: Emulator, letter: Path) -> None:
    """Add 1 to a number: the server takes it, and the reply is lost."""
    server.fail_next("taken")
    with Client(ProjectToken("a-token"), base_url=server.url, dead_letter=letter) as client:
        client.profiles.add("u", {"n": 1})
    assert server.profile("u") == {"n": 1}


@pytest.mark.parametrize("options", [["--profiles"], ["--groups", "company"], []], ids=" ".join)
def test_an_add_stays_marked_from_dead_letter_to_dead_letter(
    server: Emulator, tmp_path: Path, options: list[str]
) -> None:
    first, second, third = tmp_path / "first", tmp_path / "second", tmp_path / "third"
    add_without_an_answer(server, first)
    assert replay(server, first, *options, "--dead-letter", second).exit_code == 1
    result = replay(server, second, "--profiles", "--dead-letter", third)
    assert result.exit_code == 1
    assert "1 may-count-twice" in result.stdout
    assert server.profile("u") == {"n": 1}
    assert [(line["rule"], line["may_count_twice"], line["endpoint"]) for line in lines(third)] == [
        ("may-count-twice", True, "engage")
    ]
    assert replay(server, third, "--profiles", "--retry-unsafe").exit_code == 0
    assert server.profile("u") == {"n": 2}


def test_an_add_stays_marked_if_its_replay_is_rejected(server: Emulator, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    add_without_an_answer(server, first)
    assert replay(server, first, "--groups", "company", "--retry-unsafe", "--dead-letter", second).exit_code == 1
    assert [line["rule"] for line in lines(second)] == ["other-kind"]
    assert "1 may-count-twice" in replay(server, second, "--profiles").stdout
    assert server.profile("u") == {"n": 1}


def test_the_other_updates_of_an_unanswered_batch_are_replayed(server: Emulator, tmp_path: Path) -> None:
    path, letter = write(tmp_path / "a", ndjson(ADD, {"$distinct_id": "v", "$set": {"n": 5}})), tmp_path / "failed"
    server.fail_next("reset")
    run(path, "--profiles", "--to", server.url, "--dead-letter", str(letter))
    result = replay(server, letter, "--profiles")
    assert "1 may-count-twice" in result.stdout
    assert (server.profile("u"), server.profile("v")) == (None, {"n": 5})


def test_a_refused_batch_of_which_most_was_taken_counts_nothing_twice(server: Emulator, tmp_path: Path) -> None:
    rows = [{"distinct_id": "text" if n == 7 else f"u{n}", "n": 1} for n in range(20)]
    path, letter = write(tmp_path / "a", ndjson(*rows)), tmp_path / "failed"
    run(write(tmp_path / "b", ndjson({"distinct_id": "text", "n": "one"})), "--profiles", "--to", server.url)
    result = run(path, "--profiles", "--operation", "add", "--to", server.url, "--dead-letter", str(letter), env=TOKEN)
    assert "20 refused" in " ".join(result.stdout.split())
    assert "19 for a batch of 20, and does not say which it refused" in " ".join(result.stdout.split())
    result = replay(server, letter, "--profiles", "--operation", "add")
    assert "20 may-count-twice" in result.stdout
    assert (server.profile("u1"), server.profile("text")) == ({"n": 1}, {"n": "one"})


@pytest.mark.parametrize(
    ("options", "missing", "says"),
    [
        (["--profiles", "--operation", "add"], ["--profiles"], "--profiles --operation add"),
        (["--groups", "company"], ["--groups", "city"], "--groups company --operation set"),
        (["--groups", "company"], [], "--groups company --operation set"),
    ],
    ids=["another operation", "another group key", "no kind"],
)
def test_a_row_is_not_replayed_with_other_options(
    server: Emulator, tmp_path: Path, options: list[str], missing: list[str], says: str
) -> None:
    id = "group_id" if "--groups" in options else "distinct_id"
    path, letter, again = write(tmp_path / "a", ndjson({id: "u", "n": 3})), tmp_path / "failed", tmp_path / "again"
    server.fail_next("400:0")
    run(path, *options, "--to", server.url, "--dead-letter", str(letter))
    result = replay(server, letter, *missing, "--dead-letter", again)
    assert result.exit_code == 1
    assert "1 other-kind" in result.stdout
    assert f"imported with {says}: replay it with these options" in " ".join(result.stdout.split())
    assert (server.profile("u"), server.group("company", "u"), server.group("city", "u")) == (None, None, None)
    assert replay(server, again, *options).exit_code == 0
    assert {"n": 3} in (server.profile("u"), server.group("company", "u"))


def test_each_line_of_a_mixed_dead_letter_is_sent_by_its_own_option(server: Emulator, tmp_path: Path) -> None:
    letter = tmp_path / "failed"
    group = {"$group_key": "company", "$group_id": "g", "$set": {"n": 1}}
    found = [event(0), {"$distinct_id": "u", "$set": {"n": 1}}, group]
    write(letter, ndjson(*({"event": one, "kind": "undelivered", "message": "m"} for one in found)))
    result = replay(server, letter, "--profiles")
    said = " ".join(result.stdout.split())
    assert "2 other-kind" in said
    assert server.profile("u") == {"n": 1}
    assert (server.count(), server.group("company", "g")) == (0, None)
    assert "an event: replay it without --profiles and --groups" in said
    account = {"MIXPRESS_SERVICE_ACCOUNT": "user", "MIXPRESS_SECRET": "s", "MIXPRESS_PROJECT_ID": "1"}
    result = run(str(letter), "--to", server.url, command="replay", env=account)
    assert "an update of a user's profile: replay it with --profiles" in " ".join(result.stdout.split())
    assert server.count() == 1
    replay(server, letter, "--groups", "company")
    assert server.group("company", "g") == {"n": 1}
