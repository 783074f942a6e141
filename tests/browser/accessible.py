"""axe-core's rules in an open page. The test hands the script to the browser: the page's policy forbids others."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  const text = (rule, node) => `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`;
  return found.violations.flatMap(rule => rule.nodes.map(node => text(rule, node)));
}"""


def violations(page: Page) -> list[str]:
    """Return the broken rules, each with the element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(RUN))
