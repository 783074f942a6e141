"""No event becomes script, markup or a request on the emulator's page, and no text looks like another one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from browser.conftest import Open
from browser.lists import LOADED
from browser.sending import event, send
from mixpress.emulator import Emulator

pytestmark = pytest.mark.browser

TEXTS = (
    "<img src=x onerror=document.title='run'>",
    "</script><script>document.title='run'</script>",
    "<style>*{display:none}</style>",
    "javascript:document.title='run'",
    "{{constructor.constructor('document.title=1')()}}",
    "' onmouseover='document.title=1",
    "https://example.com/<link rel=preload href=//example.com>",
    "safe\u202eexe.gpj\u2066\u0000\u200b",
    "🧨" * 120,
    "W" * 250,
    "__proto__",
    "constructor",
    "",
    " ",
)


def hostile(number: int, text: str) -> dict[str, Any]:
    properties = {text or "empty": text, "list": [text, {text or "empty": [text]}], "toString": text, "__proto__": text}
    return event(text or "empty", f"someone {text}", **properties, **{"$insert_id": f"hostile-{number}"})


@pytest.fixture
def attacked(server: Emulator) -> Emulator:
    events = [hostile(number, text) for number, text in enumerate(TEXTS)]
    send(server, *events)
    refused = [{**one, "properties": {**one["properties"], "time": one["event"]}} for one in events]
    send(server, *refused)
    assert server.count() >= 10
    assert len(server.refused()) >= 10
    return server


def test_hostile_events_are_only_text(attacked: Emulator, open_page: Open) -> None:
    opened = open_page(attacked.url)
    page = opened.page
    valid = page.get_by_role("grid", name="Valid events")
    expect(valid.locator(LOADED).first).not_to_be_empty()
    expect(valid).to_contain_text(TEXTS[0])
    expect(valid).to_contain_text("safe\\u202eexe.gpj\\u2066\\u0000\\u200b")  # visible, and not turned around
    panel = page.get_by_role("dialog")
    for name, title, count in [
        ("Valid events", "Event No.", attacked.count()),
        ("Refused events", "Refused event No.", len(attacked.refused())),
    ]:
        grid = page.get_by_role("grid", name=name)
        grid.focus()
        grid.press("Home")
        grid.press("Enter")
        for number in range(count, 0, -1):
            expect(panel.get_by_role("heading", name=f"{title} {number}", exact=True)).to_be_visible()
            expect(panel.locator(".json")).not_to_contain_text("\u202e")
            grid.press("ArrowDown")
    assert page.title() == "Events · mixpress emulator"
    assert page.evaluate("document.querySelectorAll('body script, style, main img, link[rel=preload]').length") == 0
    assert opened.messages == []  # nor does the policy have anything to complain about


def test_hostile_values_are_columns_filters_and_results_of_queries(attacked: Emulator, open_page: Open) -> None:
    opened = open_page(attacked.url)
    page = opened.page
    page.evaluate(
        "names => location.search = new URLSearchParams([...names.map(name => ['column', `properties.${name}`]),"
        " ...names.slice(0, 2).map(name => ['property', name]), ['search', names[0]], ['open', 'javascript:1']])",
        [text for text in TEXTS if text.strip()],
    )
    expect(page.get_by_role("list", name="Filters in effect")).to_contain_text("onerror")
    page.get_by_role("button", name="Columns", exact=True).click()
    expect(page.get_by_role("group", name="Columns shown")).to_contain_text("</script>")
    page.goto(f"{attacked.url}/?view=sql")
    page.get_by_role("textbox", name="SQL").fill(
        "SELECT event AS '<img src=x onerror=alert(1)>', properties FROM events"
    )
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("table", name="Result")).to_contain_text("onerror=alert(1)")
    assert re.match("SQL", page.title())


def test_scripts_are_refused_by_the_policy_if_one_got_in(server: Emulator, open_page: Open) -> None:
    opened = open_page(server.url)
    refused = opened.page.evaluate(
        """() => {
          const script = document.createElement('script');
          try { script.textContent = "document.title = 'run'"; } catch { return 'no text becomes a script'; }
          document.body.append(script);
          return document.title;
        }"""
    )
    assert refused == "no text becomes a script"
    assert opened.messages != []
    opened.messages.clear()
