"""One Chromium for the tests of a module, an emulator for each test, and its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser.chromium import DESKTOP, Opened, find_chromium
from mixpress.emulator import Emulator

Open = Callable[..., Opened]

expect.set_options(timeout=15_000)  # CI's machine is busy


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root, as in most containers. It opens pages of these tests only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[Emulator]:
    with Emulator() as server:
        yield server


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a URL of an emulator; at the end, no page has left its origin or complained in the console."""
    opened: list[tuple[str, Opened]] = []
    with ExitStack() as stack:

        def open_url(url: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Opened:
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
                permissions=["clipboard-read", "clipboard-write"],
            )
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            one = Opened(context.new_page())
            opened.append(("/".join(url.split("/")[:3]), one))
            one.page.goto(url)
            return one

        yield open_url
        for origin, one in opened:
            assert [url for url in one.requests if not url.startswith((f"{origin}/", "blob:"))] == []
            assert one.messages == []
