"""`mixpress ping` against the emulator and a server that answers as the test wants."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from mixpress.cli import ping as ping_module
from mixpress.emulator import Emulator, Faults
from support.fixtures import listen, no_leftover_threads
from support.listener import Behave, Listener, http, replying

from .importing import ACCOUNT, run

__all__ = ["listen", "no_leftover_threads"]
TOKEN = {"MIXPRESS_TOKEN": "canary-token-91"}


def ping(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return run(*arguments, env=ACCOUNT if env is None else env, command="ping")


def test_a_service_account_is_accepted(server: Emulator) -> None:
    result = ping("--to", server.url)
    assert result.exit_code == 0
    assert f"{server.url}/import, project 17" in result.stdout
    assert "accepted: the server accepts the credentials" in result.stdout
    assert server.count() == 0


def test_a_token_is_never_proven(server: Emulator) -> None:
    result = ping("--to", server.url, env=TOKEN)
    assert result.exit_code == 0
    assert "unproven" in result.stdout
    assert "Import one event" in result.stdout


def test_json_has_no_secret(server: Emulator) -> None:
    result = ping("--to", server.url, "--json")
    found = json.loads(result.stdout)
    assert (found["outcome"], found["status"], found["project_id"], found["region"]) == ("accepted", 200, "17", None)
    assert ACCOUNT["MIXPRESS_SECRET"] not in result.output


@pytest.mark.parametrize(
    ("fault", "status", "word"),
    [("401", 1, "refused: 401"), ("403", 1, "refused: 403"), ("503", 3, "no answer"), ("429", 3, "no answer")],
)
def test_what_the_server_says_decides_the_exit_status(fault: str, status: int, word: str) -> None:
    with Emulator(faults=Faults.parse(f"{fault}=1x")) as emulator:
        result = ping("--to", emulator.url)
    assert result.exit_code == status
    assert word in result.stdout


def reply_to_ping(listen: Callable[[Behave], Listener], reply: bytes) -> Result:
    listener = listen(replying(reply))
    return ping("--to", f"http://127.0.0.1:{listener.port}")


def test_a_refused_empty_list_is_no_refused_account(listen: Callable[[Behave], Listener]) -> None:
    result = reply_to_ping(listen, http("400 Bad Request", b'{"code": 400, "error": "no data objects"}'))
    assert result.exit_code == 0
    assert "not the credentials: no data objects" in result.stdout


@pytest.mark.parametrize("reply", [http("200 OK", b"<html>a portal</html>"), http("404 Not Found", b"nothing")])
def test_a_server_of_another_kind_is_no_answer(reply: bytes, listen: Callable[[Behave], Listener]) -> None:
    assert reply_to_ping(listen, reply).exit_code == 3


def test_a_reply_with_the_secret_is_redacted(listen: Callable[[Behave], Listener]) -> None:
    secret = ACCOUNT["MIXPRESS_SECRET"]
    result = reply_to_ping(listen, http("401 Unauthorized", f'{{"error": "wrong {secret}"}}'.encode()))
    assert result.exit_code == 1
    assert secret not in result.output


def test_a_server_that_is_not_there() -> None:
    result = ping("--to", "http://127.0.0.1:1")
    assert result.exit_code == 3
    assert "no answer" in result.stdout


def test_the_region_that_accepts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator(faults=Faults.parse("401=9x")) as wrong, Emulator() as right:
        monkeypatch.setattr(ping_module, "REGIONS", {"us": wrong.url, "eu": right.url})
        result = ping("--find-region")
    assert result.exit_code == 0
    assert "(region us)" in result.stdout
    assert "Use --region eu." in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["--find-region", "--region", "eu"], ["--to", "nothing"], ["--region", "mars"], ["--to", "http://a/import"]],
)
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    assert ping(*arguments).exit_code == 2


def test_without_credentials_it_says_what_to_set() -> None:
    result = ping("--region", "eu", env={})
    assert result.exit_code == 2
    assert "MIXPRESS_SERVICE_ACCOUNT" in result.stderr
