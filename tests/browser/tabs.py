"""Tabs of one browser window, which share a process: a page in a window of its own takes twice the work.

A tab knows nothing of those before it: cookies, permissions and what pages have stored are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

VIEWPORT = {"width": 1280, "height": 800}
PATIENCE_MS = 30_000
"""How long an expectation may take to come true: Playwright's own five seconds are too few on a machine under load."""

expect.set_options(timeout=PATIENCE_MS)


class Window:
    """One window of a browser.

    Args:
        browser: the browser.
        address: of the server that its pages come from.
    """

    def __init__(self, browser: Browser, address: str) -> None:
        self._context: BrowserContext = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
        # It stays open, and with it the process that draws the pages of this server.
        self._first = self._context.new_page()
        self._first.route("**/kept-open", lambda route: route.fulfill(body="", content_type="text/html"))
        self._first.goto(f"{address}/kept-open")

    @contextmanager
    def tab(self) -> Iterator[Page]:
        """Have a fresh tab; the block fails when its page raised an error in its scripts."""
        page = self._context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        try:
            yield page
        finally:
            page.close()
            self._forget()
        assert faults == []

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def _forget(self) -> None:
        self._context.clear_cookies()
        self._context.clear_permissions()
        self._first.evaluate("localStorage.clear()")


@contextmanager
def opened_window(browser: Browser, address: str) -> Iterator[Window]:
    """Have a window, see there; it is closed with the block."""
    window = Window(browser, address)
    yield window
    window.close()


@pytest.fixture
def page(window: Window) -> Iterator[Page]:
    """A fresh tab of the window that the tests of a folder or file share, see their `conftest.py`."""
    with window.tab() as page:
        yield page
