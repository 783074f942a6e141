"""Where the server refuses some updates of a batch, and does not say which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mixpress import Client, ProjectToken, Report
from mixpress.emulator import Emulator
from support.clients import client
from support.events import events
from support.profile_server import updates_of
from support.replies import answer
from support.server import FakeServer

TOKEN = ProjectToken("a-token")


def unite(*bad: int, count: int = 2000) -> list[dict[str, Any]]:
    """Return updates of which those at the positions `bad` unite a list with a text."""
    return [{"$distinct_id": "text" if n in bad else f"u{n}", "$union": {"list": [n]}} for n in range(count)]


def imported(server: Emulator, updates: list[dict[str, Any]], letter: Path | None = None) -> Report:
    with Client(TOKEN, base_url=server.url, dead_letter=letter) as made:
        made.profiles.set("text", {"list": "a text"})
        made.flush()
        return made.import_profiles(updates)


@pytest.mark.parametrize("bad", [(0,), (1234,), (1999,), (0, 700, 701, 702, 1000, 1500, 1998, 1999)])
def test_few_refused_updates_are_found(bad: tuple[int, ...]) -> None:
    with Emulator() as server:
        report = imported(server, unite(*bad))
        assert [(failure.index, failure.kind) for failure in report.failures] == [(n, "refused") for n in bad]
        assert report.imported == 2000 - len(bad)
        assert report.requests <= 1 + 22 * len(bad)
        assert server.profile("u1235") == {"list": [1235]}


def test_many_refused_updates_are_not_searched_for() -> None:
    with Emulator() as server:
        report = imported(server, unite(*range(9)))
    assert (report.refused, report.requests) == (2000, 1)
    assert report.failures[0].message == (
        "the server's num_good_events is 1991 for a batch of 2000, and does not say which it refused; the server may "
        "have taken it"
    )


def test_the_order_of_a_profile_is_kept_while_the_batch_is_halved() -> None:
    updates = [{"$distinct_id": "u", "$set": {"n": n}} for n in range(100)]
    updates[40] = {"$distinct_id": "text", "$union": {"list": [1]}}
    with Emulator() as server:
        report = imported(server, updates)
        assert [failure.index for failure in report.failures] == [40]
        assert server.profile("u") == {"n": 99}


@pytest.mark.parametrize("retry_unsafe", [False, True])
@pytest.mark.parametrize("operation", ["$add", "$append"])
def test_a_batch_that_would_count_twice_is_sent_once_and_marked(
    tmp_path: Path, operation: str, retry_unsafe: bool
) -> None:
    server, letter = FakeServer(answer(200, {"error": None, "num_good_events": 2, "status": 1})), tmp_path / "failed"
    made = client(server, auth=TOKEN, dead_letter=letter, retry_unsafe=retry_unsafe)
    report = made.import_profiles([{"$distinct_id": f"u{n}", operation: {"n": 1}} for n in range(3)])
    assert (report.refused, len(server.requests)) == (3, 1)
    assert all("$add and $append would count twice" in failure.message for failure in report.failures)
    assert [json.loads(line)["may_count_twice"] for line in letter.read_text().splitlines()] == [True] * 3


@pytest.mark.parametrize(
    ("reply", "marked"),
    [
        (answer(200, {"error": "bad", "status": 0}), True),
        (answer(400, {"error": "bad"}), True),
        (answer(200, {"error": "bad", "num_good_events": True, "status": 0}), True),
        (answer(200, {"error": "bad", "num_good_events": 0, "status": 0}), False),
        (answer(200, "0"), False),
    ],
)
def test_an_add_is_marked_unless_the_server_says_that_it_took_nothing(tmp_path: Path, reply: Any, marked: bool) -> None:
    server, letter = FakeServer(reply), tmp_path / "failed"
    made = client(server, auth=TOKEN, dead_letter=letter)
    assert made.import_profiles([{"$distinct_id": f"u{n}", "$add": {"n": 1}} for n in range(2)]).refused == 2
    assert ["may_count_twice" in line for line in letter.read_text().splitlines()] == [marked] * 2
    assert len(server.requests) == 1


def test_a_single_refused_add_was_not_taken(tmp_path: Path) -> None:
    server, letter = FakeServer(answer(200, {"error": "bad", "status": 0})), tmp_path / "failed"
    made = client(server, auth=TOKEN, dead_letter=letter)
    assert made.import_profiles([{"$distinct_id": "u", "$add": {"n": 1}}]).refused == 1
    assert "may_count_twice" not in letter.read_text()


def test_a_refusal_that_counts_nothing_is_not_searched() -> None:
    server = FakeServer(answer(200, {"error": "no such token", "status": 0}))
    report = client(server, auth=TOKEN).import_profiles([{"$distinct_id": "u", "$set": {"n": n}} for n in range(50)])
    assert (report.refused, len(server.requests)) == (50, 1)


def test_events_are_not_halved() -> None:
    server = FakeServer(answer(200, {"code": 200, "num_records_imported": 1, "status": "OK"}))
    report = client(server).import_events(events(2))
    assert (report.refused, len(server.requests)) == (2, 1)
    assert "may have taken it" not in report.failures[0].message


def test_queued_updates_are_searched_too(tmp_path: Path) -> None:
    with (
        Emulator() as server,
        Client(TOKEN, base_url=server.url, spool=tmp_path / "spool", linger=60.0) as made,
    ):
        made.profiles.set("text", {"list": "a text"})
        for n in range(5):
            made.profiles.union("text" if n == 3 else f"u{n}", {"list": [n]})
        report = made.flush()
        assert (report.imported, report.refused) == (5, 1)
        assert server.profile("u4") == {"list": [4]}


def test_halves_are_sent_one_after_the_other() -> None:
    def reply(request: Any) -> Any:
        found = updates_of(request)
        good = sum(one["$distinct_id"] != "bad" for one in found)
        return answer(200, {"error": None, "num_good_events": good, "status": 1})

    server = FakeServer(reply)
    ids = ["a", "bad", "b", "c"]
    report = client(server, auth=TOKEN).import_profiles([{"$distinct_id": id, "$set": {"n": 1}} for id in ids])
    sent = [[one["$distinct_id"] for one in updates_of(request)] for request in server.requests]
    assert sent == [ids, ["a", "bad"], ["a"], ["bad"], ["b", "c"]]
    assert [failure.index for failure in report.failures] == [1]
