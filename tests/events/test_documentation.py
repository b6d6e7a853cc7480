"""The reference page names every event type and every alias."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridkit_django.events import ALIASES, EVENT_TYPES, Moment, Priority

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*sorted(EVENT_TYPES), *sorted(ALIASES), *Moment, *Priority])
def test_reference_page_names_it(name: str) -> None:
    assert f"`{name}`" in PAGE
