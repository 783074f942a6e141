"""`mixpress check` as a command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mixpress.cli.check import command
from mixpress.cli.group import group

from .process import event

ROOT = Path(__file__).parents[2]


def check(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(group, ["check", *map(str, arguments)], input=stdin, env={"COLUMNS": "80"})


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.ndjson"
    path.write_bytes(event(1) + event(2))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.ndjson"
    path.write_bytes(event(1) + event(2, distinct_id="null") + event(1) + event(4, note="x" * 300))
    return path


def test_a_good_file_passes(good: Path) -> None:
    result = check(good)
    assert result.exit_code == 0
    assert "2 would be sent" in result.stdout
    assert "The check passed." in result.stdout


def test_a_bad_file_fails_and_the_place_of_each_rule_is_shown(bad: Path) -> None:
    result = check(bad)
    assert result.exit_code == 1
    assert f"{bad}:2  properties.distinct_id" in result.stdout
    assert "The check failed: rejected" in result.stdout


def test_json_has_the_members_that_the_page_describes(bad: Path) -> None:
    result = check(bad, "--json")
    found = json.loads(result.stdout)
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+)` \|", page.partition("## JSON")[2], re.M)
    assert sorted(found) == sorted(described)
    assert (found["schema"], found["ok"], found["failures"]) == (1, False, ["rejected"])
    assert found["rules"][0]["examples"][0]["line"] == 2


@pytest.mark.parametrize(("name", "status"), [("duplicates", 1), ("cuts", 1), ("types", 0), ("ids", 1)])
def test_more_can_make_a_check_fail(name: str, status: int, tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(event(1) + event(1) + event(2, note="x" * 300))
    assert check(path).exit_code == 0
    assert check(path, "--fail-on", name).exit_code == status


def test_standard_input() -> None:
    result = check("-", stdin=event(1) + b"{broken\n")
    assert result.exit_code == 1
    assert "stdin:2" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["missing.ndjson"], ["-", "-"], ["-", "--fail-on", "nothing"]])
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    assert check(*arguments).exit_code == 2


@pytest.mark.parametrize("of", [["--profiles"], ["--groups", "company"]])
@pytest.mark.parametrize("choice", ["duplicates", "hot-ids", "ignored"])
def test_what_updates_never_have_can_not_make_a_check_fail(tmp_path: Path, of: list[str], choice: str) -> None:
    path = tmp_path / "updates.ndjson"
    path.write_bytes(b'{"$distinct_id": "u", "$group_id": "g", "$set": {}}\n')
    result = check(path, *of, "--fail-on", "types", "--fail-on", choice)
    assert result.exit_code == 2
    assert f"--fail-on {choice} is for events: updates of profiles have no {choice}" in " ".join(result.stderr.split())


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    result = check(path)
    assert result.exit_code == 2
    assert "PNG" in result.stderr


def test_a_mapping_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text('{"what": "a", "when": "2024-01-01", "who": "u-1", "id": "a1"}\n')
    options = [
        "--event-column",
        "what",
        "--time-column",
        "when",
        "--distinct-id-column",
        "who",
        "--insert-id-column",
        "id",
    ]
    assert check(path, *options).exit_code == 0


def test_a_hostile_name_does_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "events"
    line: dict[str, Any] = json.loads(event(1))
    line["event"] = "\x1b]0;owned\x07\x1b[2J"
    line["properties"]["\x1b[31m"] = "x" * 300
    path.write_text(json.dumps(line))
    assert "\x1b" not in check(path, "--fail-on", "cuts").output


def test_no_color_is_honoured(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from rich.console import Console

    from mixpress.check.report import CheckReport
    from mixpress.cli.check_summary import print_check

    def printed(**settings: str) -> str:
        output = io.StringIO()
        console = Console(file=output, force_terminal=True, _environ=settings)
        print_check(console, CheckReport(passed=1), [])
        return output.getvalue()

    assert "\x1b[1;32m" in printed(TERM="xterm-256color")
    assert "32m" not in printed(TERM="xterm-256color", NO_COLOR="1")


def test_the_help_teaches_with_examples() -> None:
    result = check("--help")
    assert result.exit_code == 0
    assert result.stdout.count("mixpress check ") >= 4
    assert command.name == "check"
