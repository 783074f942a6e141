"""The emulator's page in a browser, against the emulator itself: what it shows, and what it changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.conftest import Open
from browser.lists import LOADED
from browser.sending import SECRET, event, numbered, send
from mixpress.emulator import Emulator

pytestmark = pytest.mark.browser


def rows(page: Page, label: str = "Valid events") -> Locator:
    return page.get_by_role("grid", name=label).locator(LOADED)


def detail(page: Page) -> Locator:
    return page.get_by_role("dialog")


def test_an_event_appears_while_the_page_is_open(server: Emulator, open_page: Open) -> None:
    page = open_page(server.url).page
    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    expect(page.locator("pre").first).to_contain_text(f"curl '{server.url}/import?strict=1'")
    expect(page.get_by_text(f"mixpress import events.ndjson --to {server.url}")).to_be_visible()
    assert send(server, event("Signed Up", plan="pro")) == 200
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("Signed Up")
    expect(rows(page).first).to_contain_text("plan pro")
    expect(page.get_by_role("heading", name="No events yet")).to_be_hidden()
    send(server, event("Purchase", distinct_id="grace"))
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("Purchase")
    expect(page.locator(".figures")).to_contain_text("2 stored")


def test_a_hidden_page_has_no_connection_and_a_visible_one_shows_what_it_missed(
    server: Emulator, open_page: Open
) -> None:
    """A browser opens six connections to a host: with six open tabs, none could load anything."""
    page = open_page(server.url).page
    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/_emulator/live")):
        show(page, "hidden")
    send(server, event("Signed Up"))
    with page.expect_request("**/_emulator/live"):
        show(page, "visible")
    expect(rows(page)).to_have_count(1)
    send(server, event("Purchase"))
    expect(rows(page)).to_have_count(2)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/_emulator/live")):
        show(page, "hidden")


def show(page: Page, state: str) -> None:
    """Tell the page that it is `hidden` or `visible`."""
    page.evaluate(
        """state => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def test_valid_and_refused_events_are_side_by_side(server: Emulator, open_page: Open) -> None:
    send(server, event("Signed Up"), event("Cancelled", time="soon"))
    page = open_page(server.url).page
    left, right = page.get_by_role("region", name="Valid"), page.get_by_role("region", name="Refused")
    expect(left).to_contain_text("Signed Up")
    expect(right).to_contain_text("Cancelled")
    expect(left).not_to_contain_text("Cancelled")
    boxes = left.bounding_box(), right.bounding_box()
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    expect(
        page.get_by_role("img", name=re.compile("^Events in the last five minutes: 1 imported, 1 refused"))
    ).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Replies in the last five minutes: 0 2xx, 1 4xx"))).to_be_visible()


def test_filters_are_in_the_address_and_a_copy_of_it_shows_the_same(server: Emulator, open_page: Open) -> None:
    send(
        server, event("Signed Up", plan="pro"), event("Signed Up", "grace", plan="free"), event("Purchase", plan="pro")
    )
    page = open_page(server.url).page
    page.get_by_label("Event", exact=True).fill("Signed Up")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("combobox", name="Property").fill("plan:pro")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.get_by_label("Search").fill("ada")
    page.get_by_label("distinct_id", exact=True).fill("ada")
    expect(page).to_have_url(re.compile(r"\?event=Signed\+Up&distinct_id=ada&search=ada&property=plan%3Apro$"))
    other = open_page(page.url).page
    expect(rows(other)).to_have_count(1)
    expect(other.get_by_label("Event", exact=True)).to_have_value("Signed Up")
    expect(other.get_by_label("Search")).to_have_value("ada")
    expect(other.get_by_role("list", name="Filters in effect")).to_contain_text("plan:pro")
    other.get_by_role("button", name="Remove the filter plan:pro").click()
    other.get_by_role("button", name="Clear all").click()
    expect(rows(other)).to_have_count(3)


def test_any_property_can_be_a_column(server: Emulator, open_page: Open) -> None:
    send(server, event("Signed Up", plan="pro", city="Lisbon"))
    page = open_page(server.url).page
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Columns", exact=True).click()
    page.get_by_label("Properties", exact=True).uncheck()
    page.get_by_label("city", exact=True).check()
    page.get_by_label("Add a column").fill("plan")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    names = ["Received", "Event", "distinct_id", "city", "plan"]
    expect(page.get_by_role("grid", name="Valid events").get_by_role("columnheader")).to_have_text(names)
    expect(rows(page).first.get_by_role("gridcell").nth(4)).to_have_text("pro")
    page.reload()
    expect(page.get_by_role("grid", name="Valid events").get_by_role("columnheader")).to_have_text(names)


def test_events_are_sorted_by_a_column(server: Emulator, open_page: Open) -> None:
    send(server, event("Banana"), event("Cherry"), event("Apple"))
    page = open_page(server.url).page
    expect(rows(page).first).to_contain_text("Apple")  # the newest
    header = page.get_by_role("grid", name="Valid events").get_by_role("button", name="Event")
    header.click()
    expect(rows(page).first).to_contain_text("Cherry")
    header.click()
    expect(rows(page).first).to_contain_text("Apple")
    expect(rows(page).last).to_contain_text("Cherry")
    expect(page).to_have_url(re.compile(r"\?sort=event$"))


def test_an_event_is_shown_as_json_and_copied(server: Emulator, open_page: Open) -> None:
    send(server, event("Signed Up", plan="pro", order=12345678901234567890))
    page = open_page(server.url).page
    rows(page).first.click()
    expect(detail(page)).to_contain_text('"plan": "pro"')
    expect(detail(page)).to_contain_text('"order": 12345678901234567890')  # not as a JavaScript number
    expect(page).to_have_url(re.compile("open=event%3A1"))
    detail(page).get_by_role("button", name="Copy JSON").click()
    expect(detail(page).get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied == {"event": "Signed Up", "properties": server.events()[0]["properties"]}
    detail(page).get_by_role("button", name='"pro"').click()
    expect(page.get_by_role("list", name="Filters in effect")).to_contain_text("plan:pro")
    page.reload()
    expect(detail(page)).to_contain_text('"plan": "pro"')


def test_a_refused_event_has_its_reason_and_its_request(server: Emulator, open_page: Open) -> None:
    send(server, event("Signed Up"))
    send(server, event("Purchase"), event("Cancelled", time="soon"))
    page = open_page(server.url).page
    rows(page, "Refused events").first.click()
    [refused] = server.refused()
    expect(detail(page)).to_contain_text(refused.message)
    expect(detail(page)).to_contain_text('"time": "soon"')
    detail(page).get_by_role("link", name="#2").click()
    expect(detail(page).get_by_role("heading", name="Request #2")).to_be_visible()
    expect(detail(page)).to_contain_text("400")
    detail(page).get_by_role("link", name="Show the events of this request").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("Purchase")
    expect(rows(page, "Refused events").first).to_contain_text("Cancelled")


def test_requests_show_sizes_ratios_and_headers_without_credentials(server: Emulator, open_page: Open) -> None:
    send(server, *numbered(50))
    page = open_page(f"{server.url}/?view=requests").page
    expect(rows(page, "Requests")).to_have_count(1)
    expect(rows(page, "Requests").first).to_contain_text("POST /import")
    expect(rows(page, "Requests").first).to_contain_text(re.compile(r"\d\.\d\u00d7"))
    rows(page, "Requests").first.click()
    table = detail(page).get_by_role("table", name="Headers")
    expect(table).to_contain_text("flights/1.0")
    expect(table).to_contain_text("authorization***")
    expect(detail(page)).to_contain_text("gzip")
    assert SECRET not in page.content()
    page.get_by_label("Status").select_option("failed")
    expect(page.get_by_text("No request matches.")).to_be_visible()


def test_a_switch_makes_requests_fail(server: Emulator, open_page: Open) -> None:
    page = open_page(f"{server.url}/?view=faults").page
    switch = page.get_by_role("switch", name="502: Bad gateway")
    expect(switch).not_to_be_checked()
    switch.click()
    expect(switch).to_be_checked()
    assert send(server, event()) == 502
    expect(page.get_by_role("textbox", name="In effect")).to_have_value(re.compile("^502"))
    expect(page.get_by_role("link", name="Faults 1")).to_be_visible()
    page.get_by_role("button", name="No faults").click()
    expect(switch).not_to_be_checked()
    assert send(server, event()) == 200
    page.get_by_role("textbox", name="In effect").fill("429=1x")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("switch", name="429: Rate limit").first).to_be_checked()
    assert send(server, event()) == 429


def test_each_kind_of_fault_can_be_switched_on_and_off(server: Emulator, open_page: Open) -> None:
    page = open_page(f"{server.url}/?view=faults").page
    expect(page.get_by_role("switch").first).to_be_visible()
    names = [str(one.get_attribute("aria-label")) for one in page.get_by_role("switch").all()]
    assert len(names) > 8
    for name in (name for name in names if "HTML" not in name):
        switch = page.get_by_role("switch", name=name, exact=True)
        switch.click()
        expect(switch).to_be_checked()
        assert str(server.faults).startswith(name.split(": ", maxsplit=1)[0])
        expect(switch).to_be_focused()
        switch.press("Space")
        expect(switch).not_to_be_checked()
    assert page.locator("#faults-problem").inner_text() == ""


def test_faults_that_cannot_be_read_are_explained(server: Emulator, open_page: Open) -> None:
    opened = open_page(f"{server.url}/?view=faults")
    expect(opened.page.get_by_role("switch").first).to_be_visible()
    opened.page.get_by_role("textbox", name="In effect").fill("nonsense=1")
    opened.page.get_by_role("button", name="Apply").click()
    expect(opened.page.get_by_role("alert").filter(has_text="nonsense")).to_be_visible()
    forget_bad_request(opened.messages)


def forget_bad_request(messages: list[str]) -> None:
    """Chromium itself logs a reply of 400; that line is not the page's."""
    messages[:] = [message for message in messages if "status of 400" not in message]


def test_sql_is_shown_as_a_table_and_saved_as_csv(server: Emulator, open_page: Open, tmp_path: Path) -> None:
    send(server, event("Signed Up"), event("Purchase"), event("Signed Up", "grace"))
    opened = open_page(f"{server.url}/?view=sql&sql=SELECT+event,count(*)+AS+n+FROM+events+GROUP+BY+event")
    page = opened.page
    table = page.get_by_role("table", name="Result")
    expect(page.get_by_role("textbox", name="SQL over events and profiles")).to_have_value(re.compile("^SELECT event"))
    expect(table).to_have_count(0)  # a link runs nothing
    page.get_by_role("button", name="Run").click()
    expect(table.get_by_role("row")).to_have_text(["eventn", "Purchase1", "Signed Up2"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "rows.csv"
    download.value.save_as(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text().split() == ["event,n", "Purchase,1", "Signed", "Up,2"]
    page.get_by_role("textbox", name="SQL over events and profiles").fill("DELETE FROM events")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".result")).to_have_class(re.compile("bad"))
    assert server.count() == 3
    forget_bad_request(opened.messages)


def test_a_paused_page_stands_still_and_counts_what_comes(server: Emulator, open_page: Open) -> None:
    send(server, event("Signed Up"))
    page = open_page(server.url).page
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    send(server, event("Purchase"))
    page.get_by_role("button", name="Resume (1 new)").click()
    expect(rows(page)).to_have_count(2)


def test_everything_is_deleted_after_a_question(server: Emulator, open_page: Open) -> None:
    send(server, event("Signed Up"))
    page = open_page(server.url).page
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    assert server.count() == 1
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    assert server.count() == 0


def test_an_entry_that_is_gone_says_so(server: Emulator, open_page: Open) -> None:
    page = open_page(f"{server.url}/?open=event:99&column=nonsense&sort=time&view=unknown").page
    expect(detail(page)).to_contain_text("does not keep it any more")
    page.keyboard.press("Escape")
    expect(detail(page)).to_be_hidden()


def test_the_page_says_that_the_emulator_is_gone(open_page: Open) -> None:
    with Emulator() as server:
        opened = open_page(server.url)
        expect(opened.page.get_by_text("Live", exact=True)).to_be_visible()
    expect(opened.page.get_by_text("Reconnecting")).to_be_visible()
    opened.page.close()
    opened.messages.clear()  # Chromium's lines about the connection
