"""A client without the project token beside the spools of updates that another client left."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpress import Client, RetryPolicy, SpoolError
from mixpress.send.request import UpdateEndpoint
from support.clients import client
from support.clocks import StillClock
from support.replies import answer, busy
from support.server import FakeServer


def update(made: Client, endpoint: UpdateEndpoint, timeout: float = 10.0) -> None:
    """Queue an update, and close the client within seconds of its clock."""
    if endpoint == "engage":
        made.profiles.set("u", {"n": 1})
    else:
        made.groups("company").set("g", {"n": 1})
    made.close(timeout=timeout)


@pytest.mark.parametrize("endpoint", ["engage", "groups"])
def test_a_client_of_events_starts_beside_an_empty_spool_of_updates(tmp_path: Path, endpoint: UpdateEndpoint) -> None:
    path = tmp_path / "spool"
    update(client(FakeServer(answer(200, "1")), StillClock(), spool=path, token="a-token"), endpoint, 1e9)
    assert path.with_name(f"spool.{endpoint}").exists()
    client(FakeServer(), spool=path).close()


@pytest.mark.parametrize("endpoint", ["engage", "groups"])
def test_the_token_is_demanded_for_updates_that_wait(tmp_path: Path, endpoint: UpdateEndpoint) -> None:
    path = tmp_path / "spool"
    update(client(FakeServer(busy()), spool=path, token="a-token", retry=RetryPolicy(attempts=1)), endpoint)
    with pytest.raises(ValueError, match=rf"the spool .*spool\.{endpoint} holds updates: .* project token"):
        client(FakeServer(), spool=path)


def test_a_file_without_a_byte_holds_no_updates(tmp_path: Path) -> None:
    (tmp_path / "spool.engage").touch()
    client(FakeServer(), spool=tmp_path / "spool").close()


def test_a_file_that_is_no_spool_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "spool.engage").write_bytes(b"no spool" * 1000)
    with pytest.raises(SpoolError, match=r"spool\.engage"):
        client(FakeServer(), spool=tmp_path / "spool")
