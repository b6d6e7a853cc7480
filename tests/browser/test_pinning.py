"""Columns that stay in sight: pinned by the keyboard, kept for the next visit, let go in a narrow window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.grid_page import GridPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]


def _left(cell: Locator) -> float:
    return cell.evaluate("cell => Math.round(cell.getBoundingClientRect().left)")


def test_columns_are_pinned_by_keyboard_stay_in_sight_and_are_kept(open_grid: Callable[..., GridPage]) -> None:
    grid = open_grid(remembers=True)
    page = grid.page
    page.set_viewport_size({"width": 760, "height": 600})
    grid.cell(0, "state").click()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+F10")
    page.get_by_role("menuitemradio", name="Pin to the left").focus()
    with page.expect_request(lambda request: request.method == "PUT" and request.url.endswith("state/")) as kept:
        page.keyboard.press("Enter")
    assert {"col": "state", "pin": "left"} in kept.value.post_data_json["state"]["layout"]["columns"]
    expect(grid.header("state")).to_be_focused()
    expect(grid.header("state")).to_have_attribute("aria-colindex", "2")
    grid.column_menu("quantity", "Pin to the right")

    # The others scroll below them; the focus is never behind one.
    edges = _left(grid.header("state")), _left(grid.header("quantity"))
    grid.cell(1, "state").click()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(grid.cell(1, "placed")).to_be_focused()
    assert page.locator(".gridkit-viewport").evaluate("view => view.scrollLeft") > 0
    assert (_left(grid.cell(1, "state")), _left(grid.cell(1, "quantity"))) == edges
    box = grid.cell(1, "placed").bounding_box()
    assert box is not None
    assert box["x"] >= edges[0]
    assert box["x"] + box["width"] <= edges[1] + 1

    page.reload()
    grid.settle()
    expect(grid.header("state")).to_have_class("gridkit-header is-pinned is-start is-edge")
    page.set_viewport_size({"width": 320, "height": 600})
    expect(page.locator(".is-pinned")).to_have_count(0)
