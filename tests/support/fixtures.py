"""Fixtures of the tests that use threads and sockets; a folder's conftest imports them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

import pytest

from mixpress.transport import Urllib3Transport
from support.listener import Behave, Listener


@pytest.fixture(autouse=True)
def no_leftover_threads() -> Iterator[None]:
    """Every thread of a test has ended with it, or is about to."""
    before = set(threading.enumerate())
    yield
    left = still_running(thread for thread in threading.enumerate() if thread not in before)
    assert left == [], f"the test left threads: {left}"


def still_running(threads: Iterable[threading.Thread]) -> list[str]:
    """Return the names of those that do not end within a second. An idle worker would end after ten."""
    names = []
    for thread in threads:
        thread.join(1)
        if thread.is_alive():
            names.append(thread.name)
    return names


@pytest.fixture(autouse=True)
def no_proxy_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxies of the machine are not used."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def listen(no_leftover_threads: None) -> Iterator[Callable[[Behave], Listener]]:
    made: list[Listener] = []

    def make(behave: Behave) -> Listener:
        made.append(Listener(behave))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


@pytest.fixture
def transport() -> Iterator[Urllib3Transport]:
    with closing(Urllib3Transport(2, connect_timeout=5, read_timeout=5)) as made:
        yield made
