"""Saying why a row is changed: asked for each change, or once for all of a session."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from tests.browser.grid_page import GridPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]


def test_reason_is_asked_for_each_change_refused_and_kept_for_the_session(open_grid: Callable[..., GridPage]) -> None:
    grid = open_grid("browser-reasons")
    page, dialog = grid.page, grid.page.locator(".gridkit-dialog")
    toast, reason = page.locator(".gridkit-toast"), dialog.get_by_label("Reason")

    # An edit asks; without an answer the draft stays in its cell.
    grid.cell(0, "note").dblclick()
    page.locator(".gridkit-editor").fill("edited")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Why this change?")).to_be_visible()
    expect(reason).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("need a reason")
    page.keyboard.press("Escape")
    expect(page.locator(".gridkit-editor")).to_be_focused()
    expect(page.locator(".gridkit-editor")).to_have_value("edited")
    page.keyboard.press("Enter")
    reason.fill("Größe stimmt nicht")
    page.keyboard.press("Enter")
    expect(toast).to_contain_text("Note saved")
    assert grid.bodies(grid.sent[-1][0])[-1]["reason"] == "Größe stimmt nicht"

    # A deletion asks in its own dialog, and the answer stands for what follows.
    grid.cell(0, "note").click()
    page.keyboard.press("Delete")
    reason.fill("Ticket “42”")
    dialog.get_by_role("checkbox").check()
    with page.expect_request(lambda request: request.method == "DELETE") as deletion:
        dialog.get_by_role("button", name="Delete").click()
    assert unquote(deletion.value.headers["x-change-reason"]) == "Ticket “42”"
    expect(toast).to_contain_text("Row deleted")
    expect(page.locator(".gridkit-reason")).to_contain_text("Reason: Ticket “42”")
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Taken back: Row deleted")
    assert grid.bodies("undo/")[-1]["reason"] == "Ticket “42”"
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator(".gridkit-reason")).to_have_count(0)
