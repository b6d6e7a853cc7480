"""The last known good state where an update migrated the storage: code, configuration, grants and storage together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.models import InstalledPlugin, PluginStorageUsage
from gridkit_django.plugins import PluginManager, PluginRuntime
from gridkit_django.plugins.packages import forget_files
from tests.marketplace.client.test_known_good import CONFIGURED, good, site_folder, take
from tests.plugins.test_unpacked import PLUGIN

__all__ = ["good", "site_folder"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

MIGRATING = CONFIGURED.replace(
    "    class Config(BaseModel):",
    "    storage_version = 2\n\n"
    "    @classmethod\n    def migrate_storage(cls, values, from_version):\n"
    "        return {'minutes': values['hours'] * 60}\n\n"
    "    class Config(BaseModel):",
)


@pytest.fixture
def other() -> Iterator[PluginManager]:
    """Another process."""
    found = PluginManager(PluginRuntime())
    yield found
    found.stop_all()


@pytest.fixture
def migrated(good: InstalledPlugin, manager: PluginManager) -> InstalledPlugin:
    """1.0.0 was noted and has stored something; 1.1.0 migrated it."""
    storage(manager).set("hours", 2)
    take(manager, **{"plugin.py": MIGRATING})
    assert stored() == (2, {"minutes": 120})
    return good


def storage(manager: PluginManager) -> Any:
    return manager.runtime.live[PLUGIN].plugin.context.storage


def stored() -> tuple[int, dict[str, Any]]:
    row = InstalledPlugin.objects.get()
    version = PluginStorageUsage.objects.get(plugin=row).storage_version
    return version, dict(row.storage_items.values_list("key", "value"))


def test_code_configuration_grants_and_storage_come_back_together(
    migrated: InstalledPlugin, manager: PluginManager, other: PluginManager, admin: User
) -> None:
    storage(manager).set("minutes", 7)
    manager.grant_permission(PLUGIN, "rows:read")
    manager.configure_plugin(PLUGIN, {"greeting": "another"})
    other.ensure_current()
    newer = storage(other)

    info = manager.go_back_to_known_good(PLUGIN, user=admin)

    assert (info.version, info.pinned, info.effective_state) == ("1.0.0", True, "active")
    assert manager.get_config(PLUGIN) == {}
    assert "rows:read" not in {item.name for item in info.permissions if item.decision == "granted"}
    assert stored() == (1, {"hours": 2})
    assert newer.get("minutes") == 7, "an object that has not followed reads what was set aside of its version"
    storage(manager).set("hours", 3)
    other.follow()
    assert storage(other).get("hours") == 3


def test_going_forward_again_brings_what_the_newer_version_stored(
    migrated: InstalledPlugin, manager: PluginManager
) -> None:
    storage(manager).set("minutes", 7)
    manager.go_back_to_known_good(PLUGIN)

    manager.roll_back_plugin(PLUGIN, "1.1.0")

    assert stored() == (2, {"minutes": 7})


def test_process_in_which_the_version_does_not_load_leaves_the_migrated_storage_to_the_others(
    migrated: InstalledPlugin, manager: PluginManager
) -> None:
    manager.stop_all()
    row = InstalledPlugin.objects.get()
    assert row.current_version is not None
    forget_files([row.current_version.digest])
    manager.runtime.catalog.unpacked.prune(frozenset())

    manager.follow()

    assert PLUGIN not in manager.runtime.live, "the known good version would need the storage of its time"
    assert stored() == (2, {"minutes": 120})
    assert manager.go_back_to_known_good(PLUGIN).effective_state == "active"
    assert stored() == (1, {"hours": 2})
