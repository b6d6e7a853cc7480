"""The real grids of other products in a real browser, each as `docs/how-to/use-another-grid.md` connects it.

What a grid shows after each act is what the ORM says. `.ci/foreign.py` installs and bundles the products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.test import Client
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from example_project.flights.models import Flight
from tests.foreign.flights import make_flights, texts
from tests.foreign.shown import Shown
from tests.foreign.site import BUILD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

SHORT = ("carrier", "flight", "dep_delay")
FULL = ("carrier", "flight", "origin", "dep_delay")
BY_DELAY = (F("dep_delay").asc(nulls_last=True), "id")

Show = Callable[[str, str], Shown]


@pytest.fixture
def show(transactional_db: None, settings: Any, live_server: LiveServer, page: Page) -> Show:
    """Return a function that opens the page of a product, with the script that reads what it shows."""
    assert BUILD.is_dir(), "The grids of other products are not there: `make test` gets them by npm (.ci/foreign.py)."
    settings.ROOT_URLCONF = "tests.foreign.site"
    settings.MIDDLEWARE = ["tests.foreign.site.OneAtATime", *settings.MIDDLEWARE]
    make_flights()
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([session])  # type: ignore[list-item]
    return lambda name, read: Shown(page, live_server.url, name, read)


def newest() -> QuerySet[Flight]:
    return Flight.objects.order_by("-time_hour")


def by_delay(**wanted: Any) -> QuerySet[Flight]:
    return Flight.objects.filter(**wanted).order_by(*BY_DELAY)


def latest_first(**wanted: Any) -> QuerySet[Flight]:
    return Flight.objects.filter(**wanted).order_by(F("dep_delay").desc(nulls_last=True), "-id")


def read(rows: str, cells: str, index: str = "i") -> str:
    """Return a script that reads the rows of a page."""
    return (
        f"() => [...document.querySelectorAll('{rows}')]"
        f".map((row, i) => [{index}, [...row.querySelectorAll('{cells}')].map((cell) => cell.textContent)])"
    )


MUI = read(".MuiDataGrid-row", "[role=gridcell], [role=rowheader]", "row.dataset.rowindex")
AG_GRID = read(".ag-row", ".ag-cell", "row.getAttribute('row-index')")


def test_ag_grid_shows_sorts_filters_and_scrolls_groups_and_pivots(show: Show) -> None:
    grid = show("ag-grid", AG_GRID)
    grid.expect(texts(newest(), *FULL))

    grid.find('.ag-header-cell[col-id="dep_delay"] .ag-header-cell-label').click()
    grid.expect(texts(by_delay(), *FULL))

    grid.page.get_by_label("Carrier Filter Input").fill("a")
    wanted = texts(by_delay(carrier__carrier__icontains="a"), *FULL)
    grid.expect(wanted)

    grid.find(".ag-row").hover()
    grid.page.mouse.wheel(0, 110 * 42)
    grid.expect(wanted, beyond=100)

    grid.do("shown.grid.setRowGroupColumns(['carrier'])")
    grid.expect([["AA (87)", "", "", "44"], ["UA (87)", "", "", "44"]])
    grid.find(".ag-group-contracted:visible").click()
    inside = texts(by_delay(carrier="AA"), "flight", "origin", "dep_delay")
    grid.expect([["AA (87)", "", "", "44"], *(["", *cells] for cells in inside)])

    grid.do("shown.grid.setGridOption('pivotMode', true); shown.grid.setPivotColumns(['origin'])")
    grid.expect([["AA (87)", "43", "44"], ["UA (87)", "43", "44"]])
    grid.check_sent()


def test_ag_grid_infinite_row_model_shows_sorts_filters_and_scrolls(show: Show) -> None:
    grid = show("ag-grid-infinite", AG_GRID)
    grid.expect(texts(newest(), *SHORT))

    grid.find('.ag-header-cell[col-id="dep_delay"] .ag-header-cell-label').click()
    grid.page.get_by_label("Carrier Filter Input").fill("a")
    wanted = texts(by_delay(carrier__carrier__icontains="a"), *SHORT)
    grid.expect(wanted)

    grid.find(".ag-row").hover()
    grid.page.mouse.wheel(0, 110 * 42)
    grid.expect(wanted, beyond=100)
    grid.check_sent()


@pytest.mark.parametrize("version", [8, 9])
def test_tanstack_table_shows_sorts_filters_pages_and_opens_groups(show: Show, version: int) -> None:
    table = show(f"tanstack-{version}", read("tbody tr", "td"))
    table.expect(texts(newest()[:50], *FULL))

    table.find("th:nth-child(4) button").click()
    table.expect(texts(latest_first()[:50], *FULL))

    table.find("th:nth-child(1) input").fill("a")
    wanted = latest_first(carrier__carrier__icontains="a")
    table.expect(texts(wanted[:50], *FULL))

    table.page.get_by_text("next").click()
    table.expect(texts(wanted[50:100], *FULL))

    table.page.get_by_text("group").first.click()
    table.expect([["AA", "", "", ""], ["UA", "", "", ""]])
    table.find("tbody tr:nth-child(2) td").click()
    table.expect([["AA", "", "", ""], ["UA", "", "", ""], *texts(latest_first(carrier="UA"), *FULL)])
    table.check_sent()


def test_tabulator_shows_sorts_filters_and_pages(show: Show) -> None:
    table = show("tabulator", read(".tabulator-row", ".tabulator-cell"))
    table.expect(texts(newest()[:50], *SHORT))

    table.find(".tabulator-col[tabulator-field=dep_delay] .tabulator-col-title").click()
    table.expect(texts(by_delay()[:50], *SHORT))

    table.find(".tabulator-col[tabulator-field=carrier] input").press_sequentially("a")
    wanted = by_delay(carrier__carrier__icontains="a")
    table.expect(texts(wanted[:50], *SHORT))

    table.find(".tabulator-page[data-page=next]").click()
    table.expect(texts(wanted[50:100], *SHORT))
    table.check_sent()


def test_datatables_shows_sorts_searches_and_pages(show: Show) -> None:
    table = show("datatables", read("tbody tr", "td"))
    table.expect(texts(Flight.objects.order_by("carrier", "id")[:50], *SHORT))

    table.find("th:nth-child(3)").click()
    table.expect(texts(by_delay()[:50], *SHORT))

    table.find("input[type=search]").fill("ua")
    wanted = by_delay(carrier="UA")
    table.expect(texts(wanted[:50], *SHORT))

    table.find("[data-dt-idx=next]").click()
    table.expect(texts(wanted[50:100], *SHORT))
    table.check_sent()


def test_devextreme_shows_sorts_filters_pages_and_opens_groups(show: Show) -> None:
    grid = show("devextreme", read(".dx-datagrid-rowsview .dx-data-row, .dx-group-row", "td"))
    grid.expect(texts(newest()[:50], *FULL))

    grid.find(".dx-header-row td:nth-child(4)").click()
    grid.expect(texts(by_delay()[:50], *FULL))

    grid.find(".dx-datagrid-filter-row td input").fill("a")
    wanted = by_delay(carrier__carrier__icontains="a")
    grid.expect(texts(wanted[:50], *FULL))

    grid.find(".dx-page[aria-label='Page 2']").click()
    grid.expect(texts(wanted[50:100], *FULL))

    grid.do("shown.grid.columnOption('carrier', 'groupIndex', 0)")
    groups = [["", f"Carrier: {carrier} (Max of Dep delay is 44)"] for carrier in ("AA", "UA")]
    grid.expect(groups)
    grid.find(".dx-datagrid-group-closed").click()
    inside = texts(by_delay(carrier="AA")[:49], "flight", "origin", "dep_delay")
    opened = ["", f"{groups[0][1]} (Continues on the next page)"]
    grid.expect([opened, *(["", *cells] for cells in inside)])
    grid.check_sent()


def test_mui_data_grid_shows_sorts_filters_pages_and_opens_groups(show: Show) -> None:
    grid = show("mui", MUI)
    grid.expect(texts(newest()[:50], *FULL))

    grid.find("[role=columnheader][data-field=dep_delay]").click()
    grid.expect(texts(by_delay()[:50], *FULL))

    grid.find(".MuiDataGrid-columnHeader--filter[data-field=carrier] input").fill("a")
    wanted = by_delay(carrier__carrier__icontains="a")
    grid.expect(texts(wanted[:50], *FULL))

    grid.page.get_by_label("Go to next page").click()
    grid.expect(texts(wanted[50:100], *FULL))

    grid.do("shown.grid.current.setPage(0); shown.grid.current.setAggregationModel({ dep_delay: 'max' })")
    grid.do("shown.grid.current.setRowGroupingModel(['carrier'])")
    groups = [[f"{carrier} (87)", carrier, "", "", "44"] for carrier in ("AA", "UA")]
    total = ["", "", "", "", "44"]
    grid.expect([*groups, total])
    grid.find(".MuiDataGrid-row[data-rowindex='1'] button").click()
    grid.expect([*groups, *(["", *cells] for cells in texts(by_delay(carrier="UA")[:50], *FULL)), total])
    grid.do("shown.grid.current.setSortModel([{ field: '__row_group_by_columns_group__', sort: 'desc' }])")
    grid.expect([*groups[::-1], total])
    check_sent_by_mui(grid)


def test_mui_data_grid_pivots(show: Show) -> None:
    grid = show("mui", MUI)
    grid.expect(texts(newest()[:50], *FULL))

    grid.do(
        "shown.grid.current.setPivotModel({ rows: [{ field: 'carrier' }], columns: [{ field: 'origin', sort: 'desc' }],"
        " values: [{ field: 'dep_delay', aggFunc: 'max' }] })"
    )
    grid.do("shown.grid.current.setPivotActive(true)")
    carriers = [["AA (87)", "44", "43"], ["UA (87)", "44", "43"], ["WN (86)", "44", "43"]]
    grid.expect([*carriers, ["", "44", "43"]])
    assert grid.refused == []


def test_mui_data_grid_opens_the_group_of_the_rows_without_a_value(show: Show) -> None:
    grid = show("mui", MUI)
    grid.expect(texts(newest()[:50], *FULL))

    grid.do(
        "const api = shown.grid.current;"
        "api.setFilterModel({ items: [{ field: 'dep_delay', operator: 'isEmpty' }] });"
        "api.setRowGroupingModel(['dep_delay'])"
    )
    group = ["(26)", "", "", "", ""]
    grid.expect([group])
    grid.find(".MuiDataGrid-row button").click()
    grid.expect([group, *(["", *cells] for cells in texts(newest().filter(dep_delay=None), *FULL))])
    assert grid.refused == []


def check_sent_by_mui(grid: Shown) -> None:
    """Compare the requests without the ids that MUI makes up for filters."""

    def plain(request: Any) -> Any:
        items = [
            {key: value for key, value in item.items() if key not in ("id", "fromInput")}
            for item in request["filterModel"]["items"]
        ]
        return {**request, "filterModel": {**request["filterModel"], "items": items}}

    grid.check_sent(plain)
