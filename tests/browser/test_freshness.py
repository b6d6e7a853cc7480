"""Others change rows while a person looks at them: what is on show follows, and nothing moves under the hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.grid_page import GridPage
from tests.browser.shop import ORDERS
from tests.browser.turns import my_turn
from tests.shop.models import Order

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

OpenGrid = Callable[..., GridPage]


def test_refresh_shows_what_others_changed_and_keeps_the_place(open_grid: OpenGrid) -> None:
    grid = open_grid()
    refresh = grid.button("Refresh")
    status = grid.page.locator('.gridkit-hidden[role="status"]')
    with my_turn():
        first = Order.objects.order_by("placed").first()
        assert first is not None
        Order.objects.filter(pk=first.pk).update(note="theirs")
    refresh.click()
    expect(grid.cell(0, "note")).to_have_text("theirs")
    expect(grid.page.locator(".is-fresh")).to_have_count(1)
    expect(status).to_have_text("The rows have changed.")
    refresh.click()
    expect(status).to_have_text("The rows are up to date.")

    # A row that comes before the focused one moves it down, and the focus stays with it.
    grid.cell(1, "note").click()
    with my_turn():
        Order.objects.create(
            customer=first.customer, product=first.product, quantity=9, placed=first.placed - timedelta(days=1)
        )
    refresh.click()
    expect(grid.cell(0, "quantity")).to_have_text("9")
    expect(grid.count).to_have_text(f"{ORDERS + 1} rows")
    expect(grid.page.locator('.gridkit-body [tabindex="0"]')).to_have_attribute("data-row", "2")


def test_rows_are_asked_for_again_when_somebody_comes_back_but_not_under_an_open_editor(open_grid: OpenGrid) -> None:
    grid = open_grid()
    asked = len(grid.bodies("rows/"))
    grid.cell(0, "note").dblclick()
    come_back = "performance.now = () => 1e6 + Date.now(); window.dispatchEvent(new Event('focus'))"
    grid.page.evaluate(come_back)
    grid.page.keyboard.press("Escape")
    assert len(grid.bodies("rows/")) == asked

    with my_turn():
        Order.objects.update(note="theirs")
    grid.page.evaluate(come_back)
    expect(grid.cell(0, "note")).to_have_text("theirs")
