"""The changelog of a plugin of a marketplace as it stands on a page of the admin."""

from __future__ import annotations

import pytest
from django.template import Context, Template

from gridkit_django.admin.market_changes import CHARACTERS_MAX, changes_of


def shown(changelog: str) -> str:
    return Template("{{ changes }}").render(Context({"changes": changes_of(changelog)})).strip()


def test_changelog_is_rendered_below_the_headings_of_the_page():
    assert shown("# Changelog\n\n##### 1.0.0\n\n- *first*") == (
        "<h3>Changelog</h3>\n<h6>1.0.0</h6>\n<ul>\n<li><em>first</em></li>\n</ul>"
    )


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ("![x](https://spy.example/a.png)", "<p></p>"),
        (">" * 20 + "<b>deep", "&gt;" * 20 + "&lt;b&gt;deep"),
    ],
)
def test_hostile_changelog_is_shown_and_does_nothing(hostile: str, harmless: str):
    assert shown(hostile) == harmless


def test_long_changelog_is_cut_off():
    assert len(shown("x" * CHARACTERS_MAX * 2)) == CHARACTERS_MAX + len("<p></p>")
