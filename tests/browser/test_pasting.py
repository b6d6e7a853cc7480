"""Cells as in a spreadsheet: a letter writes over one, and a block from elsewhere is pasted over many."""

from __future__ import annotations

from collections.abc import Callable

import pytest
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

PASTE = """text => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
    document.activeElement.dispatchEvent(event);
}"""


def test_letter_writes_over_the_cell_and_backspace_empties_it(open_grid: OpenGrid) -> None:
    grid = open_grid()
    keyboard, editor = grid.page.keyboard, grid.page.locator(".gridkit-editor")
    grid.cell(1, "note").click()
    keyboard.type("new text")
    expect(editor).to_have_value("new text")
    keyboard.press("Enter")
    expect(grid.cell(1, "note")).to_have_text("new text")
    expect(grid.cell(2, "note")).to_be_focused()
    keyboard.press("Backspace")
    expect(editor).to_have_value("")
    keyboard.press("Escape")
    expect(grid.cell(2, "note")).to_have_text("note 002")
    grid.cell(2, "buyer").click()
    keyboard.type("x")
    expect(editor).to_have_count(0)  # a column that nobody may change


def test_block_is_pasted_at_once_or_not_at_all_and_taken_back_as_one(open_grid: OpenGrid) -> None:
    grid = open_grid()
    page, toast = grid.page, grid.page.locator(".gridkit-toast")
    grid.cell(0, "quantity").click()
    page.evaluate(PASTE, "5\tPaid\tfirst\r\nmany\tNew\tsecond\r\n")
    expect(toast).to_have_text("Nothing was pasted. Line 2, Quantity: Enter a whole number.")
    assert not grid.bodies("batch/")

    page.evaluate(PASTE, "5\tPaid\tfirst\r\n6\tnew\tsecond\r\n")
    expect(toast).to_contain_text("pasted")
    expect(grid.cell(0, "quantity")).to_have_text("5")
    expect(grid.cell(1, "note")).to_have_text("second")
    with my_turn():
        assert Order.objects.filter(quantity=5, note="first", state=Order.State.PAID).count() == 1
    page.keyboard.press("Control+z")
    expect(grid.cell(0, "quantity")).to_have_text("1")
    expect(grid.cell(1, "note")).to_have_text("note 001")

    # What somebody else changed meanwhile is not written over.
    with my_turn():
        Order.objects.filter(note="note 001").update(note="theirs")
    grid.cell(1, "note").click()
    page.evaluate(PASTE, "mine")
    expect(toast).to_contain_text("Line 1: somebody else changed this row.")
    expect(grid.cell(1, "note")).to_have_text("theirs")
