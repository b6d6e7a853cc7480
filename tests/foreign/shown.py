"""One page with the grid of another product: what it shows, and what it asked the server."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Request, Response

SENT = Path(__file__).parent / "sent"
Cells = list[str]

PATIENCE = 30
"""Seconds after which a grid that shows something else is wrong."""

SOME = 10
"""Rows that must be in view at least, when there are so many."""


class Shown:
    """A page that shows a grid.

    Args:
        page: a fresh page, logged in.
        address: of the server.
        name: the module of the how-to page.
        read: a script that returns what the grid shows: the index of each row with the texts of its cells.
    """

    def __init__(self, page: Page, address: str, name: str, read: str) -> None:
        self.page = page
        self.name = name
        self.sent: list[Any] = []
        self.refused: list[str] = []
        self._read = read
        page.on("request", self._note)
        page.on("response", self._check)
        page.goto(f"{address}/show/{name}/")

    def rows(self) -> dict[int, Cells]:
        """Return what the grid shows: index of a row to the texts of its cells."""
        found: list[tuple[Any, Cells]] = self.page.evaluate(self._read)
        return {int(index): [" ".join(cell.split()) for cell in cells] for index, cells in found if index is not None}

    def expect(self, wanted: list[Cells], *, beyond: int = 0) -> None:
        """Wait until the grid shows what is wanted.

        Args:
            wanted: all rows in their order; a grid that draws what is in view only shows some of them.
            beyond: the index from which on they must be in view.
        """
        expected = dict(enumerate(wanted))
        enough = min(SOME, len(expected))
        end = time.monotonic() + PATIENCE
        while True:
            seen = self.rows()
            if len(seen) >= enough and min(seen) >= beyond and seen.items() <= expected.items():
                return
            assert time.monotonic() < end, f"{self.refused}\nshown: {seen}\nwanted: {expected}"
            self.page.wait_for_timeout(50)

    def find(self, selector: str) -> Locator:
        """Return the first element that is meant."""
        return self.page.locator(selector).first

    def do(self, script: str) -> None:
        """Run a script; ``shown`` is what the module exports."""
        self.page.evaluate(f"() => {{ {script} }}")

    def check_sent(self, plain: Callable[[Any], Any] = lambda request: request) -> None:
        """Compare the requests with those that are kept, so that a change of the product shows.

        ``GRIDKIT_KEEP_REQUESTS=1`` keeps the new ones.

        Args:
            plain: takes out what differs each time.
        """
        sent = [json.dumps(plain(request), ensure_ascii=False) for request in self.sent]
        text = "[\n  " + ",\n  ".join(dict.fromkeys(sent)) + "\n]\n"
        file = SENT / f"{self.name}.json"
        if os.environ.get("GRIDKIT_KEEP_REQUESTS"):
            file.write_text(text, encoding="utf-8")
        assert json.loads(text) == json.loads(file.read_text(encoding="utf-8"))
        assert self.refused == []

    def _note(self, request: Request) -> None:
        if "/compat/" in request.url:
            self.sent.append(json.loads(request.post_data or "null"))

    def _check(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append(
                f"{response.status} {response.url} {response.request.post_data} {response.text()[:500]}"
            )
