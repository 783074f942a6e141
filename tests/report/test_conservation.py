"""Conservation: every event has exactly one verdict, and the counts add up, whatever the server replies."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from mixpress.errors import MixpressError
from mixpress.report.report import Report
from mixpress.transport import Request, Response
from support.clients import client
from support.events import bad, event, ids, small_batches
from support.replies import RESET, UNREACHED, Answer, answer, busy, ok
from support.server import FakeServer

MOVES = ["ok", "one", "0", "some", "all", "busy", "not found", "page", "reset", "unreached", "large", "login", "odd"]


class ScriptedServer(FakeServer):
    """Replies as `moves` say, and counts the events that it confirmed and refused."""

    def __init__(self, moves: list[str], positions: list[int]) -> None:
        super().__init__(self._move)
        self._moves = moves
        self._positions = positions
        self.confirmed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def _move(self, request: Request) -> Answer:
        move = self._moves.pop() if self._moves else "ok"
        names = ids(request)
        if move == "some":
            return self._refuse(names, {position % len(names) for position in self._positions})
        if move in {"all", "0", "odd"} or (move == "large" and len(names) == 1):
            self.refused.update(names)
        if move in {"ok", "one"}:
            self.confirmed.update(names)
        fixed: dict[str, Answer] = {
            "ok": ok(),
            "one": answer(200, "1"),
            "0": answer(200, "0"),
            "all": answer(400, "no"),
            "busy": busy(retry_after="5"),
            "not found": answer(404, ""),
            "page": answer(200, "<html>"),
            "reset": RESET,
            "unreached": UNREACHED,
            "large": answer(413, {"error": "request exceeds max limit of 400 bytes"}),
            "login": answer(401, {"error": "Invalid credentials"}),
            "odd": answer(200, {"status": "OK", "num_records_imported": -5, "failed_records": []}),
        }
        return fixed[move]

    def _refuse(self, names: list[str], positions: set[int]) -> Response:
        self.refused.update(names[position] for position in positions)
        self.confirmed.update(name for place, name in enumerate(names) if place not in positions)
        records = [{"index": position, "message": "no"} for position in positions]
        return answer(400, {"error": "some", "failed_records": records})


@settings(max_examples=settings().max_examples * 3 // 10)
@given(
    good=st.lists(st.booleans(), max_size=30),
    moves=st.lists(st.sampled_from(MOVES), max_size=40),
    positions=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    size=st.integers(1, 7),
    concurrency=st.integers(1, 3),
    raises=st.booleans(),
)
def test_every_event_has_one_verdict(
    good: list[bool], moves: list[str], positions: list[int], size: int, concurrency: int, raises: bool
) -> None:
    server = ScriptedServer(moves, positions)
    read: list[int] = []

    def source() -> Any:
        for number, is_good in enumerate(good):
            read.append(number)
            yield event(number) if is_good else bad(number)
        if raises:
            raise ValueError("no more")

    try:
        report = client(server, encoder=small_batches(size), concurrency=concurrency).import_events(source())
        assert not raises
    except MixpressError as error:
        report = cast("Report", error.report)
    check(report, server, good[: len(read)])


def check(report: Report, server: ScriptedServer, good: list[bool]) -> None:
    assert report.total == len(good)
    assert report.imported + report.rejected + report.refused + report.undelivered == report.total
    failed = {failure.index: failure for failure in report.failures}
    assert len(failed) == len(report.failures) == report.failed
    assert [index for index, failure in failed.items() if failure.kind == "rejected"] == [
        index for index, is_good in enumerate(good) if not is_good
    ]
    for index in range(report.total):
        name = f"event-{index}"
        if index not in failed:
            assert server.confirmed[name] == 1  # confirmed once, and not sent again after that
        elif failed[index].kind == "refused":
            assert server.refused[name] == 1
        else:
            assert server.confirmed[name] == server.refused[name] == 0
    assert report.requests == len(server.requests)


@settings(max_examples=settings().max_examples // 5)
@given(
    steps=st.lists(st.sampled_from(["good", "good", "good", "bad", "flush", "import", "look"]), max_size=40),
    moves=st.lists(st.sampled_from(MOVES), max_size=40),
    positions=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    size=st.integers(1, 7),
    concurrency=st.integers(1, 3),
    room=st.integers(1, 20),
)
def test_every_tracked_event_has_one_verdict(
    steps: list[str], moves: list[str], positions: list[int], size: int, concurrency: int, room: int
) -> None:
    """Track, import, flush and read the stats in any order: the counts add up after each step, and the totals are
    those of the server.
    """
    server = ScriptedServer(moves, positions)
    number, reports = 0, []
    settings: dict[str, Any] = {"encoder": small_batches(size), "concurrency": concurrency, "queue_size": room}
    with client(server, linger=1e9, **settings) as made:
        for step in steps:
            if step in {"good", "bad"}:
                one = event(number) if step == "good" else bad(number)
                assert bool(made.track_many([one])) is (step == "bad")
                number += 1
            elif step == "flush":
                reports.append(made.flush())
                assert made.stats().pending == 0
            elif step == "import":
                with suppress(MixpressError):
                    made.import_events(event(number + place) for place in range(3))
                number += 3
            stats = made.stats()
            done = stats.imported + stats.rejected + stats.refused + stats.undelivered
            assert stats.accepted == done + stats.pending
            assert stats.dropped == 0
            assert 0 <= stats.pending <= room
        reports.append(made.flush())
        stats = made.stats()
    assert sum(server.confirmed.values()) == stats.imported
    assert sum(server.refused.values()) == stats.refused
    assert len(server.requests) == stats.requests
    assert all(report.pending == 0 for report in reports)
    failures = [failure for report in reports for failure in report.failures]
    assert len({failure.index for failure in failures}) == len(failures)
    assert sum(report.failed for report in reports) == len(failures)
