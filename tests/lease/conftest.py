from __future__ import annotations

import pytest

from mixpress.lease.secret import VARIABLE
from support.fixtures import no_leftover_threads, no_proxy_variables

__all__ = ["no_leftover_threads", "no_proxy_variables"]


@pytest.fixture(autouse=True)
def no_secret_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
