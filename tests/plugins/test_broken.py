"""The shelf of broken plugins: each is refused or quarantined with a readable reason, and the site goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridkit_django.events import event_bus, make_event
from gridkit_django.exceptions import (
    ManifestError,
    PluginError,
    PluginIncompatibleError,
    PluginInitializeError,
    PluginLoadError,
)
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import PluginManager
from tests.plugins.samples import Listener

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

SHELF = Path(__file__).parent.parent / "broken"


@pytest.fixture(autouse=True)
def shelf(settings: Any) -> None:
    settings.GRIDKIT = {"PLUGIN_ROOT": str(SHELF), "HOT_RELOAD": False}


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("bad_manifest", ManifestError, "version"),
        ("no_manifest", ManifestError, "plugin.toml"),
        ("wrong_core", PluginIncompatibleError, ">=99"),
        ("missing_peer", PluginIncompatibleError, "@nobody/has-this"),
        ("raises_at_import", PluginLoadError, "the import went wrong"),
    ],
)
def test_plugin_that_can_not_work_is_refused_at_the_door(
    manager: PluginManager, name: str, error: type[PluginError], reason: str
) -> None:
    manager.install_plugin(Listener)
    with pytest.raises(error, match=reason):
        manager.install_plugin(f"folder:{name}")
    assert list(InstalledPlugin.objects.values_list("plugin_id", flat=True)) == ["listener"]
    assert list(manager.runtime.live) == ["listener"]


def test_plugin_that_raises_at_initialize_is_quarantined_and_the_site_starts(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with pytest.raises(PluginInitializeError, match="initialize went wrong"):
        manager.install_plugin("folder:raises_at_initialize")
    manager.stop_all()
    manager.ensure_current()
    assert list(manager.runtime.live) == ["listener"]
    info = manager.get_plugin("broken-raises-at-initialize")
    assert (info.desired_state, info.effective_state) == ("active", "quarantined")
    assert "initialize went wrong" in info.state_reason


def test_handler_that_raises_is_counted_and_breaks_nothing(manager: PluginManager) -> None:
    manager.install_plugin("folder:raising_handler")
    Listener.heard.clear()
    manager.install_plugin(Listener)
    event_bus().emit(make_event("row:update", {"rowId": "1"}, grid="plugin-orders"))
    assert len(Listener.heard) == 3
    assert manager.usage_of("broken-raising-handler").calls[0].errors == 1
    health = manager.check_plugin_health("broken-raising-handler")
    assert (health.status, "the handler went wrong" in health.message) == ("degraded", True)


def test_whole_shelf_is_listed_with_reasons(manager: PluginManager) -> None:
    found = {item.ref: item.code for item in manager.discover() if item.ref.startswith("folder:")}
    assert found == {
        "folder:bad_manifest": "plugin-manifest-invalid",
        "folder:missing_peer": "",
        "folder:no_manifest": "plugin-manifest-invalid",
        "folder:raises_at_import": "",
        "folder:raises_at_initialize": "",
        "folder:raising_handler": "",
        "folder:wrong_core": "plugin-incompatible",
    }
