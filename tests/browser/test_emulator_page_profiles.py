"""The emulator's page: the views of profiles, groups and merged ids."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect

from browser.accessible import check_fits, violations
from browser.chromium import DESKTOP, PHONE
from browser.conftest import Open
from browser.lists import HOSTILE, LOADED, rows
from browser.sending import SECRET
from mixpress.emulator import Emulator

pytestmark = pytest.mark.browser


def send(server: Emulator, path: str, *content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    request = urllib.request.Request(server.url + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        assert reply.read() == b"1"


def user(distinct_id: str, operation: str = "$set", **content: Any) -> dict[str, Any]:
    return {"$token": SECRET, "$distinct_id": distinct_id, operation: content}


def group(key: str, group_id: str, **content: Any) -> dict[str, Any]:
    return {"$token": SECRET, "$group_key": key, "$group_id": group_id, "$set": content}


def identify(server: Emulator, identified_id: str, anon_id: str) -> None:
    properties = {"token": SECRET, "$identified_id": identified_id, "$anon_id": anon_id}
    send(server, "/track", {"event": "$identify", "properties": properties})


@pytest.fixture
def filled(server: Emulator) -> Emulator:
    """An emulator with 40 users, of whom the first has two ids, and two groups."""
    send(server, "/engage", *[user(f"user-{number}", plan="pro", number=number) for number in range(40)])
    send(server, "/engage", user("user-0", "$add", number=7), user(HOSTILE, **{HOSTILE: HOSTILE}))
    identify(server, "user-0", "anon-0")
    send(server, "/groups", group("company", "acme", seats=5), group("team", "W" * 250, **{"W" * 250: "W" * 250}))
    return server


def test_a_profile_appears_and_changes_while_the_page_is_open(server: Emulator, open_page: Open) -> None:
    page = open_page(f"{server.url}/?view=profiles").page
    expect(page.get_by_text("No profile yet: POST /engage makes one.")).to_be_visible()
    send(server, "/engage", user("ada", plan="free"))
    expect(rows(page, "Profiles")).to_have_count(1)
    expect(rows(page, "Profiles").first).to_contain_text("ada")
    rows(page, "Profiles").first.click()
    panel = page.get_by_role("dialog")
    expect(panel.locator(".json")).to_contain_text('"plan": "free"')
    send(server, "/engage", user("ada", plan="pro"))
    expect(panel.locator(".json")).to_contain_text('"plan": "pro"')
    expect(rows(page, "Profiles").first).to_contain_text("plan pro")
    send(server, "/engage", {"$token": SECRET, "$distinct_id": "ada", "$delete": ""})
    expect(panel).to_contain_text("The emulator does not keep it any more.")
    expect(rows(page, "Profiles")).to_have_count(0)


def test_groups_and_merged_ids_appear_while_the_page_is_open(server: Emulator, open_page: Open) -> None:
    page = open_page(f"{server.url}/?view=groups").page
    expect(page.get_by_text("No group yet: POST /groups makes one.")).to_be_visible()
    for seats in (5, 6):
        send(server, "/groups", group("company", "acme", seats=seats))
        expect(rows(page, "Groups").first).to_contain_text(f"seats {seats}")
    page.get_by_role("link", name="Identities").click()
    expect(page.get_by_text("No ids were merged yet")).to_be_visible()
    for anon_id in ("anon-1", "anon-2"):
        identify(server, "ada", anon_id)
        expect(rows(page, "Identities").first).to_contain_text(anon_id)


def test_a_profile_shows_its_ids_properties_and_updates(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=profiles&search=ANON-0").page
    expect(rows(page, "Profiles")).to_have_count(1)
    rows(page, "Profiles").first.click()
    panel = page.get_by_role("dialog")
    expect(panel.locator(".facts")).to_contain_text(re.compile("distinct_iduser-0.*anon-0.*127.0.0.1", re.S))
    expect(panel.locator(".json")).to_contain_text('"number": 7')
    expect(panel.locator(".history li")).to_have_count(2)
    expect(panel.locator(".history li").first).to_contain_text('$add {"number":7}')
    assert SECRET not in page.content()
    panel.get_by_role("link", name="#1").click()
    expect(page.get_by_role("heading", name="Request #1")).to_be_visible()


def test_the_properties_are_copied_as_json(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=groups&search=acme").page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    rows(page, "Groups").first.click()
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == {"seats": 5}


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_query_counts_profiles(filled: Emulator, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page(f"{filled.url}/?view=sql", size).page
    tables = page.get_by_text("profiles(id, distinct_id,")
    if size == PHONE:
        expect(tables).to_be_hidden()  # they would leave no room for the query
        page.get_by_text("Tables", exact=True).click()
    expect(tables).to_be_visible()
    box = page.get_by_role("textbox").bounding_box()
    assert box is not None
    assert box["height"] > 80  # its five lines
    page.get_by_role("button", name="Profiles by plan").click()
    result = page.get_by_role("table", name="Result").get_by_role("row")
    expect(result).to_have_text(["planprofilesupdates", "pro4041", "NULL11"])


def test_a_long_id_has_the_whole_width_of_the_details(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=groups&open=group:43").page
    facts = page.locator(".facts")
    expect(facts).to_be_visible()
    widths = facts.evaluate("list => [list, ...list.children].map(each => each.getBoundingClientRect().width)")
    assert widths[2] == widths[0] > widths[1]


def test_search_is_in_the_address(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=profiles").page
    expect(page.get_by_role("heading", name="Profiles 41")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("user-1")
    expect(rows(page, "Profiles")).to_have_count(11)
    expect(page).to_have_url(re.compile(r"\?view=profiles&search=user-1$"))
    page.get_by_role("searchbox", name="Find").fill("nobody")
    expect(page.get_by_text("No id matches.")).to_be_visible()


def test_merged_ids_lead_to_their_profile(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=identities").page
    expect(rows(page, "Identities")).to_have_count(1)
    expect(rows(page, "Identities").first).to_contain_text("user-0, anon-0")
    page.get_by_role("grid", name="Identities").focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", name="Merged ids No. 1")).to_be_visible()
    panel.get_by_role("link", name="Show the profile").click()
    expect(page).to_have_title(re.compile("^Profiles"))
    expect(rows(page, "Profiles")).to_have_count(1)


def test_the_keyboard_is_enough(filled: Emulator, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?view=groups").page
    grid, panel = page.get_by_role("grid", name="Groups"), page.get_by_role("dialog")
    expect(rows(page, "Groups")).to_have_count(2)
    grid.focus()
    grid.press("ArrowDown")
    grid.press("Enter")
    expect(panel.locator(".json")).to_contain_text('"seats": 5')
    grid.press("Home")
    expect(panel.locator(".json")).to_contain_text('"WWWW')
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Groups"


def test_a_refused_update_is_listed_without_its_token(server: Emulator, open_page: Open) -> None:
    server.fail_next("400:1")
    send(server, "/engage", user("ada", plan="pro"), user("eve", plan="free"))
    page = open_page(server.url).page
    refused = rows(page, "Refused events")
    expect(refused).to_have_count(1)
    expect(refused.first).to_contain_text("$set eve")
    assert SECRET not in page.content()
    expect(page.locator(".figures")).to_contain_text("1 refused")


def test_hostile_profiles_are_only_text(filled: Emulator, open_page: Open) -> None:
    identify(filled, HOSTILE, HOSTILE * 2)
    send(filled, "/groups", group(HOSTILE, HOSTILE, **{HOSTILE: [HOSTILE]}))
    opened = open_page(f"{filled.url}/?view=profiles&search=onerror")
    page = opened.page
    for view, label in (("profiles", "Profiles"), ("groups", "Groups"), ("identities", "Identities")):
        page.goto(f"{filled.url}/?view={view}&search=onerror")
        rows(page, label).first.click()
        panel = page.get_by_role("dialog")
        expect(panel).to_contain_text("<img src=x onerror=")
        expect(panel.locator(".json")).not_to_contain_text("\u202e")
        assert page.evaluate("document.querySelectorAll('main img').length") == 0
        assert page.title().startswith(label)
    assert opened.messages == []


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark"), ((320, 640), "light")])
def test_each_view_fits_the_screen_and_keeps_the_rules_of_axe(
    filled: Emulator, open_page: Open, size: tuple[int, int], scheme: str, request: pytest.FixtureRequest
) -> None:
    opened = open_page(filled.url, size, scheme)
    page = opened.page
    for name, query in (
        ("profiles", "view=profiles"),
        ("profile", "view=profiles&open=profile:1"),
        ("groups", "view=groups"),
        ("group", "view=groups&open=group:43"),
        ("identities", "view=identities&open=merged:1"),
    ):
        page.goto(f"{filled.url}/?{query}")
        expect(
            page.locator("dialog .json" if "open=" in query else f".view:not([hidden]) {LOADED}").first
        ).to_be_visible()
        if name in {"profile", "group"}:
            expect(page.locator(".history li").first).to_be_visible()
        check_fits(page, name)
        assert violations(page) == [], name
        opened.picture(f"emulator-{request.node.callspec.id}-{name}")
