from __future__ import annotations

from collections.abc import Iterator

import pytest

from example_project.flights.official import OFFICIAL, ensure_official_plugins
from gridkit_django.models import DesiredState, EffectiveState, InstalledPlugin
from gridkit_django.plugins import PluginManager, plugin_manager

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def manager() -> Iterator[PluginManager]:
    """The manager of this process, with nothing at work before and after."""
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()


def states() -> dict[str, tuple[str, str]]:
    """Return what is wanted and what is the case, by plugin id."""
    rows = InstalledPlugin.objects.values_list("plugin_id", "desired_state", "effective_state")
    return {plugin_id: (wanted, case) for plugin_id, wanted, case in rows}


def test_first_start_installs_and_activates_all():
    assert ensure_official_plugins() == list(OFFICIAL)

    assert states() == dict.fromkeys(OFFICIAL, (DesiredState.ACTIVE, EffectiveState.ACTIVE))


def test_second_start_changes_nothing():
    ensure_official_plugins()
    before = list(InstalledPlugin.objects.order_by("pk").values())

    assert ensure_official_plugins() == []

    assert list(InstalledPlugin.objects.order_by("pk").values()) == before


def test_plugin_that_an_administrator_switched_off_stays_off(manager: PluginManager):
    ensure_official_plugins()
    manager.deactivate_plugin("@gridkit/plugin-export")

    assert ensure_official_plugins() == []

    assert states()["@gridkit/plugin-export"][0] == DesiredState.INACTIVE
