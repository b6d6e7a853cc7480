"""Reasons for changes: asked for where the grid says so, and kept on the records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rest_framework.test import APIClient

from gridkit_django.events import current_act
from gridkit_django.events.signals import signal_for
from gridkit_django.exceptions import GridDeclarationError
from gridkit_django.grids import Grid
from gridkit_django.models import BulkJob
from tests.api.conftest import PRODUCTS
from tests.api.grids import ProductGrid
from tests.api.test_base import assert_problem
from tests.shop.models import Product


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid asks for a reason."""
    options = replace(ProductGrid.options, audit_reason="required", creatable=True, deletable=True)
    monkeypatch.setattr(ProductGrid, "options", options)


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The reasons that handlers see."""
    found: list[str] = []

    def note(**_kwargs: Any) -> None:
        found.append(current_act().reason)

    for name in ("row:update", "row:create", "row:delete"):
        signal_for(name).connect(note, weak=False)
    yield found
    for name in ("row:update", "row:create", "row:delete"):
        signal_for(name).disconnect(note)


def version(client: APIClient, product: Product) -> str:
    return str(client.get(f"{PRODUCTS}records/{product.pk}/").json()["row"]["v"])


def patch(client: APIClient, product: Product, body: dict[str, Any], **headers: str) -> Any:
    headers["If-Match"] = f'"{version(client, product)}"'
    return client.patch(f"{PRODUCTS}records/{product.pk}/", body, format="json", headers=headers)


def test_schema_says_whether_a_reason_is_asked_for(editor: APIClient, products: list[Product], asked: None) -> None:
    assert editor.get(f"{PRODUCTS}schema/").json()["auditReason"] == "required"


def test_change_without_a_reason_is_refused_and_points_to_it(
    editor: APIClient, products: list[Product], asked: None
) -> None:
    document = assert_problem(patch(editor, products[0], {"changes": {"name": "x"}}), 422, "audit-reason-required")
    assert document["errors"][0]["pointer"] == "/reason"
    refused = [
        editor.post(
            f"{PRODUCTS}batch/", {"items": [{"op": "update", "id": 1, "v": "x", "changes": {}}]}, format="json"
        ),
        editor.post(
            f"{PRODUCTS}bulk/",
            {"action": "update", "selection": {"query": {}}, "expectedCount": 5, "changes": {"name": "x"}},
            format="json",
        ),
    ]
    for response in refused:
        assert_problem(response, 422, "audit-reason-required")
    products[0].refresh_from_db()
    assert products[0].name == "Thing 1"


def test_reason_comes_in_the_body_or_a_header(
    editor: APIClient, products: list[Product], asked: None, told: list[str]
) -> None:
    response = patch(editor, products[0], {"changes": {"name": "x"}, "reason": "in the body"})
    assert response.status_code == 200, response.content
    again = patch(editor, products[0], {"changes": {"name": "y"}}, **{"X-Change-Reason": "in%20the%20header"})
    assert again.status_code == 200, again.content
    undone = editor.post(f"{PRODUCTS}undo/", {"token": again.json()["undo"], "reason": "a slip"}, format="json")
    assert undone.status_code == 200, undone.content
    assert set(told) == {"in the body", "in the header", "a slip"}


def test_undo_without_a_reason_is_refused(editor: APIClient, products: list[Product], asked: None) -> None:
    done = patch(editor, products[0], {"changes": {"name": "x"}, "reason": "r"}).json()
    assert_problem(
        editor.post(f"{PRODUCTS}undo/", {"token": done["undo"]}, format="json"), 422, "audit-reason-required"
    )


@pytest.mark.parametrize("reason", [" ", ""])
def test_reason_of_spaces_is_none(editor: APIClient, products: list[Product], asked: None, reason: str) -> None:
    response = patch(editor, products[0], {"changes": {"name": "x"}, "reason": reason})
    assert_problem(response, 422, "audit-reason-required")


def test_reason_that_is_too_long_is_refused(editor: APIClient, products: list[Product]) -> None:
    body = patch(editor, products[0], {"changes": {"name": "x"}, "reason": "x" * 1001})
    assert assert_problem(body, 422, "body-invalid")["errors"][0]["pointer"] == "/reason"
    header = patch(editor, products[0], {"changes": {"name": "x"}}, **{"X-Change-Reason": "x" * 1001})
    assert_problem(header, 422, "audit-reason-too-long")


def test_reason_goes_with_a_bulk_change_to_the_worker(
    editor: APIClient, products: list[Product], asked: None, settings: Any
) -> None:
    settings.GRIDKIT = {"BULK_ROWS_INLINE": 1}
    body = {
        "action": "update",
        "selection": {"query": {}},
        "expectedCount": 5,
        "changes": {"name": "x"},
        "reason": "new name",
    }
    response = editor.post(f"{PRODUCTS}bulk/", body, format="json")
    assert response.status_code == 202, response.content
    assert BulkJob.objects.get().request["reason"] == "new name"


def test_unknown_word_for_audit_reason_is_a_wrong_declaration() -> None:
    with pytest.raises(GridDeclarationError, match="audit_reason is 'maybe'"):

        class WrongGrid(Grid):
            """Says nonsense."""

            class Meta:
                model = Product
                audit_reason = "maybe"
