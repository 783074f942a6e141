"""The driver lends the documented limit to the tasks of a job."""

from __future__ import annotations

import pytest

from cluster.rows import job, numbers, orders, write
from mixpress import Lease, RateLimit
from mixpress.cluster.job import WriteJob
from mixpress.cluster.options import job_of_texts, texts_of_job
from mixpress.cluster.shared_limit import share_limit
from mixpress.emulator import Emulator


def test_tasks_get_a_lease_at_the_host_of_the_driver(emulator: Emulator) -> None:
    with share_limit(job(emulator), "localhost", bind="127.0.0.1") as shared:
        assert isinstance(shared.rate_limit, Lease)
        assert shared.rate_limit.address.startswith("localhost:")
        write(emulator, [orders(10)], rate_limit=shared.rate_limit)
    assert numbers(emulator) == list(range(10))


def test_a_task_that_does_not_reach_the_driver_has_the_documented_limit(emulator: Emulator) -> None:
    with share_limit(job(emulator), "127.0.0.1") as shared:
        assert isinstance(shared.rate_limit, Lease)
        assert shared.rate_limit.fallback == RateLimit.documented()
        [text] = [text for name, text in texts_of_job(shared).items() if name == "rate_limit"]
        again = job_of_texts({"rate_limit": text}).rate_limit
    assert isinstance(again, Lease)
    assert again.fallback == RateLimit.documented()


def test_a_driver_without_credentials_shares_nothing_over_a_network() -> None:
    alone = WriteJob.of(region="eu", credentials="environment")
    with share_limit(alone, "127.0.0.1") as shared:
        assert shared is alone
    at_loopback = WriteJob.of(base_url="http://127.0.0.1:8400", rate_limit=RateLimit.documented())
    with share_limit(at_loopback, "192.0.2.1", bind="127.0.0.1") as shared:
        assert shared is at_loopback


def test_a_secret_of_the_lease_alone_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIXPRESS_LEASE_SECRET", "a-long-random-text")
    with share_limit(WriteJob.of(region="eu"), "127.0.0.1") as shared:
        assert isinstance(shared.rate_limit, Lease)


def test_an_address_that_is_not_of_this_machine_shares_nothing(emulator: Emulator) -> None:
    alone = job(emulator)
    with share_limit(alone, "127.0.0.1", bind="192.0.2.1") as shared:
        assert shared is alone
