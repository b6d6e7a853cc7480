"""Several processes: each follows the database, and none of them can be stopped by a plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from gridkit_django.events import event_bus, make_event
from gridkit_django.exceptions import (
    PluginIncompatibleError,
    PluginInitializeError,
    PluginLoadError,
    PluginStateError,
)
from gridkit_django.models import (
    AuditRecord,
    InstalledPlugin,
    PluginVersion,
)
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, PluginRuntime
from gridkit_django.plugins.bundle import PRIVATE_PREFIX
from gridkit_django.plugins.wakeups import Wakeups
from tests.plugins.samples import CODE, Explosive, Listener, Needy, metadata, write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def silence() -> None:
    Explosive.fuse.clear()
    Listener.heard.clear()
    Listener.life.clear()


@pytest.fixture
def other(manager: PluginManager) -> Iterator[PluginManager]:
    """Another process, as far as the database can tell: a runtime of its own, not connected to the signals."""
    found = PluginManager(PluginRuntime())
    found.runtime.catalog = manager.runtime.catalog
    found.runtime._starter._catalog = manager.runtime.catalog
    yield found
    found.stop_all()


@pytest.fixture
def nothing_kept(root: Path, settings: Any) -> None:
    """No files of plugins are kept, so that only their source can serve."""
    settings.GRIDKIT = {**settings.GRIDKIT, "PACKAGE_BYTES_MAX": 0}


def word(manager: PluginManager, plugin_id: str = "sample") -> Any:
    method, _ = manager.runtime.live[plugin_id].methods["word"]
    return method.handler(None)  # type: ignore[arg-type]


def begin_request(manager: PluginManager) -> None:
    Wakeups(manager).request_began()
    manager.ensure_current()


def test_other_process_follows_at_its_next_request(manager: PluginManager, other: PluginManager) -> None:
    manager.install_plugin(Listener)
    assert other.runtime.live == {}
    begin_request(other)
    assert other.runtime.live["listener"].config.greeting == "hello"  # type: ignore[attr-defined]
    manager.configure_plugin("listener", {"greeting": "moin"})
    other.ensure_current()
    assert other.runtime.live["listener"].config.greeting == "hello", "not looked at again within a request"  # type: ignore[attr-defined]
    begin_request(other)
    assert other.runtime.live["listener"].config.greeting == "moin"  # type: ignore[attr-defined]
    manager.deactivate_plugin("listener")
    begin_request(other)
    assert other.runtime.live == {}


def test_only_the_plugin_whose_revision_moved_is_built_anew(manager: PluginManager, other: PluginManager) -> None:
    manager.install_plugin(Listener)
    manager.install_plugin(Explosive)
    begin_request(other)
    kept = other.runtime.live["listener"]
    manager.configure_plugin("explosive", {})
    begin_request(other)
    assert other.runtime.live["listener"] is kept


def test_unchanged_generation_costs_one_query(manager: PluginManager, django_assert_num_queries: Any) -> None:
    manager.install_plugin(Listener)
    manager.runtime.mark_unchecked()
    with django_assert_num_queries(1):
        manager.ensure_current()
    with django_assert_num_queries(0):
        manager.ensure_current()


def test_reload_swaps_code_in_every_process_and_drops_the_old_modules(
    manager: PluginManager, other: PluginManager, root: Path
) -> None:
    folder = write_plugin(root)
    manager.install_plugin("folder:sample")
    begin_request(other)
    write_plugin(root, version="1.1.0", word="two")
    info = manager.reload_plugin("sample")
    assert (info.version, word(manager), word(other)) == ("1.1.0", "two", "one")
    begin_request(other)
    assert word(other) == "two"
    assert len({name.split(".")[0] for name in sys.modules if name.startswith(PRIVATE_PREFIX)}) == 2
    manager.uninstall_plugin("sample")
    begin_request(other)
    assert not [name for name in sys.modules if name.startswith(PRIVATE_PREFIX)]
    assert folder.is_dir()


def test_code_that_can_not_be_compiled_is_refused_and_the_old_one_serves(manager: PluginManager, root: Path) -> None:
    folder = write_plugin(root)
    manager.install_plugin("sample")
    (folder / "plugin.py").write_text("class Sample(\n")
    with pytest.raises(PluginLoadError, match=r"plugin\.py, line 1"):
        manager.reload_plugin("sample")
    assert word(manager) == "one"
    assert PluginVersion.objects.count() == 1


def test_new_code_that_raises_at_initialize_leaves_the_old_one_serving_and_the_reason_shown(
    manager: PluginManager, other: PluginManager, root: Path
) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    write_plugin(
        root, code=CODE.replace("def initialize(self, context):", "def initialize(self, context):\n        1/0")
    )
    with pytest.raises(PluginInitializeError, match="ZeroDivisionError"):
        manager.reload_plugin("sample")
    assert word(manager) == "one"
    info = manager.get_plugin("sample")
    assert (info.desired_state, info.effective_state) == ("active", "degraded")
    assert info.state_evidence["pid"] == os.getpid()
    begin_request(other)
    assert other.runtime.live == {}
    info = manager.get_plugin("sample")
    assert (info.desired_state, info.effective_state) == ("active", "quarantined"), "a fresh process has no old one"
    write_plugin(root, word="three")
    assert manager.reload_plugin("sample").effective_state == "active"
    begin_request(other)
    assert word(manager) == word(other) == "three"


@pytest.mark.usefixtures("nothing_kept")
def test_quarantined_plugin_is_not_tried_again_until_its_content_changes(
    manager: PluginManager, other: PluginManager, root: Path
) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    counter = root / "tries"
    write_plugin(root, code=f"with open({str(counter)!r}, 'a') as file:\n    file.write('x')\n1/0\n")
    manager.stop_all()
    manager.ensure_current()
    assert manager.get_plugin("sample").effective_state == "quarantined"
    assert counter.read_text() == "x"
    begin_request(other)
    assert counter.read_text() == "x", "in quarantine: another process does not run it"
    assert other.runtime.failure_of("sample", InstalledPlugin.objects.get().revision) is not None
    write_plugin(root, word="healed", version="1.0.1")
    manager.stop_all()
    manager.ensure_current()
    assert (word(manager), manager.get_plugin("sample").effective_state) == ("healed", "active")
    assert manager.get_plugin("sample").version == "1.0.1"
    assert AuditRecord.objects.filter(action__in=["plugin.recover", "plugin.update"]).count() == 2


@pytest.mark.usefixtures("nothing_kept")
def test_vanished_source_is_quarantined_and_heals_when_it_comes_back(manager: PluginManager, root: Path) -> None:
    folder = write_plugin(root)
    manager.install_plugin("sample")
    folder.rename(root.parent / "away")
    manager.stop_all()
    manager.ensure_current()
    info = manager.get_plugin("sample")
    assert (info.effective_state, info.state_code) == ("quarantined", "plugin-load-failed")
    (root.parent / "away").rename(folder)
    manager.stop_all()
    manager.ensure_current()
    assert manager.get_plugin("sample").effective_state == "active"


@pytest.mark.usefixtures("nothing_kept")
def test_source_that_holds_another_plugin_now_is_not_run(manager: PluginManager, root: Path) -> None:
    folder = write_plugin(root)
    manager.install_plugin("sample")
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('"sample"', '"impostor"'))
    with pytest.raises(PluginLoadError, match="now holds impostor"):
        manager.reload_plugin("sample")
    manager.stop_all()
    manager.ensure_current()
    assert "impostor" in manager.get_plugin("sample").state_reason
    assert manager.runtime.live == {}


@pytest.mark.usefixtures("nothing_kept")
def test_core_that_does_not_fit_any_more_changes_the_effect_only_and_heals(manager: PluginManager, root: Path) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    write_plugin(root, core=">=99")
    manager.stop_all()
    manager.ensure_current()
    info = manager.get_plugin("sample")
    assert (info.desired_state, info.effective_state) == ("active", "incompatible")
    with pytest.raises(PluginIncompatibleError):
        manager.reload_plugin("sample")
    write_plugin(root)
    manager.runtime.follow()
    assert manager.get_plugin("sample").effective_state == "active"


def test_peer_must_be_active_first_and_can_not_be_taken_away(manager: PluginManager) -> None:
    with pytest.raises(PluginIncompatibleError, match="needs listener"):
        manager.install_plugin(Needy)
    manager.install_plugin(Listener)
    manager.install_plugin(Needy)
    for act in (manager.deactivate_plugin, manager.uninstall_plugin):
        with pytest.raises(PluginStateError, match="needed by needy"):
            act("listener")
    manager.stop_all()
    manager.ensure_current()
    assert list(manager.runtime.live) == ["listener", "needy"]
    InstalledPlugin.objects.filter(plugin_id="listener").update(effective_state="suspended")
    manager.stop_all()
    manager.ensure_current()
    assert manager.get_plugin("needy").effective_state == "incompatible"
    manager.activate_plugin("listener")
    assert manager.get_plugin("needy").effective_state == "active"


def test_no_plugin_can_stop_the_start(manager: PluginManager) -> None:
    class Leaver(Plugin):
        metadata = metadata("a-leaver")

        def __init__(self) -> None:
            raise SystemExit(1)

    class Rude(Plugin):
        metadata = metadata("rude")

        def destroy(self) -> None:
            raise SystemExit(1)

    manager.install_plugin(Listener)
    manager.install_plugin(Rude)
    with pytest.raises(PluginInitializeError, match="SystemExit"):
        manager.install_plugin(Leaver)
    manager.stop_all()
    manager.ensure_current()
    assert list(manager.runtime.live) == ["listener", "rude"]
    for name in ("a-leaver", "rude"):
        manager.runtime.catalog.remove_object(name)


def test_revoking_swaps_grants_and_granting_builds_anew(manager: PluginManager) -> None:
    manager.install_plugin(Listener, grants=["events:subscribe", "methods:*"])
    live = manager.runtime.live["listener"]
    manager.revoke_permission("listener", "events:subscribe")
    assert manager.runtime.live["listener"] is live
    assert not live.grants.allows("events:subscribe")
    manager.revoke_permission("listener", "events:subscribe")
    assert AuditRecord.objects.filter(action="plugin.revoke").count() == 1
    manager.grant_permission("listener", "events:subscribe")
    assert manager.runtime.live["listener"] is not live


def test_grant_that_a_revoked_wildcard_covers_is_refused(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    manager.revoke_permission("listener", "storage:*")
    with pytest.raises(PluginStateError, match=r"storage:\*"):
        manager.grant_permission("listener", "storage:use")
    manager.grant_permission("listener", "storage:*")
    assert manager.grant_permission("listener", "storage:use").permissions


def test_revoke_counts_even_where_the_new_object_can_not_start(manager: PluginManager, other: PluginManager) -> None:
    manager.install_plugin(Explosive, grants=["storage:use"])
    begin_request(other)
    manager.configure_plugin("explosive", {})
    manager.revoke_permission("explosive", "storage:use")
    Explosive.fuse.append(ValueError("bang"))
    begin_request(other)
    assert not other.runtime.live["explosive"].grants.allows("storage:use")


def test_grant_may_be_the_cure_of_a_plugin_that_could_not_start(manager: PluginManager) -> None:
    class Insisting(Plugin):
        metadata = metadata("insisting", required_permissions=["events:subscribe"])

        def initialize(self, context: PluginContext) -> None:
            context.on("row:update", print)

    with pytest.raises(PluginInitializeError, match="events:subscribe"):
        manager.install_plugin(Insisting, grants=[])
    assert manager.grant_permission("insisting", "events:subscribe").effective_state == "active"
    manager.runtime.catalog.remove_object("insisting")


def test_safe_mode_runs_no_plugin_and_writes_nothing_about_them(manager: PluginManager, settings: Any) -> None:
    manager.install_plugin(Listener)
    before = InstalledPlugin.objects.values().get()
    settings.GRIDKIT = {"PLUGINS_SAFE_MODE": True}
    manager.stop_all()
    event_bus().emit(make_event("row:update", {"rowId": "1"}, grid="plugin-orders"))
    assert (manager.runtime.live, Listener.heard) == ({}, [])
    assert InstalledPlugin.objects.values().get() == before
    settings.GRIDKIT = {}
    manager.runtime.follow()
    assert list(manager.runtime.live) == ["listener"]


def test_object_given_in_code_starts_when_it_is_registered_again(manager: PluginManager) -> None:
    plugin = Listener()
    manager.install_plugin(plugin)
    assert manager.runtime.live["listener"].plugin is plugin
    manager.unregister_plugin("listener")
    assert manager.runtime.live == {}
    manager.unregister_plugin("listener")
    manager.stop_all()
    manager.ensure_current()
    assert manager.get_plugin("listener").effective_state == "quarantined"
    manager.register_plugin(plugin)
    manager.ensure_current()
    assert manager.runtime.live["listener"].plugin is plugin
    assert manager.get_plugin("listener").effective_state == "active"
    manager.configure_plugin("listener", {"volume": 2})
    copied = manager.runtime.live["listener"].plugin
    assert copied is not plugin
    assert isinstance(copied, Listener)


def test_change_in_a_transaction_is_followed_after_its_commit(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with transaction.atomic():
        manager.deactivate_plugin("listener")
        assert "listener" in manager.runtime.live
    assert manager.runtime.live == {}


def test_change_that_is_rolled_back_leaves_the_process_as_the_database_is(manager: PluginManager) -> None:
    manager.install_plugin(Listener, config={"greeting": "before"})
    with transaction.atomic():
        manager.configure_plugin("listener", {"greeting": "inside"})
        manager.ensure_current()
        assert manager.runtime.live["listener"].config.greeting == "inside"  # type: ignore[attr-defined]
        transaction.set_rollback(True)
    manager.ensure_current()
    manager.runtime.mark_unchecked()
    manager.ensure_current()
    assert manager.runtime.live["listener"].config.greeting == "before"  # type: ignore[attr-defined]
