"""The mixin for any ModelAdmin: the history of an object, and reasons for what is changed in the admin."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings
from django.urls import path

from gridkit_django.admin import AuditHistoryMixin
from gridkit_django.audit import Target, record
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.events import current_act
from gridkit_django.models import AuditRecord
from tests.shop.models import Product
from tests.urls import urlpatterns as site

pytestmark = pytest.mark.django_db

SHOP = "/shop-admin/shop/product/"
seen: list[tuple[str, str, str]] = []


class ProductAdmin(AuditHistoryMixin, django_admin.ModelAdmin):  # type: ignore[type-arg]
    """Asks for a reason, and notes who acts for which."""

    audit_reason = "required"
    fields = ("sku", "name", "price")
    list_display = ("sku", "name")
    list_editable = ("name",)
    actions = ("rename",)

    def rename(self, request: Any, queryset: Any) -> None:
        """Change the selected rows."""
        queryset.update(name="renamed")

    def save_model(self, request: Any, obj: Product, form: Any, change: bool) -> None:
        """Note it."""
        seen.append(_told())
        super().save_model(request, obj, form, change)

    def delete_model(self, request: Any, obj: Product) -> None:
        """Note it."""
        seen.append(_told())
        super().delete_model(request, obj)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        """Note it."""
        seen.append(_told())
        super().delete_queryset(request, queryset)


def _told() -> tuple[str, str, str]:
    act = current_act()
    return act.actor.label, act.source.value, act.reason


shop = django_admin.AdminSite(name="shop-admin")
shop.register(Product, ProductAdmin)
urlpatterns = [path("shop-admin/", shop.urls), *site]


@pytest.fixture(autouse=True)
def on_site() -> Iterator[None]:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def product() -> Product:
    return Product.objects.create(sku="S1", name="Lamp", price=Decimal(1))


def test_history_of_an_object_shows_its_records(admin: Client, product: Product) -> None:
    target = Target.of_row(Product, product.pk, "Lamp")
    for number in range(51):
        record("row.update", target=target, changes={"name": [f"a{number}", f"b{number}"]})
    record("row.update", target=Target.of_row(Product, 0, "Other"), changes={"name": ["x-other", "y"]})
    text = admin.get(f"{SHOP}{product.pk}/history/").content.decode()
    assert "b50" in text
    assert "x-other" not in text
    assert ">b0<" not in text
    older = text.partition("?before=")[2].partition('"')[0]
    assert ">b0<" in admin.get(f"{SHOP}{product.pk}/history/?before={older}").content.decode()


def test_object_without_records_says_so(admin: Client, product: Product) -> None:
    assert "No change of this object" in admin.get(f"{SHOP}{product.pk}/history/").content.decode()
    assert admin.get(f"{SHOP}0/history/").status_code == 302


def as_staff(*codenames: str) -> Client:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def test_history_without_the_right_to_the_trail_is_djangos_own(product: Product) -> None:
    record("row.update", target=Target.of_row(Product, product.pk), changes={"name": ["secret", "y"]})
    text = as_staff("view_product").get(f"{SHOP}{product.pk}/history/").content.decode()
    assert "secret" not in text
    assert "change-history" in text


def test_history_of_an_object_that_one_may_not_see_is_refused(product: Product) -> None:
    assert as_staff("view_auditrecord").get(f"{SHOP}{product.pk}/history/").status_code == 403


def test_records_stand_in_no_deletions_way(product: Product) -> None:
    record("row.update", target=Target.of_row(Product, product.pk), changes={"name": ["x", "y"]})
    client = as_staff("view_product", "delete_product")
    answer = client.post(f"{SHOP}{product.pk}/delete/", {"post": "yes", "audit_reason": "sold out"})
    assert answer.status_code == 302
    assert not Product.objects.exists()
    assert seen == [("clerk", "admin", "sold out")]


def test_form_asks_for_a_reason_and_the_change_bears_it(admin: Client, product: Product) -> None:
    address = f"{SHOP}{product.pk}/change/"
    assert 'name="audit_reason"' in admin.get(address).content.decode()
    values = {"sku": "S1", "name": "Chair", "price": "1"}
    refused = admin.post(address, values)
    assert "audit_reason" in refused.context["adminform"].form.errors
    assert admin.post(address, {**values, "audit_reason": "better"}).status_code == 302
    assert admin.post(f"{SHOP}add/", {"sku": "S2", "name": "x", "price": "1", "audit_reason": "new"}).status_code == 302
    assert seen == [("root", "admin", "better"), ("root", "admin", "new")]


def test_reader_who_may_only_look_is_not_asked(product: Product) -> None:
    text = as_staff("view_product").get(f"{SHOP}{product.pk}/change/").content.decode()
    assert "audit_reason" not in text


def test_deletion_asks_for_a_reason(admin: Client, product: Product) -> None:
    address = f"{SHOP}{product.pk}/delete/"
    assert 'name="audit_reason"' in admin.get(address).content.decode()
    answer = admin.post(address, {"post": "yes"}, follow=True)
    assert "needs a reason" in answer.content.decode()
    assert Product.objects.exists()


def test_deletion_of_several_asks_for_a_reason(admin: Client, product: Product) -> None:
    body = {"action": "delete_selected", "_selected_action": [str(product.pk)]}
    assert 'name="audit_reason"' in admin.post(SHOP, body).content.decode()
    assert "needs a reason" in admin.post(SHOP, {**body, "post": "yes"}, follow=True).content.decode()
    admin.post(SHOP, {**body, "post": "yes", "audit_reason": "old"})
    assert not Product.objects.exists()
    assert seen == [("root", "admin", "old")]


def test_edits_in_the_list_need_a_reason(admin: Client, product: Product) -> None:
    body = {
        "_save": "Save",
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(product.pk),
        "form-0-name": "Chair",
    }
    assert 'name="audit_reason"' in admin.get(SHOP).content.decode()
    refused = admin.post(SHOP, body).content.decode()
    assert "needs a reason" in refused
    assert 'value="Chair"' in refused, "what was typed stays"
    assert Product.objects.get().name == "Lamp"
    admin.post(SHOP, {**body, "audit_reason": "by field"})
    admin.post(SHOP, {**body, "form-0-name": "Table"}, headers={"X-Change-Reason": "by header"})
    assert Product.objects.get().name == "Table"
    assert seen == [("root", "admin", "by field"), ("root", "admin", "by header")]


def test_action_that_a_policy_refuses_without_a_reason_says_so_and_bears_one_that_is_given(
    admin: Client, product: Product
) -> None:
    audit_policies().set("test", [AuditPolicy(model_label="shop.product", reason_required=True)])
    body = {"action": "rename", "_selected_action": [str(product.pk)]}
    try:
        assert "needs a reason" in admin.post(SHOP, body, follow=True).content.decode()
        admin.post(SHOP, {**body, "audit_reason": "spring"})
    finally:
        audit_policies().drop("test")
    found = AuditRecord.objects.get(action="row.update")
    assert (found.changes["name"], found.context["reason"]) == (["Lamp", "renamed"], "spring")
