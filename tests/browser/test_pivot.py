"""Pivots: what stands in the rows, what goes across, and which figures; shown with bands, kept for the next visit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.grid_page import GridPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]


def test_figures_go_across_in_bands_with_totals_and_are_kept(open_grid: Callable[..., GridPage]) -> None:
    grid = open_grid(remembers=True)
    page = grid.page
    panel = page.get_by_role("dialog", name="Groups and pivot")
    bands, heads = page.locator(".gridkit-band"), page.locator(".gridkit-header-text")
    grid.button("Pivot").click()
    panel.get_by_label("Add to Across").select_option(label="State")
    expect(bands).to_have_text(["New", "Paid"])
    expect(page.locator(".is-group .is-numeric")).to_have_text(["60", "60"])
    panel.get_by_label("Add to Rows").select_option(label="Customer")
    panel.get_by_label("Add to Figures").select_option(label="Sum of Quantity")
    page.keyboard.press("Escape")
    expect(grid.button("Pivot")).to_be_focused()
    expect(grid.groups).to_have_text(["Ada", "Bob", "Cyd <b>"])
    expect(heads).to_have_text(["Customer", "Sum of Quantity", "Sum of Quantity", "Quantity"])
    expect(page.locator(".gridkit-body .is-numeric").nth(2)).to_have_text("161")
    expect(page.locator(".gridkit-totals .is-numeric")).to_have_text(["240", "237", "477"])
    expect(page.get_by_role("columnheader", name="Paid: Sum of Quantity")).to_be_visible()

    # The innermost groups stay closed; there is nothing to select, to edit or to delete.
    grid.cell(0, "").click()
    for key in ("Enter", "Space", "Delete", "F2"):
        page.keyboard.press(key)
    expect(page.locator(".gridkit-body .gridkit-row")).to_have_count(3)
    with page.expect_request(lambda request: request.method == "PUT" and request.url.endswith("state/")) as kept:
        grid.sort("quantity")
    assert kept.value.post_data_json["state"]["query"]["pivot"]["cols"] == [{"col": "state"}]
    expect(grid.groups).to_have_text(["Cyd <b>", "Bob", "Ada"])

    page.reload()
    expect(bands).to_have_text(["New", "Paid"])
    grid.button("Pivot").click()
    panel.get_by_role("button", name="End the pivot").click()
    expect(bands).to_have_count(0)
    expect(grid.groups).to_have_count(3)
