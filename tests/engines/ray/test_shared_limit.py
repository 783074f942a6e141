"""The driver lends one limit to all tasks while it writes, and no longer."""

from __future__ import annotations

import pickle
import socket
from typing import Any

import pytest

from cluster.rows import numbers, orders
from engines.ray.test_write import dataset, sink_of
from mixpress import Lease, RateLimit
from mixpress.emulator import Emulator
from mixpress.errors import AuthError
from mixpress.ray import MixpressDatasink


def limit_of(sink: MixpressDatasink) -> Any:
    """Return the limit that a task gets."""
    return pickle.loads(pickle.dumps(sink))._job.rate_limit


def reaches(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_tasks_of_a_write_share_a_lease_of_the_driver() -> None:
    seen: list[tuple[str, bool]] = []

    def note(request: object) -> None:
        limit = limit_of(sink)
        seen.append((limit.address, reaches(limit.address)))

    with Emulator(before=note) as server:
        sink = sink_of(server, rate_limit="shared")
        dataset(orders(3), orders(3, start=3)).write_datasink(sink)
        assert numbers(server) == list(range(6))
    [(address, was_reached)] = {*seen}
    assert address.startswith("127.0.0.1:")
    assert was_reached
    assert not reaches(address)
    assert limit_of(sink) == RateLimit.documented()


def test_a_write_that_fails_lends_no_longer() -> None:
    leases: list[Lease] = []

    def refuse(request: object) -> tuple[int, dict[str, str], bytes]:
        leases.append(limit_of(sink))
        return 401, {}, b"{}"

    with Emulator(before=refuse) as server:
        sink = sink_of(server, rate_limit="shared")
        with pytest.raises(AuthError):
            dataset(orders(3)).write_datasink(sink)
    assert not reaches(leases[0].address)


@pytest.mark.parametrize("limit", [None, RateLimit(events=1000), Lease("127.0.0.1:7400")], ids=repr)
def test_another_limit_is_that_of_each_task(emulator: Emulator, limit: Any) -> None:
    sink = sink_of(emulator, rate_limit=limit)
    sink.on_write_start(None)
    assert repr(limit_of(sink)) == repr(limit)
