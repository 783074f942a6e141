"""The listings of the control API end early: a page that is large, and a search that takes long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.accept import Row
from mixpress.emulator.faults.plan import FaultPlan
from mixpress.emulator.store import find, fitting
from mixpress.emulator.store.filters import Filters, Page
from mixpress.emulator.store.store import Store

from .control import error, get
from .sender import Sender, event

STRICT = "/import?strict=1"
ROWS = [{"id": number, "text": "x" * 100} for number in range(10)]


def test_a_page_has_at_least_one_row_and_no_more_bytes_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def rows() -> Any:
        for row in ROWS:
            made.append(row)
            yield row

    for limit, count in [(1, 1), (500, 4), (10_000, 10)]:
        made.clear()
        monkeypatch.setattr(fitting, "MAX_BYTES", limit)
        assert len(fitting.fitting(rows())) == count
        assert len(made) == min(10, count + 1), "the rows after the page are not read"
    assert fitting.fitting([]) == []


@pytest.mark.parametrize(("name", "sort"), [("events", "id"), ("refused", "id"), ("requests", "number")])
def test_a_short_page_is_continued_at_its_end(
    server: Emulator, sender: Sender, monkeypatch: pytest.MonkeyPatch, name: str, sort: str
) -> None:
    for number in range(7):
        sender.post(STRICT, [event(insert_id=f"i-{number}"), event(insert_id="?" * number)])
    whole = get(sender, name, sort=sort)
    assert len(whole[name]) == whole["total"] == 7
    size = max(len(repr(row)) for row in whole[name])
    monkeypatch.setattr(fitting, "MAX_BYTES", 2 * size + 100)
    found: list[Any] = []
    pages = 0
    while len(found) < whole["total"]:
        page = get(sender, name, sort=sort, offset=len(found))
        assert (page["total"], page["limit"]) == (7, 100)
        assert page[name]
        found += page[name]
        pages += 1
    assert found == whole[name]
    assert pages > 1


@pytest.fixture
def many() -> Any:
    store = Store()
    store.add("/import", [Row("A", number, f"u-{number}", None, b"{}") for number in range(1000)])
    yield store
    store.close()


@pytest.mark.parametrize("filters", [Filters(), Filters(search="u")])
def test_a_listing_ends_after_its_seconds(many: Store, filters: Filters) -> None:
    seconds = iter([0.0, *[4.9] * 3, *[5.1] * 1000])
    page = Page("event", limit=1000)
    with (
        many.reading() as connection,
        pytest.raises(find.UnfinishedError, match="the listing took longer than 5 s and was ended"),
    ):
        find.find(connection, filters, page, clock=lambda: next(seconds))
    with many.reading() as connection:
        assert find.find(connection, filters, page, clock=lambda: 0.0)[1] == 1000
    assert many.count() == 1000


def test_a_listing_ends_when_the_emulator_stops(many: Store) -> None:
    with many.reading() as connection, pytest.raises(find.UnfinishedError, match="the emulator stops"):
        find.find(connection, Filters(search="u"), Page(), is_stopping=lambda: True)


def test_a_listing_that_was_ended_is_an_error(
    server: Emulator, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.post(STRICT, [event(insert_id=f"i-{number}") for number in range(500)])
    monkeypatch.setattr(find, "MAX_SECONDS", -1)
    status, sentence = error(sender, "GET", "events?search=user")
    assert (status, sentence.partition(" and was")[0]) == (400, "the listing took longer than -1 s")
    monkeypatch.undo()
    assert get(sender, "events", search="user")["total"] == 500


def test_faults_are_not_read_on_the_event_loop(
    server: Emulator, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops: list[bool] = []

    def set_text(self: FaultPlan, text: str) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loops.append(False)
        else:
            loops.append(True)

    monkeypatch.setattr(FaultPlan, "set_text", set_text)
    answer = sender.request("PUT", "/_emulator/faults", b"429", {"Content-Type": "text/plain"})
    assert (answer.status, loops) == (200, [False])


def test_faults_that_are_nested_too_deeply_are_an_error(server: Emulator, sender: Sender) -> None:
    body = b"repeat = " + b"[" * 100_000
    status, sentence = error(sender, "PUT", "faults", body, Content_Type="text/plain")
    assert status == 400
    assert "nested too deeply" in sentence or "Python 3.11" in sentence
