"""Another version of what a plugin stores: a copy is migrated, put in place with the code, and goes back with it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    PluginError,
    PluginInitializeError,
    PluginNotFoundError,
    StorageCopyNotFoundError,
    StorageMigrationError,
    StorageOvertakenError,
    StorageVersionError,
)
from gridkit_django.models import (
    AuditRecord,
    InstalledPlugin,
    PluginSource,
    PluginStorageCopy,
    PluginStorageUsage,
    PluginVersion,
)
from gridkit_django.plugins import Plugin, PluginManager, PluginRuntime
from gridkit_django.plugins.remains import DataFate
from gridkit_django.plugins.storage import DatabaseStorage
from gridkit_django.plugins.storage_copies import bring_storage, fitting_storage, move_storage
from gridkit_django.plugins.storage_migration import migrated_values
from gridkit_django.plugins.storage_standing import Standing
from tests.plugins.samples import write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

ON_SQLITE = django_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")

ONE = """
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    pass
"""

TWO = """
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    storage_version = 2

    @classmethod
    def migrate_storage(cls, values, from_version):
        return {"minutes": values["hours"] * 60, "list": values.get("list")}

    def initialize(self, context):
        self.found = context.storage.keys()
"""

LISTENING = """
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    def initialize(self, context):
        context.on_message(self.take)

    def take(self, sender, message):
        for key, value in message.items():
            self.context.storage.set(key, value)
"""

FAILING_START = TWO + "        raise ValueError('no start')\n"


def write(root: Path, version: str, code: str) -> None:
    write_plugin(root, version=version, code=textwrap.dedent(code))


def storage(manager: PluginManager) -> Any:
    return manager.runtime.live["sample"].plugin.context.storage


def stored() -> dict[str, Any]:
    row = InstalledPlugin.objects.get(plugin_id="sample")
    usage = PluginStorageUsage.objects.get(plugin=row)
    assert usage.used_bytes == sum(row.storage_items.values_list("size", flat=True)), "the quota's counter is right"
    return dict(row.storage_items.values_list("key", "value")) | {"version": usage.storage_version}


HOURS = {"hours": 2, "list": None, "old": "kept"}
MINUTES = {"minutes": 120, "list": None}


@pytest.fixture
def installed(manager: PluginManager, root: Path) -> PluginManager:
    write(root, "1.0.0", ONE)
    manager.install_plugin("sample")
    for key, value in HOURS.items():
        storage(manager).set(key, value)
    return manager


@pytest.fixture
def other() -> Iterator[PluginManager]:
    """Another process, with a catalogue of its own."""
    found = PluginManager(PluginRuntime())
    yield found
    found.stop_all()


def test_update_migrates_the_storage_and_sets_the_older_one_aside(installed: PluginManager, root: Path) -> None:
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    assert stored() == {**MINUTES, "version": 2}
    assert installed.runtime.live["sample"].plugin.found == ["list", "minutes"]  # type: ignore[attr-defined]
    assert PluginStorageCopy.objects.get().values == HOURS
    assert PluginVersion.objects.get(version="2.0.0").storage_version == 2
    record = AuditRecord.objects.get(action="plugin.migrate_storage")
    assert record.context["evidence"] == {"from": 1, "to": 2, "keys": 2, "aside": 2}


def test_roll_back_brings_the_older_storage_and_going_forward_finds_the_newer(
    installed: PluginManager, root: Path
) -> None:
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    storage(installed).set("minutes", 7)
    installed.roll_back_plugin("sample")
    assert stored() == {**HOURS, "version": 1}
    installed.roll_back_plugin("sample", "2.0.0")
    assert stored() == {**MINUTES, "minutes": 7, "version": 2}


def test_going_forward_after_a_write_migrates_what_is_stored_now(installed: PluginManager, root: Path) -> None:
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    storage(installed).set("minutes", 7)
    installed.roll_back_plugin("sample")
    storage(installed).set("hours", 3)
    installed.unpin_plugin("sample")
    installed.update_plugin("sample")
    assert stored() == {"minutes": 180, "list": None, "version": 2}


def test_other_code_of_the_same_version_migrates_anew(installed: PluginManager, root: Path) -> None:
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    installed.roll_back_plugin("sample")
    write(root, "2.0.1", TWO.replace("* 60", "* 600"))
    installed.unpin_plugin("sample")
    installed.update_plugin("sample")
    assert stored()["minutes"] == 1200


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("raise KeyError('x')", "KeyError"),
        ("raise SystemExit('no')", "SystemExit"),
        ("return None", "no dict of JSON values"),
        ("return {1: 1}", "no dict of JSON values"),
        ("return {'a': object()}", "no dict of JSON values"),
        ("return {'': 1}", "A storage key has 1 to 200"),
        ("return {str(number): 'x' * 900_000 for number in range(12)}", "max_storage_mb"),
    ],
)
def test_migration_that_fails_leaves_the_old_version_serving_and_the_storage_untouched(
    installed: PluginManager, root: Path, step: str, told: str
) -> None:
    serving = installed.runtime.live["sample"].plugin
    write(root, "2.0.0", TWO.replace('return {"minutes"', f'{step}\n        return {{"minutes"'))
    with pytest.raises(StorageMigrationError, match=told) as caught:
        installed.update_plugin("sample")
    assert caught.value.code == "plugin-storage-migration-failed"
    assert installed.runtime.live["sample"].plugin is serving
    assert installed.get_plugin("sample").version == "1.0.0"
    assert stored() == {**HOURS, "version": 1}
    assert not PluginStorageCopy.objects.exists()


def test_storage_over_the_limit_of_the_site_is_not_migrated(
    installed: PluginManager, root: Path, settings: Any
) -> None:
    storage(installed).set("large", "x" * 900_000)
    storage(installed).set("larger", "x" * 900_000)
    settings.GRIDKIT = {**settings.GRIDKIT, "STORAGE_MIGRATION_MB_MAX": 1}
    write(root, "2.0.0", TWO)
    with pytest.raises(StorageMigrationError, match="STORAGE_MIGRATION_MB_MAX"):
        installed.update_plugin("sample")
    assert stored()["version"] == 1


def test_version_that_can_not_start_is_put_back_with_its_storage(installed: PluginManager, root: Path) -> None:
    write(root, "2.0.0", FAILING_START)
    with pytest.raises(PluginInitializeError):
        installed.update_plugin("sample")
    assert installed.get_plugin("sample").version == "1.0.0"
    assert stored() == {**HOURS, "version": 1}
    storage(installed).set("hours", 3)
    assert storage(installed).get("hours") == 3


def test_code_that_was_replaced_in_its_folder_migrates_when_a_process_starts(
    installed: PluginManager, other: PluginManager, root: Path
) -> None:
    installed.stop_all()
    write(root, "2.0.0", TWO)
    installed.ensure_current()
    other.ensure_current()
    assert stored() == {**MINUTES, "version": 2}
    assert AuditRecord.objects.filter(action="plugin.migrate_storage").count() == 1
    storage(other).set("minutes", 9)
    assert storage(installed).get("minutes") == 9


def test_code_in_its_folder_that_does_not_start_leaves_the_storage_to_the_code_before(
    installed: PluginManager, root: Path
) -> None:
    installed.stop_all()
    write(root, "2.0.0", FAILING_START)
    installed.ensure_current()
    assert stored() == {**HOURS, "version": 1}


def test_reload_of_older_code_brings_its_storage_back(installed: PluginManager, root: Path) -> None:
    write(root, "2.0.0", TWO)
    installed.reload_plugin("sample")
    assert stored() == {**MINUTES, "version": 2}
    write(root, "1.0.0", ONE)
    installed.reload_plugin("sample")
    assert stored() == {**HOURS, "version": 1}


def test_older_code_found_at_a_start_is_refused_while_the_newer_is_in_use(installed: PluginManager, root: Path) -> None:
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    installed.stop_all()
    InstalledPlugin.objects.update(pinned=False)
    write(root, "1.0.1", ONE)
    installed.ensure_current()
    assert stored() == {**MINUTES, "version": 2}
    live = installed.runtime.live.get("sample")
    assert live is None or live.metadata.version == "2.0.0"


def test_process_killed_before_the_newer_code_ran_leaves_a_storage_that_the_older_takes_back(
    installed: PluginManager, root: Path
) -> None:
    installed.stop_all()
    write(root, "2.0.0", TWO)
    row = InstalledPlugin.objects.select_related("current_version").get()
    code = installed.runtime.catalog.load(installed.runtime.catalog.resolve(PluginSource(row.source), row.source_ref))
    with transaction.atomic():
        move_storage(row, code, 10)
    code.unload()
    assert stored()["version"] == 2
    write(root, "1.0.0", ONE)
    installed.ensure_current()
    assert stored() == {**HOURS, "version": 1}


def test_plugin_that_was_uninstalled_while_it_starts_is_told(installed: PluginManager, root: Path) -> None:
    live = installed.runtime.live["sample"]
    installed.deactivate_plugin("sample")
    installed.uninstall_plugin("sample")
    with pytest.raises(PluginNotFoundError), fitting_storage(replace(live.spec, storage_version=2), live.code, 10):
        pytest.fail("it may not start")


def test_object_of_the_version_before_can_not_write_into_the_migrated_storage(
    installed: PluginManager, other: PluginManager, root: Path
) -> None:
    other.ensure_current()
    old = storage(other)
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    for act in (
        lambda: old.set("minutes", 5),
        lambda: old.set("minutes", 500),
        lambda: old.set("new", 1),
        lambda: old.delete("list"),
        old.clear,
    ):
        with pytest.raises(StorageVersionError) as caught:
            act()
        assert caught.value.code == "plugin-storage-overtaken"
    assert stored() == {**MINUTES, "version": 2}
    other.follow()
    storage(other).set("minutes", 500)


def test_object_of_the_version_before_reads_what_was_set_aside_until_its_process_follows(
    installed: PluginManager, other: PluginManager, root: Path
) -> None:
    other.ensure_current()
    old = storage(other)
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    assert {key: old.get(key) for key in old.keys()} == HOURS  # noqa: SIM118 - not a dict
    assert (old.get("minutes"), old.keys("h"), old.keys("m")) == (None, ["hours"], [])
    assert old.get("list") is None
    other.follow()
    assert storage(other).keys() == sorted(MINUTES)
    PluginStorageCopy.objects.all().delete()
    for act in (lambda: old.get("hours"), lambda: old.get("minutes"), lambda: old.keys("none")):
        with pytest.raises(StorageOvertakenError):
            act()


def test_object_of_the_newer_version_reads_its_own_copy_after_a_roll_back(
    installed: PluginManager, other: PluginManager, root: Path
) -> None:
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    other.ensure_current()
    newer = storage(other)
    installed.roll_back_plugin("sample")
    assert newer.get("minutes") == 120
    with pytest.raises(StorageOvertakenError):
        newer.set("minutes", 1)


def test_failures_of_an_object_that_was_overtaken_count_against_nobody(
    installed: PluginManager, other: PluginManager, root: Path
) -> None:
    installed.grant_permission("sample", "messages:receive")
    write(root, "1.0.0", LISTENING)
    installed.reload_plugin("sample")
    other.ensure_current()
    live = other.runtime.live["sample"]
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    for _ in range(settings().HANDLER_FAILURES_MAX + 1):
        other.runtime.deliver("another", "sample", {"hours": 5})
    assert other.runtime.live["sample"] is live
    assert (live.failures_in_row, sum(item.figures().errors for item in live.all_stats())) == (0, 0)
    assert other.runtime.is_unchecked, "the next use follows at once"
    other.ensure_current()
    assert other.runtime.live["sample"].metadata.version == "2.0.0"
    info = installed.get_plugin("sample")
    assert (info.effective_state, stored()) == ("active", {**MINUTES, "version": 2})


def test_failures_count_again_when_the_storage_came_back(installed: PluginManager, root: Path) -> None:
    installed.grant_permission("sample", "messages:receive")
    write(root, "1.0.0", LISTENING)
    installed.reload_plugin("sample")
    live, usage = installed.runtime.live["sample"], PluginStorageUsage.objects
    usage.update(storage_version=2)
    installed.runtime.deliver("another", "sample", {"hours": 5})
    assert (live.standing.is_overtaken, live.failures_in_row) == (True, 0)
    usage.update(storage_version=1)
    installed.runtime.deliver("another", "sample", {"hours": 5})
    assert live.standing.is_overtaken is False
    installed.runtime.deliver("another", "sample", {"": 5})
    assert live.failures_in_row == 1


def test_kept_data_is_migrated_by_a_newer_version_that_is_installed_later(installed: PluginManager, root: Path) -> None:
    installed.deactivate_plugin("sample")
    installed.uninstall_plugin("sample", data=DataFate.KEEP)
    write(root, "2.0.0", TWO)
    installed.install_plugin("sample")
    assert stored() == {**MINUTES, "version": 2}


def test_kept_data_of_a_newer_version_is_refused_by_an_older(installed: PluginManager, root: Path) -> None:
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")
    installed.deactivate_plugin("sample")
    installed.uninstall_plugin("sample", data=DataFate.KEEP)
    write(root, "1.0.0", ONE)
    with pytest.raises(StorageVersionError, match="no copy of version 1"):
        installed.install_plugin("sample")
    assert stored() == {**MINUTES, "version": 2}


def test_what_is_set_aside_is_told_in_figures_and_removed_for_ever(
    installed: PluginManager, root: Path, admin: User
) -> None:
    assert installed.look_at_storage("sample").copies == ()
    before = stored_size()
    write(root, "2.0.0", TWO)
    installed.update_plugin("sample")

    found = installed.look_at_storage("sample")

    assert (found.storage_version, found.keys, found.bytes) == (2, 2, stored_size())
    (copy,) = found.copies
    assert (copy.storage_version, copy.keys, copy.bytes, copy.versions) == (1, 3, before, ("1.0.0",))
    assert (copy.known_good, copy.taken_at <= timezone.now()) == (False, True)
    with pytest.raises(StorageCopyNotFoundError, match="version 3"):
        installed.remove_storage_copy("sample", 3)
    installed.remove_storage_copy("sample", 1, user=admin)
    record = AuditRecord.objects.get(action="plugin.forget_storage")
    assert (record.actor_label, record.context["evidence"]) == (
        "root",
        {"storageVersion": 1, "keys": 3, "bytes": before},
    )
    with pytest.raises(StorageVersionError, match="no copy of version 1"):
        installed.roll_back_plugin("sample")
    assert (installed.get_plugin("sample").version, stored()) == ("2.0.0", {**MINUTES, "version": 2})


def stored_size() -> int:
    return PluginStorageUsage.objects.get().used_bytes


def test_plugin_without_storage_can_raise_and_lower_its_version(manager: PluginManager, root: Path) -> None:
    empty = TWO.replace('values["hours"] * 60', "0").replace("values.get", "dict(values).get")
    write(root, "1.0.0", ONE)
    manager.install_plugin("sample")
    write(root, "2.0.0", empty)
    manager.update_plugin("sample")
    assert stored() == {"minutes": 0, "list": None, "version": 2}
    manager.roll_back_plugin("sample")
    assert stored() == {"version": 1}


def test_bringing_the_version_that_is_in_place_changes_nothing(installed: PluginManager) -> None:
    with transaction.atomic():
        bring_storage(InstalledPlugin.objects.get(), 1)
    assert stored() == {**HOURS, "version": 1}


def test_each_step_is_called_once_on_a_copy() -> None:
    class Stepping(Plugin):
        storage_version = 3

        @classmethod
        def migrate_storage(cls, values: dict[str, Any], from_version: int) -> dict[str, Any]:
            values["steps"].append(from_version)
            return values

    before: dict[str, Any] = {"steps": []}
    assert migrated_values("sample", Stepping, before, 1) == {"steps": [1, 2]}
    assert before == {"steps": []}
    assert migrated_values("sample", Plugin, before, 1) == before


@pytest.mark.parametrize("value", [3, 300, None], ids=["same-size", "larger", "deleted"])
def test_write_of_the_old_code_while_it_migrates_waits_and_is_refused(
    installed: PluginManager, root: Path, value: int | None
) -> None:
    write(root, "2.0.0", TWO)
    row = InstalledPlugin.objects.select_related("current_version").get()
    code = installed.runtime.catalog.load(installed.runtime.catalog.resolve(PluginSource(row.source), row.source_ref))
    old, begun = DatabaseStorage("sample", 10, Standing("sample", 1)), Event()

    def act() -> str:
        begun.set()
        try:
            old.delete("list") if value is None else old.set("hours", value)
        except StorageVersionError:
            return "refused"
        return "written"

    def beside() -> str:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            move_storage(row, code, 10)
            future = None if ON_SQLITE else pool.submit(beside)  # in memory there is one connection: it comes after
            if future is not None:
                assert begun.wait(30)
                assert not wait([future], timeout=0.2).done
        assert (act() if future is None else future.result(30)) == "refused"
    code.unload()
    assert stored() == {**MINUTES, "version": 2}


def test_error_of_a_storage_is_an_error_of_plugins() -> None:
    assert issubclass(StorageMigrationError, StorageVersionError)
    assert issubclass(StorageVersionError, PluginError)
