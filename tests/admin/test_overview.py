"""The first page of GridKit in the admin: what waits for a person, and where everything is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from gridkit_django.models import InstalledPlugin, PluginOperation
from gridkit_django.templatetags.gridkit_overview import SECTIONS, WAITING

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/gridkit_django/"


def _waiting(client: Client) -> list[str]:
    page = client.get(PAGE).content.decode()
    return re.findall(r"<li><a href=\"([^\"]+)\">[^<]+</a> <span class=\"gridkit-badge", page)


def test_every_model_of_the_admin_stands_in_one_section() -> None:
    named = [name for section in SECTIONS for name in section.models]
    ours = {model.__name__ for model in django_admin.site._registry if model._meta.app_label == "gridkit_django"}
    assert sorted(named) == sorted({*ours, "Marketplace"})
    assert {kind.model for kind in WAITING} <= ours


def test_page_says_so_when_nothing_waits(admin: Client) -> None:
    assert _waiting(admin) == []
    assert "Nothing. All is well" in admin.get(PAGE).content.decode()


def test_what_went_wrong_comes_before_what_is_to_be_decided_and_leads_there(admin: Client, greeter: str) -> None:
    plugin = InstalledPlugin.objects.get()
    plugin.pending_version = plugin.current_version
    plugin.save()
    failed = PluginOperation.objects.create(kind="install", plugin_id="@x/y", state="failed")
    assert _waiting(admin) == [f"{PAGE}pluginoperation/?state__exact=failed", f"{PAGE}installedplugin/"]
    assert all(admin.get(url).status_code == 200 for url in _waiting(admin))

    PluginOperation.objects.filter(pk=failed.pk).update(created_at=timezone.now() - timedelta(days=8))
    assert _waiting(admin) == [f"{PAGE}installedplugin/"]


def test_every_line_leads_to_a_list_that_understands_its_filter(admin: Client) -> None:
    for kind in WAITING:
        assert kind.words(2)
        kind.found().count()
        response = admin.get(f"{PAGE}{kind.model.lower()}/?{kind.question}")
        assert response.status_code == 200, kind.model


def test_person_is_told_only_of_lists_that_they_may_see(greeter: str) -> None:
    PluginOperation.objects.create(kind="install", plugin_id="@x/y", state="failed")
    user = User.objects.create_user("viewer", password="secret", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_exportjob"))
    client = Client()
    client.force_login(user)
    page = client.get(PAGE).content.decode()
    assert "Export jobs" in page
    assert "Plugin operations" not in page
    assert "operation failed" not in page
