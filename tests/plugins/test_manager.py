"""The manager with real plugins and a real database."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from gridkit_django.events import event_bus, make_event
from gridkit_django.exceptions import (
    EventRejected,
    PluginIncompatibleError,
    PluginInitializeError,
    PluginNotFoundError,
    PluginStateError,
)
from gridkit_django.models import AuditRecord, InstalledPlugin, RuntimeGeneration
from gridkit_django.plugins import PluginManager
from tests.plugins.samples import Explosive, Failing, Listener, Stranger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def silence() -> None:
    Listener.heard.clear()
    Listener.life.clear()
    Explosive.fuse.clear()


def update(**payload: object) -> str:
    event = make_event("row:update", {"rowId": "1", **payload}, grid="plugin-orders")
    event_bus().emit(event)
    return event.id


def test_installed_plugin_hears_events_in_all_moments(manager: PluginManager) -> None:
    info = manager.install_plugin(Listener)
    assert (info.desired_state, info.effective_state, info.state_reason) == ("active", "active", "")
    event_id = update()
    assert Listener.heard == [("before", event_id), ("after", event_id), ("committed", event_id)]


def test_before_handler_vetoes(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with pytest.raises(EventRejected, match="not today"):
        update(forbidden=True)


def test_deactivated_plugin_hears_nothing_and_is_destroyed(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    info = manager.deactivate_plugin("listener")
    update()
    assert Listener.heard == []
    assert Listener.life == ["initialize", "destroy"]
    assert (info.desired_state, info.effective_state) == ("inactive", "installed")
    manager.activate_plugin("listener")
    assert update() == Listener.heard[0][1]


def test_failing_handler_breaks_nothing_and_is_counted(manager: PluginManager) -> None:
    manager.install_plugin(Failing)
    update()
    usage = manager.usage_of("failing").usage
    assert usage is not None
    assert (usage.calls, usage.errors, usage.event_handlers) == (2, 2, 2)


def test_plugin_that_raises_at_initialize_is_quarantined_with_its_reason(manager: PluginManager) -> None:
    Explosive.fuse.append(ValueError("no powder"))
    with pytest.raises(PluginInitializeError, match="no powder"):
        manager.install_plugin(Explosive)
    info = manager.get_plugin("explosive")
    assert (info.desired_state, info.effective_state) == ("active", "quarantined")
    assert info.state_code == "plugin-initialize-failed"
    assert "no powder" in info.state_reason
    record = AuditRecord.objects.get(action="plugin.quarantine")
    assert (record.actor_kind, record.actor_id, record.target_id) == ("system", "runtime", "explosive")
    Explosive.fuse.clear()
    assert manager.activate_plugin("explosive").effective_state == "active"


def test_plugin_for_another_core_is_refused_at_the_door(manager: PluginManager) -> None:
    with pytest.raises(PluginIncompatibleError, match=">=99"):
        manager.install_plugin(Stranger)
    assert not InstalledPlugin.objects.exists()


def test_install_twice_is_refused(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with pytest.raises(PluginStateError, match="installed already"):
        manager.install_plugin(Listener)


def test_every_change_is_recorded_and_raises_the_generation(manager: PluginManager, admin: User) -> None:
    manager.install_plugin(Listener, user=admin)
    before = RuntimeGeneration.objects.get().value
    manager.configure_plugin("listener", {"greeting": "moin"}, user=admin)
    manager.revoke_permission("listener", "storage:use", user=admin)
    manager.grant_permission("listener", "storage:use", user=admin)
    manager.reload_plugin("listener", user=admin)
    manager.deactivate_plugin("listener", user=admin)
    manager.uninstall_plugin("listener", user=admin)
    assert RuntimeGeneration.objects.get().value == before + 6
    actions = list(AuditRecord.objects.order_by("pk").values_list("action", "actor_id"))
    assert actions == [
        (f"plugin.{verb}", str(admin.pk))
        for verb in ("install", "activate", "configure", "revoke", "grant", "reload", "deactivate", "uninstall")
    ]
    with pytest.raises(PluginNotFoundError):
        manager.get_plugin("listener")
