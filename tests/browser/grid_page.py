"""A grid on its page, as a person handles it."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator, Page, Request, expect


class GridPage:
    """A page with one grid.

    Args:
        page: a browser page whose user is signed in.
        base: address of the server.
        grid: id of the grid.
        remembers: whether the state is read and kept on the server; else each visit is the first.
    """

    def __init__(self, page: Page, base: str, grid: str, *, remembers: bool = False) -> None:
        self.page = page
        self.api = f"/gridkit/api/grids/{grid}/"
        self.address = f"{base}/gridkit/grids/{grid}/"
        self.sent: list[tuple[str, dict[str, Any]]] = []
        page.on("request", self._note)
        page.route(f"**{self.api}events/", lambda route: route.fulfill(json={"results": []}))
        if not remembers:
            page.route(f"**{self.api}state/", lambda route: route.fulfill(json={"state": None}))
        page.goto(self.address)
        self.settle()

    def _note(self, request: Request) -> None:
        if self.api in request.url and request.method != "GET":
            self.sent.append((request.url.split(self.api)[1], json.loads(request.post_data or "{}")))

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """Return what was sent to a path below the grid, in order."""
        return [body for to, body in self.sent if to == path]

    def settle(self) -> None:
        """Wait until every row in view is here."""
        expect(self.page.locator(".gridkit-text").first).to_be_visible()
        expect(self.page.locator(".gridkit-busy, .is-waiting")).to_have_count(0)

    def header(self, column: str) -> Locator:
        """Return the header of a column."""
        return self.page.locator(f'[data-header="{column}"]')

    def cell(self, row: int, column: str) -> Locator:
        """Return a cell by its row number and column id; the id of the groups is empty."""
        return self.page.locator(f'[data-row="{row}"][data-col="{self.header(column).get_attribute("data-col")}"]')

    def sort(self, column: str) -> None:
        """Click on the label of a header."""
        self.header(column).locator(".gridkit-header-label").click()

    def column_menu(self, column: str, item: str) -> None:
        """Choose an item of a column's menu."""
        self.header(column).click(button="right")
        menu = self.page.locator('[data-popover="column"]')
        menu.locator(".gridkit-menu-item").filter(has_text=item).first.click()
        expect(menu.or_(self.page.locator('[data-popover="filter"]'))).not_to_have_count(0)

    def button(self, name: str, *, exact: bool = False) -> Locator:
        """Return a button by its name."""
        return self.page.get_by_role("button", name=name, exact=exact)

    @property
    def count(self) -> Locator:
        """What the status line says of the number of rows."""
        return self.page.locator(".gridkit-count")

    @property
    def groups(self) -> Locator:
        """The labels of the groups in view."""
        return self.page.locator(".is-group .gridkit-group .gridkit-text")
