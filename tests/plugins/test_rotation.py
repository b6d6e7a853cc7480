"""Secrets in the database: never in clear, readable with every key of the settings, and renewed by the command."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from pydantic import BaseModel, SecretStr

from gridkit_django.events import GridEvent, event_bus, make_event
from gridkit_django.exceptions import PluginNotReadyError, PluginSecretError
from gridkit_django.models import AuditRecord, OperationState, PluginConfig, PluginOperation
from gridkit_django.plugins import (
    MASK,
    Plugin,
    PluginContext,
    PluginHealth,
    PluginManager,
    handles,
    request_operation,
    rotate_secrets,
    run_operation,
)
from tests.plugins.samples import Listener, metadata

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

SECRETS = ("s3cret-of-all", "s3cret-of-one-grid", "s3cret-that-waits", "s3cret-nested", "s3cret-gone-wrong")


class Nested(Plugin):
    metadata = metadata("nested")

    class Config(BaseModel):
        tokens: dict[str, list[SecretStr]] = {}
        number: int = 0


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.GRIDKIT = {"ENCRYPTION_KEYS": ["first key"]}


@pytest.fixture
def both(manager: PluginManager) -> Iterator[PluginManager]:
    for plugin in (Listener, Nested):
        manager.register_plugin(plugin)
    yield manager
    manager.runtime.catalog.remove_object("nested")


def every_row() -> str:
    """Return the text of every row of every table."""
    with connection.cursor() as cursor:
        rows: list[Any] = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += cursor.fetchall()
    return repr([[bytes(cell) if isinstance(cell, memoryview) else cell for cell in row] for row in rows])


def rotate(*options: str) -> str:
    told = io.StringIO()
    call_command("gridkit_rotate_secrets", *options, stdout=told)
    return told.getvalue()


def password(manager: PluginManager, grid: str | None = None) -> str:
    found: str = manager.runtime.live["listener"].plugin.context.config_for(grid).password.get_secret_value()
    return found


def use(settings: Any, *keys: str) -> None:
    settings.GRIDKIT = {"ENCRYPTION_KEYS": list(keys)}


def test_no_secret_lies_in_any_table_in_clear(both: PluginManager, admin: User) -> None:
    both.install_plugin("listener", config={"password": SECRETS[0]}, user=admin)
    both.configure_plugin("listener", {"password": SECRETS[1]}, grid="plugin-orders", user=admin)
    both.configure_plugin("listener", {"password": MASK, "volume": 2}, user=admin)
    both.restore_config("listener", 1, user=admin)
    config = {"tokens": {"a": [SECRETS[3]]}}
    request_operation("install", "nested", {"config": config}, user=admin)
    done = request_operation("install", "nested", {"config": config}, user=admin)
    assert SECRETS[3] not in every_row()
    run_operation(done.pk)
    request_operation("configure", "listener", {"config": {"password": SECRETS[2]}}, user=admin)
    wrong = request_operation("configure", "nested", {"config": {"tokens": SECRETS[4]}}, user=admin)
    run_operation(wrong.pk)
    assert both.get_config("nested") == {"tokens": {"a": [MASK]}}
    everything = every_row()
    assert "listener" in everything
    assert [secret for secret in SECRETS if secret in everything] == []


def test_waiting_operation_is_carried_out_with_the_secret_it_was_given(both: PluginManager, admin: User) -> None:
    both.install_plugin("listener")
    operation = request_operation("configure", "listener", {"config": {"password": SECRETS[2]}}, user=admin)
    assert set(operation.arguments["config"]) == {"$secret"}
    run_operation(operation.pk)
    assert password(both) == SECRETS[2]
    operation.refresh_from_db()
    assert "config" not in operation.arguments


def test_operation_of_before_encryption_is_carried_out_too(both: PluginManager) -> None:
    both.install_plugin("listener")
    operation = PluginOperation.objects.create(
        kind="configure", plugin_id="listener", arguments={"config": {"volume": 4}}
    )
    run_operation(operation.pk)
    assert both.get_config("listener") == {"volume": 4}


def test_operation_that_the_worker_can_not_read_fails_with_what_to_do(
    both: PluginManager, admin: User, settings: Any
) -> None:
    both.install_plugin("listener")
    operation = request_operation("configure", "listener", {"config": {"volume": 4}}, user=admin)
    use(settings, "another key")
    run_operation(operation.pk)
    operation.refresh_from_db()
    assert (operation.state, operation.error_code) == (OperationState.FAILED, "plugin-secret-unreadable")
    assert "ENCRYPTION_KEYS" in operation.error_detail


def test_rotation_renews_every_row_so_that_the_old_key_can_go(both: PluginManager, admin: User, settings: Any) -> None:
    both.install_plugin("listener", config={"password": SECRETS[0]})
    both.configure_plugin("listener", {"password": SECRETS[1]}, grid="plugin-orders")
    both.configure_plugin("listener", {"volume": 2})
    PluginConfig.objects.filter(revision=2).update(aside={"old": PluginConfig.objects.earliest("pk").data["password"]})
    waiting = request_operation("configure", "listener", {"config": {"password": SECRETS[2]}}, user=admin)
    request_operation("reload", "listener", {}, user=admin)
    before = both.runtime.generations.current()
    use(settings, "second key", "first key")
    with pytest.raises(CommandError, match="before you take an old key away"):
        rotate("--check")
    assert rotate() == "4 of 4 rows were encrypted anew.\n"
    assert rotate() == "0 of 4 rows were encrypted anew.\n"
    assert rotate("--check") == "0 of 4 rows would be encrypted anew.\n"
    assert both.runtime.generations.current() == before
    use(settings, "second key")
    both.restore_config("listener", 1)
    assert (password(both), password(both, "plugin-orders")) == (SECRETS[0], SECRETS[1])
    run_operation(waiting.pk)
    assert password(both) == SECRETS[2]
    record = AuditRecord.objects.get(action="plugin.rotate_secrets")
    assert (record.actor_id, record.context["evidence"]) == ("rotate-secrets", {"rows": 4})


def test_rotation_renews_what_is_kept_of_a_plugin_that_is_gone(both: PluginManager, settings: Any) -> None:
    both.install_plugin("listener", config={"password": SECRETS[0]})
    both.uninstall_plugin("listener", data="keep")
    use(settings, "second key", "first key")
    assert rotate() == "1 of 1 rows were encrypted anew.\n"
    use(settings, "second key")
    both.install_plugin("listener")
    assert password(both) == SECRETS[0]


def test_rotation_encrypts_what_was_stored_in_clear(both: PluginManager) -> None:
    both.install_plugin("listener", config={"volume": 2})
    PluginConfig.objects.update(data={"volume": 2, "password": SECRETS[0]})
    PluginOperation.objects.create(
        kind="configure", plugin_id="listener", arguments={"config": {"password": SECRETS[2]}}
    )
    both.stop_all()
    both.follow()
    assert password(both) == SECRETS[0]
    assert both.get_config("listener") == {"volume": 2, "password": MASK}
    report = rotate_secrets()
    assert (report.examined, report.outdated, report.unreadable) == (2, 2, ())
    assert [secret for secret in SECRETS if secret in every_row()] == []
    both.stop_all()
    both.follow()
    assert password(both) == SECRETS[0]


def test_secret_that_a_plugin_puts_into_its_error_is_not_stored(manager: PluginManager) -> None:
    class Telling(Plugin):
        metadata = metadata("telling")

        class Config(BaseModel):
            password: SecretStr = SecretStr("")

        def initialize(self, context: PluginContext) -> None:
            raise ConnectionError(f"redis://:{context.config.password.get_secret_value()}@host")

    with pytest.raises(PluginNotReadyError, match="redis://:"):
        manager.install_plugin(Telling, config={"password": SECRETS[0]})
    manager.runtime.catalog.remove_object("telling")
    assert MASK in manager.get_plugin("telling").state_reason
    assert SECRETS[0] not in every_row()


class Leaky(Plugin):
    """Puts its secrets into every error that it raises."""

    metadata = metadata("leaky", required_permissions=("events:subscribe",))

    class Config(BaseModel):
        password: SecretStr = SecretStr("")
        pinned: SecretStr = SecretStr("")

    def leak(self) -> Exception:
        config: Any = self.context.config
        return ValueError(f"{config.password.get_secret_value()} and {config.pinned.get_secret_value()}")

    @handles("row:update")
    def fail(self, event: GridEvent) -> None:
        raise self.leak()

    def health_check(self) -> PluginHealth:
        raise self.leak()

    def destroy(self) -> None:
        raise self.leak()


def test_secrets_in_errors_of_a_plugin_at_work_are_not_stored(manager: PluginManager, settings: Any) -> None:
    pins = {"leaky": {"pinned": SECRETS[1]}}
    settings.GRIDKIT = {"ENCRYPTION_KEYS": ["first key"], "PLUGIN_PINS": pins, "HANDLER_FAILURES_MAX": 2}
    manager.install_plugin(Leaky, config={"password": SECRETS[0]})
    health = manager.check_plugin_health("leaky")
    assert f"{MASK} and {MASK}" in health.message
    for _ in range(2):
        event_bus().open(make_event("row:update", {"id": 1, "changes": {}}, grid="plugin-orders")).after()
    info = manager.get_plugin("leaky")
    assert (info.effective_state, info.state_code) == ("suspended", "too-many-failures")
    assert f"{MASK} and {MASK}" in info.state_reason
    assert f"{MASK} and {MASK}" in AuditRecord.objects.get(action="plugin.end").context["evidence"]["reason"]
    everything = every_row()
    assert [secret for secret in SECRETS if secret in everything] == []
    manager.runtime.catalog.remove_object("leaky")


def test_rotation_names_what_no_key_reads_and_renews_the_rest(both: PluginManager, settings: Any) -> None:
    both.install_plugin("listener", config={"password": SECRETS[0]})
    use(settings, "second key")
    both.install_plugin("nested", config={"tokens": {"a": [SECRETS[3]]}})
    use(settings, "third key", "second key")
    with pytest.raises(CommandError, match="listener, revision 1 for all grids") as caught:
        rotate()
    assert "nested" not in str(caught.value)
    use(settings, "third key", "first key")
    assert rotate() == "1 of 2 rows were encrypted anew.\n"


def test_wrong_key_is_told_by_the_plugins_state_and_the_site_goes_on(both: PluginManager, settings: Any) -> None:
    both.install_plugin("listener", config={"password": SECRETS[0]})
    both.install_plugin("nested")
    both.stop_all()
    use(settings, "another key")
    both.follow()
    info = both.get_plugin("listener")
    assert (info.effective_state, info.state_code) == ("error", "plugin-secret-unreadable")
    assert "/password" in info.state_reason
    assert "gridkit_rotate_secrets" in info.state_reason
    assert info.config == {"password": MASK}
    assert "nested" in both.runtime.live
    with pytest.raises(PluginSecretError, match="/password"):
        both.configure_plugin("listener", {"password": MASK, "volume": 2})
    both.stop_all()
    use(settings, "another key", "first key")
    both.follow()
    assert both.get_plugin("listener").effective_state == "active"
    assert password(both) == SECRETS[0]


def test_entering_the_secret_again_is_the_way_out_of_a_lost_key(both: PluginManager, settings: Any) -> None:
    both.install_plugin("listener", config={"password": SECRETS[0]})
    serving = both.runtime.live["listener"].plugin
    use(settings, "another key")
    info = both.configure_plugin("listener", {"password": "n3w", "volume": 2})
    assert (info.effective_state, password(both)) == ("active", "n3w")
    assert both.runtime.live["listener"].plugin is not serving
    record = AuditRecord.objects.filter(action="plugin.configure").latest("pk")
    assert record.changes == {"password": [MASK, MASK], "volume": [None, 2]}
