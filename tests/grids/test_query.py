"""Reading a query: what is not understood is refused, with the place where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.exceptions import QueryError, QueryLimitError, UnknownOperatorError
from gridkit_django.grids.operators import WITH_CASE, WITH_LIST, WITH_NAME, WITHOUT_VALUE, Op
from gridkit_django.grids.query import CountMode, CursorWindow, GridQuery, OffsetWindow, SortTerm
from gridkit_django.grids.tree import Condition, Group, Negation

LEAF = {"col": "a", "op": "eq", "value": 1}


def nested(levels: int) -> dict[str, Any]:
    """A filter of so many levels, the leaf included."""
    node: dict[str, Any] = LEAF
    for _ in range(levels - 1):
        node = {"not": node}
    return node


def test_empty_query_asks_for_the_first_rows_with_a_capped_count() -> None:
    assert GridQuery.from_dict({}) == GridQuery(
        columns=None, sort=(), filter=None, search="", window=CursorWindow(), count=CountMode.CAPPED, tz=None
    )


def test_null_stands_for_absent() -> None:
    keys = ("v", "columns", "sort", "filter", "search", "window", "count", "tz", "include")
    assert GridQuery.from_dict(dict.fromkeys(keys)) == GridQuery()


def test_whole_query_is_read() -> None:
    query = GridQuery.from_dict(
        {
            "v": 1,
            "columns": ["b", "a"],
            "sort": [{"col": "a"}, {"col": "b", "dir": "desc", "nulls": "first"}, {"col": "c", "nulls": None}],
            "filter": {"and": [LEAF, {"not": {"or": [{"col": "b", "op": "blank"}]}}]},
            "search": "  two words ",
            "window": {"kind": "offset", "start": 5, "end": 7},
            "count": "exact",
            "tz": "Europe/Paris",
            "include": [],
        }
    )
    assert query == GridQuery(
        columns=("b", "a"),
        sort=(SortTerm("a"), SortTerm("b", "desc", "first"), SortTerm("c")),
        filter=Group("and", (Condition("a", Op.EQ, 1), Negation(Group("or", (Condition("b", Op.BLANK),))))),
        search="two words",
        window=OffsetWindow(5, 7),
        count=CountMode.EXACT,
        tz="Europe/Paris",
    )


@pytest.mark.parametrize(
    ("raw", "pointer", "error"),
    [
        ([], "", QueryError),
        ({"sorting": []}, "", QueryError),
        ({"v": 2}, "/v", QueryError),
        ({"include": ["facets"]}, "/include/0", QueryError),
        ({"columns": []}, "/columns", QueryError),
        ({"columns": "a"}, "/columns", QueryError),
        ({"columns": {"a": 1}}, "/columns", QueryError),
        ({"columns": ["a", 1]}, "/columns/1", QueryError),
        ({"columns": ["a", "b", "a"]}, "/columns/2", QueryError),
        ({"columns": ["x" * 101]}, "/columns/0", QueryLimitError),
        ({"columns": ["x\ud800"]}, "/columns/0", QueryError),
        ({"columns": [str(n) for n in range(501)]}, "/columns", QueryLimitError),
        ({"sort": ["a"]}, "/sort/0", QueryError),
        ({"sort": [{"dir": "asc"}]}, "/sort/0", QueryError),
        ({"sort": [{"col": "a", "dir": "up"}]}, "/sort/0/dir", QueryError),
        ({"sort": [{"col": "a", "dir": ["asc"]}]}, "/sort/0/dir", QueryError),
        ({"sort": [{"col": "a", "nulls": "none"}]}, "/sort/0/nulls", QueryError),
        ({"sort": [{"col": "a", "desc": True}]}, "/sort/0", QueryError),
        ({"sort": [{"col": "a"}, {"col": "a", "dir": "desc"}]}, "/sort/1", QueryError),
        ({"sort": [{"col": str(n)} for n in range(9)]}, "/sort", QueryLimitError),
        ({"search": 1}, "/search", QueryError),
        ({"search": "x" * 201}, "/search", QueryLimitError),
        ({"search": "\x00"}, "/search", QueryError),
        ({"count": "all"}, "/count", QueryError),
        ({"tz": "Mars/Base"}, "/tz", QueryError),
        ({"tz": "../../etc/passwd"}, "/tz", QueryError),
        ({"tz": "America"}, "/tz", QueryError),
        ({"tz": 1}, "/tz", QueryError),
        ({"window": []}, "/window", QueryError),
        ({"window": {}}, "/window/kind", QueryError),
        ({"window": {"kind": "page"}}, "/window/kind", QueryError),
        ({"window": {"kind": "offset"}}, "/window/start", QueryError),
        ({"window": {"kind": "offset", "start": -1, "end": 5}}, "/window/start", QueryError),
        ({"window": {"kind": "offset", "start": 5, "end": 5}}, "/window/end", QueryError),
        ({"window": {"kind": "offset", "start": 0, "end": 501}}, "/window/end", QueryLimitError),
        ({"window": {"kind": "offset", "start": True, "end": 5}}, "/window/start", QueryError),
        ({"window": {"kind": "offset", "start": 10_000_001, "end": 10_000_002}}, "/window/start", QueryLimitError),
        ({"window": {"kind": "offset", "start": 0, "end": 5, "size": 5}}, "/window", QueryError),
        ({"window": {"kind": "cursor", "start": 0}}, "/window", QueryError),
        ({"window": {"kind": "cursor", "size": 0}}, "/window/size", QueryError),
        ({"window": {"kind": "cursor", "size": 501}}, "/window/size", QueryLimitError),
        ({"window": {"kind": "cursor", "size": 1.0}}, "/window/size", QueryError),
        ({"window": {"kind": "cursor", "after": "a", "before": "b"}}, "/window", QueryError),
        ({"window": {"kind": "cursor", "after": 5}}, "/window/after", QueryError),
        ({"filter": []}, "/filter", QueryError),
        ({"filter": {}}, "/filter", QueryError),
        ({"filter": {"and": []}}, "/filter/and", QueryError),
        ({"filter": {"or": LEAF}}, "/filter/or", QueryError),
        ({"filter": {"and": [LEAF], "or": [LEAF]}}, "/filter", QueryError),
        ({"filter": {"not": LEAF, "col": "a"}}, "/filter", QueryError),
        ({"filter": {"and": [LEAF, {"col": "a"}]}}, "/filter/and/1", QueryError),
        ({"filter": {"op": "eq", "value": 1}}, "/filter", QueryError),
        ({"filter": {**LEAF, "condition1": 1}}, "/filter", QueryError),
        ({"filter": {**LEAF, "op": "like"}}, "/filter/op", UnknownOperatorError),
        ({"filter": {**LEAF, "op": {}}}, "/filter/op", UnknownOperatorError),
        ({"filter": {**LEAF, "col": 1}}, "/filter/col", QueryError),
        ({"filter": {"col": "a", "op": "eq"}}, "/filter", QueryError),
        ({"filter": {**LEAF, "value": None}}, "/filter/value", QueryError),
        ({"filter": {**LEAF, "value": [1]}}, "/filter/value", QueryError),
        ({"filter": {**LEAF, "value": {"a": 1}}}, "/filter/value", QueryError),
        ({"filter": {**LEAF, "to": 2}}, "/filter/to", QueryError),
        ({"filter": {**LEAF, "op": "between"}}, "/filter", QueryError),
        ({"filter": {**LEAF, "op": "between", "to": [1]}}, "/filter/to", QueryError),
        ({"filter": {**LEAF, "op": "blank"}}, "/filter/value", QueryError),
        ({"filter": {**LEAF, "op": "in"}}, "/filter/value", QueryError),
        ({"filter": {**LEAF, "op": "in", "value": "abc"}}, "/filter/value", QueryError),
        ({"filter": {**LEAF, "op": "in", "value": [[1]]}}, "/filter/value", QueryError),
        ({"filter": {**LEAF, "op": "in", "value": [0] * 1001}}, "/filter/value", QueryLimitError),
        ({"filter": {**LEAF, "value": "x" * 10_001}}, "/filter/value", QueryLimitError),
        ({"filter": {**LEAF, "op": "in", "value": ["x" * 10_001]}}, "/filter/value", QueryLimitError),
        (
            {"filter": {**LEAF, "op": "filter", "name": "n", "value": {"a": "x" * 10_001}}},
            "/filter/value",
            QueryLimitError,
        ),
        ({"filter": {**LEAF, "ci": "no"}}, "/filter/ci", QueryError),
        ({"filter": {"col": "a", "op": "lt", "value": 1, "ci": False}}, "/filter/ci", QueryError),
        ({"filter": nested(9)}, "/filter" + "/not" * 8, QueryLimitError),
        ({"filter": {"and": [LEAF] * 100}}, "/filter/and/99", QueryLimitError),
        ({"filter": {"and": [LEAF] * 101}}, "/filter/and", QueryLimitError),
    ],
)
def test_query_that_is_not_understood_is_refused_at_its_place(raw: Any, pointer: str, error: type[QueryError]) -> None:
    with pytest.raises(error) as refusal:
        GridQuery.from_dict(raw)
    assert type(refusal.value) is error
    assert [item.pointer for item in refusal.value.errors] == [pointer]
    assert refusal.value.detail.encode()


def test_limits_themselves_are_allowed() -> None:
    assert GridQuery.from_dict({"filter": nested(8)}).filter
    assert GridQuery.from_dict({"filter": {"and": [LEAF] * 99}}).filter
    assert GridQuery.from_dict({"filter": {**LEAF, "op": "in", "value": [0] * 1000}}).filter
    assert GridQuery.from_dict({"window": {"kind": "offset", "start": 10_000_000, "end": 10_000_500}}).window


def test_very_deep_filter_is_refused_before_it_can_exhaust_the_stack() -> None:
    with pytest.raises(QueryLimitError):
        GridQuery.from_dict({"filter": nested(100_000)})


def test_limits_follow_the_settings() -> None:
    with override_settings(GRIDKIT={"FILTER_DEPTH_MAX": 1, "SORT_TERMS_MAX": 0}):
        with pytest.raises(QueryLimitError, match="deeper than 1 levels"):
            GridQuery.from_dict({"filter": {"not": LEAF}})
        with pytest.raises(QueryLimitError):
            GridQuery.from_dict({"sort": [{"col": "a"}]})


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=10)
scalars = st.one_of(st.integers(), st.text(st.characters(codec="utf-8", exclude_characters="\x00")), st.booleans())


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    op = draw(st.sampled_from(Op))
    value: Any = None
    if op in WITH_LIST:
        value = tuple(draw(st.lists(st.none() | scalars, max_size=4)))
    elif op in WITH_NAME:
        value = draw(scalars | st.lists(scalars, max_size=3).map(tuple) | st.dictionaries(names, scalars, max_size=2))
    elif op not in WITHOUT_VALUE:
        value = draw(scalars)
    to = draw(scalars) if op is Op.BETWEEN else None
    name = draw(names) if op in WITH_NAME else ""
    return Condition(draw(names), op, value, to, draw(st.booleans()) if op in WITH_CASE else True, name)


def groups(nodes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(nodes, min_size=1, max_size=3).map(tuple)
    return st.builds(Negation, nodes) | st.builds(Group, st.sampled_from(["and", "or"]), several)


sizes = st.none() | st.integers(1, 500)
windows = st.one_of(
    st.builds(CursorWindow, after=st.none() | names, size=sizes),
    st.builds(CursorWindow, before=names, size=sizes),
    st.integers(0, 99).flatmap(lambda start: st.builds(OffsetWindow, st.just(start), st.integers(start + 1, 200))),
)
queries = st.builds(
    GridQuery,
    columns=st.none() | st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
    sort=st.lists(
        st.builds(SortTerm, names, st.sampled_from(["asc", "desc"]), st.sampled_from(["first", "last"])),
        max_size=3,
        unique_by=lambda term: term.col,
    ).map(tuple),
    filter=st.none() | st.recursive(conditions(), groups, max_leaves=6),
    search=names.map(str.strip),
    window=windows,
    count=st.sampled_from(CountMode),
    tz=st.sampled_from([None, "UTC", "Asia/Kathmandu"]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(queries)
@override_settings(GRIDKIT={"FILTER_DEPTH_MAX": 50})
def test_query_written_and_read_again_is_equal(query: GridQuery) -> None:
    assert GridQuery.from_dict(query.to_dict()) == query
