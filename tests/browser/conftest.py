"""A server in this process with the grids of `tests.browser.shop`, and a signed-in page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, Route, sync_playwright
from pytest_django.live_server_helper import LiveServer

from gridkit_django.grids import grid_registry
from tests.browser.grid_page import GridPage
from tests.browser.shop import GRIDS, fill, make_people
from tests.browser.tabs import Window, opened_window, page
from tests.browser.turns import my_turn, opened, take_turns
from tests.servers.browser import FLAGS, chromium_path

__all__ = ["page"]


@pytest.fixture(scope="package", autouse=True)
def turns() -> Iterator[None]:
    """Let the server answer in turns, also what reaches it between two tests."""
    with pytest.MonkeyPatch.context() as patch:
        take_turns(patch)
        yield


@pytest.fixture(autouse=True)
def shop(transactional_db: None) -> Iterator[None]:
    """Register the grids and fill the shop for the length of a test."""
    for grid in GRIDS:
        grid_registry().register(grid)
    fill()
    make_people()
    with opened():
        yield
    for grid in GRIDS:
        grid_registry().unregister(grid.declaration().options.id)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium for all files of this folder, see `tests.servers.browser`; they are run one after the other."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as play:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with play.chromium.launch(executable_path=chromium_path(), args=list(FLAGS)) as chromium:
            yield chromium


@pytest.fixture(scope="package")
def window(browser: Browser, live_server: LiveServer) -> Iterator[Window]:
    """The window that the tests share."""
    with opened_window(browser, live_server.url) as window:
        yield window


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
    "require-trusted-types-for 'script'; trusted-types lit-html"
)


def _strict(route: Route) -> None:
    """Serve the page under the Content-Security-Policy that the reference promises to be enough."""
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": POLICY})


@pytest.fixture
def open_grid(page: Page, live_server: LiveServer) -> Iterator[Callable[..., GridPage]]:
    """Return a function that opens a grid in the page as a user; afterwards nothing may have broken the policy."""
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if "Policy" in message.text else None)
    page.route("**/gridkit/grids/*/", _strict)

    def opened(grid: str = "browser-orders", user: str = "boss", **more: bool) -> GridPage:
        client = Client()
        with my_turn():
            client.force_login(User.objects.get(username=user))
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        return GridPage(page, live_server.url, grid, **more)

    yield opened
    page.goto("about:blank")  # what the page still had to say goes out now, and not into the next test
    assert broken == []
