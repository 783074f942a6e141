"""Finds Chromium, and watches a page that is open in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE, DESKTOP = (360, 740), (1280, 900)
VIEWS = [
    pytest.param((size, scheme), id=f"{name} {scheme}")
    for name, size in (("phone", PHONE), ("desktop", DESKTOP))
    for scheme in ("light", "dark")
]


def find_chromium() -> str:
    """Return the path of a browser. Fails the test, with the remedy, if there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(
            "no Chromium on PATH: `apt-get install chromium`, or name one with CHROMIUM=/path, "
            "or leave these tests out with -m 'not browser'"
        )
    return found


class Opened:
    """A page in the browser, and what it asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.messages: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))

    def picture(self, name: str, *, full_page: bool = False) -> None:
        """Save a picture, if SCREENSHOTS names a folder."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=Path(folder, f"{name}.png"), full_page=full_page)
