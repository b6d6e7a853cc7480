"""What an answer in a dialect holds beyond the rows of one page: open groups, cursors, limits, numbers of rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from gridkit_django.exceptions import CursorMismatchError, DialectError, QueryLimitError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.dialects import answer_in_dialect
from tests.grids.dialects.shelf import SHELF, fill_shelf
from tests.grids.shop import ADMIN, ProductGrid, make_products

pytestmark = pytest.mark.django_db

SKU = [{"id": "sku", "desc": False}]


def answered(dialect: str, request: Any) -> Any:
    return json.loads(json.dumps(answer_in_dialect(GridAccess(ProductGrid, ADMIN), dialect, request)))


def skus(rows: list[Any]) -> list[str]:
    return [row["sku"] for row in rows]


def few_rows(most: int) -> Any:
    """Settings in which one answer holds few rows."""
    return override_settings(GRIDKIT={"PAGE_SIZE": 1, "PAGE_SIZE_MAX": most})


def test_tanstack_open_groups_have_what_is_inside() -> None:
    fill_shelf()

    answer = answered(
        "tanstack",
        {
            "grouping": ["category", "active"],
            "sorting": SKU,
            "expanded": {'["toy"]': True, '["toy", true]': True, '["tool"]': False},
        },
    )

    book, tool, toy = answer["data"]
    assert "subRows" not in book
    assert "subRows" not in tool
    assert [row["$id"] for row in toy["subRows"]] == ['["toy", false]', '["toy", true]']
    assert "subRows" not in toy["subRows"][0]
    assert skus(toy["subRows"][1]["subRows"]) == ["B1", "D1"]


def test_tanstack_opens_all_groups_down_to_the_rows() -> None:
    fill_shelf()

    answer = answered("tanstack", {"grouping": ["category"], "sorting": SKU, "expanded": True})

    assert [skus(group["subRows"]) for group in answer["data"]] == [
        ["A1", "C2"],
        ["B2", "C1"],
        ["A2", "B1", "D1", "D2"],
    ]


@pytest.mark.parametrize(
    ("dialect", "request_"),
    [
        ("tanstack", {"grouping": ["category"], "expanded": True}),
        ("devextreme", {"group": [{"selector": "category", "isExpanded": True}]}),
    ],
)
def test_open_groups_over_the_limit_of_an_answer_are_refused(dialect: str, request_: dict[str, Any]) -> None:
    fill_shelf()

    with few_rows(11):  # three groups and eight rows
        answered(dialect, request_)
    with few_rows(10), pytest.raises(QueryLimitError) as caught:
        answered(dialect, request_)

    assert caught.value.errors[0].pointer in ("/expanded", "/group")


@pytest.mark.parametrize(
    ("dialect", "request_"),
    [
        ("tanstack", {"grouping": ["active", "stock"], "expanded": True}),
        ("devextreme", {"group": ["active", "stock"]}),
    ],
)
def test_open_groups_cost_one_query_for_each_level_however_many_they_are(
    dialect: str, request_: dict[str, Any]
) -> None:
    make_products([{"stock": number, "active": number % 2 == 0} for number in range(150)])

    with CaptureQueriesContext(connection) as queries:
        answer = answered(dialect, request_)

    name = "subRows" if dialect == "tanstack" else "items"
    assert [[len(inner[name]) for inner in group[name]] for group in answer["data"]] == [[1] * 75] * 2
    assert len(queries) == 3


def test_devextreme_expanded_group_holds_its_rows() -> None:
    fill_shelf()

    answer = answered("devextreme", {"group": "category", "sort": [{"selector": "sku", "desc": True}]})

    assert [(group["key"], skus(group["items"])) for group in answer["data"]] == [
        ("book", ["C2", "A1"]),
        ("tool", ["C1", "B2"]),
        ("toy", ["D2", "D1", "B1", "A2"]),
    ]


def test_devextreme_selected_columns_are_those_of_the_rows_in_groups() -> None:
    fill_shelf()

    answer = answered("devextreme", {"group": "category", "select": ["sku"]})

    assert set(answer["data"][0]["items"][0]) == {"$id", "$v", "sku"}


@pytest.mark.parametrize(
    ("dialect", "request_", "pointer"),
    [
        ("aggrid", {}, "/endRow"),
        ("tanstack", {}, "/pagination"),
        ("tabulator", {"size": True}, "/size"),
        ("datatables", {"length": -1}, "/length"),
        ("devextreme", {}, "/take"),
    ],
)
def test_request_for_all_rows_is_refused_when_they_do_not_fit(
    dialect: str, request_: dict[str, Any], pointer: str
) -> None:
    fill_shelf()

    with few_rows(8):
        answered(dialect, request_)
    with few_rows(7), pytest.raises(QueryLimitError, match="more than 7 rows") as caught:
        answered(dialect, request_)

    assert caught.value.errors[0].pointer == pointer


def test_mui_cursor_leads_through_all_rows() -> None:
    fill_shelf()
    request: dict[str, Any] = {
        "paginationModel": {"page": 0, "pageSize": 3},
        "sortModel": [{"field": "rating", "sort": "desc"}],
    }

    found: list[str] = []
    answer = answered("mui", {**request, "start": 0, "end": 2})
    while True:
        found += skus(answer["rows"])
        if not answer["pageInfo"]["hasNextPage"]:
            break
        answer = answered("mui", {**request, "start": answer["pageInfo"]["nextCursor"]})

    assert sorted(found) == [row["sku"] for row in SHELF]
    assert set(found[-2:]) == {"A2", "C2"}  # those without a rating


def test_mui_cursor_of_another_order_is_refused() -> None:
    fill_shelf()
    cursor = answered("mui", {"start": 0, "end": 2})["pageInfo"]["nextCursor"]

    with pytest.raises(CursorMismatchError) as caught:
        answered("mui", {"start": cursor, "sortModel": [{"field": "sku", "sort": "asc"}]})

    assert caught.value.errors == () or caught.value.errors[0].pointer == "/start"


@pytest.mark.parametrize(
    ("dialect", "request_", "key"),
    [
        ("aggrid", {"startRow": 0, "endRow": 2}, "rowCount"),
        ("tanstack", {"pagination": {"pageIndex": 0, "pageSize": 2}}, "rowCount"),
    ],
)
@override_settings(GRIDKIT={"COUNT_CAP": 5})
def test_number_of_rows_that_is_not_exact_is_not_told(dialect: str, request_: dict[str, Any], key: str) -> None:
    fill_shelf()

    assert key not in answered(dialect, request_)
    assert (
        answered(
            dialect, {**request_, "startRow": 7, "endRow": 9} if dialect == "aggrid" else {**request_, "count": "exact"}
        )[key]
        == 8
    )


@pytest.mark.parametrize(
    ("dialect", "request_", "most"),
    [
        ("aggrid", {"startRow": 0, "endRow": 2}, 2),
        ("tanstack", {"pagination": {"pageIndex": 0, "pageSize": 2}}, 2),
        ("tabulator", {"page": 1, "size": 2}, 2),
        ("datatables", {"length": 2, "search": {"value": "o"}}, 3),
        (
            "devextreme",
            {"take": 2, "requireTotalCount": True, "totalSummary": [{"selector": "stock", "summaryType": "sum"}]},
            3,
        ),
        ("mui", {"start": 0, "end": 1}, 2),
    ],
)
def test_page_costs_as_many_queries_as_in_the_words_of_the_protocol(
    dialect: str, request_: dict[str, Any], most: int
) -> None:
    fill_shelf()

    with CaptureQueriesContext(connection) as queries:
        answered(dialect, request_)

    assert len(queries) <= most


def test_relative_span_is_that_of_the_grid() -> None:
    make_products(
        [{"sku": "NOW", "restocked": datetime.now(UTC)}, {"sku": "THEN", "restocked": datetime(2020, 1, 1, tzinfo=UTC)}]
    )

    answer = answered(
        "aggrid",
        {"filterModel": {"restocked": {"filterType": "date", "type": "last7Days", "dateFrom": None, "dateTo": None}}},
    )

    assert skus(answer["rowData"]) == ["NOW"]


def test_aggrid_inner_pivot_keeps_the_columns_of_the_outermost_level() -> None:
    fill_shelf()
    request = {
        "rowGroupCols": [{"id": "category"}, {"id": "rating"}],
        "valueCols": [{"id": "stock", "aggFunc": "sum"}],
        "pivotCols": [{"id": "active"}],
        "pivotMode": True,
    }

    inner = answered("aggrid", {**request, "groupKeys": ["book"], "needsGrandTotal": True})

    assert "pivotResultFields" not in inner
    assert [row["true_stock"] for row in inner["rowData"]] == [5, 0]
    assert inner["grandTotalData"] == {"stock": 132, "false_stock": 10, "true_stock": 122}


def test_aggrid_pivot_by_a_value_that_reads_like_the_blanks_is_refused() -> None:
    make_products([{"description": "(Blanks)"}, {"description": None}])

    with pytest.raises(DialectError) as caught:
        answered(
            "aggrid",
            {
                "rowGroupCols": [{"id": "category"}],
                "valueCols": [{"id": "stock", "aggFunc": "sum"}],
                "pivotCols": [{"id": "description"}],
                "pivotMode": True,
            },
        )

    assert caught.value.errors[0].pointer == "/pivotCols"


def test_mui_pivot_costs_the_same_however_many_columns_it_makes() -> None:
    def cost() -> int:
        request = {
            "start": 0,
            "end": 9,
            "pivotModel": {
                "rows": [{"field": "category"}],
                "columns": [{"field": "stock"}],
                "values": [{"field": "rating", "aggFunc": "max"}],
            },
        }
        with CaptureQueriesContext(connection) as queries:
            answered("mui", request)
        return len(queries)

    make_products([{"stock": 1}])
    few = cost()
    make_products([{"stock": number, "sku": f"N{number}"} for number in range(50)])

    assert cost() == few
