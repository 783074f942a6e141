"""The lists of the emulator's page, and an id that would run script where it became markup."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

HOSTILE = "<img src=x onerror=\"document.title='run'\">\u202e"


def rows(page: Page, label: str) -> Locator:
    """Return the rows of a list that are in the document."""
    return page.get_by_role("grid", name=label).locator(".rows .row")
