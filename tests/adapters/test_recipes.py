"""The recipes in docs/embedding.md do what the page says if the server fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mixpress import AuthError, RetryPolicy
from mixpress.errors import TransportError
from support.clients import client
from support.clocks import FakeClock
from support.events import event, ids
from support.replies import RESET, answer, busy, ok, refusing
from support.server import FakeServer

PAGE = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text(encoding="utf-8")
ONCE = RetryPolicy(attempts=1)


def recipe(marker: str) -> dict[str, Any]:
    """Run the block of the page that contains `marker`, and return its names."""
    [block] = [block for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S) if marker in block]
    scope: dict[str, Any] = {"__name__": "docs"}
    exec(compile(block, "docs", "exec"), scope)
    return scope


def test_celery_retries_undelivered_events() -> None:
    scope, server = recipe("from celery"), FakeServer(ok(), RESET, ok())
    scope["client"] = client(server, retry=ONCE)
    scope["deliver"].delay([event(0)]).get()
    assert scope["deliver"].delay([event(1)]).get() == {"imported": 1, "failed": []}
    assert [ids(request) for request in server.requests] == [["event-0"], ["event-1"], ["event-1"]]


def test_celery_does_not_retry_refused_events_or_wrong_credentials() -> None:
    scope, server = recipe("from celery"), FakeServer(refusing(0), answer(401, {"error": "no"}))
    scope["client"] = client(server)
    assert scope["deliver"].delay([event(0)]).get() == {"imported": 0, "failed": [0]}
    with pytest.raises(AuthError):
        scope["deliver"].delay([event(1)]).get()
    assert len(server.requests) == 2


def test_lambda_raises_if_not_all_was_delivered_in_time() -> None:
    scope, clock = recipe("def handler"), FakeClock()
    with client(FakeServer(busy(retry_after="60")), clock) as scope["client"]:
        record = {"user": "ada", "amount": 5, "time": 1_700_000_000, "id": "5d958f87"}
        with pytest.raises(RuntimeError, match="not all was delivered"):
            scope["handler"]({"records": [record]}, scope["Context"]())
        scope["client"].close(timeout=0)


@pytest.mark.parametrize("status", [429, 503])
def test_a_recipe_for_a_library_raises_if_a_batch_was_not_imported(status: int) -> None:
    import httpx

    import mixpress

    def respond(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"error": "later"})

    scope = recipe("def send(http: httpx.Client")
    (batch,) = mixpress.encode([event(0)]).batches
    with httpx.Client(transport=httpx.MockTransport(respond)) as http, pytest.raises(RuntimeError, match="TryLater"):
        scope["send"](http, "http://127.0.0.1:8400", batch)


def test_a_recipe_for_a_library_returns_the_indexes_of_refused_events() -> None:
    import httpx

    import mixpress

    def respond(_request: httpx.Request) -> httpx.Response:
        refused = refusing(1)
        return httpx.Response(refused.status, content=refused.body)

    scope = recipe("def send(http: httpx.Client")
    (batch,) = mixpress.encode([event(0), "bad", event(2)]).batches
    with httpx.Client(transport=httpx.MockTransport(respond)) as http:
        assert scope["send"](http, "http://127.0.0.1:8400", batch) == [2]


def test_celery_raises_the_transport_error_after_its_retries() -> None:
    scope = recipe("from celery")
    scope["client"] = client(FakeServer(RESET), retry=ONCE)
    scope["deliver"].max_retries = 1
    with pytest.raises(TransportError, match="no answer came for 1 events"):
        scope["deliver"].delay([event(0)]).get()
