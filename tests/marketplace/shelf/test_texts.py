"""Links in texts of authors."""

from __future__ import annotations

import pytest

from gridkit_django.marketplace.shelf.texts import render


@pytest.mark.parametrize("scheme", ["https:", "http:", "mailto:"])
def test_link_of_the_web_and_to_a_mailbox_is_kept_and_speaks_for_nobody(scheme: str) -> None:
    html = render(f"[here]({scheme}//a.example)", "It")
    assert f'href="{scheme}//a.example"' in html
    assert 'rel="nofollow noopener noreferrer"' in html


@pytest.mark.parametrize(
    "scheme", ["javascript:", "data:text/html,", "vbscript:", "file:", "blob:", "vscode:", "intent:"]
)
def test_link_that_would_start_something_is_none(scheme: str) -> None:
    assert "href" not in render(f"[here]({scheme}//a.example)", "It")
