"""A plugin of a marketplace, installed by clicking: browse, read the plan, consent, and watch the worker's log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from gridkit_django.admin import marketplace_detail
from gridkit_django.marketplace.client import recipes, refresh_catalogue
from gridkit_django.models import MarketAdvisory, PluginRemains
from gridkit_django.plugins import PluginManager, plugin_manager, run_operation
from tests.browser.turns import my_turn
from tests.marketplace.client.market import open_market
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.trust.markets import Market as Signed

BROWSE = "/admin/gridkit_django/installedplugin/marketplace/"
PASSWORD = "root-of-all"
PICTURES = [{"url": "pictures/a.png", "caption": "Rows in colours"}, {"url": "pictures/b.png"}]


@pytest.fixture
def queued(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What was handed to Celery, on a site that knows a marketplace with one plugin."""
    signed = Signed()
    signed.hold_ceremony()
    with open_market() as market:
        acme = Acme(market, tmp_path, signed)
        acme.publish()
        market.put({**market.listings[PLUGIN][1], "screenshots": PICTURES})
        settings.GRIDKIT = {
            "HOT_RELOAD": False,
            "STATE_DIR": str(tmp_path),
            "MARKETPLACES": {"main": {"url": market.url, "root": str(acme.root), "timeout": 30.0}},
            "MARKETPLACE_TRUSTED": ["@acme"],
        }
        found: list[Any] = []
        monkeypatch.setattr(marketplace_detail, "enqueue_operation", found.append)
        monkeypatch.setattr(recipes, "probe", lambda files: None)
        with my_turn():
            refresh_catalogue()
        yield found


@pytest.fixture
def manager() -> Iterator[PluginManager]:
    found = plugin_manager()
    found.stop_all()
    yield found
    with my_turn():
        found.stop_all()


@pytest.fixture
def admin_page(page: Page, live_server: LiveServer) -> Iterator[Page]:
    """The browser's page, signed in as an administrator with a password."""
    client = Client()
    with my_turn():
        client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    cookie = client.cookies[site_settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": site_settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    page.set_default_timeout(30_000)
    yield page
    page.goto("about:blank")


COVERED = """() => {
    const boxes = [...document.querySelectorAll(".gridkit-browse :is(label, input, select)")]
        .filter((item) => !item.querySelector("input"))
        .map((item) => [item.id || item.htmlFor || item.type, item.getBoundingClientRect()]);
    return boxes.flatMap(([name, one], at) => boxes.slice(at + 1)
        .filter(([, other]) => one.right > other.left + 1 && other.right > one.left + 1
            && one.bottom > other.top + 1 && other.bottom > one.top + 1)
        .map(([other]) => `${name} and ${other}`));
}"""


def test_plugin_is_found_though_mistyped_and_installed_by_clicking(
    admin_page: Page, live_server: LiveServer, queued: list[Any], manager: PluginManager
) -> None:
    page = admin_page
    page.goto(f"{live_server.url}{BROWSE}")
    assert page.evaluate(COVERED) == []
    page.get_by_label("Search", exact=True).fill("coluors")
    page.keyboard.press("Enter")
    expect(page.locator("#content-main")).to_contain_text("No plugin has “coluors”. Shown are those with colours.")
    page.locator(".gridkit-cards a").first.click()
    expect(page.locator("#content-main")).to_contain_text("runs inside the site's own processes")

    page.get_by_role("button", name="Install").click()
    expect(page.locator(".errornote")).to_have_text("Please correct the errors below.")
    page.locator(".gridkit-faults").get_by_role("link", name="Your password").click()
    expect(page.locator(":target")).to_be_in_viewport()
    page.get_by_label("Your password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/pluginoperation/.+/change/"))
    expect(page.locator(".gridkit-log")).to_contain_text("Waiting for a Celery worker.")
    page.get_by_role("button", name="Stop").focus()
    with my_turn():
        run_operation(queued[0])
    expect(page.locator(".gridkit-log")).to_contain_text("passed the gate", timeout=30_000)  # by itself, no reload
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert manager.get_plugin(PLUGIN).effective_state == "active"


def test_pictures_are_opened_turned_over_and_closed_by_keyboard(
    admin_page: Page, live_server: LiveServer, queued: list[Any]
) -> None:
    page = admin_page
    page.goto(f"{live_server.url}{BROWSE}plugin/?id={PLUGIN}")
    first = page.get_by_role("link", name="Screenshot 1 of 2 Rows in colours")
    second = page.get_by_role("link", name="Screenshot 2 of 2")
    first.focus()
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog", name="Screenshot 1 of 2: Rows in colours")
    expect(viewer).to_be_visible()
    expect(viewer.get_by_role("img")).to_have_attribute("src", re.compile("pictures/a.png$"))

    page.keyboard.press("ArrowRight")

    expect(page.get_by_role("dialog", name="Screenshot 2 of 2")).to_be_visible()
    expect(page.locator("dialog img")).to_have_attribute("src", re.compile("pictures/b.png$"))
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    expect(second).to_be_focused()


SIDEWAYS = """() => [document.documentElement, ...document.querySelectorAll("#content *")]
    .filter((item) => item.scrollWidth > item.clientWidth + 1 && getComputedStyle(item).overflowX !== "visible")
    .map((item) => item.className || item.tagName)"""


def test_lists_are_read_on_a_narrow_screen_without_scrolling_sideways(
    admin_page: Page, live_server: LiveServer
) -> None:
    page = admin_page
    page.set_viewport_size({"width": 360, "height": 800})
    plugin = f"@{'a-publisher-with-a-long-name' * 2}/{'colours-' * 8}all"
    with my_turn():
        facts = {"versions": ">=1.0,<1.4.2,!=1.3.9", "action": "disable", "reason": "It sends rows elsewhere."}
        MarketAdvisory.objects.create(name="GKA-2026-1", plugin_id=plugin, **facts)
        PluginRemains.objects.create(plugin_id=plugin, version="1.0.0rc1", configs=[{"grid": "orders", "values": {}}])
    for model, label in (("marketadvisory", "Sites should"), ("pluginremains", "Keys in storage")):
        page.goto(f"{live_server.url}/admin/gridkit_django/{model}/")
        cell = page.locator(f"#result_list [data-label='{label}']")
        expect(cell).to_be_in_viewport()
        assert page.evaluate(SIDEWAYS) == [], model
        assert page.evaluate("e => getComputedStyle(e, '::before').content", cell.element_handle()) == f'"{label}"'
