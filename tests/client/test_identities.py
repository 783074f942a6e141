"""Events that join ids: $create_alias, $merge and $identify; and clients of projects that have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mixpress import Client, Encoder, ProjectToken
from mixpress.emulator import Emulator
from support.clients import ACCOUNT, client, tracking
from support.clocks import START
from support.events import event, sent
from support.server import FakeServer

CALLS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "$create_alias": (lambda made: made.alias("user-1", "old-1"), {"distinct_id": "user-1", "alias": "old-1"}),
    "$identify": (
        lambda made: made.identify("user-1", "anon-1"),
        {"distinct_id": "user-1", "$identified_id": "user-1", "$anon_id": "anon-1"},
    ),
    "$merge": (
        lambda made: made.merge("user-1", "user-2"),
        {"distinct_id": "user-1", "$distinct_ids": ["user-1", "user-2"]},
    ),
}


@pytest.mark.parametrize(("name", "case"), CALLS.items(), ids=CALLS)
@pytest.mark.parametrize("settings", [{"encoder": None}, {"encoder": None, "identity": "original"}], ids=str)
def test_a_call_is_one_event(name: str, case: Any, settings: dict[str, Any]) -> None:
    call, properties = case
    server = FakeServer()
    with tracking(server, **settings) as made:
        assert call(made) is None
        assert made.flush().imported == 1
    [one] = sent(server.requests[0])
    assert one["event"] == name
    assert one["properties"].pop("$insert_id")
    assert one["properties"] == {"time": int(START * 1000), **properties}


@pytest.mark.parametrize(("name", "case"), CALLS.items(), ids=CALLS)
@pytest.mark.parametrize(
    "settings", [{"encoder": None, "identity": "simplified"}, {"encoder": Encoder(identity="simplified")}], ids=str
)
def test_a_client_of_a_simplified_project_refuses_the_call(name: str, case: Any, settings: dict[str, Any]) -> None:
    server = FakeServer()
    with tracking(server, **settings) as made:
        with pytest.raises(ValueError, match=rf"\{name} .*identity='simplified'.*\$device_id and \$user_id"):
            case[0](made)
        assert made.flush().total == 0


def test_merge_needs_import() -> None:
    server = FakeServer()
    with tracking(server, encoder=None, auth=ProjectToken("the-token"), endpoint="track") as made:
        with pytest.raises(ValueError, match="by /import alone"):
            made.merge("user-1", "user-2")
        made.alias("user-1", "old-1")
        made.identify("user-1", "anon-1")
        made.flush()
    names = [(one["event"], one["properties"]["token"]) for one in sent(server.requests[0])]
    assert names == [("$create_alias", "the-token"), ("$identify", "the-token")]


@pytest.mark.parametrize("auth", [ACCOUNT, ProjectToken("the-token")], ids=["account", "token"])
def test_the_emulator_accepts_the_events(auth: Any) -> None:
    with Emulator() as server, Client(auth, base_url=server.url) as made:
        for call, _ in CALLS.values():
            call(made)
        assert made.flush().imported == 3


def test_the_encoder_has_the_identity_of_the_client() -> None:
    anonymous = event()
    del anonymous["properties"]["distinct_id"]
    anonymous["properties"]["$device_id"] = "device-1"
    for identity, imported in (("simplified", 1), ("original", 0), (None, 1)):
        made = client(FakeServer(), identity=identity)
        assert made.import_events([anonymous]).imported == imported, identity


@pytest.mark.parametrize("encoder", [Encoder(), Encoder(identity="original")])
def test_an_encoder_must_have_the_identity_of_the_client(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="the client's identity 'simplified', got"):
        client(FakeServer(), identity="simplified", encoder=encoder)


def test_an_unknown_identity_is_an_error() -> None:
    with pytest.raises(ValueError, match='identity must be "simplified", "original" or None, got \'both\''):
        client(FakeServer(), identity="both")
