"""Requests with one odd value somewhere: they are answered or refused, and never break."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
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
    """A request with another value at one place; what does not lead there is shared with the first."""
    if not path:
        return value
    changed = copy.copy(request)
    changed[path[0]] = with_value(request[path[0]], path[1:], value)
    return changed


def odd_requests(requests: Iterable[Any]) -> Iterator[Any]:
    """Each request with each odd value in each place; a part that an earlier one has, too, is asked about once."""
    seen: set[tuple[Any, ...]] = set()
    for request in requests:
        for path in places(request):
            part = (path, json.dumps(reduce(getitem, path[:-1], request)))
            if part not in seen:
                seen.add(part)
                yield from (with_value(request, path, value) for value in ODD)


@pytest.fixture
def shelf(db: None) -> None:
    """The products of the fixtures."""
    fill_shelf()


@pytest.mark.unmeasured
@pytest.mark.parametrize("dialect", sorted(FIXTURES))
def test_reading_an_odd_request_gives_a_question_or_a_refusal(dialect: str) -> None:
    access, reader = GridAccess(ProductGrid, ADMIN), dialect_named(dialect)
    requests = [request for name, request in REQUESTS if name == dialect]
    before = json.dumps(requests)
    for odd in odd_requests(requests):
        with suppress(QueryError):
            reader.read(odd, access).question.query()
    assert json.dumps(requests) == before, "A dialect changes what it is given."


@pytest.mark.django_db
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_answering_an_odd_request_gives_rows_or_a_refusal(shelf: None, data: st.DataObject) -> None:
    dialect, request = data.draw(st.sampled_from(REQUESTS))
    path = data.draw(st.sampled_from(list(places(request))))
    odd = with_value(request, path, data.draw(st.sampled_from(ODD)))
    with suppress(QueryError):
        json.dumps(answer_in_dialect(GridAccess(ProductGrid, ADMIN), dialect, odd))
