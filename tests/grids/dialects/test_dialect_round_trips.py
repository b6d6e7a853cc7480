"""Random canonical queries, written in each dialect and read back, find the same rows in the same order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.grids import GridAccess
from gridkit_django.grids.dialects import answer_in_dialect
from tests.grids.dialects.shelf import chosen, fill_shelf
from tests.grids.dialects.test_dialect_fixtures import rows_of
from tests.grids.shop import ADMIN, ProductGrid, ask

pytestmark = pytest.mark.django_db

Json = dict[str, Any]

WORDS = ["a", "B", "ol", "%", "_", "ball", "Ä", "e"]
DAYS = ["2022-01-01", "2024-03-09", "2024-03-10", "2024-03-11", "2024-06-30"]
TEXT = ("eq", "ne", "contains", "ncontains", "starts", "ends")
ORDERED = ("eq", "ne", "lt", "lte", "gt", "gte")
VALUES: dict[str, tuple[str, tuple[str, ...], list[Any]]] = {
    "name": ("text", TEXT, WORDS),
    "description": ("text", TEXT, WORDS),
    "category": ("choice", ("eq", "ne", "in"), ["book", "toy", "tool"]),
    "stock": ("number", ORDERED, [-1, 0, 3, 5, 12]),
    "rating": ("number", ORDERED, [-1.5, 0.5, 3.0, 4.5]),
    "released": ("date", ORDERED, DAYS),
    "restocked": ("date", ORDERED, DAYS),
    "active": ("truth", ("eq",), [True, False]),
}
"""Column to its kind, its operators and values to compare with; most of these occur in the rows."""

SORTABLE = ["sku", "name", "category", "stock", "rating", "released", "active"]


def operators(dialect: str, column: str) -> list[str]:
    """The operators that a dialect has for a column."""
    kind, ops, _values = VALUES[column]
    found = [*ops, *([] if kind in ("choice", "truth") else ["blank", "nblank"])]
    if kind == "number" and dialect in ("aggrid", "tanstack"):
        found.append("between")
    lacking = {"tabulator": ["ncontains"], "datatables": ["lte", "gte"] if kind == "date" else []}.get(dialect, [])
    return [op for op in found if op not in lacking]


def condition(column: str, op: str, value: Any, to: Any) -> Json:
    """A condition in canonical words."""
    leaf: Json = {"col": column, "op": op}
    if op in ("blank", "nblank"):
        return leaf
    leaf["value"] = [value, to] if op == "in" else value
    return {**leaf, "to": to} if op == "between" else leaf


@st.composite
def conditions(draw: st.DrawFn, dialect: str) -> Json:
    """One condition that a dialect can say."""
    column = draw(st.sampled_from(sorted(VALUES)))
    values = st.sampled_from(VALUES[column][2])
    return condition(column, draw(st.sampled_from(operators(dialect, column))), draw(values), draw(values))


def filters(dialect: str) -> st.SearchStrategy[Json]:
    """Filters of the shapes that a dialect can say."""
    leaf = conditions(dialect)
    several = st.lists(leaf, min_size=2, max_size=3)
    conjunctions = several.map(lambda nodes: {"and": nodes})
    disjunctions = several.map(lambda nodes: {"or": nodes})
    if dialect in ("tanstack", "datatables"):
        return leaf | conjunctions
    if dialect == "mui":
        return leaf | conjunctions | disjunctions
    if dialect == "tabulator":
        return leaf | st.lists(leaf | disjunctions, min_size=2, max_size=3).map(lambda nodes: {"and": nodes})
    joins = st.sampled_from(["and", "or"])

    def extend(node: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
        joined = st.tuples(joins, st.lists(node, min_size=2, max_size=3)).map(lambda pair: {pair[0]: pair[1]})
        return joined | node.map(lambda inner: {"not": inner}) if dialect == "devextreme" else joined

    return st.recursive(leaf, extend, max_leaves=6)


@st.composite
def queries(draw: st.DrawFn, dialect: str) -> Json:
    """A canonical query that a dialect can say."""
    start = draw(st.integers(0, 2)) * (size := draw(st.integers(1, 8)))
    terms = st.fixed_dictionaries({"col": st.sampled_from(SORTABLE), "dir": st.sampled_from(["asc", "desc"])})
    return {
        "filter": draw(st.none() | filters(dialect)),
        "sort": draw(st.lists(terms, max_size=3, unique_by=lambda term: term["col"])),
        "window": {"kind": "offset", "start": start, "end": start + size},
    }


def members(tree: Json | None) -> list[Json]:
    """The members of a conjunction."""
    return [] if tree is None else tree.get("and", [tree])


AG_TEXT = {
    "eq": "equals",
    "ne": "notEqual",
    "contains": "contains",
    "ncontains": "notContains",
    "starts": "startsWith",
    "ends": "endsWith",
    "blank": "blank",
    "nblank": "notBlank",
}
AG_ORDERED = {
    "eq": "equals",
    "ne": "notEqual",
    "lt": "lessThan",
    "lte": "lessThanOrEqual",
    "gt": "greaterThan",
    "gte": "greaterThanOrEqual",
    "between": "inRange",
    "blank": "blank",
    "nblank": "notBlank",
}


def aggrid(query: Json) -> Json:
    """The query as a request of AG Grid with its Advanced Filter."""

    def node(tree: Json) -> Json:
        if "col" not in tree:
            ((join, nodes),) = tree.items()
            return {"filterType": "join", "type": join.upper(), "conditions": [node(item) for item in nodes]}
        kind = VALUES[tree["col"]][0]
        model: Json = {"colId": tree["col"]}
        if tree["op"] == "in":
            return {**model, "filterType": "set", "type": "isAnyOf", "values": tree["value"]}
        if kind == "truth":
            return {**model, "filterType": "boolean", "type": str(tree["value"]).lower()}
        model |= {"filterType": "text" if kind == "choice" else kind}
        model |= {"type": (AG_TEXT if kind in ("text", "choice") else AG_ORDERED)[tree["op"]]}
        model |= {"filter": tree["value"]} if "value" in tree else {}
        return model | ({"filterTo": tree["to"]} if "to" in tree else {})

    return {
        "startRow": query["window"]["start"],
        "endRow": query["window"]["end"],
        "filterModel": None if query["filter"] is None else node(query["filter"]),
        "sortModel": [{"colId": term["col"], "sort": term["dir"]} for term in query["sort"]],
    }


def tanstack(query: Json) -> Json:
    """The query as a state of TanStack Table with conditions in full."""
    start, end = query["window"]["start"], query["window"]["end"]
    return {
        "columnFilters": [
            {"id": leaf["col"], "value": {key: value for key, value in leaf.items() if key != "col"}}
            for leaf in members(query["filter"])
        ],
        "sorting": [{"id": term["col"], "desc": term["dir"] == "desc"} for term in query["sort"]],
        "pagination": {"pageIndex": start // (end - start), "pageSize": end - start},
    }


TABULATOR = {
    "eq": "=",
    "ne": "!=",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "contains": "like",
    "starts": "starts",
    "ends": "ends",
    "in": "in",
    "blank": "=",
    "nblank": "!=",
}


def tabulator(query: Json) -> Json:
    """The query as a request of Tabulator, whose last sorter counts most."""

    def node(tree: Json) -> Any:
        if "or" in tree:
            return [node(item) for item in tree["or"]]
        return {"field": tree["col"], "type": TABULATOR[tree["op"]], "value": tree.get("value")}

    start, end = query["window"]["start"], query["window"]["end"]
    return {
        "page": start // (end - start) + 1,
        "size": end - start,
        "filter": [node(item) for item in members(query["filter"])],
        "sort": [{"field": term["col"], "dir": term["dir"]} for term in reversed(query["sort"])],
    }


DATATABLES = {
    "eq": "equal",
    "ne": "notEqual",
    "lt": "less",
    "lte": "lessOrEqual",
    "gt": "greater",
    "gte": "greaterOrEqual",
    "contains": "contains",
    "ncontains": "notContains",
    "starts": "starts",
    "ends": "ends",
    "blank": "empty",
    "nblank": "notEmpty",
}


def datatables(query: Json) -> Json:
    """The query as a request of DataTables with ColumnControl: each condition at a column of its own."""
    columns: list[Json] = [{"data": name, "search": {"value": "", "regex": False}} for name in ["sku", *SORTABLE[1:]]]
    for leaf in members(query["filter"]):
        control: Json = {"list": dict(enumerate(leaf["value"]))} if leaf["op"] == "in" else {}
        if not control:
            value = (
                json.dumps(leaf["value"]).strip('"') if leaf.get("value") not in (None, "Ä") else leaf.get("value", "")
            )
            control = {"search": {"value": value, "logic": DATATABLES[leaf["op"]], "type": "text"}}
        columns.append({"data": leaf["col"], "columnControl": control})
    return {
        "draw": 1,
        "columns": columns,
        "order": [{"column": SORTABLE.index(term["col"]), "dir": term["dir"]} for term in query["sort"]],
        "start": query["window"]["start"],
        "length": query["window"]["end"] - query["window"]["start"],
    }


DEVEXTREME = {
    "eq": "=",
    "ne": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "contains": "contains",
    "ncontains": "notcontains",
    "starts": "startswith",
    "ends": "endswith",
    "blank": "=",
    "nblank": "<>",
}


def devextreme(query: Json) -> Json:
    """The query as load options of DevExtreme."""

    def node(tree: Json) -> list[Any]:
        if "not" in tree:
            return ["!", node(tree["not"])]
        if "col" not in tree:
            ((join, nodes),) = tree.items()
            return [part for item in nodes for part in (join, node(item))][1:]
        if tree["op"] == "in":
            return [part for value in tree["value"] for part in ("or", [tree["col"], "=", value])][1:]
        return [tree["col"], DEVEXTREME[tree["op"]], tree.get("value")]

    return {
        "skip": query["window"]["start"],
        "take": query["window"]["end"] - query["window"]["start"],
        "filter": None if query["filter"] is None else node(query["filter"]),
        "sort": [{"selector": term["col"], "desc": term["dir"] == "desc"} for term in query["sort"]],
    }


MUI = {
    "text": {
        "eq": "equals",
        "ne": "doesNotEqual",
        "contains": "contains",
        "ncontains": "doesNotContain",
        "starts": "startsWith",
        "ends": "endsWith",
    },
    "number": {"eq": "=", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="},
    "date": {"eq": "is", "ne": "not", "lt": "before", "lte": "onOrBefore", "gt": "after", "gte": "onOrAfter"},
    "choice": {"eq": "is", "ne": "not", "in": "isAnyOf"},
    "truth": {"eq": "is"},
}


def mui(query: Json) -> Json:
    """The query as a request of the MUI X Data Grid."""
    tree = query["filter"] or {"and": []}
    items = tree.get("or") or members(tree)
    return {
        "start": query["window"]["start"],
        "end": query["window"]["end"] - 1,
        "filterModel": {
            "logicOperator": "or" if "or" in tree else "and",
            "items": [
                {
                    "field": leaf["col"],
                    "operator": {"blank": "isEmpty", "nblank": "isNotEmpty", **MUI[VALUES[leaf["col"]][0]]}[leaf["op"]],
                    "value": leaf.get("value"),
                }
                for leaf in items
            ],
        },
        "sortModel": [{"field": term["col"], "sort": term["dir"]} for term in query["sort"]],
    }


WRITERS: dict[str, Callable[[Json], Json]] = {
    "aggrid": aggrid,
    "tanstack": tanstack,
    "tabulator": tabulator,
    "datatables": datatables,
    "devextreme": devextreme,
    "mui": mui,
}


@pytest.fixture
def shelf(db: None) -> None:
    """The products of the fixtures."""
    fill_shelf()


@pytest.mark.parametrize("column", VALUES)
@pytest.mark.parametrize("dialect", WRITERS)
def test_every_operator_and_value_finds_the_same_rows(shelf: None, dialect: str, column: str) -> None:
    values = VALUES[column][2]
    for op in operators(dialect, column):
        for index, value in enumerate(values):
            tree = condition(column, op, value, values[(index + 1) % len(values)])
            query = {"filter": tree, "sort": [{"col": "sku", "dir": "asc"}]} | {
                "window": {"kind": "offset", "start": 0, "end": 8}
            }

            answer = answer_in_dialect(GridAccess(ProductGrid, ADMIN), dialect, WRITERS[dialect](query))

            assert [row["sku"] for row in rows_of(dict(answer))] == [row["sku"] for row in chosen(query)], tree


@pytest.mark.parametrize("dialect", WRITERS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_query_finds_the_same_rows_in_each_dialect(shelf: None, dialect: str, data: st.DataObject) -> None:
    query = data.draw(queries(dialect))

    answer = answer_in_dialect(GridAccess(ProductGrid, ADMIN), dialect, WRITERS[dialect](query))

    assert [row["$id"] for row in rows_of(dict(answer))] == [row.id for row in ask(ProductGrid, **query).rows]


def grouped(dialect: str, query: Json) -> Json:
    """A query for one level of groups with a sum of stock, in a dialect."""
    request = WRITERS[dialect](query)
    group, path = query["group"], query["path"]
    match dialect:
        case "aggrid":
            levels = [{"id": name, "field": name, "displayName": name} for name in group]
            figure = [{"id": "stock", "field": "stock", "displayName": "Stock", "aggFunc": "sum"}]
            return {**request, "rowGroupCols": levels, "groupKeys": path, "valueCols": figure}
        case "mui":
            return {**request, "groupFields": group, "groupKeys": path, "aggregationModel": {"stock": "sum"}}
        case "tanstack":
            return {**request, "grouping": group, "aggregations": {"stock": "sum"}}
        case _:
            figure = [{"selector": "stock", "summaryType": "sum"}]
            levels = [{"selector": name, "isExpanded": False} for name in group]
            return {**request, "group": levels, "groupSummary": figure}


@pytest.mark.parametrize("dialect", ["aggrid", "mui", "tanstack", "devextreme"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_query_finds_the_same_groups_in_each_dialect(shelf: None, dialect: str, data: st.DataObject) -> None:
    query = {**data.draw(queries(dialect)), "sort": [], "path": []}
    query["group"] = data.draw(st.permutations(["category", "active", "rating"]))[: 1 if dialect == "devextreme" else 2]
    if dialect in ("aggrid", "mui") and data.draw(st.booleans()):
        first = ask(ProductGrid, group=query["group"]).rows
        query["path"] = [data.draw(st.sampled_from([row.group.key for row in first if row.group]))]

    answer = answer_in_dialect(GridAccess(ProductGrid, ADMIN), dialect, grouped(dialect, query))

    page = ask(ProductGrid, **query, aggregates=[{"col": "stock", "fn": "sum", "as": "stock"}])
    expected = [(row.group.key, row.group.child_count, row.data["stock"]) for row in page.rows if row.group]
    if dialect == "devextreme":
        found = [(row["key"], row["count"], row["summary"][0]) for row in rows_of(dict(answer))]
    else:
        found = [(row["$group"]["key"], row["$group"]["childCount"], row["stock"]) for row in rows_of(dict(answer))]
    assert found == expected
