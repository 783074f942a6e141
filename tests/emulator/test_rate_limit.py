"""The rate limit of a project over a rolling minute, and its 429."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator import Emulator, RateLimit
from mixpress.emulator.rate_limit import _MAX_PROJECTS, RateLimiter

from .conftest import Start
from .sender import FORM, NOW, Sender, event

STRICT = "/import?strict=1"
SENTENCE = "Project exceeded rate limits. Please retry the request with exponential backoff."
MANY = 10**9


class Clock:
    """A clock that a test sets, in seconds since the epoch."""

    now = float(NOW)

    def __call__(self) -> float:
        return self.now


def events(count: int, **properties: Any) -> list[Any]:
    return [event(insert_id=f"id-{number}", **properties) for number in range(count)]


def test_the_documented_limit_is_30000_events_a_second_and_2_gb_a_minute() -> None:
    assert RateLimit.documented() == RateLimit(events=30_000 * 60, bytes=2_000_000_000)


def test_more_events_in_a_minute_are_answered_with_429(start: Start) -> None:
    clock = Clock()
    server, sender = start(now=clock, rate_limit=RateLimit(events=10, bytes=MANY))
    assert sender.post(STRICT, events(6)).status == 200
    answer = sender.post(STRICT, events(5))
    assert (answer.status, answer.json) == (429, {"code": 429, "error": SENTENCE, "status": "Too Many Requests"})
    assert "Retry-After" not in answer.headers
    assert sender.post(STRICT, events(4)).status == 200, "a refused request does not count"
    clock.now += 59.9
    assert sender.post(STRICT, events(1)).status == 429
    clock.now += 0.3
    assert sender.post(STRICT, events(10)).status == 200
    requests = [(request.status, request.events, request.imported) for request in server.requests()]
    assert requests == [(200, 6, 6), (429, 5, 0), (200, 4, 4), (429, 1, 0), (200, 10, 10)]
    assert server.requests()[1].error == SENTENCE


def test_uncompressed_bytes_count(start: Start) -> None:
    _, sender = start(rate_limit=RateLimit(events=MANY, bytes=1000))
    body = b"[" + b" " * 598 + b"]"
    assert [sender.post(STRICT, body, packed=packed).status for packed in (True, True, False)] == [200, 429, 429]
    assert sender.post(STRICT, b"[" + b" " * 398 + b"]").status == 200


def test_track_has_the_other_form_of_the_429(start: Start) -> None:
    _, sender = start(rate_limit=RateLimit(events=1, bytes=MANY))
    assert sender.post("/track", events(1, token="t")).body == b"1"
    for target in ("/track", "/track?verbose=1", "/track?img=1"):
        answer = sender.post(target, events(1, token="t"))
        assert (answer.status, answer.json) == (429, {"error": SENTENCE, "status": 0})


def test_refused_events_count_but_refused_requests_do_not(start: Start) -> None:
    _, sender = start(rate_limit=RateLimit(events=2, bytes=MANY))
    assert sender.post(STRICT, b"{").status == 400
    assert sender.post(STRICT, events(1), user=None).status == 401
    assert sender.post(STRICT, events(3)).status == 429
    assert sender.post(STRICT, [event(""), event("")]).status == 400, "the documents: 400s count"
    assert sender.post(STRICT, events(1)).status == 429


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (("/import", "token:"), ("/import", "other:"), False),
        (("/import?project_id=1", "robot:x"), ("/import?project_id=2", "robot:x"), False),
        (("/import?project_id=1", "robot:x"), ("/import?project_id=1", "robot2:y"), True),
        (("/import", "token:"), ("/track", "token"), True),
        (("/track", "a"), ("/track", "b"), False),
        (("/track", "a"), ("/track", "a"), True),
        (("/import", "Bearer abc"), ("/import", "Bearer abc"), True),
        (("/import", "Bearer abc"), ("/import", "Bearer abd"), False),
    ],
)
def test_each_project_has_its_own_limit(
    start: Start, first: tuple[str, str], second: tuple[str, str], shared: bool
) -> None:
    _, sender = start(rate_limit=RateLimit(events=1, bytes=MANY))

    def post(target: str, who: str) -> int:
        if target == "/track":
            return sender.post(target, events(1, token=who), user=None).status
        if who.startswith("Bearer"):
            return sender.post(target, events(1), user=None, headers={"Authorization": who}).status
        return sender.post(target, events(1), user=who).status

    assert (post(*first), post(*second)) == (200, 429 if shared else 200)


def test_an_api_key_in_a_form_names_the_project(start: Start) -> None:
    _, sender = start(rate_limit=RateLimit(events=1, bytes=MANY))
    data = b'&data=[{"event":"e","properties":{}}]'
    keys = [b"key", b"other", b"key"]
    statuses = [sender.post("/import", b"api_key=" + key + data, kind=FORM, user=None).status for key in keys]
    assert statuses == [200, 200, 429]
    assert sender.post("/import", events(1), user="key:").status == 429


def test_clear_restarts_the_minute(start: Start) -> None:
    server, sender = start(rate_limit=RateLimit(events=1, bytes=MANY))
    for _ in range(2):
        assert [sender.post(STRICT, events(1)).status for _ in range(2)] == [200, 429]
        server.clear()


def test_no_limit_is_none() -> None:
    limiter = RateLimiter(None)
    assert all(limiter.admit("p", MANY, MANY, 0) for _ in range(10))


@pytest.mark.parametrize(
    ("events", "size"), [(0, 1), (1, 0), (-1, 1), (1.5, 1), (True, 1), (None, 1), ("1", 1)], ids=repr
)
def test_a_limit_is_two_positive_integers(events: Any, size: Any) -> None:
    with pytest.raises(ValueError, match="of a rate limit must be an integer >= 1, got"):
        RateLimit(events, size)


def test_a_rate_limit_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="rate_limit must be a RateLimit or None, got 100"):
        Emulator(rate_limit=100)  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(0, 6), st.integers(0, 60)).map(tuple), min_size=1, max_size=60
    )
)
def test_no_minute_has_more_than_the_limit_and_nothing_is_refused_without_need(
    requests: list[tuple[int, int, int]],
) -> None:
    limiter = RateLimiter(RateLimit(events=10, bytes=100))
    taken: list[tuple[int, int, int]] = []
    now = 0
    for pause, count, size in requests:
        now += pause
        surely = [each for each in taken if each[0] > now - 60_000]
        perhaps = [each for each in taken if each[0] > now - 60_200]
        if limiter.admit("p", count, size, now):
            taken.append((now, count, size))
            assert sum(each[1] for each in surely) + count <= 10
            assert sum(each[2] for each in surely) + size <= 100
        else:
            events_over = sum(each[1] for each in perhaps) + count > 10
            assert events_over or sum(each[2] for each in perhaps) + size > 100


def test_a_clock_that_is_set_back_does_not_lift_the_limit() -> None:
    limiter = RateLimiter(RateLimit(events=2, bytes=MANY))
    assert limiter.admit("p", 1, 1, 1_000_000)
    assert limiter.admit("p", 1, 1, 0)
    assert not limiter.admit("p", 1, 1, 0)
    assert limiter.admit("p", 2, 1, 1_060_200)


def test_its_memory_is_bounded() -> None:
    limiter = RateLimiter(RateLimit(events=MANY, bytes=MANY))
    for moment in range(0, 300_000, 50):
        limiter.admit("p", 1, 1, moment)
    assert len(limiter._projects["p"]._slots) <= 601
    for number in range(2 * _MAX_PROJECTS):
        limiter.admit(str(number), 1, 1, 300_000)
        limiter.admit("p", 1, 1, 300_000)
    assert len(limiter._projects) == _MAX_PROJECTS
    assert "p" in limiter._projects, "a project that still sends is kept"


def test_the_log_keeps_no_token_for_the_limit(server: Emulator, sender: Sender) -> None:
    seen: list[Any] = []
    with Emulator(before=seen.append) as other:
        one = Sender(other.url)
        one.post(STRICT, [], user="canary-token:")
        one.close()
    assert seen[0].project
    assert "canary" not in seen[0].project
    assert seen[0].project not in repr(seen)
