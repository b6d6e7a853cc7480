"""The audit log plugin at work: edit and record stand or fall together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from pydantic import ValidationError

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.events import Actor, ActorKind, EventSource, acting, event_bus, make_event
from gridkit_django.exceptions import AuditUnavailableError, BulkDriftError
from gridkit_django.exports import create_export
from gridkit_django.grids import Grid, grid_registry, open_grid
from gridkit_django.grids.batch import BatchItem, apply_batch
from gridkit_django.grids.bulk import BulkChange, carry_out_bulk
from gridkit_django.grids.columns import IntegerColumn, TextColumn
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.records import get_record
from gridkit_django.grids.selection import Selection
from gridkit_django.grids.undo import undo_change
from gridkit_django.models import AuditRecord
from gridkit_django.plugins import AUDIT_MASK as MASK
from gridkit_django.plugins import PluginManager
from gridkit_plugins.audit_log.config import AuditLogConfig
from gridkit_plugins.audit_log.masking import masked_payload
from gridkit_plugins.audit_log.selection import followed_actions, recorded_types
from tests.exports.shop import person, products
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PLUGIN = "@gridkit/plugin-audit-log"
GRID = "audited-products"
QUIET = "quiet-products"


class AuditedGrid(Grid):
    """Products that are edited."""

    name = TextColumn(editable=True)
    stock = IntegerColumn(editable=True)

    class Meta:
        model = Product
        id = GRID
        columns = ["sku", "name", "stock"]
        search = ["name"]


class QuietGrid(AuditedGrid):
    """The same, whose edits are not recorded."""

    class Meta:
        model = Product
        id = QUIET
        columns = ["sku", "name", "stock"]
        track = False


@pytest.fixture(autouse=True)
def grids() -> Iterator[None]:
    for grid in (AuditedGrid, QuietGrid):
        grid_registry().register(grid)
    yield
    for grid in (AuditedGrid, QuietGrid):
        grid_registry().unregister(grid.options.id)


@pytest.fixture
def editor(db: None) -> User:
    return person("eva", "gridkit_django.edit_grid")


@pytest.fixture
def product(db: None) -> Product:
    return products(2)[1]


def edit(user: User, row: Product, *, grid: str = GRID, **changes: Any) -> None:
    access = open_grid(grid, user)
    version = get_record(access, row.pk).version
    with acting(Actor.from_user(user), EventSource.API, metadata={"requestId": "r-1", "ip": "192.0.2.7"}):
        apply_edit(access, row.pk, changes, version)


def without_stamps(record: AuditRecord) -> dict[str, Any]:
    """Return the changes but that of the time that each save stamps."""
    return {name: pair for name, pair in record.changes.items() if name != "updated"}


@contextmanager
def without_trail() -> Iterator[None]:
    """Take the table of records away for the length of the block."""
    table = AuditRecord._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gk_elsewhere")
    try:
        with transaction.atomic():
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE gk_elsewhere RENAME TO {table}")


@contextmanager
def following(policy: AuditPolicy) -> Iterator[None]:
    """Let the settings of the site name a policy for the length of the block."""
    audit_policies().set("test", [policy])
    try:
        yield
    finally:
        audit_policies().drop("test")


def records(action: str) -> list[AuditRecord]:
    return list(AuditRecord.objects.filter(action=action).order_by("pk"))


def test_an_edit_is_recorded_with_actor_time_before_and_after(manager: PluginManager, editor: User, product: Product):
    manager.install_plugin(PLUGIN)
    edit(editor, product, name="new", stock=7)

    (record,) = records("row.update")
    assert without_stamps(record) == {"name": ["näme, 1", "new"], "stock": [1, 7]}
    assert list(record.changes) == ["name", "stock", "updated"]
    assert (record.actor_kind, record.actor_id, record.actor_label) == ("user", str(editor.pk), "eva")
    assert (record.target_type, record.target_id, record.grid) == ("shop.product", str(product.pk), GRID)
    assert record.context["requestId"] == "r-1"
    assert record.context["source"] == "api"
    assert record.occurred_at is not None


def test_each_row_of_a_bulk_change_is_recorded_with_it_or_not_at_all(
    manager: PluginManager, editor: User, product: Product
):
    manager.install_plugin(PLUGIN)
    access = open_grid(GRID, editor)
    both = Selection.from_dict({"query": {}})

    with acting(Actor.from_user(editor), EventSource.API):
        carry_out_bulk(access, BulkChange("update", both, 2, {"stock": 7}))
        with pytest.raises(BulkDriftError):
            carry_out_bulk(access, BulkChange("update", both, 1, {"stock": 8}))

    found = records("row.update")
    assert {record.target_id for record in found} == {str(row.pk) for row in Product.objects.all()}
    assert [record.changes["stock"][1] for record in found] == [7, 7]


def test_without_the_plugin_nothing_is_recorded(manager: PluginManager, editor: User, product: Product):
    manager.install_plugin(PLUGIN)
    manager.deactivate_plugin(PLUGIN)
    edit(editor, product, stock=7)

    assert records("row.update") == []


def test_the_record_is_gone_when_the_edit_is_rolled_back(manager: PluginManager, editor: User, product: Product):
    manager.install_plugin(PLUGIN)
    with transaction.atomic():
        edit(editor, product, stock=7)
        assert len(records("row.update")) == 1
        transaction.set_rollback(True)

    product.refresh_from_db()
    assert product.stock == 1
    assert records("row.update") == []


def test_the_edit_is_undone_when_the_record_cannot_be_written(manager: PluginManager, editor: User, product: Product):
    manager.install_plugin(PLUGIN)
    with without_trail(), pytest.raises(AuditUnavailableError, match="nothing was changed"):
        edit(editor, product, stock=7)

    product.refresh_from_db()
    assert product.stock == 1


def test_values_of_masked_columns_are_never_stored(manager: PluginManager, editor: User, product: Product):
    manager.install_plugin(PLUGIN, config={"pii": {"mask": ["name"]}, "events": ["row:update", "filter:apply"]})
    edit(editor, product, name="secret", stock=7)
    condition = {"and": [{"col": "name", "op": "eq", "value": "secret"}, {"col": "stock", "op": "gt", "value": 5}]}
    asked = {"filter": condition, "search": "secret", "count": 1}
    event_bus().emit(make_event("filter:apply", asked, grid=GRID))

    (record,) = records("row.update")
    assert without_stamps(record) == {"name": [MASK, MASK], "stock": [1, 7]}
    (applied,) = records("filter.apply")
    assert applied.target_type == "grid"
    assert applied.context["evidence"]["filter"] == {
        "and": [{"col": "name", "op": "eq", "value": MASK}, {"col": "stock", "op": "gt", "value": 5}]
    }
    assert applied.context["evidence"]["search"] == MASK
    stored = [f"{item.changes} {item.context} {item.target_label}" for item in AuditRecord.objects.all()]
    assert not any("secret" in text or "näme" in text for text in stored)


def test_values_that_a_policy_of_the_site_masks_are_not_stored_with_events(
    manager: PluginManager, editor: User, product: Product
):
    manager.install_plugin(PLUGIN, config={"events": ["filter:apply"]})
    asked = {"filter": {"col": "name", "op": "eq", "value": "secret"}, "search": "secret"}
    with following(AuditPolicy(model_label="shop.product", mask=frozenset({"name"}))):
        event_bus().emit(make_event("filter:apply", asked, grid=GRID))
        guess = BulkChange("update", Selection.from_dict({"query": asked}), 5, {"stock": 7})
        with pytest.raises(BulkDriftError):
            carry_out_bulk(open_grid(GRID, editor), guess)

    (applied,) = records("filter.apply")
    assert "secret" not in str(applied.context)
    (counted,) = records("filter.sensitive")
    assert counted.evidence == {"columns": ["name"]}


def test_request_metadata_is_left_out_when_the_configuration_says_so(
    manager: PluginManager, editor: User, product: Product
):
    manager.install_plugin(PLUGIN, config={"include_metadata": False, "events": ["row:update", "sort:change"]})
    edit(editor, product, stock=7)
    boss, facts = Actor(ActorKind.USER, "1", "boss"), {"requestId": "r-1", "ip": "192.0.2.7"}
    with acting(Actor.from_user(editor), EventSource.API, metadata=facts, impersonator=boss, reason="a slip"):
        event_bus().emit(make_event("sort:change", {"sort": []}, grid=GRID))

    for record in (*records("row.update"), *records("sort.change")):
        assert {"requestId", "ip"}.isdisjoint(record.context)
        assert record.context["source"] == "api"
        assert record.actor_id == str(editor.pk)
    (sorted_by,) = records("sort.change")
    assert (sorted_by.context["impersonator"], sorted_by.context["reason"]) == ("boss", "a slip")


def test_a_batch_its_undo_and_a_deletion_leave_one_record_for_each_row(manager: PluginManager, editor: User):
    manager.install_plugin(PLUGIN, config={"events": ["row:*", "cell:edit"]})
    access = open_grid(GRID, editor)
    with acting(Actor.from_user(editor), EventSource.API):
        row = products(2)[1]
        version = get_record(access, row.pk).version
        batch = apply_batch(access, [BatchItem("update", row.pk, version, {"stock": 9})], undoable=True)
        assert batch.undo is not None
        undo_change(access, batch.undo)
        Product.objects.get(pk=row.pk).delete()

    found = AuditRecord.objects.order_by("pk").filter(action__startswith="row.", target_id=str(row.pk))
    assert [(record.action, record.changes.get("stock"), record.grid) for record in found] == [
        ("row.update", [1, 9], GRID),
        ("row.update", [9, 1], GRID),
        ("row.delete", [1, None], ""),
    ]


def test_writes_past_the_grid_are_recorded_without_it(manager: PluginManager, product: Product):
    manager.install_plugin(PLUGIN)
    with acting(Actor.system("shell"), EventSource.SHELL):
        Product.objects.filter(pk=product.pk).update(stock=5)

    (record,) = records("row.update")
    assert (record.grid, record.changes) == ("", {"stock": [1, 5]})


def test_writes_are_followed_only_with_the_permission(manager: PluginManager, product: Product):
    manager.install_plugin(PLUGIN)
    manager.revoke_permission(PLUGIN, "audit:write")
    with acting(Actor.system("shell"), EventSource.SHELL):
        Product.objects.filter(pk=product.pk).update(stock=5)
        assert records("row.update") == []
        manager.grant_permission(PLUGIN, "audit:write")
        Product.objects.filter(pk=product.pk).update(stock=6)
    assert [record.changes for record in records("row.update")] == [{"stock": [5, 6]}]


def test_events_of_one_grid_follow_the_configuration_of_that_grid(
    manager: PluginManager, editor: User, product: Product
):
    manager.install_plugin(PLUGIN, config={"events": []})
    manager.configure_plugin(PLUGIN, {"events": ["row:update"]}, grid=GRID)
    edit(editor, product, stock=7)
    assert len(records("row.update")) == 1

    manager.configure_plugin(PLUGIN, {"events": []}, grid=GRID)
    edit(editor, product, stock=8)
    assert len(records("row.update")) == 1


def test_an_event_that_another_grid_records_is_not_recorded_here(manager: PluginManager):
    manager.install_plugin(PLUGIN, config={"events": []})
    manager.configure_plugin(PLUGIN, {"events": ["sort:change"]}, grid=QUIET)
    event_bus().emit(make_event("sort:change", {"sort": []}, grid=GRID))

    assert records("sort.change") == []


def test_a_grid_that_is_not_tracked_leaves_no_records(manager: PluginManager, editor: User, product: Product):
    manager.install_plugin(PLUGIN)
    edit(editor, product, grid=QUIET, stock=7)

    assert records("row.update") == []


def test_an_export_is_recorded_once_by_the_core_also_when_it_is_named(
    manager: PluginManager, editor: User, django_capture_on_commit_callbacks: Any
):
    manager.install_plugin("@gridkit/plugin-export", config={"formats": ["csv"]})
    manager.install_plugin(PLUGIN, config={"events": ["*"]})
    create_export(GRID, None, "csv", editor)

    assert len(records("export.request")) == 1


def test_recorded_types_leave_out_what_the_core_records():
    assert recorded_types(["row:update", "row:select", "export:*", "plugin:*"]) == {"row:select"}
    assert followed_actions(["row:add", "cell:edit", "sort:change"]) == ["row.create", "row.update"]
    assert "filter:apply" in recorded_types(["*"])
    assert not any(name.startswith(("export:", "plugin:")) for name in recorded_types(["*"]))


@pytest.mark.parametrize(
    "wrong",
    [{"destination": "api/logs"}, {"events": ["row:explode"]}, {"pii": {"hide": ["salary"]}}],
)
def test_configuration_refuses_what_this_form_cannot_do(wrong: Any):
    with pytest.raises(ValidationError):
        AuditLogConfig.model_validate(wrong)


def test_health_warns_of_masked_columns_that_no_grid_has(manager: PluginManager):
    manager.install_plugin(PLUGIN, config={"pii": {"mask": ["name"]}})
    assert manager.check_plugin_health(PLUGIN).status == "healthy"
    manager.configure_plugin(PLUGIN, {"pii": {"mask": ["nmae", "name"]}})

    health = manager.check_plugin_health(PLUGIN)
    assert (health.status, "nmae" in health.message) == ("degraded", True)


def test_health_warns_of_what_a_grid_is_told_in_vain(manager: PluginManager):
    manager.install_plugin(PLUGIN)
    there = {"destination": "https://siem.example/in", "pii": {"encrypt": ["nmae"], "subject": "name"}}
    manager.configure_plugin(PLUGIN, there, grid=GRID)

    health = manager.check_plugin_health(PLUGIN)
    assert health.status == "degraded"
    assert f"{GRID} has no columns nmae." in health.message
    assert f"{GRID} names a destination of its own" in health.message


def test_masking_finds_columns_as_keys_and_as_names_at_any_depth():
    payload = {
        "window": {"kind": "cursor", "after": "eyJrIjpb", "size": 2},
        "a": 1, "list": [{"a": {"x": 1}}, ({"column": "a", "old": 1, "new": 2},)], "b": {"col": 7, "value": 3},
        "range": {"col": "a", "op": "between", "value": 1, "to": 9},
    }  # fmt: skip

    assert masked_payload(payload, ["a"]) == {
        "window": {"kind": "cursor", "after": MASK, "size": 2},
        "a": MASK, "list": [{"a": MASK}, [{"column": "a", "old": MASK, "new": MASK}]], "b": {"col": 7, "value": 3},
        "range": {"col": "a", "op": "between", "value": MASK, "to": MASK},
    }  # fmt: skip
