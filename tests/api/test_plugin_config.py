"""The history of a configuration over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from gridkit_django.models import AuditRecord, InstalledPlugin
from gridkit_django.plugins import MASK, PluginManager
from tests.api.plugins import CLERK
from tests.api.test_base import assert_problem

CONFIG = f"/gridkit/api/plugins/{CLERK}/config/"


@pytest.fixture
def client(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> APIClient:
    return person("configure")


@pytest.mark.both_databases
def test_revisions_come_with_author_and_masks(manager: PluginManager, client: APIClient) -> None:
    client.post(
        f"/gridkit/api/plugins/{CLERK}/configure/", {"config": {"mood": "busy", "password": MASK}}, format="json"
    )
    response = client.get(CONFIG + "revisions/")
    newer, older = response.json()["results"]
    assert b"hush" not in response.content
    assert {key: newer[key] for key in ("revision", "current", "author", "note", "config", "aside")} == {
        "revision": 2,
        "current": True,
        "author": "configure",
        "note": "",
        "config": {"mood": "busy", "password": MASK},
        "aside": [],
    }
    assert (older["revision"], older["current"], older["author"], older["schemaVersion"]) == (1, False, None, 1)
    assert older["config"] == {"password": MASK}


def test_revisions_of_a_grid_are_its_own(manager: PluginManager, client: APIClient) -> None:
    manager.configure_plugin(CLERK, {"mood": "busy"}, grid="api-products")
    body = client.get(CONFIG + "revisions/?grid=api-products").json()
    assert [item["config"] for item in body["results"]] == [{"mood": "busy"}]
    assert body["grids"] == ["api-products"]
    assert_problem(client.get(CONFIG + "revisions/?grid=none"), 404, "grid-not-found")


def test_differences_hide_secrets(manager: PluginManager, client: APIClient) -> None:
    manager.configure_plugin(CLERK, {"mood": "busy", "password": "other"})
    response = client.get(CONFIG + "diff/?older=1&newer=2")
    assert response.json()["results"] == [
        {"pointer": "/mood", "kind": "added", "before": None, "after": "busy"},
        {"pointer": "/password", "kind": "changed", "before": MASK, "after": MASK},
    ]
    assert_problem(client.get(CONFIG + "diff/?older=1&newer=9"), 404, "plugin-config-revision-unknown")
    assert_problem(client.get(CONFIG + "diff/?older=1&newer=2&grid=none"), 404, "grid-not-found")


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?older=1",
        "?older=1&newer=x",
        "?older=0&newer=1",
        "?older=-1&newer=1",
        "?older=1&newer=99999999999",
        "?older=1&newer=²",
    ],
)
def test_revision_that_is_no_number_is_refused(client: APIClient, question: str) -> None:
    document = assert_problem(client.get(f"{CONFIG}diff/{question}"), 422, "filter-value-invalid")
    assert document["errors"][0]["pointer"] in {"?older", "?newer"}


def test_older_revision_is_put_in_force_again(manager: PluginManager, client: APIClient) -> None:
    manager.configure_plugin(CLERK, {"mood": "busy"})
    body = client.post(CONFIG + "restore/", {"revision": 1}, format="json").json()
    assert body["config"] == {"password": MASK}
    newest = client.get(CONFIG + "revisions/").json()["results"][0]
    assert (newest["revision"], newest["author"], newest["note"]) == (3, "configure", "Revision 1 again")
    record = AuditRecord.objects.filter(action="plugin.configure").latest("pk")
    assert (record.context["source"], record.context["evidence"]["restoredFrom"]) == ("api", 1)


def test_revision_of_a_grid_is_restored_there(manager: PluginManager, client: APIClient) -> None:
    manager.configure_plugin(CLERK, {"mood": "busy"}, grid="api-products")
    manager.configure_plugin(CLERK, {}, grid="api-products")
    wish = {"revision": 1, "grid": "api-products"}
    assert client.post(CONFIG + "restore/", wish, format="json").json()["config"]["mood"] == "busy"
    document = assert_problem(
        client.post(CONFIG + "restore/", {"revision": 9}, format="json"), 404, "plugin-config-revision-unknown"
    )
    assert "all grids" in document["detail"]
    assert [item["pointer"] for item in document["errors"]] == ["/revision"]


def test_revision_that_no_longer_fits_is_refused(clerk: InstalledPlugin, client: APIClient) -> None:
    clerk.configs.update(data={"mood": "angry"})
    document = assert_problem(
        client.post(CONFIG + "restore/", {"revision": 1}, format="json"), 422, "plugin-config-invalid"
    )
    (fault,) = document["errors"]
    assert (fault["pointer"], fault["detail"].split(":")[0]) == ("/revision", "/mood")


@pytest.mark.parametrize("wish", [{}, {"revision": "1"}, {"revision": 0}, {"revision": 2**40}])
def test_wish_of_another_shape_is_refused(client: APIClient, wish: dict[str, object]) -> None:
    assert_problem(client.post(CONFIG + "restore/", wish, format="json"), 422, "body-invalid")
