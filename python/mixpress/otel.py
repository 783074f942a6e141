"""OpenTelemetry metrics of a client's stats: `pip install 'mixpress[otel]'`.

    instrumented = instrument(client)   # once, at the start
    ...
    instrumented.stop()                 # after client.close()

The instruments are `mixpress.events.accepted`, `.finished` (by `verdict`) and `.pending`, `mixpress.requests.made`,
`.retried` and `.throttled`, and `mixpress.sent`; `docs/logging.md` has the table. They are observed when a reader
collects, and have no cost in between.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

try:
    from opentelemetry import metrics
except ModuleNotFoundError as error:
    raise ImportError("mixpress.otel needs `pip install 'mixpress[otel]'`") from error

from mixpress._core import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

VERDICTS = ("imported", "rejected", "refused", "undelivered", "dropped")

Attributes = tuple[tuple[str, str], ...]


class Stats(Protocol):
    """The stats that are read of a client: totals since its creation, and the current `pending`."""

    @property
    def accepted(self) -> int: ...  # noqa: D102 - see the table in docs/logging.md
    @property
    def imported(self) -> int: ...  # noqa: D102
    @property
    def rejected(self) -> int: ...  # noqa: D102
    @property
    def refused(self) -> int: ...  # noqa: D102
    @property
    def undelivered(self) -> int: ...  # noqa: D102
    @property
    def dropped(self) -> int: ...  # noqa: D102
    @property
    def requests(self) -> int: ...  # noqa: D102
    @property
    def retried(self) -> int: ...  # noqa: D102
    @property
    def throttled(self) -> int: ...  # noqa: D102
    @property
    def pending(self) -> int: ...  # noqa: D102
    @property
    def bytes(self) -> int: ...  # noqa: D102


class HasStats(Protocol):
    """A client."""

    def stats(self) -> Stats:
        """Return the current stats."""
        ...


def instrument(
    client: HasStats, meter_provider: MeterProvider | None = None, *, attributes: Mapping[str, str] | None = None
) -> Instrumented:
    """Observe the stats of a client until `stop` is called on the result.

    `meter_provider`: the global one by default. `attributes`: distinguish clients, as in `{"project": "web"}`; none by
    default. The stats of clients with equal attributes are added up. The client is referenced until `stop`.
    """
    provider = meter_provider or metrics.get_meter_provider()
    with _lock:
        if provider not in _observed:
            _observed[provider] = observed = _Observed()
            observed.register(provider.get_meter("mixpress", __version__))
    return Instrumented(_observed[provider], client, tuple(sorted((attributes or {}).items())))


class Instrumented:
    """A client whose stats are observed."""

    def __init__(self, observed: _Observed, client: HasStats, attributes: Attributes) -> None:
        self._observed = observed
        self._client = client
        self._attributes = attributes
        observed.add(self, client, attributes)

    def stop(self) -> None:
        """Read the stats a last time and release the client. Its totals stay in the counters, which never decrease."""
        self._observed.remove(self)

    def __repr__(self) -> str:
        return f"Instrumented({self._client!r}, attributes={dict(self._attributes)!r})"


class _Key(NamedTuple):
    """A field of the stats, and the attributes of its clients."""

    field: str
    attributes: Attributes


class _Observed:
    """The clients of one meter provider, which has one set of instruments for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[Instrumented, tuple[HasStats, Attributes]] = {}
        self._ended: Counter[_Key] = Counter()

    def add(self, handle: Instrumented, client: HasStats, attributes: Attributes) -> None:
        with self._lock:
            self._clients[handle] = (client, attributes)

    def remove(self, handle: Instrumented) -> None:
        with self._lock:
            if handle in self._clients:
                client, attributes = self._clients.pop(handle)
                sums = _sums(client.stats(), attributes)
                self._ended.update({key: count for key, count in sums.items() if key.field != "pending"})

    def register(self, meter: Meter) -> None:
        """Create the instruments. The provider references them, and they reference this object."""

        def observing(*fields: str) -> list[_Callback]:
            return [_Callback(self, fields)]

        meter.create_observable_counter(
            "mixpress.events.accepted", observing("accepted"), "{event}", "Events passed to the client"
        )
        meter.create_observable_counter(
            "mixpress.events.finished", observing(*VERDICTS), "{event}", "Events with a verdict"
        )
        meter.create_observable_up_down_counter(
            "mixpress.events.pending", observing("pending"), "{event}", "Events without a verdict yet"
        )
        meter.create_observable_counter(
            "mixpress.requests.made",
            observing("requests"),
            "{request}",
            "Requests, including retries",
        )
        meter.create_observable_counter(
            "mixpress.requests.retried", observing("retried"), "{request}", "Retries of requests"
        )
        meter.create_observable_counter(
            "mixpress.requests.throttled", observing("throttled"), "{request}", "Requests with a reply of 429"
        )
        meter.create_observable_counter(
            "mixpress.sent", observing("bytes"), "By", "Bytes of request bodies, compressed"
        )

    def sums(self) -> Counter[_Key]:
        with self._lock:
            sums = self._ended.copy()
            for client, attributes in self._clients.values():
                sums.update(_sums(client.stats(), attributes))
        return sums


class _Callback:
    """The callback of one instrument."""

    def __init__(self, observed: _Observed, fields: tuple[str, ...]) -> None:
        self._observed = observed
        self._fields = fields

    def __call__(self, _options: CallbackOptions) -> Iterable[Observation]:
        for key, count in self._observed.sums().items():
            if key.field in self._fields:
                verdict = {"verdict": key.field} if len(self._fields) > 1 else {}
                yield metrics.Observation(count, {**dict(key.attributes), **verdict})


def _sums(stats: Stats, attributes: Attributes) -> dict[_Key, int]:
    fields = ("accepted", *VERDICTS, "requests", "retried", "throttled", "pending", "bytes")
    return {_Key(field, attributes): getattr(stats, field) for field in fields}


_lock = threading.Lock()
_observed: weakref.WeakKeyDictionary[MeterProvider, _Observed] = weakref.WeakKeyDictionary()
