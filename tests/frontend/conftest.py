"""A tab of one window for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.tabs import Window, opened_window, page
from tests.servers.stack import Stack

__all__ = ["page"]


@pytest.fixture(scope="module")
def window(browser: Browser, stack: Stack) -> Iterator[Window]:
    """The window that the tests of a module share."""
    with opened_window(browser, stack.url()) as window:
        yield window
