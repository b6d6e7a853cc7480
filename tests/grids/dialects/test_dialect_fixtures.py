"""Each dialect against its fixtures: documented requests, the canonical query they mean, and the rows that it finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import GridKitError, QueryError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.dialects import DIALECTS, answer_in_dialect, dialect_named
from gridkit_django.grids.query import GridQuery
from tests.grids.dialects.shelf import chosen, fill_shelf
from tests.grids.shop import ADMIN, ProductGrid

pytestmark = pytest.mark.django_db

FOLDER = Path(__file__).parent / "fixtures"
FIXTURES: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
HIDDEN = "price"
GHOST = "prize"


def parametrized(part: str) -> Any:
    """One parameter for each entry of a part of each fixture file."""
    found = [
        pytest.param(dialect, entry, id=f"{dialect}: {entry.get('name', index) if isinstance(entry, dict) else index}")
        for dialect, fixture in sorted(FIXTURES.items())
        for index, entry in enumerate(fixture[part])
    ]
    return pytest.mark.parametrize(("dialect", "entry"), found)


def answered(dialect: str, request: Any, user: Any = ADMIN) -> Any:
    """An answer, after a trip through JSON, as a browser gets it."""
    return json.loads(json.dumps(answer_in_dialect(GridAccess(ProductGrid, user), dialect, request)))


def rows_of(answer: dict[str, Any]) -> list[Any]:
    """The rows of an answer, wherever the dialect puts them."""
    found: list[Any] = next(answer[key] for key in ("rowData", "data", "rows") if key in answer)
    return found


def test_every_dialect_has_fixtures() -> None:
    assert set(FIXTURES) == set(DIALECTS)


@parametrized("cases")
def test_request_means_the_canonical_query(dialect: str, entry: dict[str, Any]) -> None:
    question = dialect_named(dialect).read(entry["request"], GridAccess(ProductGrid, ADMIN)).question

    assert question.query().to_dict() == GridQuery.from_dict(entry["query"]).to_dict()


@parametrized("cases")
def test_answer_has_the_rows_that_the_query_finds(dialect: str, entry: dict[str, Any]) -> None:
    fill_shelf()

    answer = answered(dialect, entry["request"])

    for key, value in entry.get("answer", {}).items():
        assert answer[key] == value, key
    if "rows" in entry:
        assert [row["sku"] for row in rows_of(answer)] == entry["rows"]
        assert [row["sku"] for row in chosen(entry["query"])] == entry["rows"]


@parametrized("refusals")
def test_what_is_not_understood_is_refused_with_its_place(dialect: str, entry: dict[str, Any]) -> None:
    fill_shelf()

    with pytest.raises(QueryError) as caught:
        answered(dialect, entry["request"])

    places = [] if entry["pointer"] == [] else [entry["pointer"]]
    assert (caught.value.code, [item.pointer for item in caught.value.errors]) == (entry["code"], places)


@parametrized("hidden")
def test_hidden_column_answers_like_one_that_never_was(dialect: str, entry: Any) -> None:
    fill_shelf()
    clerk = User.objects.create(username="clerk")

    def told(name: str) -> str:
        request = json.loads(json.dumps(entry).replace("HIDDEN", name))
        try:
            answer = answered(dialect, request, clerk)
        except GridKitError as error:
            answer = [error.code, error.detail, [[item.pointer, item.code, item.detail] for item in error.errors]]
        return json.dumps(answer).replace(name, "NAME")

    assert told(HIDDEN) == told(GHOST)
    assert "column-unknown" in told(HIDDEN)
    answered(dialect, json.loads(json.dumps(entry).replace("HIDDEN", HIDDEN)), ADMIN)


def test_unknown_dialect_is_refused() -> None:
    with pytest.raises(QueryError, match="aggrid"):
        dialect_named("kendo")
