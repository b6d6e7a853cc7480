"""Finding in the local catalogue: words, filters, orders, what comes first, and how fresh it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridkit_django.exceptions import PluginNotListedError, PluginSearchError
from gridkit_django.marketplace.client import (
    catalogue_ages,
    category_counts,
    featured,
    get_listing,
    popular,
    refresh_catalogue,
    search,
)
from gridkit_django.plugins import PluginSearchQuery
from tests.marketplace.client.market import Market, listing

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def shelf(market: Market, site: Callable[..., None]) -> None:
    rows: list[dict[str, Any]] = [
        {"plugin_id": "@acme/colours", "downloads": 5, "rating": {"value": 3.0}, "verified": True},
        {"plugin_id": "@acme/colours-pro", "downloads": 900, "rating": {"value": 4.5}, "pricing": "paid"},
        {"plugin_id": "@beta/charts", "name": "Charts in colours", "category": "analytics", "downloads": 50},
        {
            "plugin_id": "@beta/table",
            "name": "Ábra",
            "summary": "Shows data.",
            "tags": ["data", "time"],
            "rating": {},
            "featured": True,
        },
        {"plugin_id": "@old/gone", "state": "archived"},
    ]
    for number, row in enumerate(rows):
        market.put(listing(row.pop("plugin_id"), updated_at=f"2026-11-0{number + 1}T00:00:00Z", **row))
    refresh_catalogue()


def found(**question: Any) -> list[str]:
    return [item.id for item in search(PluginSearchQuery(**question)).plugins]


def test_exact_name_comes_first_then_what_begins_so_then_by_downloads() -> None:
    ranked = ["@acme/colours", "@acme/colours-pro", "@beta/charts"]
    assert found(query="Colours", sort_by="relevance") == ranked
    assert found(query="@acme/colours", sort_by="relevance") == ranked[:2]


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ({"query": "colours charts"}, ["@beta/charts"]),
        ({"query": "nothing"}, []),
        ({"category": "analytics"}, ["@beta/charts"]),
        ({"tags": ("data",)}, ["@beta/table"]),
        ({"tags": ("dat",)}, []),
        ({"verified": True}, ["@acme/colours"]),
        ({"free": False}, ["@acme/colours-pro"]),
        ({"min_rating": 4.2}, ["@acme/colours-pro"]),
        ({"sort_by": "downloads", "limit": 2}, ["@acme/colours-pro", "@beta/charts"]),
        ({"sort_by": "downloads", "limit": 1, "offset": 1}, ["@beta/charts"]),
        ({"sort_by": "updated", "limit": 1}, ["@beta/table"]),
        ({"sort_by": "rating", "limit": 1}, ["@acme/colours-pro"]),
    ],
)
def test_filters_and_orders(question: dict[str, Any], ids: list[str]) -> None:
    assert found(**question) == ids


def test_count_is_of_all_pages_and_what_is_archived_is_not_found() -> None:
    result = search(PluginSearchQuery(limit=1))
    assert (result.count, len(result.plugins), result.offline) == (4, 1, False)
    assert get_listing("@old/gone").state == "archived"


def test_shelves() -> None:
    assert [item.id for item in featured()] == ["@beta/table"]
    assert [item.id for item in popular(2)] == ["@acme/colours-pro", "@beta/charts"]
    assert category_counts() == {"analytics": 1, "ui": 3}


@pytest.mark.parametrize("question", [{"sort_by": "size"}, {"limit": 0}, {"offset": -1}, {"min_rating": 6}])
def test_question_that_makes_no_sense_is_refused(question: dict[str, Any]) -> None:
    with pytest.raises(PluginSearchError, match=next(iter(question))):
        search(PluginSearchQuery(**question))


def test_plugin_that_the_settings_take_from_its_marketplace_is_not_there(site: Callable[..., None]) -> None:
    assert get_listing("@acme/colours").name == "Colours"
    site({"prefixes": ["@beta/"]})
    with pytest.raises(PluginNotListedError, match="refresh the catalogue"):
        get_listing("@acme/colours")


def test_age_is_told_also_of_a_marketplace_that_was_never_followed(site: Callable[..., None]) -> None:
    (age,) = catalogue_ages()
    assert (age.alias, age.name, age.error, age.refreshed_at is None) == ("main", "Test market", "", False)
    site(MARKETPLACES={"new": {"url": "http://127.0.0.1:1/"}})
    assert catalogue_ages()[0].refreshed_at is None
    assert search(PluginSearchQuery()).count == 0


@pytest.mark.parametrize("mistyped", ["coluors", "colurs", "ocloours", "colourss", "chatrs in colours"])
def test_mistyped_words_find_what_was_meant_and_say_so(mistyped: str) -> None:
    result = search(PluginSearchQuery(query=mistyped, sort_by="relevance"))

    assert "colours" in result.meant
    assert "@beta/charts" in {item.id for item in result.plugins}


def test_words_that_are_like_nothing_find_nothing_and_mean_nothing() -> None:
    result = search(PluginSearchQuery(query="zzzz qq"))

    assert (result.count, result.meant) == (0, "")


def test_right_word_that_a_filter_leaves_nothing_of_means_nothing_else() -> None:
    result = search(PluginSearchQuery(query="charts", category="export"))

    assert (result.count, result.meant) == (0, "")


def test_categories_are_counted_over_what_the_question_admits() -> None:
    assert dict(category_counts(PluginSearchQuery(query="charts", category="ui"))) == {"analytics": 1}
