"""A server and a clock that tests hold in their hand, and events to send."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

from mixpress._core import Encoder, Limits
from mixpress.auth import ServiceAccount
from mixpress.client.client import Client
from mixpress.clock import Clock
from mixpress.errors import TransportError
from mixpress.report.report import Report
from mixpress.transport import Request, Response

START = 1_800_000_000.0

Answer = Response | Exception
Handler = Callable[[Request], Answer]


def event(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A good event, with these properties changed; its $insert_id is `event-<number>`."""
    properties = {"time": 1_700_000_000 + number, "distinct_id": "user", "$insert_id": f"event-{number}"}
    return {"event": "Seen", "properties": properties | changes}


def bad(number: int = 0) -> dict[str, Any]:
    """An event that the encoder rejects."""
    return event(number, distinct_id="null")


def events(count: int) -> list[dict[str, Any]]:
    return [event(number) for number in range(count)]


def encoder(**settings: Any) -> Encoder:
    """An encoder whose present is `START`."""
    return Encoder(now=lambda: START, **settings)


def small_batches(size: int) -> Encoder:
    """An encoder of batches of at most so many events."""
    return encoder(limits=Limits(max_batch_events=size))


def answer(status: int, body: Any, **headers: str) -> Response:
    """A reply: text as it is, anything else as JSON."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def ok() -> Response:
    return answer(200, {"code": 200, "num_records_imported": 1, "status": "OK"})


def busy(**headers: str) -> Response:
    return answer(429, {"code": 429, "error": "Project exceeded rate limits.", "status": 0}, **headers)


def refusing(*positions: int, **more: Any) -> Response:
    records = [
        {"index": position, "insert_id": "", "field": "properties.x", "message": f"no {position}"}
        for position in positions
    ]
    return answer(400, {"code": 400, "error": "some data points failed", "failed_records": records, **more})


def sent(request: Request) -> list[dict[str, Any]]:
    """The events in a request."""
    return json.loads(gzip.decompress(request.body))  # type: ignore[no-any-return]


def sent_all(server: FakeServer) -> list[dict[str, Any]]:
    """The events in all requests, in order."""
    return [one for request in server.requests for one in sent(request)]


def ids(request: Request) -> list[str]:
    return [event["properties"]["$insert_id"] for event in sent(request)]


def as_json(one: dict[str, Any]) -> bytes:
    """An event as it is written into a body."""
    [batch] = Encoder(compression=None).encode([one]).batches
    return batch.events()[0]


def kinds(report: Report) -> dict[int, str]:
    return {failure.index: failure.kind for failure in report.failures}


class FakeServer:
    """A transport that answers with what it is given, in turn; the last answer goes on for ever."""

    def __init__(self, *answers: Answer | Handler) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers) or [ok()]
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        with self._lock:
            self.requests.append(request)
            given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        reply = given(request) if callable(given) else given
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def imported(self) -> list[str]:
        """The ids of every event that came, in order."""
        return [name for request in self.requests for name in ids(request)]


class FakeClock(Clock):
    """Time goes on where somebody waits, and nowhere else; chance is always a half."""

    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def random(self) -> float:
        return 0.5

    def wait(self, wake: threading.Event, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self.now += seconds


class StillClock(FakeClock):
    """Pauses pass at once; for what becomes due, nobody waits but the thread that looks after it."""

    def wait(self, wake: threading.Event, seconds: float) -> None:
        if seconds > 1e6:
            wake.wait(10)
        else:
            super().wait(wake, seconds)


class Hung:
    """A server that does not answer until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    def __call__(self, _request: Request) -> Response:
        self.asked.set()
        assert self.go.wait(20)
        return ok()


ACCOUNT = ServiceAccount("user", "a-well-kept-secret", project_id="17")
UNREACHED = TransportError("nobody listens there", "refused")
RESET = TransportError("the connection broke", "reset")


def client(server: FakeServer, clock: Clock | None = None, **settings: Any) -> Client:
    """A client of a fake server, on a fake clock, that sends one request at a time if not told otherwise."""
    return Client(
        settings.pop("auth", ACCOUNT),
        base_url="http://127.0.0.1:8400",
        transport=server,
        clock=clock or FakeClock(),
        **{"concurrency": 1} | settings,
    )


def tracking(server: FakeServer, clock: Clock | None = None, **settings: Any) -> Client:
    """A client whose batches leave only when they are full or flushed; its pauses pass at once."""
    return client(server, clock or StillClock(), **{"linger": 1e9, "encoder": encoder()} | settings)
