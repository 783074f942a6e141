"""A job names where its credentials are, and never has them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mixpress import ProjectToken, ServiceAccount
from mixpress.auth import PLACEHOLDER
from mixpress.cluster.credentials import check_source, find_credentials
from mixpress.cluster.job import WriteJob
from support.canary import CANARY, assert_silent

SERVER = "https://api.mixpanel.com"
LOOPBACK = "http://127.0.0.1:8400"
ACCOUNT = {"MIXPRESS_SERVICE_ACCOUNT": "user", "MIXPRESS_SECRET": CANARY, "MIXPRESS_PROJECT_ID": "17"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)


def file_of(folder: Path, text: str) -> str:
    path = folder / "credentials.env"
    path.write_text(text)
    return f"file:{path}"


def test_they_are_found_in_the_environment_of_the_task(account: None) -> None:
    assert find_credentials("environment", SERVER, of_updates=False) == (
        ServiceAccount("user", CANARY, project_id="17"),
        None,
    )


def test_they_are_found_in_a_file_as_a_shell_reads_it(tmp_path: Path) -> None:
    lines = ["# of the importer", "export MIXPRESS_SERVICE_ACCOUNT='user'", f'MIXPRESS_SECRET="{CANARY}"', ""]
    source = file_of(tmp_path, "\n".join([*lines, "MIXPRESS_PROJECT_ID = 17"]))
    assert find_credentials(source, SERVER, of_updates=False).auth == ServiceAccount("user", CANARY, project_id="17")


def test_a_file_is_used_without_the_environment(account: None, tmp_path: Path) -> None:
    source = file_of(tmp_path, "MIXPRESS_TOKEN=abc\n")
    assert find_credentials(source, SERVER, of_updates=False).auth == ProjectToken("abc")


def test_updates_use_the_token_beside_an_account(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="need the project token, MIXPRESS_TOKEN, in the environment of this worker"):
        find_credentials("environment", SERVER, of_updates=True)
    monkeypatch.setenv("MIXPRESS_TOKEN", "abc")
    assert find_credentials("environment", SERVER, of_updates=True).auth == ProjectToken("abc")
    assert find_credentials("environment", SERVER, of_updates=False).token == ProjectToken("abc")


@pytest.mark.parametrize("of_updates", [False, True])
def test_a_server_on_this_machine_needs_none(of_updates: bool) -> None:
    assert find_credentials("environment", LOOPBACK, of_updates=of_updates) == (PLACEHOLDER, None)


def test_without_any_the_remedy_is_named(tmp_path: Path) -> None:
    source = file_of(tmp_path, "")
    with pytest.raises(ValueError, match=f"no credentials in {source}: set MIXPRESS_SERVICE_ACCOUNT"):
        find_credentials(source, SERVER, of_updates=False)
    with pytest.raises(FileNotFoundError):
        find_credentials(f"file:{tmp_path / 'none'}", SERVER, of_updates=False)


@pytest.mark.parametrize("source", [CANARY, "file:", "", "env"])
def test_another_source_is_refused_without_its_text(source: str) -> None:
    with pytest.raises(ValueError, match='credentials must be "environment" or "file:PATH"') as caught:
        check_source(source)
    assert_silent(str(caught.value))


def test_a_job_has_no_secret(account: None) -> None:
    job = WriteJob.of(region="eu")
    with job.client():
        assert_silent(repr(job), pickle.dumps(job))
