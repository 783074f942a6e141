"""The throttle: pause, concurrency window and rate limit together."""

from __future__ import annotations

import threading

from mixpress.log import RepeatLog
from mixpress.retry import RetryPolicy
from mixpress.send.job import CancelToken
from mixpress.send.rate_limit import RateLimit, RateLimiter
from mixpress.send.throttle import Permit, Throttle
from mixpress.transport import Request
from support.clients import client
from support.clocks import START, FakeClock
from support.events import event, events, small_batches
from support.replies import Answer, busy, ok
from support.server import FakeServer


def throttle(clock: FakeClock, concurrency: int = 4, limit: RateLimit | None = None) -> Throttle:
    return Throttle(RetryPolicy(), clock, concurrency, RateLimiter(limit), RepeatLog(clock))


def enter(shared: Throttle, token: CancelToken | None = None) -> Permit:
    permit = shared.acquire(10, 1000, token or CancelToken())
    assert permit is not None
    return permit


def test_requests_beyond_the_rate_limit_wait_for_the_next_window() -> None:
    clock = FakeClock()
    shared = throttle(clock, limit=RateLimit(events=20))
    for _ in range(5):
        shared.release(enter(shared), answered=True)
    assert clock.waits == [60.0, 60.0]


def test_a_cancelled_request_gets_no_permit() -> None:
    clock = FakeClock()
    shared, token = throttle(clock, concurrency=1), CancelToken()
    enter(shared)
    threading.Timer(0.05, token.cancel, (None,)).start()
    assert shared.acquire(1, 1, token) is None
    assert shared.in_flight == 1


def test_after_trouble_one_request_goes_first() -> None:
    shared = throttle(FakeClock())
    permits = [enter(shared) for _ in range(4)]
    for permit in permits:
        shared.release(permit, answered=False)
    first = enter(shared)
    others: list[Permit] = []
    threads = [threading.Thread(target=lambda: others.append(enter(shared))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(0.02)  # time for a permit that must not come
    assert (others, shared.in_flight) == ([], 1)
    shared.release(first, answered=True)
    while sum(thread.is_alive() for thread in threads) > 1:
        threads[0].join(0.01)
        threads[1].join(0.01)
    assert shared.in_flight == 2
    for permit in others.copy():
        shared.release(permit, answered=True)
    for thread in threads:
        thread.join(10)
    assert shared.in_flight == 1


def test_a_retry_counts_in_the_rate_limit() -> None:
    clock = FakeClock()
    server = FakeServer(busy(), ok())
    made = client(server, clock, rate_limit=RateLimit(events=10), encoder=small_batches(10))
    assert made.import_events(events(10)).imported == 10
    assert sum(clock.waits) >= 60  # the failed first attempt counts
    assert clock.now >= START + 60


def test_a_client_resumes_after_a_pause_with_a_slow_start() -> None:
    """While the first request after a pause is under way, no other one is; then two are."""
    lock, under_way = threading.Lock(), [0]
    seen: list[int] = []
    together = threading.Barrier(4)

    def handle(request: Request) -> Answer:
        with lock:
            number = len(seen)
            under_way[0] += 1
            seen.append(under_way[0])
        if number < 4:
            together.wait(10)
        with lock:
            under_way[0] -= 1
        return busy() if number < 4 else ok()

    made = client(FakeServer(handle), encoder=small_batches(1), concurrency=4)
    assert made.import_events(event(number) for number in range(40)).imported == 40
    assert seen[:4] == [1, 2, 3, 4]
    assert seen[4] == 1
    assert max(seen[4:6]) <= 2
