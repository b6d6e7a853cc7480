"""Changes from end to end: an edit of the API, its record, what is read of it, and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.state import state_at
from gridkit_django.audit.triggers import Triggers
from gridkit_django.models import AuditRecord
from tests.api.conftest import PRODUCTS, client_of
from tests.shop.models import Product

pytestmark = pytest.mark.both_databases

AUDIT = "/gridkit/api/audit/"


@pytest.fixture
def editor(make_user: Callable[..., User]) -> APIClient:
    """May edit all of a product and read the trail."""
    rights = ("gridkit_django.open_grid", "gridkit_django.edit_grid", "gridkit_django.view_auditrecord")
    return client_of(make_user("editor", *rights, "shop.view_price", "shop.view_product"))


@pytest.fixture
def followed() -> Iterator[None]:
    audit_policies().set("tests", [AuditPolicy(model_label="shop.product", exclude=frozenset({"updated"}))])
    yield
    audit_policies().drop("tests")


@pytest.mark.postgres_only
def test_edit_of_a_strictly_followed_row_tells_who_changed_it_where_and_why(editor: APIClient, db: None) -> None:
    policy = AuditPolicy(model_label="shop.product", exclude=frozenset({"updated"}), strict=True)
    audit_policies().set("tests", [policy])
    try:
        Triggers(connection, audit_policies().table).install()
        product = Product.objects.create(sku="S1", name="Lamp", price="1.50")
        address = f"{PRODUCTS}records/{product.pk}/"
        version = editor.get(address).json()["row"]["v"]
        body = {"changes": {"name": "Chair"}, "reason": "new list"}
        headers = {"If-Match": f'"{version}"', "X-Correlation-ID": "c-1"}
        assert editor.patch(address, body, format="json", headers=headers).status_code == 200
        update, _create = editor.get(f"{AUDIT}objects/shop.product/{product.pk}/history/").json()["results"]
    finally:
        audit_policies().drop("tests")
    assert update["changes"] == {"name": ["Lamp", "Chair"]}
    assert (update["actor"]["label"], update["grid"]) == ("editor", "api-products")
    told = update["context"]
    assert (told["source"], told["reason"], told["correlationId"]) == ("api", "new list", "c-1")


def test_edit_is_recorded_read_and_taken_back(editor: APIClient, followed: None, db: None) -> None:
    product = Product.objects.create(sku="S1", name="Lamp", price="1.50")
    address = f"{PRODUCTS}records/{product.pk}/"
    version = editor.get(address).json()["row"]["v"]
    edited = editor.patch(
        address,
        {"changes": {"name": "Chair", "price": "2.50"}, "reason": "new list"},
        format="json",
        headers={"If-Match": f'"{version}"', "X-Correlation-ID": "c-1"},
    )
    assert edited.status_code == 200, edited.content

    history = editor.get(f"{AUDIT}objects/shop.product/{product.pk}/history/").json()["results"]
    update, create = history
    assert (update["action"], create["action"]) == ("row.update", "row.create")
    assert update["changes"] == {"name": ["Lamp", "Chair"], "price": ["1.50", "2.50"]}
    assert (update["actor"]["label"], update["grid"]) == ("editor", "api-products")
    told = update["context"]
    assert (told["source"], told["reason"], told["correlationId"]) == ("api", "new list", "c-1")
    assert editor.get(f"{AUDIT}acts/{update['act']}/").json()["results"] == [update]

    created = AuditRecord.objects.get(action="row.create", target_type="shop.product")
    before = state_at(Product, product.pk, created.occurred_at)
    assert (before.values["name"], before.values["price"], before.certain) == ("Lamp", "1.50", True)

    reverted = editor.post(f"{AUDIT}{update['id']}/revert/", {}, format="json")
    assert reverted.status_code == 200, reverted.content
    product.refresh_from_db()
    assert (product.name, str(product.price)) == ("Lamp", "1.50")
    newest = editor.get(f"{AUDIT}objects/shop.product/{product.pk}/history/").json()["results"][0]
    assert newest["changes"] == {"name": ["Chair", "Lamp"], "price": ["2.50", "1.50"]}
    assert newest["context"]["reason"] == f"Revert of {update['id']}"


def test_refused_edit_leaves_no_record(editor: APIClient, followed: None, db: None) -> None:
    product = Product.objects.create(sku="S1", name="Lamp", price="1.50")
    before = AuditRecord.objects.count()
    version = editor.get(f"{PRODUCTS}records/{product.pk}/").json()["row"]["v"]
    refused = editor.patch(
        f"{PRODUCTS}records/{product.pk}/",
        {"changes": {"price": "-1"}},
        format="json",
        headers={"If-Match": f'"{version}"'},
    )
    assert refused.status_code == 422
    assert AuditRecord.objects.count() == before
