"""Fixtures of the tests that run in engines and orchestrators, as `make test-engines` does.

pyproject.toml leaves this folder out where it isn't named, so `make test` needs no engine. Here a missing one is an
error: no test is skipped.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from mixpress.emulator import Emulator
from support.fixtures import no_proxy_variables

__all__ = ["no_proxy_variables"]

HERE = Path(__file__).parent

# Nothing is sent beyond loopback: neither the engines' statistics of use, nor by the processes that they start.
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", DAGSTER_DISABLE_TELEMETRY="1", RAY_USAGE_STATS_ENABLED="0")

ACCOUNT = {"MIXPRESS_SERVICE_ACCOUNT": "user", "MIXPRESS_SECRET": "a-well-kept-secret", "MIXPRESS_PROJECT_ID": "17"}
"""The credentials that the fixture `account` puts into the environment, where the engines' workers read them."""


class ByEngine(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the tests of a folder, or of a file beside this one, in one process, so that each engine starts once."""

    def _split_scope(self, nodeid: str) -> str:
        return "/".join(nodeid.partition("::")[0].split("/")[:3])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByEngine:
    """Distribute the tests by engine, whatever `--dist` says: groups of xdist 3.8 have no effect with pytest 9."""
    return ByEngine(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let engines deprecate what they like, and no warning of mixpress pass."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))
            item.add_marker(pytest.mark.filterwarnings("error:::mixpress"))


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A server of the API on loopback, which processes of an engine reach too."""
    with Emulator() as server:
        yield server


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The credentials, in the environment of this process and of those that it starts."""
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)
    return ACCOUNT


@pytest.fixture
def one_fails() -> Iterator[Emulator]:
    """A server that answers its second request with 402. The client does not repeat that: the batch is undelivered."""
    with Emulator(before=_payment_required(2)) as server:
        yield server


@pytest.fixture
def all_fail() -> Iterator[Emulator]:
    """A server that answers each request with 402."""
    with Emulator(before=_payment_required(None)) as server:
        yield server


def _payment_required(number: int | None) -> Callable[[object], tuple[int, dict[str, str], bytes] | None]:
    """Return a `before` that answers one request, or each, with 402."""
    lock = threading.Lock()
    count = 0

    def before(request: object) -> tuple[int, dict[str, str], bytes] | None:
        nonlocal count
        with lock:
            count += 1
            return (402, {}, b"{}") if number in (None, count) else None

    return before
