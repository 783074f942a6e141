"""Whether an open page fits the screen, and axe-core's rules in it.

The test hands axe's script to the browser: the page's policy forbids others.
"""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  const text = (rule, node) => `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`;
  return found.violations.flatMap(rule => rule.nodes.map(node => text(rule, node)));
}"""


WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"
ROWS_THAT_OVERFLOW = """[...document.querySelectorAll('.rows .row')]
    .filter(row => row.scrollHeight > row.clientHeight).length"""


def check_fits(page: Page, name: str) -> None:
    """Require that the page is no wider than the screen, and that the rows of its lists have room for their text."""
    wide, shown = page.evaluate(WIDTHS)
    assert wide <= shown, name
    assert page.evaluate(ROWS_THAT_OVERFLOW) == 0, name


def violations(page: Page) -> list[str]:
    """Return the broken rules, each with the element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(RUN))
