"""The credentials of /import: a service account, a project's token or secret, a bearer token, an older `api_key`."""

from __future__ import annotations

import pytest

from mixpress.emulator import Emulator

from .conftest import Start
from .sender import FORM, Sender, event

STRICT = "/import?strict=1"
TWO = [event(insert_id="a"), event(insert_id="b")]


@pytest.mark.parametrize("user", ["token:", "secret:"])
def test_a_project_needs_no_password(sender: Sender, user: str) -> None:
    assert sender.post(STRICT, TWO, user=user).status == 200


def test_a_service_account_needs_its_project(sender: Sender) -> None:
    answer = sender.post(STRICT, TWO, user="robot:hunter2")
    error = "Invalid credentials: a service account needs project_id in the query"
    assert (answer.status, answer.json) == (401, {"code": 401, "error": error, "status": "Unauthorized"})
    assert sender.post(STRICT + "&project_id=", TWO, user="robot:hunter2").status == 401
    assert sender.post(STRICT + "&project_id=7", TWO, user="robot:hunter2").status == 200
    assert sender.post(STRICT + "&project_id=7", TWO, user="robot:hun:ter2").status == 200


INVALID = {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"}


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic dG9r!ZW46",
        "Bearer",
        "Bearer  ",
        "Digest dG9rZW46",
        "Basic dG9rZW4=",
        "Basic Og==",
        "Basic OnB3",
        "Basic //8=",
    ],
    ids=[
        "none",
        "no value",
        "empty",
        "no base64",
        "no bearer token",
        "blank bearer token",
        "digest",
        "no colon",
        "no name",
        "password alone",
        "no UTF-8",
    ],
)
def test_malformed_credentials_are_refused(server: Emulator, sender: Sender, authorization: str) -> None:
    answer = sender.post(STRICT + "&project_id=7", TWO, user=None, headers={"Authorization": authorization})
    assert (answer.status, answer.json) == (401, INVALID)
    assert server.count() == 0


def test_only_the_given_credentials_are_accepted(start: Start) -> None:
    server, sender = start(credentials=[("robot", "hunter2"), ("token", "")])
    for user, status in [
        *[("robot:hunter2", 200), ("token:", 200)],
        *[("robot:hunter3", 401), ("robot:", 401), ("token:hunter2", 401), ("Robot:hunter2", 401)],
    ]:
        answer = sender.post("/import?project_id=7", TWO, user=user)
        assert answer.status == status, user
        assert status == 200 or answer.json == INVALID
    assert server.count() == 2


def test_credentials_are_checked_before_the_body(sender: Sender) -> None:
    assert sender.post("/import", b"{", user=None).status == 401


def test_a_bearer_token_is_accepted(start: Start) -> None:
    _, sender = start(credentials=None)
    for header in ("Bearer abc", "bearer abc.def-ghi"):
        assert sender.post(STRICT, TWO, user=None, headers={"Authorization": header}).status == 200


def test_only_the_given_bearer_token_is_accepted(start: Start) -> None:
    server, sender = start(credentials=[("", "abc"), ("token", "")])
    for header, status in [("Bearer abc", 200), ("Bearer abd", 401), ("Bearer token", 401), ("Bearer", 401)]:
        answer = sender.post(STRICT, TWO, user=None, headers={"Authorization": header})
        assert answer.status == status, header
        assert status == 200 or answer.json == INVALID
    assert sender.post(STRICT, TWO, user=":abc").status == 401, "a bearer token is no password"
    assert sender.post(STRICT, TWO, user="abc:").status == 401
    assert server.count() == 2


@pytest.mark.parametrize("target", ["/import?strict=1", "/import", "/import?verbose=1"])
def test_import_never_answers_403(start: Start, target: str) -> None:
    _, sender = start(credentials=[("token", "")])
    answer = sender.post(target, TWO, user="other:")
    assert (answer.status, answer.json) == (401, INVALID)


def test_track_takes_any_credentials_and_any_token(start: Start) -> None:
    server, sender = start(credentials=[("token", "")])
    assert sender.post("/track", [event(token="of no project")], user="other:secret").body == b"1"
    assert server.count() == 1


def test_an_event_on_import_needs_no_token_of_its_own(server: Emulator, sender: Sender) -> None:
    assert sender.post(STRICT, [event(token="another")], user="token:").status == 200
    assert server.count() == 1


def test_no_credentials_are_the_empty_pair() -> None:
    with pytest.raises(ValueError, match="must not be an empty username with an empty secret"):
        Emulator(credentials=[("", "")])


def test_a_secret_in_a_form_is_a_credential(start: Start) -> None:
    _, sender = start(credentials=[("key", "")])
    assert sender.post("/import", b"api_key=key&data=[]", kind=FORM, user=None).status == 200
    assert sender.post("/import", b"api_key=other&data=[]", kind=FORM, user=None).status == 401
