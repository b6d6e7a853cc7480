"""The lock file, and unpacking on a host before its processes start."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from gridkit_django.models import PluginSource
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.install import InstallRequest, install
from gridkit_django.plugins.packages import forget_files
from tests.plugins.test_unpacked import PLUGIN, made

pytestmark = pytest.mark.django_db(transaction=True)


def run(**options: Path) -> str:
    out = StringIO()
    call_command("gridkit_sync", stdout=out, **options)
    return out.getvalue()


@pytest.fixture(autouse=True)
def installed(site: Callable[..., None], manager: PluginManager) -> None:
    source = manager.runtime.catalog.kept(PLUGIN, made(), PluginSource.MARKETPLACE)
    install(manager.runtime, InstallRequest(source), None)


def test_lock_file_names_what_is_installed_and_brings_it_onto_a_host(manager: PluginManager, tmp_path: Path) -> None:
    lock = tmp_path / "plugins.lock"
    assert "1 plugins in" in run(write=lock)
    assert json.loads(lock.read_text())["plugins"] == [{"id": PLUGIN, "version": "1.0.0", "digest": made().digest}]
    manager.stop_all()
    manager.runtime.catalog.unpacked.prune(frozenset())

    told = run(lock=lock)

    assert told.splitlines() == [f"{PLUGIN} 1.0.0", "1 plugins are on this host."]
    assert list(tmp_path.rglob("plugin.py")) != []
    assert "1 plugins are on this host." in run()


@pytest.mark.parametrize("text", ["", "[]", '{"plugins": [{"id": "x"}]}', '{"form": 9, "plugins": []}'])
def test_file_that_is_no_lock_file_is_refused(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "plugins.lock"
    lock.write_text(text)
    with pytest.raises(CommandError, match=r"lock file|form"):
        run(lock=lock)
    with pytest.raises(CommandError):
        run(lock=tmp_path / "missing")


def test_plugin_that_is_not_kept_stops_the_build(manager: PluginManager, tmp_path: Path) -> None:
    lock = tmp_path / "plugins.lock"
    run(write=lock)
    manager.stop_all()
    manager.runtime.catalog.unpacked.prune(frozenset())
    forget_files([made().digest])
    with pytest.raises(CommandError, match="not kept on this site"):
        run(lock=lock)
