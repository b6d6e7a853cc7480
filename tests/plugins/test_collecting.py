"""Files that nothing refers to any more are collected; what is used, young or about to be used stays."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.models import OperationKind, OperationState, PluginOperation, PluginPackage
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.collecting import YOUNG, collect_packages
from gridkit_django.plugins.packages import keep_bytes
from tests.plugins.samples import write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def site(manager: PluginManager, tmp_path: Path, settings: Any) -> Path:
    """A folder plugin that is installed, and a folder for what is unpacked."""
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path / "plugins"), "HOT_RELOAD": False, "STATE_DIR": str(tmp_path)}
    (tmp_path / "plugins").mkdir()
    write_plugin(tmp_path / "plugins")
    manager.install_plugin("sample")
    return tmp_path


def age() -> None:
    PluginPackage.objects.update(stored_at=timezone.now() - YOUNG - timedelta(minutes=1))


def digests() -> set[str]:
    return set(PluginPackage.objects.values_list("digest", flat=True))


def test_package_of_a_lost_operation_is_collected_and_one_in_use_stays(manager: PluginManager) -> None:
    used = digests()
    keep_bytes("sha256:lost", b"x")
    keep_bytes("sha256:wanted", b"x")
    assert collect_packages() == 0, "they are young"
    age()
    operation = PluginOperation.objects.create(
        kind=OperationKind.INSTALL,
        plugin_id="@acme/x",
        state=OperationState.RUNNING,
        results={"resolve": {"release": {"digest": "sha256:wanted"}}},
    )
    assert manager.collect_unused()[0] == 1
    assert digests() == {*used, "sha256:wanted"}
    PluginOperation.objects.filter(pk=operation.pk).update(state=OperationState.FAILED)
    assert collect_packages() == 1
    assert digests() == used


def test_unpacked_folder_that_no_version_has_is_removed_after_a_day(manager: PluginManager, site: Path) -> None:
    (digest,) = digests()
    cache = manager.runtime.catalog.unpacked
    assert cache.open(digest, "sample") is not None
    (folder,) = (item for item in site.rglob(digest.removeprefix("sha256:")) if item.is_dir())
    places = [folder, folder.with_name("0" * 64), folder.with_name(".killed")]
    for place in places:
        place.mkdir(exist_ok=True)
    young = folder.with_name("1" * 64)
    young.mkdir()
    for place in places:
        os.utime(place, (0, 0))

    assert manager.collect_unused()[1] == 2

    assert [place.exists() for place in (*places, young)] == [True, False, False, True]
