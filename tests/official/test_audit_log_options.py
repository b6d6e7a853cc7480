"""What else the audit log plugin is told: where records go, how long they stay, what of them is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import call_command
from pydantic import ValidationError

from gridkit_django.audit.delivery.destinations import secret_of
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy import MASK, is_sealed
from gridkit_django.audit.retention import retention_rules
from gridkit_django.grids import Grid, grid_registry
from gridkit_django.grids.columns import IntegerColumn, TextColumn
from gridkit_django.models import AuditDestination, AuditRecord
from gridkit_django.plugins import PluginManager, deliver_trail
from gridkit_django.tasks.audit import deliver_audit
from gridkit_plugins.audit_log.config import AuditLogConfig
from tests.audit.chains import key, sealer
from tests.audit.receivers import collect
from tests.exports.shop import products
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PLUGIN = "@gridkit/plugin-audit-log"
COLLECT = "tests.audit.receivers.collect"


class ToldGrid(Grid):
    """Products."""

    name = TextColumn(editable=True)
    stock = IntegerColumn(editable=True)

    class Meta:
        model = Product
        id = "told-products"
        columns = ["sku", "name", "stock"]


@pytest.fixture(autouse=True)
def grid(settings: Any) -> Iterator[None]:
    settings.GRIDKIT = {**settings.GRIDKIT, "AUDIT_LOCAL_DESTINATIONS": [COLLECT]}
    collect.taken, collect.raises = [], []
    grid_registry().register(ToldGrid)
    yield
    grid_registry().unregister("told-products")


@pytest.fixture
def product(db: None) -> Product:
    return products(1)[0]


def install(manager: PluginManager, **config: Any) -> None:
    manager.install_plugin(PLUGIN, config=config)
    manager.follow()


def last() -> AuditRecord:
    found = AuditRecord.objects.filter(action="row.update").order_by("-pk").first()
    assert found is not None
    return found


def rename(product: Product, name: str) -> dict[str, Any]:
    Product.objects.filter(pk=product.pk).update(name=name)
    return dict(last().changes)


def test_encrypted_column_is_stored_encrypted(manager: PluginManager, product: Product) -> None:
    install(manager, pii={"encrypt": ["name"]})

    assert all(is_sealed(side) for side in rename(product, "secret")["name"])


def test_masked_column_may_tell_a_part(manager: PluginManager, product: Product) -> None:
    install(manager, pii={"mask": ["name"], "mask_forms": {"name": "initial"}})

    assert rename(product, "Lamp")["name"][1] == f"L{MASK}"


def test_subject_is_named_by_its_column(manager: PluginManager, product: Product) -> None:
    install(manager, pii={"encrypt": ["name"], "subject": "sku"})

    policies = audit_policies().table.by_model["shop.product"]
    assert {policy.subject for policy in policies if policy.grid == "told-products"} == {"sku"}
    assert is_sealed(rename(product, "secret")["name"][0])


def test_column_that_no_grid_has_is_warned_of(manager: PluginManager) -> None:
    install(manager, pii={"encrypt": ["nome"], "subject": "patiemt"})

    told = manager.check_plugin_health(PLUGIN)
    assert "nome, patiemt" in told.message


def test_retention_of_the_plugin_is_a_rule_of_its_models(manager: PluginManager) -> None:
    install(manager, retention="7y")

    rules = {rule.name: str(rule.term) for rule in retention_rules()}
    assert rules["shop.product row.*"] == "7y"
    manager.deactivate_plugin(PLUGIN)
    manager.follow()
    assert "shop.product row.*" not in {rule.name for rule in retention_rules()}


def test_destination_gets_the_trail_while_the_plugin_is_at_work(manager: PluginManager, product: Product) -> None:
    install(manager, destination=COLLECT, destination_secret="shared", destination_format="native")
    rename(product, "new")
    signer = key()
    sealer(signer, limit=100).run()
    assert not AuditDestination.objects.exists(), "a process that starts a plugin writes nothing"

    assert deliver_audit() > 0
    assert [item["changes"]["name"][1] for item in collect.taken if item["action"] == "row.update"] == ["new"]
    row = AuditDestination.objects.get()
    assert (row.name, row.managed_by, secret_of(row)) == (PLUGIN, PLUGIN, "shared")

    manager.deactivate_plugin(PLUGIN)
    manager.follow()
    cursor = row.cursor
    assert deliver_audit() == 0
    row.refresh_from_db()
    assert (row.state, row.cursor) == ("paused", cursor)

    manager.activate_plugin(PLUGIN)
    manager.follow()
    sealer(signer, limit=100).run()
    assert deliver_audit() > 0
    row.refresh_from_db()
    assert row.state == "ready"


def test_destination_is_changed_by_the_configuration_and_keeps_its_place(manager: PluginManager) -> None:
    install(manager, destination=COLLECT)
    sealer(key(), limit=100).run()
    deliver_trail(manager.runtime)
    before = AuditDestination.objects.get()

    manager.configure_plugin(PLUGIN, {"destination": "https://siem.example/in", "destination_format": "cef"})
    manager.follow()
    deliver_trail(manager.runtime)

    after = AuditDestination.objects.get()
    assert (after.address, after.format, after.cursor) == ("https://siem.example/in", "cef", before.cursor)


def test_destination_is_paused_when_the_permission_is_taken_away(manager: PluginManager, admin_user: User) -> None:
    install(manager, destination=COLLECT)
    deliver_trail(manager.runtime)

    manager.revoke_permission(PLUGIN, "audit:write")
    manager.follow()
    deliver_trail(manager.runtime)

    assert AuditDestination.objects.get().state == "paused"


@pytest.mark.postgres_only
def test_triggers_that_do_not_mask_yet_are_told_by_health_and_checks(manager: PluginManager) -> None:
    def advice() -> list[str]:
        manager.stop_all()  # as in a process of its own
        return [str(item.msg) for item in run_checks(databases=["default"]) if item.id == "gridkit.W201"]

    audit_policies().set("test", [AuditPolicy(model_label="shop.product", strict=True)])
    try:
        call_command("gridkit_audit_triggers", "install", stdout=StringIO())
        install(manager, pii={"mask": ["name"]})
        assert "shop_product record as before" in manager.check_plugin_health(PLUGIN).message
        assert any("shop_product" in text for text in advice())
        call_command("gridkit_audit_triggers", "install", stdout=StringIO())
        assert advice() == []
        assert manager.check_plugin_health(PLUGIN).status == "healthy"
    finally:
        audit_policies().drop("test")


def test_second_delivery_in_step_writes_no_act(manager: PluginManager) -> None:
    install(manager, destination=COLLECT)
    deliver_trail(manager.runtime)
    before = AuditRecord.objects.count()

    deliver_trail(manager.runtime)

    assert AuditRecord.objects.count() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"destination": "nowhere"},
        {"destination": "http://clear.example/"},
        {"destination": "file:///var/log/audit.ndjson"},
        {"destination": "os.abort"},
        {"retention": "soon"},
        {"destination_format": "xml"},
        {"destination": ""},
        {"pii": {"mask": ["name"], "mask_forms": {"name": "half"}}},
        {"pii": {"mask": ["sku"], "mask_forms": {"name": "initial"}}},
    ],
)
def test_configuration_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AuditLogConfig(**wrong)
