"""Plugins that do not fit together any more: they stop, say why, and come back by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridkit_django.exceptions import PluginIncompatibleError, PluginStateError
from gridkit_django.models import AuditRecord, EffectiveState, InstalledPlugin
from gridkit_django.plugins import Plugin, PluginManager
from gridkit_django.plugins.reports import StateReport
from tests.plugins.samples import Hermit, Listener, Needy, metadata, write_plugin

pytestmark = pytest.mark.django_db(transaction=True)


class Other(Plugin):
    """Needs the one that needs the listener."""

    metadata = metadata("other", peer_plugins=("needy",))


@pytest.fixture(autouse=True)
def forget(manager: PluginManager) -> None:
    manager.runtime.catalog.remove_object("other")


def states() -> dict[str, str]:
    return dict(InstalledPlugin.objects.values_list("plugin_id", "effective_state"))


def suspend(manager: PluginManager, plugin_id: str) -> None:
    manager.runtime.suspend(manager.runtime.live[plugin_id], "too-many-failures", "It failed.", {})
    manager.ensure_current()


@pytest.mark.both_databases
def test_plugins_whose_peer_is_suspended_stop_and_come_back_with_it(manager: PluginManager) -> None:
    for sample in (Listener, Needy, Other):
        manager.install_plugin(sample)
    suspend(manager, "listener")
    assert manager.runtime.live == {}
    assert states() == {"listener": "suspended", "needy": "incompatible", "other": "incompatible"}
    assert manager.get_plugin("needy").state_reason == (
        "needy 1.0.0 can't be active here: it needs listener, which can't run now."
    )
    assert {info.desired_state for info in manager.list_plugins()} == {"active"}
    manager.activate_plugin("listener")
    assert list(manager.runtime.live) == ["listener", "needy", "other"]
    assert set(states().values()) == {"active"}
    told = AuditRecord.objects.filter(actor_id="runtime").order_by("pk").values_list("action", "target_id")
    assert list(told) == [
        ("plugin.suspend", "listener"),
        ("plugin.incompatible", "other"),
        ("plugin.incompatible", "needy"),
        ("plugin.recover", "needy"),
        ("plugin.recover", "other"),
    ]


def test_plugin_that_came_back_is_not_built_anew_at_each_look(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    manager.install_plugin(Needy)
    suspend(manager, "listener")
    manager.activate_plugin("listener")
    live = manager.runtime.live["needy"]
    manager.follow()
    assert manager.runtime.live["needy"] is live
    assert manager.runtime.failure_of("needy", live.spec.revision) is None


def test_new_manifest_that_does_not_fit_leaves_the_old_one_at_work(manager: PluginManager, root: Path) -> None:
    folder = write_plugin(root)
    manager.install_plugin("folder:sample")
    old = manager.runtime.live["sample"]
    manifest = folder / "plugin.toml"
    manifest.write_text(f'peer_plugins = ["nobody"]\n{manifest.read_text()}'.replace("1.0.0", "2.0.0"))
    with pytest.raises(PluginIncompatibleError, match="needs nobody, which is not installed"):
        manager.reload_plugin("sample")
    manager.follow()
    assert manager.runtime.live["sample"] is old


def test_rivals_are_never_active_together(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with pytest.raises(PluginIncompatibleError, match="can't be active together with listener"):
        manager.install_plugin(Hermit)
    manager.install_plugin(Hermit, activate=False)
    InstalledPlugin.objects.filter(plugin_id="hermit").update(desired_state="active")
    manager.stop_all()
    manager.ensure_current()
    assert list(manager.runtime.live) == ["hermit"], "of two, the one that starts later is held"
    assert states() == {"hermit": "active", "listener": "incompatible"}
    manager.deactivate_plugin("hermit")
    assert list(manager.runtime.live) == ["listener"]
    assert states() == {"hermit": "installed", "listener": "active"}


def test_rival_of_a_suspended_plugin_is_refused(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    suspend(manager, "listener")
    with pytest.raises(PluginIncompatibleError, match="together with listener"):
        manager.install_plugin(Hermit)


def test_plugins_in_a_circle_can_be_installed_but_not_activated(manager: PluginManager) -> None:
    class Left(Plugin):
        metadata = metadata("left", peer_plugins=("right",))

    class Right(Plugin):
        metadata = metadata("right", peer_plugins=("left",))

    manager.install_plugin(Left, activate=False)
    with pytest.raises(PluginIncompatibleError, match="left, which is not active"):
        manager.install_plugin(Right)
    manager.install_plugin(Right, activate=False)
    InstalledPlugin.objects.update(desired_state="active")
    manager.stop_all()
    manager.ensure_current()
    assert states() == {"left": "incompatible", "right": "incompatible"}
    assert "left needs right needs left" in manager.get_plugin("left").state_reason
    assert manager.plan().cycles == (("left", "right"),)
    for name in ("left", "right"):
        manager.runtime.catalog.remove_object(name)


def test_act_that_would_bring_a_rival_back_is_refused_with_the_reason(manager: PluginManager) -> None:
    class Key(Plugin):
        metadata = metadata("a-key", incompatible_with=("b-door",))

    class Door(Plugin):
        metadata = metadata("b-door", incompatible_with=("listener",))

    manager.install_plugin(Listener)
    manager.install_plugin(Key, activate=False)
    manager.install_plugin(Door, activate=False)
    InstalledPlugin.objects.update(desired_state="active")
    with pytest.raises(PluginIncompatibleError, match="can't be taken away: listener would have to stop"):
        manager.deactivate_plugin("a-key")
    for name in ("a-key", "b-door"):
        manager.runtime.catalog.remove_object(name)


def test_needed_plugin_can_not_be_taken_away(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    manager.install_plugin(Needy)
    for act in (manager.deactivate_plugin, manager.uninstall_plugin):
        with pytest.raises(PluginStateError, match="listener is needed by needy"):
            act("listener")


def report(manager: PluginManager, state: EffectiveState, code: str, digest: str | None = "sha256:1") -> str:
    """Report a state of the listener as another process would; return what is stored then."""
    evidence = {} if digest is None else {"digest": digest, "core": "1"}
    revision = InstalledPlugin.objects.get().revision
    manager.runtime.reporter.report(StateReport("listener", revision, state, code, "Because.", evidence))
    return InstalledPlugin.objects.get().effective_state


def test_lesser_trouble_of_another_process_does_not_cover_a_greater_one(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    assert report(manager, EffectiveState.QUARANTINED, "plugin-load-failed") == "quarantined"
    assert report(manager, EffectiveState.DEGRADED, "handler-paused", None) == "quarantined"
    assert report(manager, EffectiveState.ACTIVE, "") == "quarantined", "the same content, well elsewhere"
    assert report(manager, EffectiveState.ERROR, "plugin-not-ready") == "quarantined"
    assert report(manager, EffectiveState.QUARANTINED, "plugin-config-invalid") == "quarantined"
    assert InstalledPlugin.objects.get().state_code == "plugin-config-invalid"
    assert report(manager, EffectiveState.ACTIVE, "", "sha256:2") == "active", "other content"


def test_suspension_is_ended_by_nothing_that_a_process_sees(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    assert report(manager, EffectiveState.SUSPENDED, "cpu-limit") == "suspended"
    for state in EffectiveState:
        assert report(manager, state, "any-code") == "suspended"
    assert InstalledPlugin.objects.get().state_code == "cpu-limit"
    assert manager.activate_plugin("listener").effective_state == "active"
