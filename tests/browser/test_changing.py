"""Making, changing and deleting rows, one or many, and taking it back: what a person sees and does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.grid_page import GridPage
from tests.browser.shop import ORDERS
from tests.browser.turns import my_turn
from tests.shop.models import Customer, Order

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

OpenGrid = Callable[..., GridPage]


def _dialog(grid: GridPage) -> Locator:
    return grid.page.locator(".gridkit-dialog")


def _orders(**wanted: str) -> int:
    with my_turn():
        return Order.objects.filter(**wanted).count()


def _toast(grid: GridPage) -> Locator:
    return grid.page.locator(".gridkit-toast")


def test_row_is_made_by_a_form_that_says_what_is_wrong_and_is_taken_back(open_grid: OpenGrid) -> None:
    grid = open_grid()
    page, dialog, toast = grid.page, _dialog(grid), _toast(grid)
    grid.button("New row").click()
    expect(page.get_by_role("dialog", name="New row in Orders")).to_be_visible()
    expect(dialog.locator(".gridkit-field-label")).to_have_text(["Quantity", "State", "Note", "Customer"])
    dialog.get_by_label("Quantity").fill("many")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Enter a whole number.")
    dialog.get_by_label("Quantity").fill("5")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("Customer")).to_have_accessible_description("This field cannot be null.")

    # A value of another grid is chosen by its label.
    expect(dialog.locator("datalist option")).to_have_count(3)
    dialog.get_by_label("Customer").fill("bob")
    dialog.get_by_label("Note").fill("<i>made here</i>")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(toast).to_contain_text("Row made")
    expect(grid.count).to_have_text(f"{ORDERS + 1} rows")
    expect(grid.button("New row")).to_be_focused()
    with my_turn():
        made = Order.objects.get(note="<i>made here</i>")
        assert (made.quantity, made.customer.name) == (5, "Bob")

    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Taken back: Row made")
    expect(grid.count).to_have_text(f"{ORDERS} rows")
    toast.get_by_role("button", name="Redo").click()
    expect(grid.count).to_have_text(f"{ORDERS + 1} rows")


def test_edit_and_deletion_are_taken_back_by_the_keyboard(open_grid: OpenGrid) -> None:
    grid = open_grid()
    page, toast = grid.page, _toast(grid)
    grid.cell(0, "note").dblclick()
    page.locator(".gridkit-editor").fill("edited")
    page.keyboard.press("Enter")
    expect(toast).to_contain_text("Note saved")
    page.keyboard.press("Control+z")
    expect(toast).to_contain_text("Taken back: Note saved")
    expect(grid.cell(0, "note")).not_to_have_text("edited")
    page.keyboard.press("Control+Shift+z")
    expect(grid.cell(0, "note")).to_have_text("edited")

    grid.cell(0, "note").click()
    page.keyboard.press("Delete")
    expect(_dialog(grid)).to_contain_text("Delete this row?")
    page.keyboard.press("Escape")
    expect(_dialog(grid)).to_be_hidden()
    expect(grid.cell(0, "note")).to_be_focused()
    page.keyboard.press("Delete")
    _dialog(grid).get_by_role("button", name="Delete").click()
    expect(grid.count).to_have_text(f"{ORDERS - 1} rows")
    with my_turn():
        assert not Order.objects.filter(note="edited").exists()
    toast.get_by_role("button", name="Undo").click()
    expect(grid.count).to_have_text(f"{ORDERS} rows")

    # What has moved on since cannot be taken back; the reason is said.
    grid.cell(1, "note").dblclick()
    page.locator(".gridkit-editor").fill("mine")
    page.keyboard.press("Enter")
    expect(toast).to_contain_text("Note saved")
    with my_turn():
        Order.objects.filter(note="mine").update(note="theirs")
    page.keyboard.press("Control+z")
    expect(toast).to_contain_text("moved on")


def test_row_of_another_grid_is_chosen_in_a_cell_by_its_name(open_grid: OpenGrid) -> None:
    grid = open_grid()
    editor = grid.page.locator(".gridkit-editor")
    grid.cell(0, "customer").dblclick()
    expect(editor).to_have_value("Ada")
    editor.fill("bob")
    expect(grid.page.locator("datalist option")).to_have_count(1)
    grid.page.keyboard.press("Enter")
    expect(_toast(grid)).to_contain_text("Customer saved")
    expect(grid.cell(0, "customer")).to_have_text("Bob")
    grid.page.keyboard.press("Control+z")
    expect(grid.cell(0, "customer")).to_have_text("Ada")
    grid.column_menu("customer", "Group by this column")
    expect(grid.groups).to_have_text(["Ada", "Bob", "Cyd <b>"])


def test_all_matching_rows_are_changed_at_once_but_those_taken_out(open_grid: OpenGrid) -> None:
    grid = open_grid()
    page, dialog, toast = grid.page, _dialog(grid), _toast(grid)
    grid.column_menu("state", "Filter")
    panel = page.get_by_role("dialog", name="Filter by State")
    panel.get_by_role("checkbox").first.check()
    panel.get_by_role("button", name="Apply").click()
    expect(grid.count).to_have_text("60 rows")
    page.get_by_role("checkbox", name="Select all rows").click()
    expect(page.locator(".gridkit-selected")).to_contain_text("All 60 matching rows selected")
    page.get_by_role("checkbox", name="Select row").first.click()
    expect(page.locator(".gridkit-selected")).to_contain_text("59 selected")
    grid.button("Edit…").click()
    expect(dialog).to_contain_text("Change 59 rows")
    dialog.get_by_label("Column").select_option("note")
    dialog.get_by_label("Note", exact=True).fill("checked")
    dialog.get_by_role("button", name="Save").click()
    expect(toast).to_contain_text("Change 59 rows: 59 changed")
    expect(page.locator(".gridkit-selected")).to_have_count(0)
    assert _orders(note="checked") == 59
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Taken back")
    assert _orders(note="checked") == 0

    # Somebody else took a row out of the selection: nothing is changed, and the dialog says so.
    page.get_by_role("checkbox", name="Select all rows").click()
    with my_turn():
        Order.objects.filter(state="new").earliest("pk").delete()
    grid.button("Delete…").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("59 rows, not 60")
    expect(dialog).to_contain_text("Delete 59 rows")
    dialog.get_by_role("button", name="Delete").click()
    expect(grid.page.locator(".gridkit-empty")).to_be_visible()
    assert _orders() == ORDERS - 60


def test_deletion_that_takes_other_rows_along_says_which_and_asks_again(open_grid: OpenGrid) -> None:
    grid = open_grid("browser-customers")
    dialog = _dialog(grid)
    grid.cell(2, "name").click()
    grid.page.keyboard.press("Delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Orders: 40")
    dialog.get_by_role("button", name="Delete all of it").click()
    expect(grid.count).to_have_text("2 rows")
    with my_turn():
        assert Customer.objects.count() == 2


def test_large_change_is_a_job_with_progress_that_can_be_stopped(open_grid: OpenGrid) -> None:
    grid = open_grid()
    page, dialog = grid.page, _dialog(grid)
    job = {"id": "j1", "action": "delete", "state": "running", "progress": 0.4, "rows": 48, "rowsTotal": ORDERS}
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.method)
        if route.request.method == "DELETE":
            job["state"] = "cancelled"
        route.fulfill(json=job)

    page.route(f"**{grid.api}bulk/", lambda route: route.fulfill(status=202, json={"job": job}))
    page.route(f"**{grid.api}jobs/j1/", answer)
    grid.cell(0, "note").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    dialog.get_by_role("button", name="Delete").click()
    line = page.locator(".gridkit-job")
    expect(line).to_contain_text(f"Delete {ORDERS} rows")
    expect(line.locator("progress")).to_have_attribute("max", "1")

    # It is there again after a reload.
    page.route(f"**{grid.api}jobs/?kind=bulk", lambda route: route.fulfill(json={"results": [job]}))
    page.reload()
    expect(line).to_contain_text(f"Delete {ORDERS} rows")
    line.get_by_role("button", name="Cancel").click()
    expect(line).to_contain_text("Cancelled")
    assert "DELETE" in asked


def test_reader_is_offered_nothing_that_changes_rows(open_grid: OpenGrid) -> None:
    grid = open_grid(user="reader")
    grid.cell(0, "note").click()
    grid.page.keyboard.press("Delete")
    grid.page.keyboard.press("Space")
    expect(grid.page.locator(".gridkit-selected")).to_contain_text("1 selected")
    for name in ("New row", "Edit…", "Delete…"):
        expect(grid.button(name)).to_have_count(0)
    expect(_dialog(grid)).to_be_hidden()


def test_edit_inside_a_group_changes_the_figures_around_it(open_grid: OpenGrid) -> None:
    grid = open_grid()
    grid.column_menu("buyer", "Group by this column")
    grid.column_menu("quantity", "Sum")
    expect(grid.page.locator(".gridkit-totals")).to_contain_text("477")
    grid.cell(0, "").click()
    grid.page.keyboard.press("Enter")
    grid.settle()
    grid.cell(1, "quantity").dblclick()
    grid.page.locator(".gridkit-editor").fill("100")
    grid.page.keyboard.press("Enter")
    expect(grid.cell(0, "quantity")).to_have_text("260")
    expect(grid.page.locator(".gridkit-totals")).to_contain_text("576")
    expect(grid.cell(1, "quantity")).to_have_text("100")
    expect(grid.cell(2, "quantity")).to_be_focused()
    grid.page.keyboard.press("Control+z")
    expect(grid.cell(0, "quantity")).to_have_text("161")
