"""`mixpress emulator`: the options of limits, identity, rate limit and credentials."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from mixpress.cli.emulator_options import parse_credentials, read_credentials

from .sender import Sender, event
from .test_command import mixpress, started
from .test_rules import nested

STRICT = "/import?strict=1"


def test_the_options_reach_the_server() -> None:
    options = ["--limits", "observed", "--identity", "simplified", "--rate-limit", "3,100000"]
    with started(*options) as (_, line):
        sender = Sender(line[1])
        sent = event(distinct_id=..., inner=nested(10), **{"$user_id": "ada"})
        assert sender.post(STRICT, [sent]).status == 200
        assert sender.post(STRICT, [sent] * 3).status == 429
        sender.close()


def test_credentials_come_from_a_file_and_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tmp_path / "credentials"
    known.write_text("# the project\nrobot:hunter2\n\n  token:\n")
    monkeypatch.setenv("OTHERS", ":bearer-1\na:b:c")
    with started("--credentials-file", str(known), "--credentials-env", "OTHERS") as (_, line):
        sender = Sender(line[1])
        users = {"robot:hunter2": 200, "token:": 200, "a:b:c": 200, "robot:other": 401, "nobody:": 401}
        statuses = {user: sender.post("/import?project_id=1", [], user=user).status for user in users}
        assert statuses == users
        bearer = {"Authorization": "Bearer bearer-1"}
        assert sender.post("/import", [], user=None, headers=bearer).status == 200
        sender.close()


@pytest.mark.parametrize("text", ["canary", "a:b\ncanary", ":", "canary\n"])
def test_a_line_that_is_no_pair_is_not_shown(text: str) -> None:
    with pytest.raises(click.UsageError, match="must be username:secret, token: or :bearer-token") as error:
        parse_credentials(text, "the file")
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n"])
def test_no_credentials_are_an_error(text: str) -> None:
    with pytest.raises(click.UsageError, match="the file has no credentials"):
        parse_credentials(text, "the file")


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff:canary")
    with pytest.raises(click.UsageError, match="cannot be read: it is not UTF-8") as error:
        read_credentials(tmp_path / "file", None)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--limits", "real"], "'real' is not one of 'documented', 'observed'"),
        (["--identity", "both"], "'both' is not one of 'original', 'simplified'"),
        (["--rate-limit", "fast"], "must be documented, off, or integers >= 1 as EVENTS or EVENTS,BYTES"),
        (["--rate-limit", "0"], "got '0'"),
        (["--rate-limit", "1,2,3"], "got '1,2,3'"),
        (["--credentials-file", "/nowhere"], "'/nowhere' does not exist"),
        (["--credentials-env", "canary:secret"], "must be the name of an environment variable that is set"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: list[str], sentence: str) -> None:
    done = mixpress("emulator", "--port", "0", *arguments)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
    assert "canary" not in done.stderr


def test_without_a_rate_limit_nothing_is_refused() -> None:
    with started("--rate-limit", "off") as (_, line):
        sender = Sender(line[1])
        assert sender.post(STRICT, [event()]).status == 200
        sender.close()
