"""Requests with one odd value somewhere: they are answered or refused, and never break."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.exceptions import QueryError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.dialects import answer_in_dialect, dialect_named
from tests.grids.dialects.shelf import fill_shelf
from tests.grids.dialects.test_dialect_fixtures import FIXTURES
from tests.grids.shop import ADMIN, ProductGrid

ODD: list[Any] = [None, True, -1, 0, 1.5, 10**30, "", "x", "\ud800", [], [[]], [None], {}, {"a": {}}, {"type": 1}]
REQUESTS = [(dialect, case["request"]) for dialect, fixture in sorted(FIXTURES.items()) for case in fixture["cases"]]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a request, the whole of it first; of a list, whose items are alike, in two items and the last."""
    yield path
    for key, item in inside(value):
        yield from places(item, (*path, key))


def inside(value: Any) -> list[tuple[Any, Any]]:
    """What a part of a request holds, with the keys that lead there."""
    if isinstance(value, dict):
        return list(value.items())
    items = list(enumerate(value)) if isinstance(value, list) else []
    return items if len(items) < 4 else [*items[:2], items[-1]]


def with_value(request: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a request with another value at one place."""
    if not path:
        return value
    changed = copy.deepcopy(request)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@pytest.fixture
def shelf(db: None) -> None:
    """The products of the fixtures."""
    fill_shelf()


@pytest.mark.unmeasured
@pytest.mark.parametrize("dialect", sorted(FIXTURES))
def test_reading_an_odd_request_gives_a_question_or_a_refusal(dialect: str) -> None:
    access = GridAccess(ProductGrid, ADMIN)
    for request in (request for name, request in REQUESTS if name == dialect):
        for path in places(request):
            for value in ODD:
                with suppress(QueryError):
                    dialect_named(dialect).read(with_value(request, path, value), access).question.query()


@pytest.mark.django_db
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_answering_an_odd_request_gives_rows_or_a_refusal(shelf: None, data: st.DataObject) -> None:
    dialect, request = data.draw(st.sampled_from(REQUESTS))
    path = data.draw(st.sampled_from(list(places(request))))
    odd = with_value(request, path, data.draw(st.sampled_from(ODD)))
    with suppress(QueryError):
        json.dumps(answer_in_dialect(GridAccess(ProductGrid, ADMIN), dialect, odd))
