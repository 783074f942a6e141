"""The emulator's page: the view of lookup tables and their rows."""

from __future__ import annotations

import csv
import io
import re
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from browser.accessible import check_fits, violations
from browser.chromium import DESKTOP, PHONE
from browser.conftest import Open
from browser.lists import HOSTILE, rows
from browser.sending import SECRET
from mixpress.emulator import Emulator

pytestmark = pytest.mark.browser

COUNT = 100_000
ROWS = "Rows of the table"
NAMES = (HOSTILE, "__proto__", "constructor", "2", "1", "</script><script>document.title='run'</script>")


def to_csv(*rows: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def replace(server: Emulator, id: str, content: bytes) -> None:
    url = f"{server.url}/lookup-tables/{id}?project_id=17"
    request = urllib.request.Request(url, content, {"Content-Type": "text/csv"}, method="PUT")
    request.add_header("Authorization", f"Bearer {SECRET}")
    with urllib.request.urlopen(request, timeout=20) as reply:
        assert reply.status == 200


@pytest.fixture
def server() -> Iterator[Emulator]:
    with Emulator(lookup_tables={"songs": "Songs", "plans": "Plans", "wide": HOSTILE}) as server:
        yield server


@pytest.fixture
def filled(server: Emulator) -> Emulator:
    """Songs have 250 rows; `wide` has 60 columns of long values; plans were never replaced."""
    songs = [[f"Song-{number}", f"Title, {number}", "4"] for number in range(1, 251)]
    replace(server, "songs", to_csv(["song", "title", "minutes"], *songs))
    wide = [f"column {number}" for number in range(60)]
    replace(server, "wide", to_csv(wide, ["W" * 300] * 60))
    return server


def expect_cells(row: Locator, *texts: str | re.Pattern[str]) -> None:
    expect(row.get_by_role("gridcell")).to_have_text(texts, use_inner_text=True)


def test_a_table_is_chosen_and_its_replacement_appears(server: Emulator, open_page: Open) -> None:
    page = open_page(f"{server.url}/?view=lookup").page
    tables = rows(page, "Lookup tables")
    expect(tables).to_have_count(3)
    expect_cells(tables.nth(1), "songs", "Songs", "", "", "")
    expect(page.get_by_role("region", name="Rows of songs")).to_be_hidden()
    tables.nth(1).click()
    expect(page).to_have_url(re.compile(r"\?view=lookup&table=songs$"))
    expect(page.get_by_text("This table has no rows yet.")).to_be_visible()
    for content in (["a", "1"], ["b", "2"]):
        replace(server, "songs", to_csv(["id", "name"], content))
        expect(rows(page, ROWS)).to_contain_text([content[0]])
        expect_cells(rows(page, ROWS).first, "1", *content)
    expect_cells(tables.nth(1), "songs", "Songs", "1", "2", re.compile(r"^\d\d:\d\d:\d\d$"))
    replace(server, "songs", to_csv(["id", "plan", "n"], ["c", "pro", "3"]))
    expect(page.get_by_role("columnheader", name="plan")).to_be_visible()
    expect_cells(rows(page, ROWS).first, "1", "c", "pro", "3")


def test_a_new_table_appears_while_the_page_is_open(server: Emulator, open_page: Open) -> None:
    page = open_page(f"{server.url}/?view=lookup").page
    expect(rows(page, "Lookup tables")).to_have_count(3)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    server.add_lookup_table("later", "Later")
    expect(rows(page, "Lookup tables")).to_have_count(4)
    expect_cells(rows(page, "Lookup tables").first, "later", "Later", "", "", "")


def test_without_tables_the_view_says_how_to_have_one(open_page: Open) -> None:
    with Emulator() as server:
        opened = open_page(f"{server.url}/?view=lookup")
        page = opened.page
        expect(page.get_by_text("No lookup table yet: start the emulator with --lookup-table ID.")).to_be_visible()
        page.goto(f"{server.url}/?view=lookup&table=a/%3F")
        expect(page.get_by_role("region", name="Rows of a/?").locator(".note.bad")).not_to_be_empty()
        assert any("404" in message for message in opened.messages)
        opened.messages.clear()


def test_a_deleted_table_leaves_no_rows(server: Emulator, open_page: Open) -> None:
    server.add_lookup_table("later")
    replace(server, "later", to_csv(["id", "name"], ["a", "1"]))
    opened = open_page(f"{server.url}/?view=lookup&table=later")
    page = opened.page
    expect(rows(page, ROWS)).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("no lookup table has the id 'later'")).to_be_visible()
    expect(rows(page, ROWS)).to_have_count(0)
    expect(rows(page, "Lookup tables")).to_have_count(3)
    opened.messages.clear()  # Chromium reports the 404


def test_search_is_by_the_first_column_and_in_the_address(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=lookup&table=songs").page
    expect(page.get_by_role("heading", name="Rows of songs 250")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("song-24")
    expect(page.get_by_role("heading", name="Rows of songs 11")).to_be_visible()
    expect(page).to_have_url(re.compile("&search=song-24"))
    expect(rows(page, ROWS)).to_have_count(11)
    expect_cells(rows(page, ROWS).nth(1), "240", "Song-240", "Title, 240", "4")
    rows(page, ROWS).nth(1).click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", name="Row No. 240")).to_be_visible()
    expect(panel.locator(".json")).to_contain_text('"title": "Title, 240"')
    page.reload()
    expect(panel.locator(".json")).to_contain_text('"title": "Title, 240"')
    page.get_by_role("searchbox", name="Find").fill("Title")
    expect(page.get_by_text("No id matches.")).to_be_visible()


def test_the_selected_rows_are_copied_as_csv(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=lookup&table=songs&search=song-9").page
    page.get_by_role("button", name="Copy CSV").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    expect(page.locator("#said")).to_have_text("Copied 11 rows")
    found = list(csv.reader(io.StringIO(page.evaluate("navigator.clipboard.readText()"), newline="")))
    numbers = [9, *range(90, 100)]
    assert found == [["song", "title", "minutes"], *[[f"Song-{each}", f"Title, {each}", "4"] for each in numbers]]


def test_a_large_table_is_copied_in_part_and_says_so(large: Emulator, open_page: Open) -> None:
    page = open_page(f"{large.url}/?view=lookup&table=large").page
    page.get_by_role("button", name="Copy CSV").click()
    expect(page.locator("#said")).to_have_text("Copied the first 10,000 rows of 100,000")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.replace("\r\n", "\n").splitlines()[-1] == "id-10000,value 10000"


def test_the_keyboard_is_enough(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=lookup").page
    tables, grid, panel = (
        page.get_by_role("grid", name="Lookup tables"),
        page.get_by_role("grid", name="Rows of the table"),
        page.get_by_role("dialog"),
    )
    expect(rows(page, "Lookup tables")).to_have_count(3)
    tables.focus()
    tables.press("Enter")
    expect(page.get_by_role("heading", name="Rows of plans")).to_be_visible()
    tables.press("ArrowDown")
    expect(page.get_by_role("heading", name="Rows of songs 250")).to_be_visible()
    grid.focus()
    grid.press("End")
    expect(page.locator("#rows-249")).to_contain_text("Song-250")
    grid.press("Enter")
    expect(panel.locator(".json")).to_contain_text("Song-250")
    grid.press("ArrowUp")
    expect(panel.locator(".json")).to_contain_text("Song-249")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Rows of the table"


def test_a_phone_shows_the_tables_or_the_rows_of_one(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=lookup", PHONE).page
    tables = page.get_by_role("grid", name="Lookup tables")
    expect(rows(page, "Lookup tables")).to_have_count(3)
    expect(page.locator("nav a[aria-current]")).to_be_in_viewport(ratio=0.99)
    tables.focus()
    tables.press("End")
    tables.press("Enter")
    expect(tables).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Rows of the table"
    expect(rows(page, ROWS)).to_have_count(1)
    expect(rows(page, ROWS).first.get_by_role("gridcell")).to_have_count(41)  # the number, and the first 40 columns
    expect(page.get_by_text("The first 40 of 60 columns. A row's details have all.")).to_be_visible()
    page.get_by_role("columnheader", name="column 39").scroll_into_view_if_needed()
    expect(page.get_by_role("columnheader", name="column 39")).to_be_in_viewport()
    head, cell = (page.locator(f".rows-of {part} .row > :last-child").bounding_box() for part in (".head", ".rows"))
    assert head is not None
    assert cell is not None
    assert abs(head["x"] - cell["x"]) < 1
    page.get_by_role("link", name="All lookup tables").click()
    expect(tables).to_be_visible()


def test_hostile_names_and_cells_are_only_text(server: Emulator, open_page: Open) -> None:
    server.add_lookup_table("<b>'&\"", HOSTILE)
    replace(server, "%3Cb%3E'&%22".replace("&", "%26"), to_csv(list(NAMES), [f"{name}!" for name in NAMES]))
    opened = open_page(f"{server.url}/?view=lookup")
    page = opened.page
    expect(rows(page, "Lookup tables").first).to_contain_text("onerror=\"document.title='run'\">\\u202e")
    rows(page, "Lookup tables").first.click()
    expect(page.get_by_role("heading", name="Rows of <b>'&\" 1")).to_be_visible()
    shown = [name.replace("\u202e", "\\u202e") for name in NAMES]
    expect(rows(page, ROWS)).to_have_count(1)
    assert page.locator(".rows-of .head").get_by_role("columnheader").all_inner_texts() == ["Row", *shown]
    expect_cells(rows(page, ROWS).first, "1", *(name.replace("\u202e", "\\u202e") + "!" for name in NAMES))
    rows(page, ROWS).first.click()
    panel = page.get_by_role("dialog")
    expect(panel.locator(".json")).to_contain_text('"__proto__": "__proto__!"')
    expect(panel.locator(".json")).not_to_contain_text("\u202e")
    assert page.title().startswith("Lookup tables")
    assert page.evaluate("document.querySelectorAll('main img, .view.lookup b, body script').length") == 0
    page.get_by_role("button", name="Copy CSV").click()
    expect(page.locator("#said")).to_have_text("Copied 1 row")
    found = list(csv.reader(io.StringIO(page.evaluate("navigator.clipboard.readText()"), newline="")))
    assert found == [list(NAMES), [f"{name}!" for name in NAMES]]
    assert opened.messages == []


@pytest.fixture(scope="module")
def large() -> Iterator[Emulator]:
    with Emulator(lookup_tables=["large"]) as server:
        replace(server, "large", to_csv(["id", "value"], *[[f"id-{at}", f"value {at}"] for at in range(1, COUNT + 1)]))
        yield server


def test_a_large_table_is_fetched_where_it_is_looked_at(large: Emulator, open_page: Open) -> None:
    opened = open_page(f"{large.url}/?view=lookup&table=large")
    page, grid = opened.page, opened.page.get_by_role("grid", name="Rows of the table")
    expect(page.locator("#rows-0:not([aria-busy])")).to_contain_text("id-1")
    expect(grid).to_have_attribute("aria-rowcount", str(COUNT + 1))
    shown = page.evaluate("performance.now()")
    page.wait_for_function("shown => performance.now() > shown + 500", arg=shown)  # rows that come now may be marked
    grid.press("End")
    expect(page.locator(f"#rows-{COUNT - 1}")).to_contain_text(f"id-{COUNT}")
    expect(page.locator(".row.fresh")).to_have_count(0)
    expect(page.locator(f"#rows-{COUNT - 1}")).to_be_in_viewport()
    grid.evaluate("grid => grid.scrollTop = grid.scrollHeight / 2")
    expect(page.locator(f"#rows-{COUNT // 2}")).to_contain_text(f"id-{COUNT // 2 + 1}")
    assert rows(page, ROWS).count() < 80
    fetched = [url for url in opened.requests if "/_emulator/lookup-tables/large" in url]
    assert 3 <= len(fetched) < 30
    assert all("limit=100&" in url or "limit=1&" in url for url in fetched)


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark"), ((320, 640), "light")])
def test_the_view_fits_the_screen_and_keeps_the_rules_of_axe(
    filled: Emulator, open_page: Open, size: tuple[int, int], scheme: str, request: pytest.FixtureRequest
) -> None:
    opened = open_page(filled.url, size, scheme)
    page = opened.page
    for name, query, seen in (
        ("tables", "", "#tables-2"),
        ("rows", "&table=songs", "#rows-0:not([aria-busy])"),
        ("wide", "&table=wide", "#rows-0:not([aria-busy])"),
        ("row", "&table=songs&open=row:7", "dialog .json"),
    ):
        page.goto(f"{filled.url}/?view=lookup{query}")
        expect(page.locator(seen)).not_to_be_empty()
        check_fits(page, name)
        assert violations(page) == [], name
        opened.picture(f"emulator-{request.node.callspec.id}-lookup-{name}")
