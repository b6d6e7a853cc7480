"""The browser of the suite runs scripts, and a page's own error fails its test."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.servers.browser import chromium_path
from tests.servers.processes import ServerError


@pytest.mark.browser
def test_page_runs_scripts_and_shows_text(page: Page) -> None:
    page.set_content("<p id=p>one</p><script>document.getElementById('p').textContent += ' two'</script>")

    assert page.inner_text("#p") == "one two"


def test_chromium_path_without_a_browser_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)

    with pytest.raises(ServerError, match="apt-get install chromium"):
        chromium_path()
