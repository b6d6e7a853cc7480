"""The action "Export" in the list of a ModelAdmin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.test import RequestFactory

from gridkit_django.admin import GridExportMixin, export_action
from gridkit_django.exports import ExporterRegistry, run_export
from gridkit_django.exports.files import export_storage
from gridkit_django.grids import grid_registry, open_grid
from gridkit_django.models import ExportJob, JobState
from tests.exports.shop import GRID, person, products
from tests.shop.models import Product

DERIVED = "doors-shop-product"


class ProductAdmin(GridExportMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("sku", "stock", "shout", "__str__")

    def shout(self, product: Product) -> str:
        return product.name.upper()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if request.user.username == "boss" else rows.filter(stock__gt=0)


class DeclaredAdmin(GridExportMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    export_grid = GRID
    export_formats = ("csv", "nothing")


@pytest.fixture(autouse=True)
def site(export_site: ExporterRegistry) -> Iterator[admin.AdminSite]:
    export_site.register("json", "gridkit_plugins.export.exporters.json.JsonExporter")
    yield admin.AdminSite(name="doors")
    grid_registry().unregister(DERIVED)


def staff(name: str = "ann", *rights: str) -> User:
    user = person(name, "shop.view_product", *rights)
    user.is_staff = True
    user.save()
    return user


class Cheap(admin.SimpleListFilter):
    title = "what is cheap"
    parameter_name = "cheap"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(price__lt=1) if self.value() else queryset


class FilteredAdmin(DeclaredAdmin):
    list_display = ("sku", "stock", "active")
    list_filter = ("active", "category", "released", Cheap)
    search_fields = ("=sku", "name")


def asked(user: Any, address: str = "/", **data: Any) -> HttpRequest:
    request = RequestFactory().post(address, data)
    request.user = user
    request.session = {}  # type: ignore[assignment]
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    return request


def written(job: ExportJob) -> list[str]:
    with export_storage().open(job.file_name) as file:
        return file.read().decode().splitlines()[1:]


def test_who_may_not_export_the_grid_is_not_offered_it(site: admin.AdminSite, db: None) -> None:
    page = DeclaredAdmin(Product, site)
    assert "export_rows" in page.get_actions(asked(staff()))
    eve = User.objects.create(username="eve", is_staff=True)
    assert "export_rows" not in page.get_actions(asked(eve))
    eve.user_permissions.add(Permission.objects.get(codename="open_grid"))
    request = asked(User.objects.get(pk=eve.pk), export_format="csv")
    assert "export_rows" not in page.get_actions(request)
    assert page.export_rows(request, Product.objects.all()) is None
    assert not ExportJob.objects.exists()


def test_the_format_is_asked_for_and_the_ticks_are_kept(site: admin.AdminSite, db: None) -> None:
    ticked = products(2)
    page = DeclaredAdmin(Product, site)
    request = asked(staff(), **{ACTION_CHECKBOX_NAME: [str(item.pk) for item in ticked], "select_across": "0"})
    answer = page.export_rows(request, Product.objects.all())
    assert answer is not None
    context = answer.context_data  # type: ignore[attr-defined]
    assert [name for name, _label in context["form"].fields["export_format"].choices] == ["csv"]
    assert (context["count"], context["ticked"]) == (2, [str(item.pk) for item in ticked])


@pytest.mark.django_db(transaction=True)
def test_a_small_export_is_the_answer_with_the_columns_of_the_list_and_the_rows_of_its_queryset(
    site: admin.AdminSite,
) -> None:
    products(3)
    page = ProductAdmin(Product, site)
    answer = page.export_rows(asked(staff(), export_format="csv"), Product.objects.all())
    assert answer is not None
    assert answer.getvalue() == b"sku,stock\r\nS0001,1\r\nS0002,2\r\n"  # type: ignore[attr-defined]
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_large_export_goes_to_a_worker_and_the_message_says_where_to_look(site: admin.AdminSite, db: None) -> None:
    ann = staff()
    first, *_rest = products(3)
    request = asked(ann, export_format="csv")
    page = DeclaredAdmin(Product, site)
    assert page.export_rows(request, Product.objects.filter(pk=first.pk)) is None
    job = ExportJob.objects.get()
    assert (job.selection["include"], job.owner) == ([first.pk], ann)
    assert f"/gridkit/exports/#{job.pk}" in str(next(iter(get_messages(request))))
    run_export(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_done) == (JobState.FINISHED, 1)


def test_many_rows_are_exported_when_they_are_all_of_the_list_and_refused_else(
    site: admin.AdminSite, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    products(4)
    monkeypatch.setattr(export_action, "PICKED_MAX", 2)
    page = DeclaredAdmin(Product, site)
    ann = staff()
    request = asked(ann, export_format="csv")
    assert page.export_rows(request, Product.objects.filter(stock__lt=3)) is None
    assert "rows are not those of this list" in str(next(iter(get_messages(request))))
    assert not ExportJob.objects.exists()
    page.export_rows(asked(ann, export_format="csv"), Product.objects.all())
    assert ExportJob.objects.get().selection is None


def test_a_derived_grid_shows_its_rows_to_staff_who_may_view_the_model_only(site: admin.AdminSite, db: None) -> None:
    products(2)
    ProductAdmin(Product, site)
    assert open_grid(DERIVED, staff()).queryset().count() == 1
    assert open_grid(DERIVED, staff("boss")).queryset().count() == 2
    assert open_grid(DERIVED, person("cat", "shop.view_product")).queryset().count() == 0
    without = person("dan")
    without.is_staff = True
    without.save()
    assert open_grid(DERIVED, User.objects.get(pk=without.pk)).queryset().count() == 0
    assert grid_registry().get(DERIVED).options.row_permission(Product.objects.all(), AnonymousUser()).count() == 0
    assert str(grid_registry().get(DERIVED).options.label) == "Products"


def test_a_list_without_fields_exports_all_fields(site: admin.AdminSite, db: None) -> None:
    class Plain(GridExportMixin, admin.ModelAdmin):  # type: ignore[type-arg]
        pass

    Plain(Product, site)
    assert {"sku", "name", "price"} <= set(grid_registry().get(DERIVED).columns())


class SkuForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Product
        fields = ("sku", "stock")


@pytest.mark.parametrize(
    ("shown", "kept", "left_out"),
    [
        ({"exclude": ("price",)}, {"sku", "stock"}, {"price"}),
        ({"fields": ("sku", ("name", "stock"))}, {"sku", "name", "stock"}, {"price", "category"}),
        ({"fieldsets": ((None, {"fields": ("sku", ("name", "stock"))}),)}, {"sku", "name", "stock"}, {"price"}),
        ({"form": SkuForm}, {"sku", "stock"}, {"price"}),
    ],
)
def test_a_list_without_fields_exports_nothing_that_the_form_leaves_out(
    site: admin.AdminSite, shown: dict[str, Any], kept: set[str], left_out: set[str]
) -> None:
    type("Short", (GridExportMixin, admin.ModelAdmin), shown)(Product, site)
    names = set(grid_registry().get(DERIVED).columns())
    assert kept <= names
    assert not left_out & names


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("address", "skus"),
    [
        ("/?o=-2", ["S0005", "S0004", "S0003", "S0002", "S0001", "S0000"]),
        ("/?active__exact=1&o=1", ["S0000", "S0002", "S0004"]),
        ("/?active__exact=0&category__exact=book&o=1", ["S0003"]),
        ("/?released__isnull=True&o=1", ["S0000", "S0003"]),
        ("/?released__gte=2024-03-01&released__lt=2024-03-02&o=1", ["S0001", "S0002", "S0004", "S0005"]),
        ("/?stock__gt=3&o=-1", ["S0005", "S0004"]),
        ("/?q=s0003&o=1", ["S0003"]),
        ("/?q=N%C3%A4me%20%222%22&o=1", ["S0002"]),
        ("/?q=nothing&o=1", []),
    ],
)
def test_all_rows_are_those_of_the_lists_filters_search_and_order_told_as_a_query(
    site: admin.AdminSite, db: None, monkeypatch: pytest.MonkeyPatch, address: str, skus: list[str]
) -> None:
    products(6)
    monkeypatch.setattr(export_action, "PICKED_MAX", 2)
    page, request = FilteredAdmin(Product, site), asked(staff(), address, export_format="csv", select_across="1")
    listed = page.get_changelist_instance(request).get_queryset(request)
    page.export_rows(request, listed)
    job = ExportJob.objects.get()
    assert job.selection is None
    run_export(job.pk)
    job.refresh_from_db()
    assert [line.split(",")[0] for line in written(job)] == skus == [item.sku for item in listed]


def test_what_the_grid_can_not_be_told_is_named_when_there_are_too_many_keys_and_exported_by_key_else(
    site: admin.AdminSite, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    products(6)
    page, ann = FilteredAdmin(Product, site), staff()
    request = asked(ann, "/?cheap=yes&o=1", export_format="csv", select_across="1")
    listed = page.get_changelist_instance(request).get_queryset(request)
    page.export_rows(request, listed)
    job = ExportJob.objects.get()
    assert sorted(job.selection["include"]) == sorted(item.pk for item in listed)
    assert [term["col"] for term in job.query["sort"]] == ["sku"]
    monkeypatch.setattr(export_action, "PICKED_MAX", 2)
    page.export_rows(request, listed)
    assert "what is cheap" in [str(item) for item in get_messages(request)][-1]
    assert ExportJob.objects.count() == 1


def test_a_filter_by_a_column_that_the_grid_hides_is_told_as_one_that_is_not_there(
    site: admin.AdminSite, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    products(6)
    monkeypatch.setattr(export_action, "PICKED_MAX", 2)
    page = FilteredAdmin(Product, site)
    ann, buyer = staff(), staff("buyer", "shop.view_price")
    for user, made in ((ann, 0), (buyer, 1)):
        request = asked(user, "/?price__lt=1&o=1", export_format="csv", select_across="1")
        page.export_rows(request, page.get_changelist_instance(request).get_queryset(request))
        assert ExportJob.objects.count() == made


def test_rows_of_the_grid_that_the_list_lacks_are_never_exported(
    site: admin.AdminSite, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Narrow(DeclaredAdmin):
        def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
            return super().get_queryset(request).filter(stock__gt=0)

    products(3)
    page, request = Narrow(Product, site), asked(staff(), export_format="csv", select_across="1")
    page.export_rows(request, page.get_queryset(request))
    assert len(ExportJob.objects.get().selection["include"]) == 2
    monkeypatch.setattr(export_action, "PICKED_MAX", 1)
    page.export_rows(request, page.get_queryset(request))
    assert ExportJob.objects.count() == 1


def test_an_order_that_the_grid_can_not_be_told_is_said_before_the_export(site: admin.AdminSite, db: None) -> None:
    class Ordered(DeclaredAdmin):
        ordering = (F("stock").desc(nulls_last=True), "token")

    products(2)
    page, ann = Ordered(Product, site), staff()
    answer: Any = page.export_rows(asked(ann), Product.objects.all())
    assert answer.context_data["is_ordered"] is False
    page.ordering = ("-stock", F("sku").asc())  # type: ignore[assignment]
    answer = page.export_rows(asked(ann), Product.objects.all())
    assert answer.context_data["is_ordered"] is True
