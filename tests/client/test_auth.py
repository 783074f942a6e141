"""The three kinds of credentials: their validation, and that none of them shows its secret."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from mixpress import Client, Encoder
from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount, auth_from_environment
from mixpress.emulator import Emulator
from support.events import event

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


AROUND = [" {} ", "{}\n", "{}\r\n", "\t{}", "\n\n{}\n", "\u00a0{}\u2003", "\v{}\f"]
INSIDE = ["a b", "a\nb", "a\tb", "a\x00b", "a\u00a0b", "a\u2028b", "\ufeffab", "a\x7f", "\udcffa", "key = value"]
MAKERS: list[Any] = [
    ProjectToken,
    ProjectSecret,
    lambda text: ServiceAccount(text, "pa55word", project_id="17"),
    lambda text: ServiceAccount("name", text, project_id="17"),
    lambda text: ServiceAccount("name", "pa55word", project_id=text),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("around", AROUND, ids=repr)
def test_white_space_around_a_credential_is_removed(make: Any, around: str) -> None:
    clean, given = make("0123abc"), make(around.format("0123abc"))
    assert given == clean
    assert (given.headers(), given.query()) == (clean.headers(), clean.query())


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("text", INSIDE, ids=ascii)
def test_white_space_inside_a_credential_is_an_error_without_it(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match="contains white space or a control character; pass the value alone") as caught:
        make(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("text", [" ", "\n", "\t\r\n"], ids=repr)
def test_white_space_alone_is_empty(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match="is empty"):
        make(text)


@pytest.mark.parametrize("around", AROUND, ids=repr)
def test_white_space_around_a_variable_or_an_argument_is_removed(around: str) -> None:
    spaced = {name: around.format(value) for name, value in FULL.items()}
    assert auth_from_environment(spaced) == ACCOUNT
    assert auth_from_environment({"MIXPRESS_TOKEN": around.format("tok")}) == ProjectToken("tok")
    given = auth_from_environment(FULL, service_account=around.format("other"), project_id=around.format("18"))
    assert given == ServiceAccount("other", "pa55word", project_id="18")


def test_a_variable_of_white_space_alone_counts_as_not_set() -> None:
    assert auth_from_environment({**dict.fromkeys(FULL, " \n"), "MIXPRESS_TOKEN": "\n"}) is None
    assert auth_from_environment({**FULL, "MIXPRESS_SECRET": "\n", "MIXPRESS_TOKEN": "t"}) == ProjectToken("t")


@pytest.mark.parametrize("around", AROUND, ids=repr)
def test_white_space_around_an_encoders_token_is_removed(around: str) -> None:
    encoder = Encoder("track", token=around.format("tok"), now=lambda: 1_700_000_100.0)
    [batch] = encoder.encode([event(0)]).batches
    assert b'"token":"tok"' in batch.events()[0]


@pytest.mark.parametrize("text", ["a b", "a\nb", "a\x00b", "", " \n"], ids=repr)
def test_an_encoders_token_with_white_space_inside_or_empty_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"^token (is empty|contains white space or a control character)"):
        Encoder("track", token=text)


def test_a_token_with_a_newline_names_the_same_project() -> None:
    with Emulator() as server:
        for token in ("0123456789abcdef", "0123456789abcdef\n"):
            with Client(ProjectToken(token), endpoint="track", base_url=server.url) as client:
                client.track("Seen", "u")
                assert client.flush().imported == 1
        assert {found["properties"]["token"] for found in server.events()} == {"0123456789abcdef"}


@pytest.mark.parametrize("secret", ["a", "1", "on", "se", "+", "ab.cd"])
@pytest.mark.parametrize("make", [ProjectToken, ProjectSecret])
def test_a_short_secret_is_hidden_as_a_whole_word_only(make: Any, secret: str) -> None:
    auth = make(secret)
    text = "the connection was closed after 11 seconds"
    assert auth.hide(text) == text
    assert auth.hide(f"token={secret}; ({secret}) {secret}") == "token=***; (***) ***"
    assert auth.hide(auth.headers()["Authorization"]) == "Basic ***"


@pytest.mark.parametrize("make", [ProjectToken, ProjectSecret])
def test_a_secret_of_six_characters_is_hidden_within_a_word(make: Any) -> None:
    assert make("abcdef").hide("xabcdefx") == "x***x"
