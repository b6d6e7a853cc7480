"""What is installed and what could be, as faces show it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.events import GridEvent, signal_for
from gridkit_django.exceptions import PluginInitializeError, PluginPermissionError, PluginStateError
from gridkit_django.models import AuditRecord, PluginRemains, PluginStorageItem
from gridkit_django.plugins import Plugin, PluginFilter, PluginManager
from gridkit_django.plugins.secret_values import MASK
from tests.plugins.samples import Explosive, Listener, metadata, write_plugin

pytestmark = pytest.mark.django_db(transaction=True)


class Painter(Plugin):
    metadata = metadata("painter", category="ui", tags=["colour"], description="Paints the cells.")


@pytest.fixture
def three(manager: PluginManager) -> Any:
    Explosive.fuse[:] = [ValueError("bang")]
    manager.install_plugin(Listener)
    manager.install_plugin(Painter, activate=False)
    with pytest.raises(PluginInitializeError):
        manager.install_plugin(Explosive)
    yield manager
    Explosive.fuse.clear()
    manager.runtime.catalog.remove_object("painter")


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        (None, ["explosive", "listener", "painter"]),
        (PluginFilter(category="ui"), ["painter"]),
        (PluginFilter(desired_state="active"), ["explosive", "listener"]),
        (PluginFilter(effective_state="quarantined"), ["explosive"]),
        (PluginFilter(tag="colour"), ["painter"]),
        (PluginFilter(text="PAINTS"), ["painter"]),
        (PluginFilter(text="nothing"), []),
    ],
)
def test_filter_admits_what_meets_every_condition(
    three: PluginManager, only: PluginFilter | None, ids: list[str]
) -> None:
    assert [plugin.id for plugin in three.list_plugins(only)] == ids


def test_category_lists_its_plugins(three: PluginManager) -> None:
    assert [plugin.name for plugin in three.get_plugins_by_category("ui")] == ["Painter"]


@pytest.mark.both_databases
def test_list_asks_the_database_the_same_number_of_times_for_any_number(
    three: PluginManager, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(7):
        three.list_plugins()


def test_plugin_is_described_with_all_its_facts(three: PluginManager) -> None:
    info = three.get_plugin("listener")
    assert (info.name, info.version, info.category, info.source) == ("Listener", "1.0.0", "utility", "object")
    assert info.config_schema["properties"]["volume"]["maximum"] == 11
    assert [item.decision for item in info.permissions] == ["granted"] * 6
    assert info.manifest["author"] == "Tests"


def test_grants_are_exactly_those_that_were_given(manager: PluginManager) -> None:
    info = manager.install_plugin(Listener, grants=["methods:*", "methods:*"])
    decided = {item.name: item.decision for item in info.permissions}
    assert decided["methods:*"] == "granted"
    assert decided["events:emit"] is None
    manager.uninstall_plugin("listener")
    with pytest.raises(PluginPermissionError):
        manager.install_plugin(Listener, grants=["rows:fly"])
    with pytest.raises(PluginStateError, match="list of permissions"):
        manager.install_plugin(Listener, grants="everything")


def test_installed_folder_is_marked_in_what_is_available(manager: PluginManager, root: Path) -> None:
    write_plugin(root)
    manager.install_plugin("sample", activate=False)
    assert {item.ref: item.installed for item in manager.discover()}["folder:sample"]


@pytest.mark.both_databases
def test_uninstall_takes_everything_but_the_audit_records(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    manager.runtime.live["listener"].plugin.context.storage.set("k", 1)
    manager.check_plugin_health("listener")
    manager.uninstall_plugin("listener")
    assert not PluginStorageItem.objects.exists()
    assert AuditRecord.objects.filter(target_id="listener").count() == 3
    assert manager.usage_of("listener").running is False
    assert manager.install_plugin(Listener).effective_state == "active"


@pytest.mark.both_databases
def test_kept_data_is_found_again_and_a_purge_deletes_it(manager: PluginManager, admin: User) -> None:
    config = {"volume": 7, "password": "s3cret-of-old"}
    manager.install_plugin(Listener, config=config)
    storage = manager.runtime.live["listener"].plugin.context.storage
    storage.set("k", {"a": 1})
    storage.set("none", None)
    preview = manager.preview_uninstall("listener")
    assert (preview.storage_keys, preview.storage_bytes > 0, preview.configurations) == (2, True, ("",))
    assert (preview.needed_by, preview.versions, preview.grants > 0) == ((), 1, True)
    taken = manager.export_plugin_data("listener", user=admin)
    assert taken["storage"] == {"k": {"a": 1}, "none": None}
    assert taken["configurations"][0]["values"] == {"volume": 7, "password": MASK}
    assert AuditRecord.objects.get(action="plugin.export_data").actor_id == str(admin.pk)

    manager.uninstall_plugin("listener", data="keep")

    assert not PluginStorageItem.objects.exists()
    assert "s3cret-of-old" not in json.dumps(list(PluginRemains.objects.values_list("configs", flat=True)))
    manager.install_plugin(Listener)
    again = manager.runtime.live["listener"].plugin.context
    assert (again.storage.get("k"), again.storage.keys()) == ({"a": 1}, ["k", "none"])
    assert manager.preview_uninstall("listener").storage_bytes == preview.storage_bytes
    assert (again.config.volume, again.config.password.get_secret_value()) == (7, "s3cret-of-old")
    assert not PluginRemains.objects.exists()
    manager.uninstall_plugin("listener", data="keep")
    manager.install_plugin(Listener, config={"volume": 3})
    assert manager.get_config("listener")["volume"] == 3, "what is given with the installation wins"
    manager.uninstall_plugin("listener", data="keep")
    manager.install_plugin(Listener)
    manager.uninstall_plugin("listener")
    assert not PluginRemains.objects.exists()
    with pytest.raises(ValueError, match="burn"):
        manager.uninstall_plugin("listener", data="burn")


def test_acting_twice_the_same_changes_and_records_nothing(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    revision = manager.get_plugin("listener").revision
    manager.activate_plugin("listener")
    manager.grant_permission("listener", "storage:use")
    assert manager.get_plugin("listener").revision == revision
    manager.deactivate_plugin("listener")
    manager.deactivate_plugin("listener")
    assert AuditRecord.objects.filter(action="plugin.deactivate").count() == 1


def test_django_receivers_are_told_of_what_is_done_to_plugins(manager: PluginManager) -> None:
    told: list[tuple[str, str]] = []

    def receive(event: GridEvent, **_kwargs: Any) -> None:
        told.append((event.type, str(event.payload["pluginId"])))

    names = ("install", "activate", "configure", "revoke", "grant", "deactivate", "uninstall")
    for name in names:
        signal_for(f"plugin:{name}", "committed").connect(receive)
    try:
        manager.install_plugin(Listener)
        manager.configure_plugin("listener", {})
        manager.revoke_permission("listener", "storage:use")
        manager.grant_permission("listener", "storage:use")
        manager.deactivate_plugin("listener")
        manager.uninstall_plugin("listener")
    finally:
        for name in names:
            signal_for(f"plugin:{name}", "committed").disconnect(receive)
    assert told == [(f"plugin:{name}", "listener") for name in names]


@pytest.mark.both_databases
def test_report_that_could_not_be_written_is_written_later(
    manager: PluginManager, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(event: GridEvent, **_kwargs: Any) -> None:
        raise ConnectionError("nobody listens")

    signal_for("plugin:fail", "after").connect(refuse)
    try:
        Explosive.fuse[:] = [ValueError("bang")]
        with pytest.raises(PluginInitializeError):
            manager.install_plugin(Explosive)
    finally:
        signal_for("plugin:fail", "after").disconnect(refuse)
        Explosive.fuse.clear()
    assert "could not be written" in caplog.text
    manager.runtime.housekeeping()
    assert manager.get_plugin("explosive").effective_state == "quarantined"
