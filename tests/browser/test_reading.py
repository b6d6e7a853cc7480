"""Filtering by the values that occur, groups with figures, totals: what a person sees and does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.grid_page import GridPage
from tests.browser.shop import ORDERS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

OpenGrid = Callable[..., GridPage]


def test_filter_by_values_counts_them_finds_them_and_takes_the_rows_without_one(open_grid: OpenGrid) -> None:
    grid = open_grid()
    grid.button("Filter", exact=True).click()
    panel = grid.page.get_by_role("dialog", name="Filter by")
    panel.get_by_role("button", name="Country").click()
    expect(panel.locator(".gridkit-choice:has(.gridkit-share i)")).to_have_text(
        [re.compile(r"\(no value\)\s+40"), re.compile(r"A\s+40"), re.compile(r"B\s+40")]
    )
    panel.get_by_role("searchbox").fill("b")
    expect(panel.locator(".gridkit-choice")).to_have_count(1)
    panel.get_by_role("checkbox").check()
    expect(panel.locator(".gridkit-picked")).to_contain_text("1 chosen")
    panel.get_by_role("button", name="Apply").click()
    expect(grid.count).to_have_text("40 rows")
    expect(grid.page.locator(".gridkit-chip")).to_have_text(["Country is one of B"])
    assert grid.bodies("rows/")[-1]["filter"] == {"and": [{"col": "country", "op": "in", "value": ["B"]}]}

    # The other filters narrow the counts, the column's own does not.
    grid.column_menu("state", "Filter")
    panel = grid.page.get_by_role("dialog", name="Filter by State")
    expect(panel.locator(".gridkit-choice")).to_have_text([re.compile(r"New\s+20"), re.compile(r"Paid\s+20")])
    grid.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(grid.header("state")).to_be_focused()

    # Values that are rows of another grid go by their names.
    grid.column_menu("customer", "Filter")
    panel = grid.page.get_by_role("dialog", name="Filter by Customer")
    panel.get_by_role("button", name="Values").click()
    expect(panel.locator(".gridkit-choice")).to_have_text(
        [re.compile("Ada"), re.compile(r"Bob\s+40"), re.compile("Cyd")]
    )
    panel.get_by_role("searchbox").fill("bo")
    expect(panel.locator(".gridkit-choice")).to_have_count(1)
    panel.get_by_role("checkbox").check()
    panel.get_by_role("button", name="Apply").click()
    expect(grid.page.locator(".gridkit-chip").last).to_have_text("Customer is one of Bob")
    expect(grid.count).to_have_text("40 rows")
    grid.button("Remove filter on Customer").click()

    # A span relative to today, and all of it taken back at once.
    grid.column_menu("placed", "Filter")
    panel = grid.page.get_by_role("dialog", name="Filter by Placed")
    panel.get_by_role("combobox", name="Condition").select_option("relative")
    panel.get_by_role("combobox", name="Value").select_option(label="Last 7 days")
    panel.get_by_role("button", name="Apply").click()
    expect(grid.page.locator(".gridkit-empty")).to_contain_text("No row matches")
    expect(grid.page.locator(".gridkit-chip")).to_contain_text(["Country is one of B", "Placed is in Last 7 days"])
    grid.button("Clear all").click()
    expect(grid.count).to_have_text(f"{ORDERS} rows")


def test_cells_that_a_style_is_for_have_its_tone(open_grid: OpenGrid) -> None:
    grid = open_grid()

    expect(grid.page.locator(".gridkit-cell.tone-good").first).to_have_text("B")


def test_filters_of_a_filter_set_stand_beside_the_conditions_of_their_columns(open_grid: OpenGrid) -> None:
    grid = open_grid("browser-customers")
    chips = grid.page.locator(".gridkit-chip")
    grid.column_menu("name", "Filter")
    panel = grid.page.get_by_role("dialog", name="Filter by Name")
    panel.get_by_role("button", name="Condition").click()
    panel.get_by_role("combobox", name="Condition").select_option(label="Lands")
    panel.get_by_role("button", name="Apply").click()
    expect(panel.get_by_role("alert")).to_have_text("Choose at least one value.")
    panel.get_by_role("checkbox", name="Bland").check()
    panel.get_by_role("button", name="Apply").click()
    expect(chips).to_have_text(["Name, Lands: Bland"])
    expect(grid.count).to_have_text("1 row")
    leaf = {"col": "name", "op": "filter", "name": "lands", "value": ["B"]}
    assert grid.bodies("rows/")[-1]["filter"] == {"and": [leaf]}

    chips.get_by_role("button", name="Name, Lands: Bland").click()
    expect(panel.get_by_role("checkbox", name="Bland")).to_be_checked()
    panel.get_by_role("button", name="Remove filter").click()
    expect(grid.count).to_have_text("3 rows")
    grid.column_menu("since", "Filter")
    panel = grid.page.get_by_role("dialog", name="Filter by Since")
    panel.get_by_role("button", name="Condition").click()
    panel.get_by_role("combobox", name="Condition").select_option(label="Between two days")
    panel.get_by_label("after").fill("2024-01-01")
    grid.page.keyboard.press("Enter")
    expect(chips).to_have_text(["Since, Between two days: after 2024-01-01"])
    expect(grid.page.locator(".gridkit-empty")).to_be_visible()


def test_groups_open_lazily_with_figures_and_totals_by_mouse_and_keyboard(open_grid: OpenGrid) -> None:
    grid = open_grid()
    grid.column_menu("buyer", "Group by this column")
    expect(grid.groups).to_have_text(["Ada", "Bob", "Cyd <b>"])
    expect(grid.count).to_have_text(f"3 groups · {ORDERS} rows")
    expect(grid.header("buyer")).to_have_count(0)
    assert [body["path"] for body in grid.bodies("rows/") if "path" in body] == []

    grid.column_menu("quantity", "Sum")
    sums = grid.page.locator(".is-group .is-numeric .gridkit-text")
    expect(sums).to_have_text(["161", "159", "157"])
    expect(grid.page.locator(".gridkit-figure-bar")).to_have_count(3)
    expect(grid.page.locator(".gridkit-totals")).to_contain_text("477")
    grid.sort("quantity")
    expect(sums).to_have_text(["157", "159", "161"])

    # Groups inside groups, opened by the keyboard; the rows come when their group is opened.
    grid.column_menu("placed", "Group by month")
    grid.settle()
    expect(grid.count).to_have_text(f"3 groups · {ORDERS} rows")
    grid.cell(0, "").click()
    grid.page.keyboard.press("Enter")
    expect(grid.groups).to_have_text(["Cyd <b>", "January 2024", "February 2024", "Bob", "Ada"])
    grid.page.keyboard.press("ArrowDown")
    grid.page.keyboard.press("Alt+ArrowRight")
    expect(grid.cell(2, "note")).to_contain_text("note")
    expect(grid.page.locator('[role="row"][aria-level="3"]').first).to_be_visible()
    grid.page.keyboard.press("ArrowDown")
    grid.page.keyboard.press("Alt+ArrowLeft")
    expect(grid.cell(1, "")).to_be_focused()
    grid.page.keyboard.press("Space")
    expect(grid.page.locator('[role="row"][aria-level="3"]')).to_have_count(0)
    expect(grid.page.get_by_role("treegrid")).to_be_visible()
    assert [body["path"] for body in grid.bodies("rows/") if "path" in body] == [["Cyd <b>"], ["Cyd <b>", "2024-01-01"]]

    grid.button("Do not group by Buyer").click()
    expect(grid.groups).to_have_text(["January 2024", "February 2024"])
    grid.button("Do not group by Placed by month").click()
    expect(grid.count).to_have_text(f"{ORDERS} rows")
    expect(grid.page.locator(".gridkit-totals")).to_contain_text("477")
    grid.column_menu("quantity", "None")
    expect(grid.page.locator(".gridkit-totals")).to_have_count(0)


def _save_as(grid: GridPage, name: str, audience: str = "") -> None:
    menu = _views(grid)
    menu.get_by_role("button", name="Save as a new view").click()
    menu.get_by_role("textbox", name="Name of the view").fill(name)
    if audience:
        menu.get_by_role("combobox", name="Who sees it").select_option(label=audience)
        menu.get_by_role("checkbox", name="Open the grid with it").check()
    menu.get_by_role("button", name="Save", exact=True).click()


def _views(grid: GridPage) -> Locator:
    return grid.page.get_by_role("dialog", name="Views")


def test_views_are_saved_shared_opened_and_found_again(open_grid: OpenGrid) -> None:
    grid = open_grid(remembers=True)
    page, menu = grid.page, _views(grid)
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        grid.column_menu("buyer", "Group by this column")
    expect(grid.groups).to_have_count(3)
    expect(grid.button("Default view").get_by_role("img", name="changed")).to_be_visible()
    grid.button("Default view").click()
    _save_as(grid, "By <buyer>", "The group Sales")
    expect(menu).to_be_hidden()
    expect(grid.button("By <buyer>")).to_be_focused()
    assert grid.bodies("views/")[-1]["state"]["query"]["group"] == [{"col": "buyer"}]

    # The name is taken: the server's reason stands in the form.
    grid.button("By <buyer>").click()
    _save_as(grid, "By <buyer>")
    expect(menu.get_by_role("alert")).to_contain_text("You have a view of this name")
    menu.get_by_role("button", name="Cancel").click()
    menu.get_by_role("button", name="Default view").click()
    expect(grid.count).to_have_text(f"{ORDERS} rows")

    # After a reload the state is as it was left and the view is marked; a first visit opens the default view.
    grid.button("Default view").click()
    expect(menu.get_by_role("button", name="Reset")).to_have_count(0)
    menu.get_by_role("button", name="By <buyer>").first.click()
    expect(grid.groups).to_have_count(3)
    page.reload()
    expect(grid.groups).to_have_count(3)
    expect(grid.button("By <buyer>")).to_be_visible()
    page.route(f"**{grid.api}state/", lambda route: route.fulfill(json={"state": None}))
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(grid.groups).to_have_count(3)


def test_view_takes_changes_in_or_is_reset_renamed_and_deleted(open_grid: OpenGrid) -> None:
    grid = open_grid()
    menu = _views(grid)
    grid.button("Default view").click()
    _save_as(grid, "Mine")
    grid.column_menu("quantity", "Sum")
    grid.button("Mine").click()
    menu.get_by_role("button", name="Save changes to Mine").click()
    expect(grid.button("Mine").get_by_role("img")).to_have_count(0)
    grid.sort("buyer")
    expect(grid.button("Mine").get_by_role("img", name="changed")).to_be_visible()
    grid.button("Mine").click()
    menu.get_by_role("button", name="Reset").click()
    expect(grid.header("buyer")).to_have_attribute("aria-sort", "none")
    expect(grid.page.locator(".gridkit-totals")).to_be_visible()

    grid.button("Mine").click()
    menu.get_by_role("button", name="Change view Mine").click()
    menu.get_by_role("textbox", name="Name of the view").fill("Sums")
    grid.page.keyboard.press("Enter")
    grid.button("Sums").click()
    menu.get_by_role("button", name="Change view Sums").click()
    menu.get_by_role("button", name="Delete").click()
    menu.get_by_role("button", name="Delete for good").click()
    expect(menu.locator(".gridkit-column-item")).to_have_count(0)
