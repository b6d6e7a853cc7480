"""What a plugin stores and what is set aside of it, over HTTP: figures, and removing."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from gridkit_django.models import AuditRecord, PluginStorageCopy
from gridkit_django.plugins import PluginManager
from tests.api.test_base import assert_problem
from tests.api.test_plugins import AFTER_COMMIT
from tests.plugins.samples import write_plugin
from tests.plugins.test_storage_migration import HOURS, ONE, TWO

STORAGE = "/gridkit/api/plugins/sample/storage/"

pytestmark = AFTER_COMMIT


@pytest.fixture
def migrated(manager: PluginManager, tmp_path: Path, settings: Any) -> None:
    """Version 2.0.0 has migrated what 1.0.0 stored."""
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False}
    write_plugin(tmp_path, code=textwrap.dedent(ONE))
    manager.install_plugin("sample")
    for key, value in HOURS.items():
        manager.runtime.live["sample"].plugin.context.storage.set(key, value)
    write_plugin(tmp_path, version="2.0.0", code=textwrap.dedent(TWO))
    manager.update_plugin("sample")


@pytest.mark.both_databases
def test_figures_are_shown_and_a_copy_is_removed(migrated: None, person: Callable[..., APIClient]) -> None:
    client = person("install")

    answer = client.get(STORAGE)

    body = answer.json()
    assert (body["storageVersion"], body["keys"], body["bytes"] > 0) == (2, 2, True)
    (copy,) = body["copies"]
    assert (copy["storageVersion"], copy["keys"], copy["versions"], copy["knownGood"]) == (1, 3, ["1.0.0"], False)
    assert copy["bytes"] > 0
    assert "kept" not in answer.content.decode(), "no value of the plugin is told"
    assert client.get(STORAGE, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert_problem(client.delete(f"{STORAGE}7/"), 404, "plugin-storage-copy-unknown")
    assert_problem(client.delete(f"{STORAGE}99999999999999999999/"), 404, "plugin-storage-copy-unknown")
    assert client.get("/gridkit/api/plugins/sample/uninstall/").json()["storageCopies"] == 1
    assert client.delete(f"{STORAGE}1/").status_code == 204
    assert client.get(STORAGE).json()["copies"] == []
    assert AuditRecord.objects.filter(action="plugin.forget_storage").count() == 1


def test_removing_takes_the_right_to_install_and_looking_any_right(
    migrated: None, person: Callable[..., APIClient]
) -> None:
    activator, nobody = person("activate"), person()

    assert activator.get(STORAGE).status_code == 200
    assert activator.delete(f"{STORAGE}1/").status_code == 403
    assert_problem(nobody.get(STORAGE), 404, "plugin-not-found")
    assert_problem(nobody.delete(f"{STORAGE}1/"), 404, "plugin-not-found")
    assert PluginStorageCopy.objects.count() == 1
