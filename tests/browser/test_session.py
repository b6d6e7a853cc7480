"""The session ends while a person works, and begins anew in another tab: nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.browser.grid_page import GridPage
from tests.browser.turns import my_turn
from tests.shop.models import Order

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

OpenGrid = Callable[..., GridPage]


def _sign_out(grid: GridPage) -> None:
    grid.page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)


def _sign_in_by(grid: GridPage, name: str) -> None:
    """Follow the link of that name, which opens another tab, and sign in there."""
    with grid.page.context.expect_page() as opened:
        grid.page.get_by_role("link", name=name).click()
    tab = opened.value
    tab.get_by_label("Username").fill("boss")
    tab.get_by_label("Password").fill("secret")
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_role("heading", name="Orders")).to_be_visible()
    tab.close()


def test_edit_is_saved_after_a_new_sign_in_when_the_session_ended_meanwhile(open_grid: OpenGrid) -> None:
    grid = open_grid()
    page, note = grid.page, grid.page.locator(".gridkit-note")
    grid.cell(0, "note").dblclick()
    page.locator(".gridkit-editor").fill("long thought")
    _sign_out(grid)
    page.keyboard.press("Enter")
    expect(note).to_contain_text("You are signed out")

    _sign_in_by(grid, "Sign in")
    note.get_by_role("button", name="Try again").click()
    expect(grid.cell(0, "note")).to_have_text("long thought")
    with my_turn():
        assert Order.objects.filter(note="long thought").exists()


def test_rows_come_again_by_themselves_after_a_new_sign_in(open_grid: OpenGrid) -> None:
    grid = open_grid()
    alert = grid.page.locator(".gridkit-alert")
    _sign_out(grid)
    grid.sort("quantity")
    expect(alert).to_contain_text("You are signed out")

    _sign_in_by(grid, "Sign in")
    grid.page.evaluate("window.dispatchEvent(new Event('focus'))")  # Playwright lets every tab believe it has the focus
    expect(alert).to_have_count(0)
    expect(grid.cell(0, "quantity")).to_have_text("1")
