"""A swap that no worker brings to its end is undone: code, configuration, permissions and storage of before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.models import (
    AuditRecord,
    InstalledPlugin,
    OperationState,
    PluginOperation,
    PluginPackage,
    PluginPermissionGrant,
    PluginVersion,
)
from gridkit_django.plugins import PluginManager, request_operation
from gridkit_django.plugins.operation_lease import DEATHS_MAX
from tests.plugins.samples import write_plugin
from tests.plugins.test_operation_deaths import die_at, go_on, records

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

CODE = """
from pydantic import BaseModel
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    config_version = storage_version = {number}

    class Config(BaseModel):
        {key}: str = "plain"

    @classmethod
    def migrate_config(cls, values, from_version):
        return {{"colour": values["word"]}}

    @classmethod
    def migrate_storage(cls, values, from_version):
        return {{"minutes": values["hours"] * 60}}
"""
ONE = CODE.format(number=1, key="word")
TWO = CODE.format(number=2, key="colour")
OLD = ("1.0.0", {"word": "blue"}, [], {"hours": 2}, False)
NEW = ("2.0.0", {"colour": "blue"}, ["rows:read"], {"minutes": 120}, False)


@pytest.fixture
def installed(manager: PluginManager, root: Path) -> PluginManager:
    write_plugin(root, code=ONE)
    manager.install_plugin("sample", config={"word": "blue"}, grants=["storage:use"])
    manager.runtime.live["sample"].plugin.context.storage.set("hours", 2)
    write_plugin(root, version="2.0.0", code=TWO)
    return manager


def there(manager: PluginManager) -> tuple[Any, ...]:
    """Return version, configuration, permissions and storage of what is at work, and whether it is pinned."""
    plugin = manager.get_plugin("sample")
    live = manager.runtime.live["sample"]
    assert live.spec.version == plugin.version
    stored = dict(InstalledPlugin.objects.get().storage_items.values_list("key", "value"))
    granted = set(PluginPermissionGrant.objects.filter(decision="granted").values_list("permission", flat=True))
    return plugin.version, dict(plugin.config), sorted(granted - {"storage:use"}), stored, plugin.pinned


def die_again_and_again(monkeypatch: pytest.MonkeyPatch, operation: PluginOperation, step: str = "start") -> None:
    for _ in range(DEATHS_MAX + 1):
        die_at(monkeypatch, operation, step, "before")


def test_update_whose_workers_die_again_and_again_is_undone_whole(
    installed: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert there(installed) == OLD
    operation = request_operation("update", "sample", {"grants": ["rows:read"]}, user=admin)
    die_again_and_again(monkeypatch, operation)
    assert there(installed) == NEW

    ended = go_on(operation)

    assert (ended.state, ended.error_code, ended.results) == (OperationState.FAILED, "operation-lost", {})
    assert there(installed) == OLD
    assert any(line["text"] == "Version 1.0.0 is in use again." for line in ended.log)
    told = AuditRecord.objects.get(action="plugin.rollback")
    assert (told.changes["version"], told.evidence["code"]) == (["2.0.0", "1.0.0"], "operation-lost")
    refused = PluginVersion.objects.filter(refused_at__isnull=False)
    assert [row.version for row in refused] == ["2.0.0"], "it lies in the folder, and would be taken again"
    installed.update_plugin("sample", grants=["rows:read"])
    assert there(installed) == NEW, "it can be asked for again"


def test_roll_back_whose_workers_die_again_and_again_is_undone_whole(
    installed: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.update_plugin("sample", grants=["rows:read"])
    operation = request_operation("roll_back", "sample", {}, user=admin)
    die_again_and_again(monkeypatch, operation)
    assert there(installed) == (*OLD[:-1], True)

    assert go_on(operation).error_code == "operation-lost"

    assert there(installed) == NEW
    assert not PluginVersion.objects.filter(refused_at__isnull=False).exists()


def test_swap_is_not_undone_when_somebody_changed_the_plugin_meanwhile(
    installed: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = request_operation("update", "sample", {"grants": ["rows:read"]}, user=admin)
    die_again_and_again(monkeypatch, operation)
    installed.configure_plugin("sample", {"colour": "red"})

    assert go_on(operation).state == OperationState.FAILED

    assert there(installed) == (NEW[0], {"colour": "red"}, *NEW[2:])
    assert records("rollback", "sample") == 0


@pytest.mark.parametrize("gone", ["files", "plugin"])
def test_swap_that_can_not_be_undone_says_so_and_stays(
    installed: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    operation = request_operation("update", "sample", {"grants": ["rows:read"]}, user=admin)
    die_again_and_again(monkeypatch, operation)
    if gone == "files":
        PluginPackage.objects.all().delete()
    else:
        installed.uninstall_plugin("sample")

    ended = go_on(operation)

    assert (ended.state, ended.error_code) == (OperationState.FAILED, "operation-lost")
    assert any("The step switch could not be undone" in line["text"] for line in ended.log)
    if gone == "files":
        assert there(installed) == NEW
