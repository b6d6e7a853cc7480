"""A tab of one window for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.tabs import Window
from tests.servers.stack import Stack


@pytest.fixture(scope="module")
def window(browser: Browser, stack: Stack) -> Iterator[Window]:
    """The window that the tests of a module share."""
    made = Window(browser, stack.url())
    yield made
    made.close()


@pytest.fixture
def page(window: Window) -> Iterator[Page]:
    """A fresh tab."""
    with window.tab() as page:
        yield page
