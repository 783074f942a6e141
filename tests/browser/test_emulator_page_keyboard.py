"""The emulator's page by the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browser.chromium import PHONE
from browser.conftest import Open
from browser.sending import event, numbered, send
from mixpress.emulator import Emulator

pytestmark = pytest.mark.browser


@pytest.fixture
def filled(server: Emulator) -> Emulator:
    send(server, *numbered(60), event("Cancelled", time="soon"))
    return server


def focused(page: Page) -> str:
    """Return what has the focus: its name, or its text."""
    return str(
        page.evaluate("(n => n.getAttribute('aria-label') ?? (n.innerText || n.name))(document.activeElement)")
    ).strip()


def walk(page: Page, steps: int) -> list[str]:
    """Press Tab and return what got the focus, each time with a visible outline."""
    names = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        names.append(focused(page))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", names
    return names


def test_tab_reaches_everything_in_the_order_of_the_page(filled: Emulator, open_page: Open) -> None:
    page = open_page(filled.url).page
    expect(page.locator("#valid-59:not([aria-busy])")).to_be_visible()
    names = walk(page, 22)
    views = ["Events", "Profiles", "Groups", "Identities", "Lookup tables", "Requests", "SQL", "Faults"]
    assert names[:12] == ["Skip to the content", *views, "Copy", "Pause", "Clear"]
    assert "stored" in names[12]
    assert names[13:19] == ["search", "event", "distinct_id", "property", "Columns", "Valid events"]
    assert names[19:] == ["Received", "Event", "distinct_id"]  # the headers, which sort
    expect(page.get_by_role("grid", name="Refused events")).to_be_visible()


def test_the_skip_link_leads_past_the_header(filled: Emulator, open_page: Open) -> None:
    page = open_page(filled.url).page
    expect(page.locator("#valid-59:not([aria-busy])")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert "stored" in focused(page)


def test_arrows_move_enter_opens_and_escape_closes(filled: Emulator, open_page: Open) -> None:
    page = open_page(filled.url).page
    grid, detail = page.get_by_role("grid", name="Valid events"), page.get_by_role("dialog")
    expect(page.locator("#valid-59:not([aria-busy])")).to_be_visible()
    grid.focus()
    assert grid.get_attribute("aria-activedescendant") == "valid-59"
    grid.press("ArrowDown")
    grid.press("ArrowDown")
    grid.press("ArrowUp")
    grid.press("Enter")
    expect(detail).to_contain_text('"number": 59')
    assert focused(page) == "Event No. 59"
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    assert focused(page) == "Valid events"
    grid.press("End")
    expect(page.locator("#valid-0:not([aria-busy])")).to_be_in_viewport()
    assert grid.get_attribute("aria-activedescendant") == "valid-0"
    grid.press("Enter")
    expect(detail).to_contain_text(re.compile('"number": 1\\b'))
    grid.press("Home")  # the panel follows
    expect(detail).to_contain_text('"number": 60')
    grid.press("PageDown")
    expect(detail).not_to_contain_text('"number": 60')
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert focused(page) == "search"


def test_a_row_that_is_opened_before_it_came_opens_when_it_comes(filled: Emulator, open_page: Open) -> None:
    page = open_page(filled.url).page
    expect(page.get_by_role("region", name="Valid")).to_be_visible()
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    page.get_by_role("link", name="Requests").press("Enter")
    page.get_by_role("grid", name="Requests").press("Enter")
    expect(page.get_by_role("heading", name="Request #1")).to_be_visible()


def test_views_are_links_and_the_back_button_returns(filled: Emulator, open_page: Open) -> None:
    page = open_page(filled.url).page
    page.get_by_role("link", name="Requests").press("Enter")
    expect(page).to_have_title(re.compile("^Requests"))
    page.get_by_role("grid", name="Requests").press("Enter")
    expect(page.get_by_role("heading", name="Request #1")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("region", name="Valid")).to_be_visible()


def test_the_columns_open_and_close(filled: Emulator, open_page: Open) -> None:
    page = open_page(filled.url).page
    expect(page.locator("#valid-59:not([aria-busy])")).to_be_visible()
    columns = page.get_by_role("button", name="Columns", exact=True)
    columns.press("Enter")
    expect(columns).to_have_attribute("aria-expanded", "true")
    assert walk(page, 2)[1] == "column"
    page.get_by_label("number", exact=True).press("Space")
    expect(page.get_by_role("grid", name="Valid events").get_by_role("columnheader", name="number")).to_be_visible()
    assert page.evaluate("document.activeElement.dataset.column") == "properties.number"
    page.keyboard.press("Escape")
    assert focused(page) == "Columns"


def test_on_a_phone_arrows_change_the_tab(filled: Emulator, open_page: Open) -> None:
    page = open_page(filled.url, PHONE).page
    valid, refused = page.get_by_role("tab", name="Valid"), page.get_by_role("tab", name="Refused")
    expect(valid).to_have_attribute("aria-selected", "true")
    valid.press("ArrowRight")
    expect(refused).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel", name="Refused")).to_contain_text("Cancelled")
    expect(page.get_by_role("grid", name="Valid events")).to_be_hidden()
    page.get_by_role("grid", name="Refused events").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    for _ in range(12):  # a panel over the whole page keeps the focus
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert focused(page) == "Refused events"
