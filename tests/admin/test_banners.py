"""What waits for an administrator, above the list of plugins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from gridkit_django.models import GrantDecision, InstalledPlugin, PluginPermissionGrant

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/gridkit_django/installedplugin/"


def _list(client: Client) -> str:
    return client.get(LIST).content.decode()


@pytest.mark.usefixtures("greeter")
def test_list_with_nothing_to_decide_shows_no_banner(admin: Client) -> None:
    assert "gridkit-note" not in _list(admin)


def test_permission_that_a_plugin_asks_for_leads_to_its_page(admin: Client, greeter: str) -> None:
    plugin = InstalledPlugin.objects.get()
    PluginPermissionGrant.objects.create(
        plugin=plugin, permission="events:emit", decision=GrantDecision.REQUESTED, reason="to <b>tell</b>"
    )

    page = _list(admin)

    assert "1 plugin asks for a permission." in page
    assert f'href="{greeter}permissions/"' in page
    asked = admin.get(f"{greeter}permissions/").content.decode()
    assert "to &lt;b&gt;tell&lt;/b&gt;" in asked
    assert "Asked for while it ran" in asked


def test_version_that_waits_for_consent_is_told_on_the_list_and_the_page(admin: Client, greeter: str) -> None:
    plugin = InstalledPlugin.objects.get()
    plugin.pending_version = plugin.current_version
    plugin.save()

    assert "1 new version waits for consent." in _list(admin)
    assert "waits for your consent" in admin.get(f"{greeter}change/").content.decode()


@pytest.mark.usefixtures("greeter")
def test_safe_mode_is_told(admin: Client, settings: Any) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "PLUGINS_SAFE_MODE": True}

    assert "Safe mode: this process runs no plugin" in _list(admin)


@pytest.mark.usefixtures("greeter")
def test_viewer_without_rights_sees_the_banner_but_no_way_to_decide(staff: Callable[..., Client], greeter: str) -> None:
    PluginPermissionGrant.objects.create(
        plugin=InstalledPlugin.objects.get(), permission="events:emit", decision=GrantDecision.REQUESTED
    )
    viewer = staff("view_installedplugin")

    assert "asks for a permission" in _list(viewer)
    assert 'value="Grant"' not in viewer.get(f"{greeter}permissions/").content.decode()
