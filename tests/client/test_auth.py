"""The three kinds of credentials: their validation, and that none of them shows its secret."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount, auth_from_environment

ACCOUNT = ServiceAccount("name", "pa55word", project_id="17")
ALL = [ACCOUNT, ProjectToken("pa55word"), ProjectSecret("pa55word")]


@pytest.mark.parametrize("auth", ALL)
def test_a_repr_shows_no_secret(auth: Any) -> None:
    assert "pa55word" not in repr(auth)
    assert "pa55word" not in f"{auth}"


@pytest.mark.parametrize("auth", ALL)
@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy])
def test_credentials_cannot_be_pickled_or_copied(auth: Any, write: Any) -> None:
    with pytest.raises(TypeError, match="can't be pickled: a pickle would contain its secret as plain text"):
        write(auth)


@pytest.mark.parametrize("auth", ALL)
def test_credentials_are_immutable(auth: Any) -> None:
    with pytest.raises(AttributeError):
        auth.secret = "other"


@pytest.mark.parametrize("auth", ALL)
def test_hide_replaces_the_secrets_in_a_text(auth: Any) -> None:
    encoded = auth.headers()["Authorization"].removeprefix("Basic ")
    assert auth.hide(f"a {encoded} b pa55word c name") == "a *** b *** c name"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("name", "", "1"), ValueError, "secret is empty"),
        (("", "pa55word", "1"), ValueError, "username is empty"),
        (("name", "pa55word", " "), ValueError, "project_id is empty"),
        (("name:pa55word", "x", "1"), ValueError, "username contains ':'"),
        (("name", b"pa55word", "1"), TypeError, "secret must be text, not bytes"),
        (("name", "pa55word", None), TypeError, "project_id must be text, not NoneType"),
        (("name", "pa55word", True), TypeError, "project_id must be text, not bool"),
    ],
)
def test_an_invalid_service_account_is_an_error_without_the_secret(
    arguments: Any, error: type[Exception], says: str
) -> None:
    username, secret, project = arguments
    with pytest.raises(error, match=says) as caught:
        ServiceAccount(username, secret, project_id=project)
    assert "pa55word" not in str(caught.value)


def test_a_project_id_may_be_a_number() -> None:
    assert ServiceAccount("name", "secret", project_id=17).query() == {"project_id": "17"}  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [ProjectToken, ProjectSecret])
def test_an_empty_token_or_secret_is_an_error(kind: Any) -> None:
    with pytest.raises(ValueError, match="is empty"):
        kind("")


FULL = {"MIXPRESS_SERVICE_ACCOUNT": "name", "MIXPRESS_SECRET": "pa55word", "MIXPRESS_PROJECT_ID": "17"}


def test_a_service_account_in_the_environment_wins_over_a_token() -> None:
    assert auth_from_environment(FULL) == ACCOUNT
    assert auth_from_environment({**FULL, "MIXPRESS_TOKEN": "t"}) == ACCOUNT


def test_a_token_in_the_environment_is_used() -> None:
    assert auth_from_environment({"MIXPRESS_TOKEN": "t"}) == ProjectToken("t")


def test_an_environment_without_credentials_gives_none() -> None:
    assert auth_from_environment({}) is None
    assert auth_from_environment(dict.fromkeys(FULL, "")) is None


def test_arguments_override_the_environment() -> None:
    auth = auth_from_environment(FULL, service_account="other", project_id="18")
    assert auth == ServiceAccount("other", "pa55word", project_id="18")


@pytest.mark.parametrize("missing", FULL)
def test_a_missing_part_of_a_service_account_is_named(missing: str) -> None:
    rest = {name: value for name, value in FULL.items() if name != missing}
    with pytest.raises(ValueError, match=f"needs {missing} in addition to ") as caught:
        auth_from_environment(rest)
    assert "pa55word" not in str(caught.value)
