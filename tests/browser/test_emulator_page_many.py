"""The emulator's page with 100,000 stored events: only what is in view is fetched and in the document."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, Route, expect

from browser.chromium import PHONE
from browser.conftest import Open
from browser.sending import event, numbered, send
from mixpress.emulator import Emulator
from mixpress.emulator.store import fitting

pytestmark = pytest.mark.browser

COUNT = 100_000
STEP = 2000


@pytest.fixture(scope="module")
def large() -> Iterator[Emulator]:
    with Emulator() as server:
        events = numbered(COUNT)
        for start in range(0, COUNT, STEP):
            assert send(server, *events[start : start + STEP]) == 200
        yield server


def shown(page: Page) -> int:
    return page.locator("#pane-valid .rows .row").count()


def test_the_last_row_is_reached_and_the_document_stays_small(large: Emulator, open_page: Open) -> None:
    opened = open_page(large.url)
    page, grid = opened.page, opened.page.get_by_role("grid", name="Valid events")
    expect(page.locator(f"#valid-{COUNT - 1}")).to_contain_text(f"number {COUNT}")
    expect(grid).to_have_attribute("aria-rowcount", str(COUNT + 1))
    grid.press("End")
    expect(page.locator("#valid-0:not([aria-busy])")).to_contain_text("number 1")
    expect(page.locator("#valid-0:not([aria-busy])")).to_be_in_viewport()
    expect(page.locator("#valid-0:not([aria-busy])")).to_have_attribute("aria-rowindex", str(COUNT + 1))
    assert shown(page) < 80
    grid.evaluate("grid => grid.scrollTop = grid.scrollHeight / 2")
    expect(page.locator(f"#valid-{COUNT // 2}")).to_contain_text(f"number {COUNT // 2 + 1}")
    assert shown(page) < 80
    grid.press("Home")
    expect(page.locator(f"#valid-{COUNT - 1}")).to_be_in_viewport()
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    expect(page.get_by_role("tab", name="Valid")).to_be_visible()
    grid.press("End")
    expect(page.locator("#valid-0:not([aria-busy])")).to_be_in_viewport()
    expect(page.locator("#valid-0:not([aria-busy])")).to_contain_text("number 1")
    assert shown(page) < 80


def test_scrolling_fast_fetches_few_pages(large: Emulator, open_page: Open) -> None:
    opened = open_page(large.url)
    page, grid = opened.page, opened.page.get_by_role("grid", name="Valid events")
    expect(page.locator(f"#valid-{COUNT - 1}")).to_contain_text(f"number {COUNT}")
    grid.evaluate(
        """async grid => {
          for (let step = 1; step <= 60; step += 1) {
            grid.scrollTop = grid.scrollHeight * step / 60;
            await new Promise(done => requestAnimationFrame(done));
          }
        }"""
    )
    expect(page.locator("#valid-0:not([aria-busy])")).to_contain_text("number 1")
    fetched = [url for url in opened.requests if "/_emulator/events" in url]
    assert 3 < len(fetched) < 200  # two a step at most; there are 1000 pages
    assert all("limit=100&" in url or "limit=1&" in url for url in fetched)
    assert shown(page) < 80


def test_rows_that_are_read_stay_where_they_are_when_others_arrive(large: Emulator, open_page: Open) -> None:
    page = open_page(large.url).page
    grid = page.get_by_role("grid", name="Valid events")
    expect(page.locator(f"#valid-{COUNT - 1}")).to_contain_text(f"number {COUNT}")
    grid.evaluate("grid => grid.scrollTop = 30 * 5000")
    row = page.locator(f"#valid-{COUNT - 5010}")
    expect(row).to_contain_text(f"number {COUNT - 5009}")
    before = row.bounding_box()
    send(large, *[event("Late", f"late-{at}") for at in range(7)])  # the last test of this file that uses it
    expect(page.locator("#title-valid")).to_contain_text("100,007")
    expect(row).to_have_attribute("aria-rowindex", str(5009 + 7 + 2))
    after = row.bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) < 2


def test_pages_that_the_server_ends_early_are_completed(
    server: Emulator, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MAX_BYTES", 5000)  # some 20 events
    send(server, *numbered(150))
    page = open_page(server.url).page
    grid = page.get_by_role("grid", name="Valid events")
    expect(page.locator("#valid-149")).to_contain_text("number 150")
    grid.evaluate("grid => grid.scrollTop = grid.scrollHeight / 2")
    expect(page.locator("#valid-75")).to_contain_text("number 76")
    grid.press("End")
    expect(page.locator("#valid-0:not([aria-busy])")).to_contain_text("number 1")
    expect(page.locator("#valid-9")).to_contain_text("number 10")


def test_a_list_taller_than_a_browser_allows_still_shows_both_ends(server: Emulator, open_page: Open) -> None:
    """The server says that there are 2,000,000 events: 60 million pixels."""
    opened = open_page("about:blank")
    page = opened.page
    stored = 300
    send(server, *numbered(stored))
    total = 2_000_000

    def answer(route: Route, request: Request) -> None:
        inside = re.sub(r"offset=(\d+)", lambda found: f"offset={int(found[1]) % stored}", request.url)
        response = route.fetch(url=inside)
        route.fulfill(response=response, json={**response.json(), "total": total})

    page.route("**/_emulator/events?*", answer)
    page.goto(server.url)
    grid = page.get_by_role("grid", name="Valid events")
    expect(page.locator(f"#valid-{total - 1}")).not_to_be_empty()
    grid.press("End")
    expect(page.locator("#valid-0:not([aria-busy])")).to_contain_text("number 1")
    expect(page.locator("#valid-0:not([aria-busy])")).to_be_in_viewport()
    grid.press("Home")
    expect(page.locator(f"#valid-{total - 1}")).to_be_in_viewport()
    opened.requests.clear()
