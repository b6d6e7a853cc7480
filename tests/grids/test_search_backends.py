"""How words are found: backends by dotted path, and the indexes that serve them."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import connection
from django.db.models import Index, Q
from django.db.models.functions import Upper
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from gridkit_django.exceptions import GridDeclarationError
from gridkit_django.grids import Column, Grid, SearchBackend
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.full_text import FullTextSearch
from gridkit_django.grids.search_backends import search_backend
from tests.grids.shop import ask, make_products, values
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

POSTGRES = connection.vendor == "postgresql"
HERE = __name__


class ByStart(SearchBackend):
    """Finds a word at the start of a text."""

    def condition(self, column: Column, word: str, frame: Frame) -> Q | None:
        return Q((f"{column.path}__istartswith", word)) if column.type == "text" else None


class English(FullTextSearch):
    """English words."""

    config: ClassVar[str] = "english"


def grid(backend: str | None) -> type[Grid]:
    meta = type(
        "Meta",
        (),
        {
            "model": Product,
            "id": "search-backends",
            "columns": ["sku", "name", "description", "stock"],
            "search": ["name", "description", "stock"],
            "search_backend": backend,
        },
    )
    return type("Searched", (Grid,), {"Meta": meta})


@pytest.fixture
def products() -> None:
    make_products(
        [
            {"sku": "A", "name": "Running shoes", "description": None, "stock": 7},
            {"sku": "B", "name": "The runner", "description": "runs and RUNS", "stock": 8},
            {"sku": "C", "name": "Möbel", "description": "chairs", "stock": 7},
        ]
    )


def found(backend: str | None, text: str) -> str:
    return "".join(values(ask(grid(backend), search=text, sort=[{"col": "sku"}]), "sku"))


@pytest.mark.usefixtures("products")
def test_backend_of_the_grid_goes_before_that_of_the_site() -> None:
    assert found(None, "run") == "AB"
    assert found(f"{HERE}.ByStart", "the") == "B"
    assert found(f"{HERE}.ByStart", "runner") == ""
    with override_settings(GRIDKIT={"SEARCH_BACKEND": f"{HERE}.ByStart"}):
        assert found(None, "the") == "B"
        assert found("gridkit_django.grids.SearchBackend", "runner") == "B"


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize(
    ("text", "words", "parts"),
    [("run", "AB", "AB"), ("chair", "C", "C"), ("SHOE 7", "A", "A"), ("unn", "", "AB"), ("the", "ABC", "B")],
)
def test_full_text_search_finds_words_in_their_forms(text: str, words: str, parts: str) -> None:
    """A word that English leaves out narrows nothing. Other databases search for parts."""
    assert found(f"{HERE}.English", text) == (words if POSTGRES else parts)


@pytest.mark.usefixtures("products")
def test_full_text_search_ignores_case_in_any_script() -> None:
    assert found("gridkit_django.grids.full_text.FullTextSearch", "MÖBEL") == "C"


@pytest.mark.parametrize("path", ["nowhere.Backend", f"{HERE}.HERE", "nothing"])
def test_wrong_backend_is_a_fault_of_the_declaration(path: str) -> None:
    faulty = grid(path)
    assert [fault.code for fault in faulty.faults()] == ["E108"]
    with pytest.raises(GridDeclarationError):
        search_backend(faulty.options)


def plan_of_search(backend: str | None, text: str) -> str:
    """The plan that PostgreSQL would carry a search out by, were the table too large to read whole."""
    with CaptureQueriesContext(connection) as captured:
        ask(grid(backend), search=text, count="none", columns=["sku"], sort=[{"col": "stock"}])
    (statement,) = (part for part in captured.captured_queries[-1]["sql"].split("; ") if "shop_product" in part)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())


def make_indexes(*indexes: Any) -> None:
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(Product, index)


@pytest.mark.postgres_only
def test_default_search_compares_just_the_expression_that_the_trigram_index_is_made_of() -> None:
    """The operator class needs an extension that is not on every server; what is indexed needs none."""
    make_indexes(*(Index(Upper(name), name=f"upper_{name}") for name in ("name", "description")))
    plan = plan_of_search(None, "shoes")
    with connection.cursor() as cursor:
        for name in ("name", "description"):
            cursor.execute("SELECT pg_get_indexdef(%s::regclass, 1, false)", [f"upper_{name}"])
            (expression,) = cursor.fetchone()
            assert f"{expression} ~~ '%SHOES%'" in plan
            code = SearchBackend().index(grid(None).columns()[name], "postgresql")
            assert code == f'GinIndex(OpClass(Upper("{name}"), name="gin_trgm_ops")'


@pytest.mark.postgres_only
def test_vector_indexes_serve_the_full_text_search() -> None:
    make_indexes(
        *(GinIndex(SearchVector(name, config="english"), name=f"words_{name}") for name in ("name", "description"))
    )
    plan = plan_of_search(f"{HERE}.English", "shoes")
    assert "words_name" in plan
    assert "words_description" in plan
