"""The shelf of broken plugins at the door and at the start: each is refused or quarantined with a readable reason.

The site answers during and after, the neighbour is still called, and the reason stands on the row and in the audit
trail. ``test_broken_at_work`` goes on with those that start.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gridkit_django.exceptions import (
    ManifestError,
    PluginError,
    PluginIncompatibleError,
    PluginInitializeError,
    PluginLoadError,
)
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import PluginManager
from tests.plugins.broken_site import SHELF, BrokenSite

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = """
from gridkit_django.plugins import Plugin

class Broken(Plugin):
    \"\"\"Works as long as nobody breaks it.\"\"\"
"""

REFUSED = [
    ("bad_manifest", ManifestError, "version"),
    ("no_manifest", ManifestError, "plugin.toml"),
    ("wrong_core", PluginIncompatibleError, ">=99"),
    ("missing_peer", PluginIncompatibleError, "@nobody/has-this"),
    ("cycle_first", PluginIncompatibleError, "broken-cycle-second"),
    ("raises_at_import", PluginLoadError, "the import went wrong"),
    ("exits_at_import", PluginLoadError, "SystemExit: 3"),
]
QUARANTINED = [
    ("raises_at_initialize", "initialize went wrong"),
    ("exits_at_initialize", "SystemExit: 3"),
    ("too_many_handlers", "has 3 event handlers, the most that its manifest allows"),
]


@pytest.mark.parametrize(("name", "error", "reason"), REFUSED, ids=[name for name, *_ in REFUSED])
def test_plugin_that_can_not_work_is_refused_at_the_door(
    site: BrokenSite, name: str, error: type[PluginError], reason: str
) -> None:
    site.place(name)
    with pytest.raises(error, match=re.escape(reason)):
        site.manager.install_plugin(f"folder:{name}")
    assert list(InstalledPlugin.objects.values_list("plugin_id", flat=True)) == ["listener"], "nothing is stored"
    assert site.neighbour_hears()


@pytest.mark.parametrize(("name", "reason"), QUARANTINED, ids=[name for name, _ in QUARANTINED])
@pytest.mark.both_databases
def test_plugin_that_fails_at_its_start_is_quarantined_and_the_site_starts(
    site: BrokenSite, name: str, reason: str
) -> None:
    site.place(name)
    with pytest.raises(PluginInitializeError, match=re.escape(reason)):
        site.manager.install_plugin(f"folder:{name}")
    for _ in range(2):
        state, code, told = site.state_of(id_of(name))
        assert (state, code, reason in told) == ("quarantined", "plugin-initialize-failed", True)
        assert reason in site.recorded(id_of(name), "plugin.quarantine")
        assert site.neighbour_hears()
        assert list(site.manager.runtime.live) == ["listener"]
        site.restart()


def test_cycle_that_an_update_would_make_is_refused_and_all_go_on(site: BrokenSite) -> None:
    first = site.place("cycle_first")
    manifest = (first / "plugin.toml").read_text()
    (first / "plugin.toml").write_text(manifest.replace('["broken-cycle-second"]', "[]"))
    site.manager.install_plugin("folder:cycle_first")
    site.install("cycle_second")
    (first / "plugin.toml").write_text(manifest)
    with pytest.raises(PluginIncompatibleError, match="it needs itself"):
        site.manager.reload_plugin("broken-cycle-first")
    assert site.neighbour_hears()
    assert set(site.manager.runtime.live) == {"broken-cycle-first", "broken-cycle-second", "listener"}


def test_whole_shelf_is_listed_with_reasons(manager: PluginManager, settings: Any) -> None:
    settings.GRIDKIT = {"PLUGIN_ROOT": str(SHELF), "HOT_RELOAD": False}
    found = {item.ref: item.code for item in manager.discover() if item.ref.startswith("folder:")}
    bad = {ref: code for ref, code in found.items() if code}
    assert len(found) == len([item for item in SHELF.iterdir() if item.is_dir()])
    assert bad == {
        "folder:bad_manifest": "plugin-manifest-invalid",
        "folder:no_manifest": "plugin-manifest-invalid",
        "folder:wrong_core": "plugin-incompatible",
    }


def test_every_plugin_of_the_shelf_is_driven_by_a_test() -> None:
    texts = "".join(path.read_text() for path in Path(__file__).parent.glob("test_broken*.py"))
    assert [item.name for item in SHELF.iterdir() if item.is_dir() and f'"{item.name}"' not in texts] == []


def id_of(name: str) -> str:
    """Return the plugin id of a folder on the shelf."""
    return str(tomllib.loads((SHELF / name / "plugin.toml").read_text())["id"])
