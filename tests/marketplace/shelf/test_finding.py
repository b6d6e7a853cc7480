"""The golden set of the search: what comes first, and the words, filters and sorts that lead there."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from gridkit_django.marketplace.shelf.fronts import touch_listing
from gridkit_django.marketplace.shelf.search import postgres
from gridkit_django.models import Listing, ListingState
from tests.marketplace.shelf.goods import API, shelve

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def shelf(db: None) -> None:
    """A small marketplace with the traps of large ones: forks, junk that is popular, dead plugins, near names."""
    shelve("@pydata/pandas", "Pandas", "Data frames in a grid", recent_installs=50, tags=["data"], rating=4.0)
    shelve("@fork/pandas2", "Pandas2", "Pandas pandas pandas, data frames", recent_installs=9000, reviewed=False)
    shelve("@fork/better-pandas", "Better Pandas", "A fork of pandas", age_days=1, reviewed=False)
    shelve(
        "@gridkit/plugin-audit-log", "Audit log", "Records who changed what", recent_installs=900, category="security"
    )
    shelve("@acme/audit-viewer", "Audit viewer", "Shows the audit log", recent_installs=100, category="security")
    shelve("@dead/export", "Export", "Exports rows", recent_installs=5000, state=ListingState.DEPRECATED)
    shelve("@acme/export-excel", "Excel export", "Exports rows to workbooks", category="export", tags=["excel", "xlsx"])
    shelve("@acme/export-pdf", "PDF export", "Exports rows to PDF", category="export", tags=["pdf"], pricing="paid")
    shelve("@acme/charts", "Charts", "Draws charts", recent_installs=3000, rating=2.0, tags=["ui"], downloads=70)
    shelve("@new/sparklines", "Sparklines", "Draws tiny charts", recent_installs=1, rating=4.9, age_days=2, downloads=9)
    shelve("@acme/the-grid", "The Grid", "Who would search for that")
    shelve("@umlaut/uebersicht", "Übersicht", "Zählt Zeilen")


def ids(client: APIClient, **asked: Any) -> list[str]:
    """Return the ids of a search's results."""
    answer = client.get(f"{API}plugins/", asked)
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["results"]]


GOLDEN = [
    ("pandas", "@pydata/pandas"),  # the name itself before what is more popular or repeats the word
    ("Pandas ", "@pydata/pandas"),
    ("pandas2", "@fork/pandas2"),
    ("@fork/better-pandas", "@fork/better-pandas"),
    ("better-pandas", "@fork/better-pandas"),
    ("audit log", "@gridkit/plugin-audit-log"),
    ("audit", "@gridkit/plugin-audit-log"),  # known and reviewed before less known
    ("plugin-audit-log", "@gridkit/plugin-audit-log"),
    ("audti log", "@gridkit/plugin-audit-log"),  # swapped letters
    ("pandsa", "@pydata/pandas"),
    ("sparkline", "@new/sparklines"),
    ("sparklnes", "@new/sparklines"),
    ("exporting workbook", "@acme/export-excel"),  # other forms of the words
    ("excel exp", "@acme/export-excel"),  # the beginning of the last word
    ("xlsx", "@acme/export-excel"),  # a tag
    ("charts", "@acme/charts"),
    ("the grid", "@acme/the-grid"),  # words that English search leaves out
    ("übersicht", "@umlaut/uebersicht"),
    ("acme pdf", "@acme/export-pdf"),  # publisher and word
]


@pytest.mark.parametrize(("query", "first"), GOLDEN)
def test_golden_query_finds_its_plugin_first(anybody: APIClient, query: str, first: str) -> None:
    assert ids(anybody, query=query)[0] == first


@pytest.mark.parametrize("walks_well", [0.0, 1e9])
def test_common_and_rare_words_are_ranked_alike_whichever_way_they_are_read(
    anybody: APIClient, monkeypatch: pytest.MonkeyPatch, walks_well: float
) -> None:
    monkeypatch.setattr(postgres, "_WALKS_WELL", walks_well)
    assert ids(anybody, query="draws charts") == ["@acme/charts", "@new/sparklines"]
    assert sorted(ids(anybody, query="exports", category="export")) == ["@acme/export-excel", "@acme/export-pdf"]


def test_dead_plugin_with_exactly_the_name_is_found_but_not_pinned(anybody: APIClient) -> None:
    found = ids(anybody, query="export")
    assert "@dead/export" in found
    assert found[0] != "@dead/export"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"category": "export", "sort_by": "name"}, ["@acme/export-excel", "@acme/export-pdf"]),
        ({"tags": "excel,xlsx"}, ["@acme/export-excel"]),
        ({"tags": "excel,pdf"}, []),
        ({"free": "false"}, ["@acme/export-pdf"]),
        ({"verified": "false", "sort_by": "name"}, ["@fork/better-pandas", "@fork/pandas2"]),
        ({"min_rating": "4", "sort_by": "rating"}, ["@new/sparklines", "@pydata/pandas"]),
        ({"query": "charts", "sort_by": "downloads"}, ["@acme/charts", "@new/sparklines"]),
        ({"query": "charts", "sort_by": "updated"}, ["@new/sparklines", "@acme/charts"]),
        ({"query": "charts", "sort_by": "rating"}, ["@new/sparklines", "@acme/charts"]),
        ({"query": "charts", "limit": "1", "offset": "1"}, ["@new/sparklines"]),
        ({"query": "nothing-has-this-word"}, []),
        ({"query": "%' OR 1=1 -- \" AND * ( \x1f"}, []),
    ],
)
def test_filters_sorts_and_pages(anybody: APIClient, asked: dict[str, str], found: list[str]) -> None:
    assert ids(anybody, **asked) == found


def test_mistyped_words_are_told(anybody: APIClient) -> None:
    assert anybody.get(f"{API}plugins/", {"query": "audti"}).json()["meant"] == "audit"
    assert anybody.get(f"{API}plugins/", {"query": "audit"}).json()["meant"] == ""


@pytest.mark.parametrize(
    "asked",
    [{"limit": "0"}, {"limit": "101"}, {"offset": "1001"}, {"sort_by": "size"}, {"min_rating": "x"}, {"page": "2"}],
)
def test_search_that_makes_no_sense_is_refused(anybody: APIClient, asked: dict[str, str]) -> None:
    answer = anybody.get(f"{API}plugins/", asked)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_facets_count_what_the_search_finds(anybody: APIClient) -> None:
    found = anybody.get(f"{API}facets/", {"query": "export"}).json()
    assert found["category"] == {"export": 2, "utility": 1}
    assert found["free"] == {"true": 2, "false": 1}
    assert found["tags"] == {"excel": 1, "pdf": 1, "xlsx": 1}
    assert found["exact"] is True


def test_suggestions_begin_so_and_the_weightiest_is_first(anybody: APIClient) -> None:
    def suggested(text: str) -> list[str]:
        return [item["id"] for item in anybody.get(f"{API}suggest/", {"q": text}).json()["results"]]

    assert suggested("audit") == ["@gridkit/plugin-audit-log", "@acme/audit-viewer"]
    assert suggested("@acme/export-p") == ["@acme/export-pdf"]
    assert suggested("%") == suggested("") == []


def test_shelves_show_featured_popular_new_and_categories(anybody: APIClient) -> None:
    charts = Listing.objects.get(plugin_id="@acme/charts")
    charts.featured = 1
    touch_listing(charts, "featured")

    def shelf_of(name: str) -> list[str]:
        return [item["id"] for item in anybody.get(f"{API}{name}/", {"limit": 2}).json()["results"]]

    assert shelf_of("featured") == ["@acme/charts"]
    assert shelf_of("popular") == ["@acme/charts", "@new/sparklines"]
    assert shelf_of("new") == ["@fork/better-pandas", "@new/sparklines"]
    categories = {item["category"]: item["count"] for item in anybody.get(f"{API}categories/").json()["results"]}
    assert (categories["export"], categories["collaboration"]) == (2, 0)
    assert ids_of(anybody, "categories/export") == ["@acme/export-excel", "@acme/export-pdf"]


def ids_of(client: APIClient, address: str) -> list[str]:
    return sorted(item["id"] for item in client.get(f"{API}{address}/").json()["results"])


def test_archived_plugin_is_not_found_but_is_there(anybody: APIClient) -> None:
    charts = Listing.objects.get(plugin_id="@acme/charts")
    charts.state = ListingState.ARCHIVED
    touch_listing(charts, "state")
    assert "@acme/charts" not in ids(anybody, query="charts")
    assert anybody.get(f"{API}plugins/@acme/charts/").status_code == 200


def test_answer_is_kept_until_something_changes(anybody: APIClient, django_assert_num_queries: Any) -> None:
    first = anybody.get(f"{API}plugins/", {"query": "charts"})
    with django_assert_num_queries(1):
        again = anybody.get(f"{API}plugins/", {"query": " CHARTS"})
    assert again["ETag"] == first["ETag"]
    assert anybody.get(f"{API}plugins/", {"query": "charts"}, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304

    touch_listing(Listing.objects.get(plugin_id="@acme/charts"))
    assert anybody.get(f"{API}plugins/", {"query": "charts"})["ETag"] != first["ETag"]
