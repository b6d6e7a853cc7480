"""Audit records, export jobs, operations, processes, health and grids in the admin: read, searched, never written."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.grids import DecimalColumn, Grid, grid_registry
from gridkit_django.models import (
    AuditRecord,
    ExportJob,
    JobState,
    PluginOperation,
    RegisteredGrid,
    RuntimeGeneration,
    RuntimeProcess,
)
from gridkit_django.plugins import PluginManager
from tests.shop.models import Product

pytestmark = pytest.mark.django_db

ADMIN = "/admin/gridkit_django/"


def _page(client: Client, path: str) -> str:
    answer = client.get(f"{ADMIN}{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_audit_record_page_shows_before_and_after_escaped(admin: Client) -> None:
    found = record("row.update", target=Target("shop.product", "7", "Lamp"), changes={"name": ["<b>old</b>", None]})

    page = _page(admin, f"auditrecord/{found.pk}/change/")

    assert "&lt;b&gt;old&lt;/b&gt;" in page
    assert ">shop.product 7</span>" in page
    assert "Lamp" in page
    assert "correlation" in page.lower()
    assert 'name="_save"' not in page


def test_audit_record_of_a_deletion_shows_the_values_it_had(admin: Client) -> None:
    found = record("row.delete", target=Target("shop.product", "7", ""), changes={"name": ["Lamp", None]})
    empty = record("plugin.install", target=Target.plugin("greeter"))

    assert "Lamp" in _page(admin, f"auditrecord/{found.pk}/change/")
    assert "greeter" in _page(admin, f"auditrecord/{empty.pk}/change/")


def test_audit_list_is_filtered(admin: Client) -> None:
    record("row.update", target=Target("shop.product", "7", "Lamp"), changes={"name": ["a", "b"]})
    record("row.delete", target=Target("shop.product", "8", "Chair"))

    one = _page(admin, "auditrecord/?target_type=shop.product&target_id=7")
    assert ("Lamp" in one, "Chair" in one) == (True, False)
    other = _page(admin, "auditrecord/?action=row.delete")
    assert ("Lamp" in other, "Chair" in other) == (False, True)


class FactProductGrid(Grid):
    """Products, prices for some eyes only."""

    price = DecimalColumn(permission="shop.view_price")

    class Meta:
        model = Product
        id = "fact-products"
        columns = ["sku", "price"]


def test_audit_record_shows_a_reader_no_column_that_the_grid_hides(staff: Callable[..., Client]) -> None:
    product = Product.objects.create(sku="S1", name="Lamp", price=Decimal("7.77"), stock=1)
    grid_registry().register(FactProductGrid)
    try:
        found = record(
            "row.update",
            target=Target.of_row(Product, product.pk, "Lamp"),
            changes={"price": ["7.77", "8.88"], "sku": ["S0", "S1"]},
            grid="fact-products",
        )
        client = staff("view_auditrecord", "open_grid")

        listed, page = _page(client, "auditrecord/"), _page(client, f"auditrecord/{found.pk}/change/")
    finally:
        grid_registry().unregister("fact-products")

    assert "S0" in page
    assert "7.77" not in page
    assert "price" not in listed
    found.refresh_from_db()
    assert found.changes["price"] == ["7.77", "8.88"]


def test_audit_list_filtered_by_grid_knows_records_of_no_grid(admin: Client) -> None:
    RegisteredGrid.objects.create(grid_id="g-of-test", label="Of the test", model_label="shop.product")
    record("row.update", target=Target("shop.product", "7", ""), grid="g-of-test")
    record("row.update", target=Target("shop.product", "8", ""), grid="g-of-test")
    record("plugin.install", target=Target.plugin("greeter"))

    assert _page(admin, "auditrecord/?grid=g-of-test").count(">shop.product ") == 2
    page = _page(admin, "auditrecord/?grid=-")
    assert ">plugin greeter" in page
    assert ">shop.product " not in page
    assert ">no grid<" in page


@pytest.mark.parametrize("verb", ["add/", "1/delete/"])
def test_audit_records_are_not_written_in_the_admin(admin: Client, verb: str) -> None:
    found = record("row.update", target=Target("shop.product", "7", "Lamp"))

    assert admin.post(f"{ADMIN}auditrecord/{verb.replace('1', str(found.pk))}").status_code == 403
    assert AuditRecord.objects.filter(pk=found.pk).exists()


def _job(state: JobState, **values: object) -> ExportJob:
    owner, _ = User.objects.get_or_create(username="owner")
    return ExportJob.objects.create(grid="orders", format="csv", owner=owner, state=state, **values)


def test_export_jobs_show_progress_and_size(admin: Client) -> None:
    running = _job(JobState.RUNNING, rows_done=30, rows_total=120)
    _job(JobState.FINISHED, size=2048)

    page = _page(admin, "exportjob/")

    assert 'value="25"' in page
    assert "column-rows_done" not in page, "the table is as wide as a laptop's window only without it"
    assert page.count("data-open") >= 1
    assert "2.0\xa0KB" in page
    assert "25 %" in _page(admin, f"exportjob/{running.pk}/change/")


def test_export_job_shows_a_reader_no_question_about_a_column_that_the_grid_hides(
    admin: Client, staff: Callable[..., Client]
) -> None:
    leaf = {"col": "price", "op": "eq", "value": "7.77"}
    owner, _ = User.objects.get_or_create(username="owner")
    hidden, open_one = (
        ExportJob.objects.create(grid="fact-products", format="csv", owner=owner, query=query)
        for query in ({"columns": ["sku"], "filter": leaf}, {"columns": ["sku"], "search": ""})
    )
    grid_registry().register(FactProductGrid)
    try:
        reader = staff("view_exportjob", "open_grid")
        pages = [_page(reader, f"exportjob/{job.pk}/change/") for job in (hidden, open_one)]
        full = _page(admin, f"exportjob/{hidden.pk}/change/")
    finally:
        grid_registry().unregister("fact-products")

    assert "price" not in pages[0]
    assert "7.77" not in pages[0]
    assert "sku" in pages[1]
    assert "7.77" in full


def test_export_jobs_cancel_asks_those_under_way_to_stop(admin: Client) -> None:
    running, finished = _job(JobState.RUNNING), _job(JobState.FINISHED)

    answer = admin.post(
        f"{ADMIN}exportjob/",
        {"action": "cancel_jobs", "_selected_action": [str(running.pk), str(finished.pk)]},
        follow=True,
    )

    running.refresh_from_db()
    finished.refresh_from_db()
    assert running.cancel_requested
    assert not finished.cancel_requested
    assert "1 job was asked to stop." in answer.content.decode()


def test_export_jobs_cancel_without_the_right_is_not_offered(staff: Callable[..., Client]) -> None:
    job = _job(JobState.RUNNING)
    client = staff("view_exportjob")

    client.post(f"{ADMIN}exportjob/", {"action": "cancel_jobs", "_selected_action": [str(job.pk)]})

    job.refresh_from_db()
    assert not job.cancel_requested


def test_operation_page_shows_its_log_and_error(admin: Client) -> None:
    failed = PluginOperation.objects.create(
        kind="install",
        plugin_id="greeter",
        state="failed",
        log=[{"at": "2026-05-17T12:04:05.5+00:00", "text": "Started."}, {"at": "noon", "text": "Went on."}],
        error_code="plugin-incompatible",
        error_detail="Wants another core.",
    )
    queued = PluginOperation.objects.create(kind="reload", plugin_id="greeter")

    page = _page(admin, f"pluginoperation/{failed.pk}/change/")
    assert ">12:04:05</time> Started." in page
    assert ">noon</time> Went on." in page
    assert "Wants another core. (plugin-incompatible)" in page
    waiting = _page(admin, f"pluginoperation/{queued.pk}/change/")
    assert "Waiting for a Celery worker." in waiting
    assert "<span data-open></span>" in waiting
    assert "greeter" in _page(admin, "pluginoperation/")


def test_operation_page_leads_to_the_plugin(admin: Client, greeter: str) -> None:
    done = PluginOperation.objects.create(kind="install", plugin_id="greeter", state="finished")

    assert f'href="{greeter}change/"' in _page(admin, f"pluginoperation/{done.pk}/change/")


def test_process_list_shows_generation_and_what_runs(admin: Client) -> None:
    cache.clear()
    RuntimeGeneration.objects.update_or_create(pk=1, defaults={"value": 9})
    now = timezone.now()
    RuntimeProcess.objects.create(
        host="alpha",
        pid=11,
        kind="worker",
        generation=8,
        plugins={"greeter": 3},
        last_error="greeter: <no> fuse",
        started_at=now,
        seen_at=now,
    )

    page = _page(admin, "runtimeprocess/?q=alpha")

    assert "8 / 9" in page
    assert "greeter r3" in page
    assert "greeter: &lt;no&gt; fuse" in page
    assert "gridkit-badge-warn" in page


def test_health_list_shows_each_verdict(admin: Client, greeter: str) -> None:
    admin.post(f"{greeter}check/")

    page = _page(admin, "healthcheckresult/")

    assert "healthy" in page
    assert " ms" in page


def test_grids_have_guardians_page_of_object_permissions(admin: Client) -> None:
    grid = RegisteredGrid.objects.create(grid_id="g-of-test", label="Of the test", model_label="shop.product")

    assert "Of the test" in _page(admin, "registeredgrid/")
    assert admin.get(f"{ADMIN}registeredgrid/{grid.pk}/permissions/").status_code == 200


def test_operation_page_offers_a_stop_to_those_who_may_and_carries_it_out(admin: Client) -> None:
    operation = PluginOperation.objects.create(kind="install", plugin_id="greeter")
    address = f"/admin/gridkit_django/pluginoperation/{operation.pk}/stop/"
    assert address in _page(admin, f"pluginoperation/{operation.pk}/change/")
    assert admin.get(address).status_code == 405

    stopped = admin.post(address, follow=True).content.decode()

    operation.refresh_from_db()
    assert operation.state == "cancelled"
    assert address not in stopped


def test_operation_of_somebody_else_can_not_be_stopped_by_who_may_only_look(
    staff: Callable[..., Client],
) -> None:
    operation = PluginOperation.objects.create(kind="install", plugin_id="greeter")
    reader = staff("view_pluginoperation")

    page = reader.get(f"/admin/gridkit_django/pluginoperation/{operation.pk}/change/").content.decode()

    assert "/stop/" not in page
    assert reader.post(f"/admin/gridkit_django/pluginoperation/{operation.pk}/stop/").status_code == 403


def test_operation_page_names_the_processes_that_are_not_on_it_yet(
    admin: Client, greeter: str, manager: PluginManager
) -> None:
    revision = manager.get_plugin("greeter").revision
    now = timezone.now()
    for pid, at in ((1, revision), (2, revision), (3, revision - 1)):
        RuntimeProcess.objects.create(
            host="h", pid=pid, kind="web", plugins={"greeter": at}, started_at=now, seen_at=now
        )
    operation = PluginOperation.objects.create(kind="reload", plugin_id="greeter", state="finished")

    page = _page(admin, f"pluginoperation/{operation.pk}/change/")

    assert "2 of 3 processes are on it. Not yet: web h:3." in page
