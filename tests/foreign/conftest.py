"""A tab of one window for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browser.tabs import Window, opened_window, page

__all__ = ["page"]


@pytest.fixture(scope="module")
def window(browser: Browser, live_server: LiveServer) -> Iterator[Window]:
    """The window that the tests of a module share."""
    with opened_window(browser, live_server.url) as window:
        yield window
