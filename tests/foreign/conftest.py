"""A tab of one window for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.browser.tabs import Window


@pytest.fixture(scope="module")
def window(browser: Browser, live_server: LiveServer) -> Iterator[Window]:
    """The window that the tests of a module share."""
    made = Window(browser, live_server.url)
    yield made
    made.close()


@pytest.fixture
def page(window: Window) -> Iterator[Page]:
    """A fresh tab."""
    with window.tab() as page:
        yield page
