"""What is set aside of a plugin's storage, on its page of versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from gridkit_django.models import AuditRecord, InstalledPlugin, KnownGood, PluginStorageCopy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def copy(greeter: str) -> PluginStorageCopy:
    """What was set aside of version 7 of the storage."""
    row = InstalledPlugin.objects.get()
    return PluginStorageCopy.objects.create(
        plugin=row, storage_version=7, values={"secret-word": 1}, digest="x", key_count=1234, used_bytes=2048
    )


def test_page_without_a_copy_says_nothing_of_it(admin: Client, greeter: str) -> None:
    assert "Storage set aside" not in admin.get(f"{greeter}versions/").content.decode()


def test_page_tells_figures_and_no_value(admin: Client, greeter: str, copy: PluginStorageCopy) -> None:
    row = InstalledPlugin.objects.get()
    assert row.current_version is not None
    page = admin.get(f"{greeter}versions/").content.decode()
    for text in ("Storage set aside", "1234", "2.0\xa0KB", "no version whose files are kept", "nothing brings it back"):
        assert text in page
    assert "secret-word" not in page
    assert "1 earlier version set aside, which goes in any case" in admin.get(f"{greeter}change/").content.decode()
    row.versions.update(storage_version=7)
    KnownGood.objects.create(
        plugin=row,
        version=row.current_version,
        revision=row.revision,
        configs={},
        grants={},
        noted_at=timezone.now() - timedelta(days=1),
    )
    page = admin.get(f"{greeter}versions/").content.decode()
    assert "I know that 1.2.0 can't come back then." in page
    assert "last known good" in page


def test_removing_is_confirmed_and_recorded(admin: Client, greeter: str, copy: PluginStorageCopy) -> None:
    values = {"tab": "versions", "storage_version": "7"}

    refused = admin.post(f"{greeter}remove_storage_copy/", values, follow=True).content.decode()

    assert "Nothing was removed" in refused
    assert PluginStorageCopy.objects.exists()
    unknown = admin.post(
        f"{greeter}remove_storage_copy/", {**values, "storage_version": "x", "sure": "on"}, follow=True
    )
    assert "plugin-storage-copy-unknown" in unknown.content.decode()
    done = admin.post(f"{greeter}remove_storage_copy/", {**values, "sure": "on"}, follow=True)
    assert done.redirect_chain[-1][0] == f"{greeter}versions/"
    assert "What was set aside of storage version 7 is removed." in done.content.decode()
    assert AuditRecord.objects.get(action="plugin.forget_storage").context["evidence"]["keys"] == 1234


def test_removing_takes_the_right_to_install(
    greeter: str, copy: PluginStorageCopy, staff: Callable[..., Client]
) -> None:
    viewer = staff("view_installedplugin", "activate_plugin")

    page = viewer.get(f"{greeter}versions/").content.decode()

    assert "Storage set aside" in page
    assert "Remove for ever" not in page
    assert viewer.post(f"{greeter}remove_storage_copy/", {"storage_version": "7", "sure": "on"}).status_code == 403
    assert PluginStorageCopy.objects.exists()
