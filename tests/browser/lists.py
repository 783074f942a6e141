"""The lists of the emulator's page, and an id that would run script where it became markup."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

HOSTILE = "<img src=x onerror=\"document.title='run'\">\u202e"


LOADED = ".rows .row:not([aria-busy])"
"""The rows of a list that are in the document, without those whose data is still on its way."""


def rows(page: Page, label: str) -> Locator:
    """Return the rows of a list that are shown."""
    return page.get_by_role("grid", name=label).locator(LOADED)
