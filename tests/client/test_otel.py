"""OpenTelemetry metrics of a client, as a metric reader collects them."""

from __future__ import annotations

import gc
import importlib
import sys
import weakref
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Sum

from mixpress.otel import instrument
from support.clients import client
from support.clocks import StillClock
from support.events import bad, events, small_batches
from support.replies import answer, busy, ok, refusing
from support.server import FakeServer


@dataclass(frozen=True)
class Stats:
    accepted: int = 100
    imported: int = 60
    rejected: int = 5
    refused: int = 4
    undelivered: int = 3
    dropped: int = 2
    requests: int = 9
    retried: int = 7
    throttled: int = 6
    pending: int = 26
    bytes: int = 12_345


class FakeClient:
    def __init__(self, **stats: int) -> None:
        self.now = Stats(**stats)

    def stats(self) -> Stats:
        return self.now


class Collected:
    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def metrics(self) -> dict[str, Any]:
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        [scope] = data.resource_metrics[0].scope_metrics
        assert scope.scope.name == "mixpress"
        names = [metric.name for metric in scope.metrics]
        assert len(names) == len(set(names))
        return {metric.name: metric for metric in scope.metrics}

    def values(self, name: str) -> dict[tuple[tuple[str, Any], ...], int]:
        return {
            tuple(sorted((point.attributes or {}).items())): point.value
            for point in self.metrics()[name].data.data_points
        }


@pytest.fixture
def collected() -> Iterator[Collected]:
    made = Collected()
    yield made
    made.provider.shutdown()


def test_every_field_of_the_stats_is_a_metric(collected: Collected) -> None:
    instrument(FakeClient(), collected.provider)
    assert {name: metric.unit for name, metric in collected.metrics().items()} == {
        "mixpress.events.accepted": "{event}",
        "mixpress.events.finished": "{event}",
        "mixpress.events.pending": "{event}",
        "mixpress.requests.made": "{request}",
        "mixpress.requests.retried": "{request}",
        "mixpress.requests.throttled": "{request}",
        "mixpress.sent": "By",
    }
    assert collected.values("mixpress.events.accepted") == {(): 100}
    assert collected.values("mixpress.events.pending") == {(): 26}
    assert collected.values("mixpress.requests.made") == {(): 9}
    assert collected.values("mixpress.requests.retried") == {(): 7}
    assert collected.values("mixpress.requests.throttled") == {(): 6}
    assert collected.values("mixpress.sent") == {(): 12_345}
    assert {key[0][1]: value for key, value in collected.values("mixpress.events.finished").items()} == {
        "imported": 60,
        "rejected": 5,
        "refused": 4,
        "undelivered": 3,
        "dropped": 2,
    }


def test_each_metric_has_the_value_of_its_field(collected: Collected) -> None:
    """Each field has a different number, so a mix-up is seen."""
    server = FakeServer(answer(503, "no"), busy(), ok(), refusing(0, 1, 2), answer(404, "no"))
    settings: dict[str, Any] = {"encoder": small_batches(11), "queue_size": 10, "on_full": "drop", "linger": 1e9}
    with client(server, StillClock(), **settings) as made:
        instrument(made, collected.provider)
        made.track_many(events(6))
        made.flush()  # after two retries
        made.track_many(events(5))
        made.flush()  # three are refused
        made.import_events([*events(25), *[bad()] * 6])  # all undelivered
        made.track_many(events(10 + 13))
        stats = asdict(made.stats())
        arrived = {
            dict(key).get("verdict", name): count
            for name in collected.metrics()
            for key, count in collected.values(name).items()
        }
    names = {
        "mixpress.events.accepted": "accepted",
        "mixpress.events.pending": "pending",
        "mixpress.requests.made": "requests",
        "mixpress.requests.retried": "retried",
        "mixpress.requests.throttled": "throttled",
        "mixpress.sent": "bytes",
    }
    assert len(set(stats.values())) == len(stats)
    assert {names.get(name, name): count for name, count in arrived.items()} == stats


def test_all_metrics_but_pending_are_monotonic(collected: Collected) -> None:
    client = FakeClient()
    instrument(client, collected.provider)
    collected.metrics()
    client.now = replace(client.now, imported=80, pending=6)
    assert collected.values("mixpress.events.finished")[("verdict", "imported"),] == 80
    assert collected.values("mixpress.events.pending") == {(): 6}
    kinds = {name: metric.data.is_monotonic for name, metric in collected.metrics().items()}
    assert [name for name, grows in kinds.items() if not grows] == ["mixpress.events.pending"]
    assert all(isinstance(metric.data, Sum) for metric in collected.metrics().values())


def test_clients_with_the_same_attributes_are_added_up(collected: Collected, caplog: pytest.LogCaptureFixture) -> None:
    instrument(FakeClient(accepted=1), collected.provider, attributes={"project": "web"})
    instrument(FakeClient(accepted=2), collected.provider, attributes={"project": "app"})
    instrument(FakeClient(accepted=4), collected.provider, attributes={"project": "app"})
    assert collected.values("mixpress.events.accepted") == {(("project", "web"),): 1, (("project", "app"),): 6}
    assert collected.values("mixpress.events.finished")[("project", "app"), ("verdict", "imported")] == 120
    assert caplog.messages == []  # a second instrument of one name would be logged


def test_a_stopped_client_keeps_its_sums_and_is_freed(collected: Collected) -> None:
    client = FakeClient(accepted=10, pending=7)
    handle = instrument(client, collected.provider)
    client.now = replace(client.now, accepted=11)
    handle.stop()
    client.now = replace(client.now, accepted=99)
    handle.stop()
    instrument(FakeClient(accepted=1, pending=3), collected.provider)
    assert collected.values("mixpress.events.accepted") == {(): 12}
    assert collected.values("mixpress.events.pending") == {(): 3}
    gone = weakref.ref(client)
    del client, handle
    gc.collect()
    assert gone() is None


def test_a_shut_down_provider_frees_its_clients() -> None:
    ended = Collected()
    client = FakeClient()
    instrument(client, ended.provider)
    ended.provider.shutdown()
    gone = weakref.ref(client)
    del client, ended
    gc.collect()
    assert gone() is None


def test_the_global_provider_is_the_default(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: collected.provider)
    instrument(FakeClient())
    assert collected.values("mixpress.events.accepted") == {(): 100}


def test_a_missing_extra_is_named_in_the_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mixpress.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"needs `pip install 'mixpress\[otel\]'`"):
        importlib.import_module("mixpress.otel")
