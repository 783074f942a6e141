"""The page of a report in a browser: on a phone and a desktop, light and dark.

They need Chromium. Without it they fail, and say how to install it; `-m 'not browser'` leaves them out, as `make test`
does where there is none, and says so. Set SCREENSHOTS to a folder to get the pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser.chromium import VIEWS, Opened
from mixpress.report.page.html import render
from report.page.pages import hostile_page

pytestmark = pytest.mark.browser


@pytest.fixture(params=VIEWS)
def opened(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    (width, height), scheme = request.param
    path = tmp_path / "report.html"
    path.write_text(render(hostile_page()), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    opened = Opened(context.new_page())
    opened.page.goto(path.as_uri())
    opened.picture(request.node.callspec.id.replace(" ", "-"), full_page=True)
    yield opened
    context.close()


def test_nothing_is_loaded_and_no_hostile_text_runs(opened: Opened) -> None:
    assert [url.rpartition("/")[2] for url in opened.requests] == ["report.html"]
    assert opened.messages == []
    assert opened.page.title() == "Import"


def test_the_page_is_not_wider_than_the_screen(opened: Opened) -> None:
    for details in opened.page.locator("summary").all():
        details.click()
    wide, shown = opened.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= shown


def test_each_text_can_be_read(opened: Opened) -> None:
    """Large enough, and with a contrast of 4.5 to what is behind it, as WCAG's level AA wants."""
    found = opened.page.evaluate(TEXTS)
    assert len(found) > 100
    small = [one for one in found if one["size"] < 10]
    pale = [one for one in found if one["contrast"] < 4.5]
    assert (small, pale) == ([], [])


def test_no_texts_of_a_chart_overlap_and_none_leaves_it(opened: Opened) -> None:
    charts = opened.page.evaluate(BOXES)
    assert len(charts) == 5
    for chart in charts:
        boxes = chart["texts"]
        assert [one for one in boxes if one["left"] < chart["left"] - 1 or one["right"] > chart["right"] + 1] == []
        for number, one in enumerate(boxes):
            assert [other["text"] for other in boxes[number + 1 :] if overlap(one, other)] == []


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return across > 1 and down > 2


def test_charts_and_tables_have_names_for_a_screen_reader(opened: Opened) -> None:
    page = opened.page
    for name in (
        "Events a day",
        "Events a second",
        "Failures by reason",
        "Bytes before and after gzip",
        "Sizes of events",
    ):
        assert page.get_by_role("img", name=name).count() == 1
    assert page.get_by_role("region", name="Failed events").get_by_role("row").count() > 10
    assert page.get_by_role("columnheader", name="Message").count() >= 1
    page.get_by_text("Figures as a table").first.click()
    assert page.get_by_role("table").first.is_visible()


def test_dark_is_dark_and_light_is_light(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(hostile_page()), encoding="utf-8")
    found = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(path.as_uri())
        found[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        context.close()
    assert found == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 21, 27)"}


_SHARED = """
const rgb = color => color.match(/[\\d.]+/g).map(Number);
const light = color => {
  const [r, g, b] = rgb(color).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = node => {
  for (let at = node; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (rgb(color).length < 4 || rgb(color)[3] > 0) return color;
  }
  return 'rgb(255, 255, 255)';
};
"""
TEXTS = (
    "() => {"
    + _SHARED
    + """
  const found = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    const box = node.getBoundingClientRect();
    if (!own || !box.width || ['title', 'desc'].includes(node.tagName)) continue;
    const style = getComputedStyle(node), svg = node.ownerSVGElement;
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const [one, two] = [light(svg ? style.fill : style.color), light(behind(node))].sort((a, b) => b - a);
    found.push({text: node.textContent.slice(0, 40), size: parseFloat(style.fontSize) * scale,
                contrast: (one + 0.05) / (two + 0.05)});
  }
  return found;
}"""
)
BOXES = """() => [...document.querySelectorAll('svg')].map(svg => {
  const {left, right} = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(text => {
    const box = text.getBoundingClientRect();
    return {text: text.textContent, left: box.left, right: box.right, top: box.top, bottom: box.bottom};
  });
  return {left, right, texts};
})"""
