"""Operations, kept data and marketplaces over the API and in the admin: seen, repeated, taken away, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.test import APIClient

from gridkit_django.models import AuditRecord, CatalogRefresh, PluginOperation, PluginRemains
from gridkit_django.plugins import PluginManager, plugin_manager, request_operation, run_operation
from gridkit_django.tasks import marketplace
from tests.plugins.samples import Listener

pytestmark = pytest.mark.django_db(transaction=True)

KEPT = "/gridkit/api/plugins/kept/"
OPERATIONS = "/gridkit/api/operations/"
ADMIN = "/admin/gridkit_django/pluginremains/"


@pytest.fixture
def manager() -> Any:
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()
    found.runtime.catalog.remove_object("listener")


@pytest.fixture
def kept(manager: PluginManager) -> None:
    """Listener was installed, has stored something, and is gone."""
    manager.register_plugin(Listener)
    manager.install_plugin("listener", config={"volume": 4})
    manager.runtime.live["listener"].plugin.context.storage.set("seen", 7)
    manager.uninstall_plugin("listener", data="keep")


def client_of(*codenames: str) -> APIClient:
    user = User.objects.create_user(f"user{User.objects.count()}", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_kept_data_is_listed_taken_away_and_deleted(kept: None) -> None:
    client = client_of("install_plugin", "configure_plugin")

    answer = client.get(KEPT)
    (item,) = answer.json()["results"]
    assert (item["plugin"], item["configurations"], item["storageKeys"]) == ("listener", [""], 1)
    assert client.get(KEPT, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    taken = client.get(f"{KEPT}listener/")
    assert (taken.json()["storage"], taken.json()["configurations"][0]["values"]) == ({"seen": 7}, {"volume": 4})
    assert taken["Content-Disposition"].startswith("attachment")
    assert client.delete(f"{KEPT}listener/").status_code == 204
    assert client.delete(f"{KEPT}listener/").status_code == 404
    assert not PluginRemains.objects.exists()
    actions = AuditRecord.objects.filter(target_id="listener").values_list("action", flat=True)
    assert {"plugin.export_data", "plugin.purge_data"} <= set(actions)


@pytest.mark.parametrize("rights", [(), ("configure_plugin",)])
def test_kept_data_takes_rights(kept: None, rights: tuple[str, ...]) -> None:
    client = client_of(*rights)

    assert [client.get(KEPT).status_code, client.get(f"{KEPT}listener/").status_code] == [403, 403]
    assert client.delete(f"{KEPT}listener/").status_code == 403
    assert client_of("install_plugin").get(f"{KEPT}listener/").status_code == 403


def test_admin_lists_downloads_and_deletes_kept_data(kept: None) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="root-of-all"))
    row = PluginRemains.objects.get()
    text = client.get(ADMIN).content.decode()
    assert ("listener" in text, "all grids" in text, "Download as JSON" in text) == (True, True, True)
    assert client.get(f"{ADMIN}{row.pk}/change/").status_code == 200
    chosen = {"action": "download", "_selected_action": [row.pk]}

    file = client.post(ADMIN, chosen)

    assert file.json()["plugins"][0]["storage"] == {"seen": 7}
    assert "1 keys" in client.get(f"{ADMIN}{row.pk}/delete/").content.decode()
    assert client.post(f"{ADMIN}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not PluginRemains.objects.exists()
    assert AuditRecord.objects.filter(action="plugin.purge_data", target_id="listener").exists()


def test_admin_hides_kept_data_from_who_may_not_install(kept: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("staff", password="x", is_staff=True))

    assert client.get(ADMIN).status_code == 403


def test_operations_are_listed_by_plugin_and_state(manager: PluginManager) -> None:
    client = client_of("activate_plugin")
    mine = User.objects.get(username="user0")
    manager.register_plugin(Listener)
    first = request_operation("install", "listener", {}, user=mine)
    other = request_operation("install", "explosive", {}, user=None)
    run_operation(first.pk)

    assert [item["id"] for item in client.get(OPERATIONS).json()["results"]] == [str(first.pk)]
    everything = client_of("install_plugin")
    assert [item["id"] for item in everything.get(OPERATIONS).json()["results"]] == [str(other.pk), str(first.pk)]
    for query in ({"plugin": "listener"}, {"state": "finished"}):
        assert [item["id"] for item in everything.get(OPERATIONS, query).json()["results"]] == [str(first.pk)]
    assert everything.get(OPERATIONS, {"state": "odd"}).status_code == 422


def test_operation_that_failed_is_repeated_as_a_new_one(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[Any] = []
    monkeypatch.setattr("gridkit_django.api.views.operations.enqueue_operation", queued.append)
    client = client_of("install_plugin", "activate_plugin", "configure_plugin", "grant_plugin")
    failed = request_operation("install", "listener", {"grants": ["*"]}, user=None)
    run_operation(failed.pk)
    assert PluginOperation.objects.get(pk=failed.pk).state == "failed"
    manager.register_plugin(Listener)
    address = f"{OPERATIONS}{failed.pk}/retry/"
    assert client_of("install_plugin").post(address, {}, format="json").status_code == 403

    answer = client.post(address, {"config": {"volume": 9}}, format="json")

    again = PluginOperation.objects.exclude(pk=failed.pk).get()
    assert (answer.status_code, queued, again.arguments["grants"]) == (202, [again.pk], ["*"])
    assert answer["Location"] == answer.json()["operation"]["url"]
    run_operation(again.pk)
    assert manager.get_plugin("listener").config["volume"] == 9
    refused = client.post(f"{OPERATIONS}{again.pk}/retry/", {}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "plugin-state-invalid")


def test_configuration_has_to_be_given_again(manager: PluginManager) -> None:
    manager.register_plugin(Listener)
    manager.install_plugin("listener")
    failed = request_operation("configure", "listener", {"config": {"volume": "loud"}}, user=None)
    run_operation(failed.pk)

    refused = client_of("install_plugin", "configure_plugin").post(f"{OPERATIONS}{failed.pk}/retry/", {}, format="json")

    assert (refused.status_code, "Give it again" in refused.json()["detail"]) == (409, True)


def test_marketplaces_are_told_and_followed_by_a_worker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GRIDKIT = {"MARKETPLACES": {"main": {"url": "https://market.example"}}}
    asked: list[Any] = []
    monkeypatch.setattr(marketplace, "send", lambda task, *_args, **more: asked.append((task.name, more["kwargs"])))
    base = "/gridkit/api/marketplace/"

    found = client_of("browse_marketplace").get(f"{base}sources/")
    assert found.json()["marketplaces"][0] | {"name": ""} == {
        "alias": "main",
        "name": "",
        "refreshedAt": None,
        "error": "",
        "triedAt": None,
        "retryAt": None,
        "skipped": {},
    }
    assert client_of("browse_marketplace").post(f"{base}refresh/", {}, format="json").status_code == 403
    client = client_of("install_plugin")
    answer = client.post(f"{base}refresh/", {}, format="json")
    refresh = answer.json()["id"]
    assert (answer.status_code, asked) == (202, [("gridkit.refresh_catalogue", {"now": True, "refresh": refresh})])
    assert answer["Location"].endswith(f"/marketplace/refreshes/{refresh}/")
    assert client.post(f"{base}refresh/", {}, format="json").json()["id"] == refresh, "one is enough"
    assert len(asked) == 1
    CatalogRefresh.objects.all().delete()
    monkeypatch.setattr(marketplace, "send", _unreachable)
    down = client.post(f"{base}refresh/", {}, format="json")
    assert (down.status_code, down.json()["code"]) == (503, "task-queue-unreachable")
    assert "could not be reached (ConnectionError)" in CatalogRefresh.objects.get(state="failed").error


def _unreachable(*_args: Any, **_more: Any) -> None:
    raise ConnectionError
