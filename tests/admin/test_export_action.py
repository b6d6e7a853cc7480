"""The action "Export" in the list of a ModelAdmin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.db.models import QuerySet
from django.http import HttpRequest
from django.test import RequestFactory

from gridkit_django.admin import GridExportMixin, export_action
from gridkit_django.exports import ExporterRegistry, run_export
from gridkit_django.grids import grid_registry, open_grid
from gridkit_django.models import ExportJob, JobState
from tests.exports.conftest import RememberingQueue
from tests.exports.shop import GRID, ExportGrid, person, products
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
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[admin.AdminSite]:
    registry = ExporterRegistry()
    registry.register("csv", "gridkit_plugins.export.exporters.csv.CsvExporter")
    registry.register("json", "gridkit_plugins.export.exporters.json.JsonExporter")
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "exporters", registry)
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "job_queue", RememberingQueue())
    grid_registry().register(ExportGrid)
    yield admin.AdminSite(name="doors")
    grid_registry().unregister(GRID)
    grid_registry().unregister(DERIVED)


def staff(name: str = "ann", *rights: str) -> User:
    user = person(name, "shop.view_product", *rights)
    user.is_staff = True
    user.save()
    return user


def asked(user: Any, **data: Any) -> HttpRequest:
    request = RequestFactory().post("/", data)
    request.user = user
    request.session = {}  # type: ignore[assignment]
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    return request


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
    assert "Filter further" in str(next(iter(get_messages(request))))
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


def test_a_list_without_fields_exports_all_fields(site: admin.AdminSite, db: None) -> None:
    class Plain(GridExportMixin, admin.ModelAdmin):  # type: ignore[type-arg]
        pass

    Plain(Product, site)
    assert {"sku", "name", "price"} <= set(grid_registry().get(DERIVED).columns())
