"""Every view of the emulator's page: on a phone and a desktop, light and dark, and by axe-core's rules.

Set SCREENSHOTS to a folder to get the pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.accessible import check_fits, violations
from browser.chromium import DESKTOP, PHONE, VIEWS
from browser.conftest import Open
from browser.sending import event, numbered, send
from mixpress.emulator import Emulator

pytestmark = pytest.mark.browser

AXE = [(DESKTOP, "light"), (PHONE, "dark")]  # the other two have no rules or colours of their own
CHOSEN: dict[tuple[tuple[int, int], str], tuple[str, ...]] = {
    (DESKTOP, "light"): ("filters", "event", "refused", "requests", "sql", "faults"),
    (PHONE, "dark"): ("filters", "event", "requests", "sql"),
}
"""The views that are enough without SCREENSHOTS; elsewhere only whether they fit is asked."""
PAGES = {
    "events": ("/", "#valid-59:not([aria-busy])"),
    "filters": (
        "/?property=number&search=flight&request=2&column=event&column=properties.number",
        "#valid-59:not([aria-busy])",
    ),
    "event": ("/?open=event:60", "dialog .json"),
    "refused": ("/?open=refused:1", "dialog .json"),
    "requests": ("/?view=requests&open=request:2", "dialog table"),
    "sql": ("/?view=sql", "#sql"),
    "faults": ("/?view=faults", ".switch"),
}


@pytest.fixture(scope="module")
def filled() -> Iterator[Emulator]:
    with Emulator(faults="502=1x") as server:
        send(server, event("Lost"))
        send(server, *numbered(60, "Flight Arrived", origin="JFK", dest="LAX", carrier="UA", delay=-7))
        send(server, event("Purchase"), event("Cancelled", time="soon"), event("W" * 250, "W" * 250, time=-1))
        yield server


def show(page: Page, name: str) -> None:
    """Bring a view into the state in which it has the most to show."""
    expect(page.locator(PAGES[name][1]).first).to_be_visible()
    if name == "filters":
        if page.get_by_role("button", name="Filters (3)").is_visible():
            page.get_by_role("button", name="Filters (3)").click()
        page.get_by_role("button", name="Columns", exact=True).click()
        expect(page.get_by_role("group", name="Columns shown")).to_contain_text("carrier")
    if name == "sql":
        page.get_by_role("button", name="Properties in use").click()
        expect(page.get_by_role("table", name="Result")).to_contain_text("carrier")
    if name == "faults":
        page.get_by_role("textbox", name="In effect").fill("429=1x")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_role("switch", name="429: Rate limit").first).to_be_checked()


@pytest.mark.parametrize("look", VIEWS)
def test_each_view_fits_the_screen_and_keeps_the_rules_of_axe(
    filled: Emulator, open_page: Open, look: tuple[tuple[int, int], str], request: pytest.FixtureRequest
) -> None:
    size, scheme = look
    opened = open_page(filled.url, size, scheme)
    by_axe = look in AXE
    for name in PAGES if os.environ.get("SCREENSHOTS") else CHOSEN.get(look, ("filters", "event", "faults")):
        opened.page.goto(filled.url + PAGES[name][0])
        show(opened.page, name)
        check_fits(opened.page, name)
        if by_axe:
            assert violations(opened.page) == [], name
        opened.picture(f"emulator-{request.node.callspec.id.replace(' ', '-')}-{name}")
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 21, 27)"}[scheme]


def test_axe_finds_nothing_before_the_first_event_and_would_find_something(server: Emulator, open_page: Open) -> None:
    opened = open_page(server.url)
    expect(opened.page.get_by_role("heading", name="No events yet")).to_be_visible()
    assert violations(opened.page) == []
    opened.picture("emulator-empty")
    opened.page.evaluate("document.querySelector('nav').setAttribute('role', 'nonsense')")
    assert violations(opened.page) != []


def test_nothing_moves_for_those_who_want_no_motion(filled: Emulator, browser: Browser) -> None:
    for motion, name in (("reduce", "none"), ("no-preference", "beat")):
        context = browser.new_context(reduced_motion="reduce" if motion == "reduce" else "no-preference")
        page = context.new_page()
        page.goto(filled.url)
        expect(page.locator("[data-live=live] .light")).to_have_css("animation-name", name)
        context.close()


def test_a_reader_who_enlarges_text_still_sees_everything(filled: Emulator, open_page: Open) -> None:
    """400 % on a desktop is a page of 320 pixels (WCAG 1.4.10)."""
    page = open_page(filled.url, (320, DESKTOP[1] // 4)).page
    expect(page.locator("#valid-59:not([aria-busy])")).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("#valid-59:not([aria-busy])").scroll_into_view_if_needed()
    expect(page.locator("#valid-59:not([aria-busy])")).to_be_in_viewport()


def test_the_time_of_an_event_is_shown_in_utc(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?column=properties.time").page
    [sent] = filled.events("Purchase")
    when = datetime.fromtimestamp(sent["properties"]["time"], timezone.utc)
    expect(page.locator("#valid-60:not([aria-busy])")).to_contain_text(f"{when:%Y-%m-%d %H:%M:%S}")
