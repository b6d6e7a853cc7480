"""Searching among what is available, and what the site puts first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridkit_django.exceptions import PluginSearchError
from gridkit_django.plugins import PluginManager, PluginSearchQuery
from tests.plugins.samples import write_plugin

pytestmark = pytest.mark.django_db


def write(root: Path, name: str, **values: str) -> None:
    manifest = write_plugin(root, name) / "plugin.toml"
    text = manifest.read_text().replace('name = "Sample"', f'name = "{values.pop("name", name.title())}"')
    for key, value in values.items():
        lines = [line for line in text.splitlines() if not line.startswith(f"{key} =")]
        text = "\n".join([f"{key} = {value}", *lines])
    manifest.write_text(text)


@pytest.fixture
def shelf(root: Path, manager: PluginManager) -> PluginManager:
    write(root, "zebra", category='"ui"', tags='["stripes", "animals"]', pricing='"paid"')
    write(root, "ant", category='"data"', tags='["animals"]', description='"Counts crumbs."')
    write(root, "moth", category='"ui"', pricing='"freemium"')
    (root / "broken").mkdir()
    return manager


def ids(manager: PluginManager, **query: Any) -> list[str]:
    found = manager.search_plugins(PluginSearchQuery(**query))
    return [plugin.metadata.id for plugin in found if plugin.metadata]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"query": "CRUMBS counts"}, ["ant"]),
        ({"query": "animals"}, ["ant", "zebra"]),
        ({"query": "crumbs stripes"}, []),
        ({"tags": ("animals", "stripes")}, ["zebra"]),
        ({"category": "ui"}, ["moth", "zebra"]),
        ({"free": True, "query": "tests"}, ["ant"]),
        ({"free": False}, ["moth", "zebra"]),
        ({"query": "tests", "limit": 1, "offset": 1}, ["moth"]),
    ],
)
def test_search_finds_what_meets_every_condition(
    shelf: PluginManager, query: dict[str, Any], expected: list[str]
) -> None:
    assert ids(shelf, **query) == expected


def test_search_for_nothing_lists_all_by_name_and_says_what_is_installed(shelf: PluginManager) -> None:
    assert {"ant", "moth", "zebra", "@gridkit/plugin-export"} <= set(ids(shelf))
    assert "broken" not in ids(shelf)
    assert not shelf.search_plugins(PluginSearchQuery("crumbs"))[0].installed


@pytest.mark.parametrize(
    ("query", "pointer", "text"),
    [
        ({"verified": True}, "/verified", "marketplace"),
        ({"min_rating": 4.0}, "/min_rating", "marketplace"),
        ({"sort_by": "downloads"}, "/sort_by", "marketplace"),
        ({"sort_by": "colour"}, "/sort_by", "no 'colour'"),
        ({"category": "toys"}, "/category", "known are data, ui"),
        ({"limit": 0}, "/limit", "1 to 100"),
        ({"limit": 101}, "/limit", "1 to 100"),
        ({"offset": -1}, "/offset", "0 or more"),
    ],
)
def test_search_that_nobody_can_answer_is_refused_and_not_half_answered(
    shelf: PluginManager, query: dict[str, Any], pointer: str, text: str
) -> None:
    with pytest.raises(PluginSearchError, match=text) as caught:
        shelf.search_plugins(PluginSearchQuery(**query))
    assert [item.pointer for item in caught.value.errors] == [pointer]


def test_featured_plugins_come_in_the_order_of_the_settings(shelf: PluginManager, settings: Any) -> None:
    assert shelf.get_featured_plugins() == ()
    settings.GRIDKIT = {**settings.GRIDKIT, "PLUGINS_FEATURED": ["zebra", "nobody", "ant", "zebra"]}
    assert [plugin.metadata.id for plugin in shelf.get_featured_plugins() if plugin.metadata] == ["zebra", "ant"]
