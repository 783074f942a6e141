"""`mixpress import --profiles` and `--groups`, with check and replay: from a file to the profiles of an emulator."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mixpress.emulator import Emulator
from mixpress.files import json_reader

from .importing import ACCOUNT, ndjson, run, write

needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML needs Python 3.11")

CSV = b"user_id,plan,age,note\n17,pro,3,x\nu2,,4,\n,free,5,\n"


def profiles(server: Emulator, *arguments: str) -> Result:
    return run(*arguments, "--profiles", "--to", server.url)


def test_rows_set_the_properties_of_users(server: Emulator, tmp_path: Path) -> None:
    path, letter = write(tmp_path / "a.csv", CSV), tmp_path / "failed"
    result = profiles(
        server, path, "--distinct-id-column", "user_id", "--drop", "note", "--dead-letter", str(letter),
        "--rename", "plan=Plan", "--set", "Source=CRM",
    )  # fmt: skip
    assert result.exit_code == 1
    assert server.profile("17") == {"Plan": "pro", "age": 3, "Source": "CRM"}
    assert server.profile("u2") == {"age": 4, "Source": "CRM"}
    assert f"3 updates read from {path}" in result.stdout
    assert f"1 distinct-id-missing\n             {path}:4  $distinct_id: " in result.stdout
    assert f"{letter} has the failed updates, with the reasons." in result.stdout
    [line] = map(json.loads, letter.read_text().splitlines())
    assert line["event"] == {"plan": "free", "age": 5}


def test_updates_of_the_api_are_sent_as_they_are(server: Emulator, tmp_path: Path) -> None:
    updates = [
        {"$distinct_id": "u", "$set": {"plan": "free", "tags": ["a"]}},
        {"$distinct_id": "u", "$add": {"logins": 2}},
        {"$distinct_id": "u", "$union": {"tags": ["a", "b"]}},
        {"$distinct_id": "u", "$set_once": {"plan": "pro", "since": 2020}},
        {"$distinct_id": "gone", "$set": {"plan": "free"}},
        {"$distinct_id": "gone", "$delete": ""},
    ]
    result = profiles(server, write(tmp_path / "a", ndjson(*updates)))
    assert result.exit_code == 0, result.output
    assert server.profile("u") == {"plan": "free", "tags": ["a", "b"], "logins": 2, "since": 2020}
    assert server.profile("gone") is None


def test_profiles_that_the_vendor_exported_are_set_again(server: Emulator, tmp_path: Path) -> None:
    exported = {
        "$distinct_id": "u",
        "$properties": {"$email": "a@b.c", "plan": "pro", "$last_seen": "2024-02-14T01:02:03"},
    }
    json_lines = write(tmp_path / "a.ndjson", ndjson(exported, {"$distinct_id": "v", "$foo": 1}))
    table = write(tmp_path / "a.csv", b"$distinct_id,$email,plan\nw,w@b.c,free\n")
    result = profiles(server, json_lines, table, "--drop", "$last_seen")
    assert result.exit_code == 1
    assert "1 operation-unknown" in result.stdout
    assert server.profile("u") == {"$email": "a@b.c", "plan": "pro"}
    assert server.profile("w") == {"$email": "w@b.c", "plan": "free"}


def test_rows_update_groups(server: Emulator, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a", ndjson({"company_id": 5, "seats": 2}, {"$group_id": "acme", "$union": {"tags": ["a"]}})
    )
    result = run(path, "--groups", "company", "--group-id-column", "company_id", "--to", server.url)
    assert result.exit_code == 0, result.output
    assert server.group("company", "5") == {"seats": 2}
    assert server.group("company", "acme") == {"tags": ["a"]}


@pytest.mark.parametrize(
    ("operation", "profile"),
    [
        ("set", {"n": 2, "tags": "b"}),
        ("set_once", {"n": 1, "tags": ["a"]}),
        ("union", {"n": [2], "tags": ["a", "b"]}),
        ("unset", {}),
        ("delete", None),
    ],
)
def test_each_operation_has_its_effect(
    server: Emulator, tmp_path: Path, operation: str, profile: dict[str, Any] | None
) -> None:
    before = {} if operation == "union" else {"n": 1}
    first = {"$distinct_id": "u", "$set": {**before, "tags": ["a"]}}
    content = ndjson(first, {"distinct_id": "u", "n": 2, "tags": "b"})
    result = profiles(server, write(tmp_path / "a", content), "--operation", operation)
    assert result.exit_code == 0, result.output
    assert server.profile("u") == profile


def test_add_and_append_count_each_row(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"distinct_id,logins\nu,1\nu,2\n")
    assert profiles(server, path, "--operation", "add").exit_code == 0
    assert server.profile("u") == {"logins": 3}
    path = write(tmp_path / "b.csv", b"distinct_id,seen\nu,a\nu,b\n")
    assert profiles(server, path, "--operation", "append").exit_code == 0
    assert server.profile("u") == {"logins": 3, "seen": ["a", "b"]}


def test_remove_takes_a_value_out_of_a_list(server: Emulator, tmp_path: Path) -> None:
    content = ndjson({"$distinct_id": "u", "$set": {"tags": ["a", "b"]}}, {"distinct_id": "u", "tags": "a"})
    assert profiles(server, write(tmp_path / "a", content), "--operation", "remove").exit_code == 0
    assert server.profile("u") == {"tags": ["b"]}


def test_the_same_command_goes_on_where_the_state_ended(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson(*({"$distinct_id": "u", "$add": {"n": 1}} for _ in range(50))))
    arguments = [path, "--state", str(tmp_path / "state")]
    first = profiles(server, *arguments, "--limit", "20")
    assert (first.exit_code, server.profile("u")) == (0, {"n": 20})
    second = profiles(server, *arguments)
    assert second.exit_code == 0, second.output
    assert "30 updates read" in second.stdout
    assert "20 more had their verdict in an earlier run" in second.stdout
    assert server.profile("u") == {"n": 50}
    profiles(server, *arguments)
    assert server.profile("u") == {"n": 50}


def test_a_pipe_that_is_read_in_other_pieces_is_not_sent_again(
    server: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = ndjson(*({"$distinct_id": "u", "$add": {"n": 1}} for _ in range(200)))
    arguments = ["-", "--profiles", "--state", str(tmp_path / "state"), "--to", server.url]
    assert run(*arguments, given=content).exit_code == 0
    monkeypatch.setattr(json_reader, "PIECE", 2000)
    result = run(*arguments, given=content)
    assert "$add and $append count twice" in result.stderr
    assert server.profile("u") == {"n": 200}


def test_an_import_whose_server_is_busy_ends_and_says_how_it_goes_on(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson({"$distinct_id": "u", "$set": {"n": 1}}))
    letter = tmp_path / "failed"
    arguments = [path, "--state", str(tmp_path / "state"), "--attempts", "1", "--dead-letter", str(letter)]
    server.fail_next("503")
    result = profiles(server, *arguments)
    assert result.exit_code == 3
    assert "so that no later one overtakes them" in result.stderr
    assert f"{letter} has the failed updates, with the reasons, without those that the same command" in result.stdout
    assert letter.read_text() == ""
    assert "1 undelivered  not confirmed by the server; $add and $append count twice" in result.stdout
    assert profiles(server, *arguments).exit_code == 0
    assert server.profile("u") == {"n": 1}


def test_an_add_that_the_server_may_have_taken_is_replayed_on_request_alone(server: Emulator, tmp_path: Path) -> None:
    path, letter = write(tmp_path / "a", ndjson({"distinct_id": "u", "n": 1})), tmp_path / "failed"
    server.fail_next("taken")
    result = profiles(server, path, "--operation", "add", "--dead-letter", str(letter))
    assert result.exit_code == 3
    assert server.profile("u") == {"n": 1}
    replayed = run(str(letter), "--profiles", "--operation", "add", "--to", server.url, command="replay")
    assert replayed.exit_code == 1
    assert "1 may-count-twice" in replayed.stdout
    assert "--retry-unsafe" in replayed.stdout
    assert server.profile("u") == {"n": 1}
    arguments = (str(letter), "--profiles", "--operation", "add", "--retry-unsafe", "--to", server.url)
    assert run(*arguments, command="replay").exit_code == 0
    assert server.profile("u") == {"n": 2}


def test_retry_unsafe_sends_an_add_again(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson({"distinct_id": "u", "n": 1}))
    server.fail_next("reset")
    result = profiles(server, path, "--operation", "add", "--retry-unsafe")
    assert result.exit_code == 0, result.output
    assert server.profile("u") == {"n": 1}


def test_repaired_rows_are_replayed_with_the_same_mapping(server: Emulator, tmp_path: Path) -> None:
    path, letter = (
        write(tmp_path / "a", ndjson({"id": "null", "plan": "pro"}, {"id": "u", "plan": "pro"})),
        tmp_path / "f",
    )
    mapping = ["--distinct-id-column", "id"]
    assert profiles(server, path, *mapping, "--dead-letter", str(letter)).exit_code == 1
    letter.write_text(letter.read_text().replace('"id": "null"', '"id": "v"'))
    result = run(str(letter), *mapping, "--profiles", "--to", server.url, command="replay")
    assert result.exit_code == 0, result.output
    assert server.profile("v") == {"plan": "pro"}


@needs_toml
def test_a_file_has_the_same_options(server: Emulator, tmp_path: Path) -> None:
    config = write(
        tmp_path / "users.toml",
        b'profiles = true\ndistinct_id_column = "user_id"\noperation = "set_once"\nkeep = ["plan"]\n',
    )
    result = run(write(tmp_path / "a.csv", CSV), "--config", config, "--limit", "2", "--to", server.url)
    assert result.exit_code == 0, result.output
    assert server.profile("17") == {"plan": "pro"}
    groups = write(tmp_path / "groups.toml", b'groups = "company"\ngroup_id_column = "user_id"\n')
    result = run(write(tmp_path / "a.csv", CSV), "--config", groups, "--limit", "1", "--to", server.url)
    assert server.group("company", "17") == {"plan": "pro", "age": 3, "note": "x"}


def test_long_texts_are_converted_as_in_events(server: Emulator, tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson({"distinct_id": "u", "bio": "x" * 300, "plan": "pro"}))
    assert profiles(server, path, "--long-text", "drop").exit_code == 0
    assert server.profile("u") == {"plan": "pro"}


@pytest.mark.parametrize(
    "option",
    [
        ["--event", "Seen"],
        ["--event-column", "a"],
        ["--time-column", "a"],
        ["--time-format", "unix"],
        ["--time-zone", "UTC"],
        ["--time-offset", "2"],
        ["--insert-id-column", "a"],
        ["--insert-id-from", "a"],
        ["--since", "2024-01-01"],
        ["--until", "2024-01-01"],
        ["--from", "segment"],
        ["--placeholder-ids", "blank"],
    ],
)
@pytest.mark.parametrize("command", ["import", "check", "replay"])
def test_an_option_for_events_is_refused(server: Emulator, tmp_path: Path, option: list[str], command: str) -> None:
    path = write(tmp_path / "a", ndjson({"distinct_id": "u", "a": 1}))
    to = [] if command == "check" else ["--to", server.url]
    result = run(path, "--profiles", *option, *to, command=command)
    assert result.exit_code == 2
    assert f"Error: {option[0]} is for events" in result.stderr
    assert server.requests() == []


@pytest.mark.parametrize("option", [["--service-account", "user"], ["--project-id", "17"]])
def test_an_account_is_refused_as_updates_have_none(server: Emulator, tmp_path: Path, option: list[str]) -> None:
    path = write(tmp_path / "a", ndjson({"distinct_id": "u", "a": 1}))
    result = profiles(server, path, *option)
    assert result.exit_code == 2
    assert f"{option[0]} is for events; updates of profiles need the project token, $MIXPRESS_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--profiles", "--groups", "company"], "--profiles and --groups 'company' are for different endpoints"),
        (["--operation", "add"], "--operation is 'add', for updates: give --profiles or --groups too"),
        (["--group-id-column", "a"], "--group-id-column is 'a', for updates of groups: give --groups too"),
        (["--groups", "c", "--operation", "append"], "--operation is 'append', which profiles of groups do not have"),
        (["--groups", "c", "--distinct-id-column", "a"], "with --groups use --group-id-column"),
        (["--profiles", "--operation", "delete", "--keep", "a"], "--keep is for properties, and --operation 'delete'"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: list[str], says: str) -> None:
    result = run(write(tmp_path / "a", b""), *options)
    assert result.exit_code == 2
    assert says in result.stderr


def test_updates_need_the_project_token(tmp_path: Path) -> None:
    path = write(tmp_path / "a", ndjson({"distinct_id": "u", "a": 1}))
    result = run(path, "--profiles", "--region", "eu", env=ACCOUNT)
    assert result.exit_code == 2
    assert "no project token in the environment: set MIXPRESS_TOKEN" in result.stderr
    assert run(path, "--profiles", "--region", "eu", "--dry-run").exit_code == 0


def test_an_account_without_a_token_is_refused_for_a_server_on_this_machine_too(
    server: Emulator, tmp_path: Path
) -> None:
    """Behind a proxy there, the project would drop updates with another token, and reply 200."""
    path = write(tmp_path / "a", ndjson({"distinct_id": "u", "a": 1}))
    result = run(path, "--profiles", "--to", server.url, env=ACCOUNT)
    assert result.exit_code == 2
    assert "no project token in the environment: set MIXPRESS_TOKEN" in result.stderr
    assert server.requests() == []
    assert profiles(server, path).exit_code == 0


def test_the_token_is_in_each_update_and_in_no_output(server: Emulator, tmp_path: Path) -> None:
    path, letter = write(tmp_path / "a", ndjson({"distinct_id": "u", "a": 1})), tmp_path / "failed"
    options = ["--dead-letter", str(letter), "--attempts", "1", "--report", str(tmp_path / "r.json")]
    env = ACCOUNT | {"MIXPRESS_TOKEN": "canary-77aa"}
    server.fail_next("503")
    failed = run(path, "--profiles", *options, "--to", server.url, env=env)
    assert failed.exit_code == 3
    assert all(
        "canary-77aa" not in text for text in (failed.output, letter.read_text(), (tmp_path / "r.json").read_text())
    )
    assert run(path, "--profiles", "--to", server.url, env=env).exit_code == 0
    assert server.profile("u") == {"a": 1}


@pytest.mark.parametrize("suffix", ["html", "md", "json"])
def test_a_report_is_written(server: Emulator, tmp_path: Path, suffix: str) -> None:
    path, report = write(tmp_path / "a.csv", CSV), tmp_path / f"r.{suffix}"
    result = profiles(server, path, "--distinct-id-column", "user_id", "--report", str(report))
    assert result.exit_code == 1
    text = report.read_text().replace("\\", "")
    assert "distinct-id-missing" in text
    if suffix != "json":
        assert "2 of 3 updates were imported; 1 failed." in text
        assert "Sizes of updates" in text
    if suffix == "json":
        assert json.loads(text)["imported"] == 2


def test_the_progress_is_one_of_updates(server: Emulator, tmp_path: Path) -> None:
    result = profiles(server, write(tmp_path / "a.csv", CSV), "--distinct-id-column", "user_id", "--log-json")
    assert json.loads(result.stderr.splitlines()[-1])["imported"] == 2


def test_a_check_counts_operations_and_rules(tmp_path: Path) -> None:
    updates = [
        {"$distinct_id": "u", "$set": {"plan": "pro"}},
        {"$distinct_id": "guest", "$set": {"plan": 5}},
        {"$distinct_id": "u", "$add": {"n": "one"}},
        {"$distinct_id": "u", "$set": {"bio": "x" * 300}},
    ]
    path = write(tmp_path / "a", ndjson(*updates))
    result = run(path, "--profiles", command="check")
    assert result.exit_code == 1
    for text in ("4 updates read", "3 would be sent", "1 add-not-a-number", "Updates by operation, 1 operation:",
                 "3 '$set'", "1 placeholder", "'plan'  1 text, 1 number", "longest 300"):  # fmt: skip
        assert text in result.stdout, text
    found = json.loads(run(path, "--profiles", "--json", command="check").stdout)
    assert (found["what"], found["passed"], found["names"]["list"]) == ("updates", 3, [{"event": "$set", "count": 3}])


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_a_check_of_groups_writes_a_page(tmp_path: Path, suffix: str) -> None:
    path, page = write(tmp_path / "a", ndjson({"group_id": "acme", "seats": 1})), tmp_path / f"r.{suffix}"
    result = run(path, "--groups", "company", "--report", str(page), command="check")
    assert result.exit_code == 0, result.output
    assert "The check passed: the update would be sent." in page.read_text()
    assert "Operations" in page.read_text()


@pytest.mark.parametrize("command", ["import", "check", "replay"])
def test_help_teaches_the_options(command: str) -> None:
    text = " ".join(run("--help", command=command).stdout.split())
    for option in ("--profiles", "--groups KEY", "--group-id-column", "--operation"):
        assert option in text
    if command == "import":
        assert "would count twice, is not sent again if the server may have taken it" in text


@pytest.mark.parametrize("command", ["import", "replay"])
def test_retry_unsafe_is_for_updates(tmp_path: Path, command: str) -> None:
    result = run(write(tmp_path / "a", b"{}\n"), "--retry-unsafe", "--dry-run", command=command)
    assert result.exit_code == 2
    assert "--retry-unsafe is for updates of profiles" in result.stderr
