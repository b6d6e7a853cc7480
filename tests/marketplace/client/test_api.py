"""The marketplaces over the API: searching, planning, installing by a worker, and who may what."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.models import PluginOperation
from gridkit_django.plugins import PluginManager, run_operation
from tests.marketplace.client.packages import PLUGIN, Acme

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/gridkit/api/marketplace/plugins/"
INSTALL = f"{BASE}{PLUGIN}/install/"


def client_of(*codenames: str) -> APIClient:
    user = User.objects.create_user(f"user{User.objects.count()}", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr("gridkit_django.api.views.marketplace.enqueue_operation", found.append)
    return found


@pytest.fixture(autouse=True)
def listed(acme: Acme) -> None:
    acme.publish()
    acme.publish("2.0.0", core_version=">=99")
    refresh_catalogue()


def test_search_and_plan() -> None:
    client = client_of("browse_marketplace")

    page = client.get(BASE, {"query": "colours", "tags": "colour", "free": "true", "min_rating": "3.5"}).json()

    assert (page["count"], page["offline"], page["results"][0]["versions"]) == (1, False, ["2.0.0", "1.0.0"])
    assert (page["marketplaces"][0]["alias"], page["marketplaces"][0]["error"]) == ("main", "")
    assert client.get(BASE, {"verified": "true"}).json()["count"] == 0
    plan = client.get(f"{BASE}{PLUGIN}/plan/").json()
    assert (plan["version"], plan["asksFor"], plan["installed"]) == ("1.0.0", ["methods:register"], "")
    assert [bool(item["reasons"]) for item in plan["releases"]] == [True, False]
    assert client.get(f"{BASE}{PLUGIN}/plan/", {"version": "2.0.0"}).json()["version"] is None
    assert client.get(f"{BASE}@acme/none/plan/").status_code == 404
    detail = client.get(f"{BASE}{PLUGIN}/").json()
    assert [item["version"] for item in detail["releases"]] == detail["versions"] == ["2.0.0", "1.0.0"]
    assert (detail["releases"][0]["coreVersion"], detail["id"]) == (">=99", PLUGIN)
    assert client.get(f"{BASE}@acme/none/").status_code == 404


@pytest.mark.parametrize("query", [{"min_rating": "much"}, {"min_rating": "9"}, {"sort_by": "size"}, {"limit": "0"}])
def test_question_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    assert client_of("browse_marketplace").get(BASE, query).status_code == 422


def test_installation_goes_to_a_worker(queued: list[Any], manager: PluginManager, no_probe: None) -> None:
    client = client_of("install_plugin", "grant_plugin", "activate_plugin")

    answer = client.post(INSTALL, {"grants": ["methods:register"], "activate": True}, format="json")

    operation = PluginOperation.objects.get()
    assert (answer.status_code, queued) == (202, [operation.pk])
    assert answer["Location"] == answer.json()["operation"]["url"]
    run_operation(operation.pk)
    assert client.get(answer["Location"]).json()["state"] == "finished"
    assert manager.get_plugin(PLUGIN).effective_state == "active"
    refused = client.post(INSTALL, {}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "release-unfit")
    again = client.post(f"/gridkit/api/plugins/{PLUGIN}/update/", {}, format="json")
    assert (again.status_code, "marketplace/plugins" in again.json()["detail"]) == (409, True)


def test_who_may_what(queued: list[Any]) -> None:
    browser, nobody = client_of("browse_marketplace"), client_of("view_installedplugin")
    assert [nobody.get(address).status_code for address in (BASE, f"{BASE}{PLUGIN}/", f"{BASE}{PLUGIN}/plan/")] == [
        403
    ] * 3
    assert browser.post(INSTALL, {}, format="json").status_code == 403
    installer = client_of("install_plugin")
    for part in ({"config": {"x": 1}}, {"grants": ["rows:read"]}, {"activate": True}):
        assert installer.post(INSTALL, part, format="json").status_code == 403
    assert APIClient().get(BASE).status_code in {401, 403}
    assert queued == []
