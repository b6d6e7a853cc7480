"""A link to a saved view, and pages that are read from right to left."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.grid_page import GridPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

OpenGrid = Callable[..., GridPage]


def test_link_to_a_view_is_copied_and_opens_it_once(open_grid: OpenGrid) -> None:
    grid = open_grid()
    page = grid.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    grid.column_menu("buyer", "Group by this column")
    grid.button("Default view").click()
    menu = page.get_by_role("dialog", name="Views")
    menu.get_by_role("button", name="Save as a new view").click()
    menu.get_by_role("textbox", name="Name of the view").fill("Mine")
    page.keyboard.press("Enter")
    grid.button("Mine").click()
    menu.get_by_role("button", name="Copy a link to Mine").click()
    expect(page.locator(".gridkit-toast")).to_contain_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")

    page.evaluate("localStorage.clear()")
    page.goto(link)
    expect(grid.groups).to_have_count(3)
    expect(grid.button("Mine")).to_be_visible()
    assert page.url == grid.address  # a reload opens the grid as it was left

    page.goto(f"{grid.address}?view={uuid4()}")
    expect(page.locator(".gridkit-toast")).to_contain_text("does not exist, or that you may not see")


def test_sign_stands_before_its_number_in_a_page_from_right_to_left(open_grid: OpenGrid) -> None:
    grid = open_grid()
    grid.page.evaluate("document.documentElement.dir = 'rtl'")
    left = """cell => {
        const nodes = [...cell.querySelector('.gridkit-text').childNodes];
        const node = nodes.find(item => item.nodeType === 3 && item.data.trim());
        node.data = '-5';
        return [0, 1].map(at => {
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + 1);
            return range.getBoundingClientRect().left;
        });
    }"""
    sign, digit = grid.cell(0, "quantity").evaluate(left)
    assert sign < digit
