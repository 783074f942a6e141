"""Credentials are in the environment of driver and nodes, and not in the sink, logs, files or errors."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from ray import cloudpickle

from cluster.rows import orders
from engines.ray.test_write import ORDERS, dataset, sink_of
from mixpress import Lease
from mixpress.emulator import Emulator
from mixpress.errors import AuthError
from mixpress.ray import MixpressDatasink
from support.canary import CANARY, PEERS, all_of, assert_silent, repeat
from support.fixtures import listen, no_leftover_threads
from support.listener import Behave, Listener, read_request

__all__ = ["listen", "no_leftover_threads"]


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_a_write_leaves_no_secret_behind(session: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Emulator(credentials=[("user", CANARY)]) as server:
        sink = sink_of(
            server, rate_limit="shared", dead_letter=str(tmp_path / "failed"), report=str(tmp_path / "report.json")
        )
        dataset(orders(3), orders(1, user=["anonymous"])).write_datasink(sink)
    assert sink.report is not None
    assert (sink.report.imported, sink.report.rejected) == (3, 1)
    left = [*contents(session), *contents(tmp_path)]
    assert len(left) > 10
    assert_silent(*left, pickle.dumps(sink), cloudpickle.dumps(sink), repr(vars(sink)), repr(sink.report), caplog.text)


def test_a_server_that_repeats_the_credentials_leaves_no_secret_behind(
    session: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, listen: Callable[[Behave], Listener]
) -> None:
    def repeat_credentials(connection: socket.socket) -> None:
        connection.sendall(PEERS["unauthorized"](repeat(read_request(connection))))

    server = f"http://127.0.0.1:{listen(repeat_credentials).port}"
    sink = MixpressDatasink(**ORDERS, base_url=server, report=str(tmp_path / "report.json"))
    with pytest.raises(AuthError) as caught:
        dataset(orders(3)).write_datasink(sink)
    assert "***" in str(caught.value)
    errors = [all_of(caught.value), all_of(caught.value.cause)]  # type: ignore[attr-defined] # Ray adds it
    assert_silent(*contents(session), *contents(tmp_path), *errors, caplog.text)


@pytest.mark.parametrize("name", ["token", "secret", "service_account"])
def test_a_secret_is_no_option(emulator: Emulator, name: str) -> None:
    with pytest.raises(TypeError, match="is no option: a secret") as caught:
        sink_of(emulator, **{name: CANARY})
    assert_silent(str(caught.value))


def test_a_lease_with_a_secret_is_refused(emulator: Emulator) -> None:
    with pytest.raises(TypeError, match="MIXPRESS_LEASE_SECRET") as caught:
        sink_of(emulator, rate_limit=Lease("127.0.0.1:7400", secret=CANARY))
    assert_silent(str(caught.value))
