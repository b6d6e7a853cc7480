"""Soft limits warn and are taken back; hard limits suspend that plugin only, and say why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.events import GridEvent, event_bus, make_event
from gridkit_django.models import AuditRecord, InstalledPlugin, RuntimeProcess
from gridkit_django.plugins import Plugin, PluginManager, handles
from gridkit_django.plugins.enforcement import Enforcer
from tests.plugins.samples import Listener, metadata

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE_NS = 60_000_000_000
PERMISSIONS = ("events:subscribe", "storage:use", "audit:write")
LIMITS = {"max_cpu_percent": 50, "max_memory_mb": 1, "max_storage_mb": 1}


class Hungry(Plugin):
    """Holds and spends what the test says."""

    metadata = metadata("hungry", required_permissions=PERMISSIONS, resource_limits=LIMITS)


class Auditor(Plugin):
    """Acts fail without it."""

    metadata = metadata("auditor", required_permissions=PERMISSIONS, resource_limits=LIMITS)

    @handles("row:update", critical=True)
    def note(self, event: GridEvent) -> None:
        """Do nothing."""


@pytest.fixture
def site(manager: PluginManager) -> Iterator[PluginManager]:
    Listener.heard.clear()
    manager.install_plugin(Listener)
    manager.install_plugin(Hungry)
    yield manager
    for name in ("hungry", "auditor"):
        manager.runtime.catalog.remove_object(name)


def burn(manager: PluginManager, percent: float, plugin_id: str = "hungry") -> None:
    manager.runtime.live[plugin_id].cpu.add(int(MINUTE_NS * percent / 100))


def hold(manager: PluginManager, size: int, plugin_id: str = "hungry") -> None:
    """Let the plugin hold so many bytes, and have it measured anew."""
    live: Any = manager.runtime.live[plugin_id]
    live.plugin.held = b"x" * size
    manager.runtime.heaps._figures.pop(live, None)


def state(manager: PluginManager, plugin_id: str = "hungry") -> tuple[str, str]:
    info = manager.get_plugin(plugin_id)
    return info.effective_state, info.state_code


def judge(manager: PluginManager) -> None:
    Enforcer(manager.runtime).judge()


@pytest.mark.both_databases
def test_processor_over_the_limit_suspends_that_plugin_only_and_says_why(site: PluginManager) -> None:
    burn(site, 45)
    judge(site)
    assert state(site) == ("degraded", "cpu-high")
    burn(site, 6)
    judge(site)
    info = site.get_plugin("hungry")
    assert (info.desired_state, info.effective_state, info.state_code) == ("active", "suspended", "cpu-limit")
    assert info.state_reason == "It takes 51 % of a core over a minute; its limit is 50 %."
    assert info.state_evidence["share"] == 1.02
    assert info.state_evidence["pid"] == site.runtime.process.pid
    assert "hungry" not in site.runtime.live
    event_bus().emit(make_event("row:update", {"rowId": "1"}, grid="plugin-orders"))
    assert Listener.heard
    actions = AuditRecord.objects.filter(target_id="hungry", actor_id="runtime").order_by("pk")
    assert [record.action for record in actions] == ["plugin.degrade", "plugin.suspend"]


def test_memory_over_the_limit_suspends(site: PluginManager) -> None:
    hold(site, 850_000)
    judge(site)
    assert state(site) == ("degraded", "memory-high")
    hold(site, 1_100_000)
    judge(site)
    assert state(site) == ("suspended", "memory-limit")
    assert "1.1 MB of memory; its limit is 1 MB" in site.get_plugin("hungry").state_reason


def test_storage_near_its_limit_warns_and_is_taken_back(site: PluginManager) -> None:
    storage = site.runtime.live["hungry"].plugin.context.storage
    storage.set("k", "x" * 850_000)
    judge(site)
    assert state(site) == ("degraded", "storage-nearly-full")
    storage.set("k", "x" * 750_000)
    judge(site)
    assert state(site) == ("degraded", "storage-nearly-full"), "between the two marks nothing changes"
    storage.delete("k")
    judge(site)
    assert state(site) == ("active", "")


def test_warning_is_written_once_and_taken_back_when_it_is_over(site: PluginManager) -> None:
    hold(site, 850_000)
    for _ in range(3):
        judge(site)
    hold(site, 1)
    for _ in range(3):
        judge(site)
    assert state(site) == ("active", "")
    actions = AuditRecord.objects.filter(target_id="hungry", actor_id="runtime").order_by("pk")
    assert [record.action for record in actions] == ["plugin.degrade", "plugin.recover"]


def test_warning_covers_no_other_reason(site: PluginManager) -> None:
    InstalledPlugin.objects.filter(plugin_id="hungry").update(effective_state="degraded", state_code="health-unhealthy")
    hold(site, 850_000)
    judge(site)
    hold(site, 1)
    judge(site)
    assert state(site) == ("degraded", "health-unhealthy")


@pytest.mark.parametrize("alive", [True, False])
def test_warning_of_another_process_is_taken_back_only_when_that_is_gone(site: PluginManager, alive: bool) -> None:
    evidence = {"host": "elsewhere", "pid": 7}
    InstalledPlugin.objects.filter(plugin_id="hungry").update(
        effective_state="degraded", state_code="memory-high", state_evidence=evidence
    )
    if alive:
        now = timezone.now()
        RuntimeProcess.objects.create(kind="web", started_at=now, seen_at=now, **evidence)
    judge(site)
    assert state(site) == (("degraded", "memory-high") if alive else ("active", ""))


def test_plugin_that_acts_need_is_never_suspended_for_a_limit(site: PluginManager) -> None:
    site.install_plugin(Auditor)
    burn(site, 90, "auditor")
    judge(site)
    assert state(site, "auditor") == ("degraded", "cpu-high")
    site.revoke_permission("auditor", "audit:write")
    judge(site)
    assert state(site, "auditor") == ("suspended", "cpu-limit")


def test_what_just_began_is_measured_against_a_whole_minute(site: PluginManager) -> None:
    burn(site, 5)
    assert site.runtime.live["hungry"].cpu.percent() > 50
    judge(site)
    assert state(site) == ("active", "")


def test_plugin_without_limits_is_left_alone(site: PluginManager) -> None:
    burn(site, 1000, "listener")
    hold(site, 5_000_000, "listener")
    judge(site)
    assert state(site, "listener") == ("active", "")


def test_plugin_that_was_uninstalled_meanwhile_is_left_out(site: PluginManager) -> None:
    InstalledPlugin.objects.filter(plugin_id="hungry").update(plugin_id="gone")
    hold(site, 5_000_000)
    judge(site)
    assert state(site, "gone") == ("active", "")
    site.stop_all()
    judge(site)


def test_chore_judges_once_in_a_heartbeat(site: PluginManager, settings: Any) -> None:
    settings.GRIDKIT = {"HEARTBEAT_SECONDS": 1}
    enforcer = Enforcer(site.runtime)
    hold(site, 5_000_000)
    enforcer.enforce()
    assert state(site) == ("active", "")
    enforcer._judged_at -= 1
    enforcer.enforce()
    assert state(site) == ("suspended", "memory-limit")
