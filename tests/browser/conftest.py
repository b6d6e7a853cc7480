"""A server in this process with the grids of `tests.browser.shop`, and a signed-in page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from gridkit_django.grids import grid_registry
from tests.browser.grid_page import GridPage
from tests.browser.shop import GRIDS, fill, make_people


@pytest.fixture(autouse=True)
def shop(transactional_db: None) -> Iterator[None]:
    """Register the grids and fill the shop for the length of a test."""
    for grid in GRIDS:
        grid_registry().register(grid)
    fill()
    make_people()
    yield
    for grid in GRIDS:
        grid_registry().unregister(grid.declaration().options.id)


@pytest.fixture
def open_grid(page: Page, live_server: LiveServer) -> Callable[..., GridPage]:
    """Return a function that opens a grid in the page as a user."""

    def opened(grid: str = "browser-orders", user: str = "boss", **more: bool) -> GridPage:
        client = Client()
        client.force_login(User.objects.get(username=user))
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        return GridPage(page, live_server.url, grid, **more)

    return opened
