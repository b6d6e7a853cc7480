"""Updates, versions, rolling back and plans over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from gridkit_django.models import AuditRecord, InstalledPlugin
from gridkit_django.plugins import Plugin, PluginManager, PluginMetadata
from tests.api.conftest import RIGHTS, client_of
from tests.api.plugins import BROKEN, CLERK, metadata
from tests.api.test_base import assert_problem
from tests.api.test_plugins import AFTER_COMMIT
from tests.plugins.samples import write_plugin

PLUGINS = "/gridkit/api/plugins/"
SAMPLE = f"{PLUGINS}sample/"
PLAN = f"{PLUGINS}plan/"

pytestmark = AFTER_COMMIT


@pytest.fixture
def root(manager: PluginManager, tmp_path: Path, settings: Any) -> Path:
    """A folder of site plugins with one plugin in it, which is installed and active."""
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False}
    write_plugin(tmp_path)
    manager.install_plugin("sample")
    return tmp_path


@pytest.fixture
def client(root: Path, person: Callable[..., APIClient]) -> APIClient:
    return person("install")


def write_greedy(root: Path) -> None:
    """Write a version that asks for one permission more."""
    folder = write_plugin(root, version="2.0.0", word="two")
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('"storage:use"', '"storage:use", "rows:read"'))


def post(client: APIClient, act: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(f"{SAMPLE}{act}/", body or {}, format="json")


@pytest.mark.both_databases
def test_update_is_listed_taken_and_rolled_back(client: APIClient, root: Path) -> None:
    assert client.get(PLUGINS + "updates/").json()["results"] == []
    write_greedy(root)
    (update,) = client.get(PLUGINS + "updates/").json()["results"]
    assert (update["plugin"], update["installed"], update["available"]) == ("sample", "1.0.0", "2.0.0")
    assert (update["asksFor"], update["fits"], update["url"]) == (["rows:read"], True, SAMPLE)
    greedy = client_of(User.objects.create_superuser("chief"))
    body = post(greedy, "update", {"grants": ["rows:read"]}).json()
    assert (body["version"], body["state"], body["keptVersions"]) == ("2.0.0", "active", ["1.0.0"])
    body = post(client, "roll-back").json()
    assert (body["version"], body["pinned"], body["state"]) == ("1.0.0", True, "active")
    versions = {item["version"]: item for item in client.get(SAMPLE + "versions/").json()["results"]}
    assert (versions["1.0.0"]["current"], versions["2.0.0"]["current"], versions["2.0.0"]["kept"]) == (
        True,
        False,
        True,
    )
    record = AuditRecord.objects.get(action="plugin.rollback")
    assert (record.actor_label, record.context["source"]) == ("install", "api")


def test_update_that_asks_for_more_waits_and_the_old_one_runs_on(client: APIClient, root: Path) -> None:
    write_greedy(root)
    document = assert_problem(post(client, "update"), 409, "plugin-consent-required")
    assert document["permissions"] == ["rows:read"]
    body = client.get(SAMPLE).json()
    assert (body["version"], body["state"], body["pending"]["version"]) == ("1.0.0", "active", "2.0.0")
    assert body["pending"]["asksFor"] == ["rows:read"]
    assert post(client, "refuse-update").json()["pending"] is None
    (update,) = client.get(PLUGINS + "updates/").json()["results"]
    assert update["refused"] is True


def test_pin_holds_against_every_update_and_is_told_as_the_reason(client: APIClient, root: Path) -> None:
    assert_problem(post(client, "pin"), 422, "body-invalid")
    body = post(client, "pin", {"note": "2.0 loses rows"}).json()
    assert (body["pinned"], body["pinNote"]) == (True, "2.0 loses rows")
    write_plugin(root, version="2.0.0", word="two")
    (update,) = client.get(PLUGINS + "updates/").json()["results"]
    assert (update["fits"], "pinned to 1.0.0: 2.0 loses rows" in update["reason"]) == (False, True)
    document = assert_problem(post(client, "update"), 409, "plugin-pinned")
    assert document["note"] == "2.0 loses rows"
    body = post(client, "unpin").json()
    assert (body["pinned"], body["pinNote"]) == (False, "")
    assert post(client, "update").json()["version"] == "2.0.0"
    changes = AuditRecord.objects.get(action="plugin.pin").changes
    assert changes == {"pinned": [False, True], "pin_note": ["", "2.0 loses rows"]}


def test_granting_with_an_update_needs_its_own_right(client: APIClient, root: Path) -> None:
    write_greedy(root)
    document = assert_problem(post(client, "update", {"grants": ["rows:read"]}), 403, "access-denied")
    assert RIGHTS["grant"] in document["detail"]
    assert client.get(SAMPLE).json()["version"] == "1.0.0"


def test_version_that_is_not_there_is_told(client: APIClient) -> None:
    for act, body in (("update", {"version": "9.0.0"}), ("roll-back", {"version": "9.0.0"}), ("roll-back", {})):
        assert_problem(post(client, act, body), 404, "plugin-version-unknown")
    assert_problem(post(client, "refuse-update"), 404, "plugin-version-unknown")
    assert_problem(post(client, "update", {"version": ""}), 422, "body-invalid")


class Needy(Plugin):
    """Needs the clerk."""

    metadata: PluginMetadata = metadata("api-tests-needy").model_copy(update={"peer_plugins": (f"{CLERK} >=1",)})  # type: ignore[misc]


@pytest.fixture
def needy(manager: PluginManager, clerk: InstalledPlugin) -> Any:
    """The clerk and a plugin that needs it, both active."""
    manager.activate_plugin(CLERK)
    manager.install_plugin(Needy)
    yield manager
    manager.deactivate_plugin(Needy.metadata.id)
    manager.runtime.catalog.remove_object(Needy.metadata.id)


def test_plan_tells_the_order_and_what_a_change_takes_away(
    needy: PluginManager, person: Callable[..., APIClient]
) -> None:
    client = person("activate", "install")
    now = client.get(PLAN).json()
    assert now == {"order": [CLERK, "api-tests-needy"], "held": [], "stops": [], "cycles": [], "refused": []}
    plan = client.post(PLAN, {"kind": "deactivate", "plugin": CLERK}, format="json").json()
    assert [item["plugin"] for item in plan["stops"]] == ["api-tests-needy"]
    assert plan["refused"]
    assert client.get(PLAN).json() == now
    plan = client.post(PLAN, {"kind": "uninstall", "plugin": "api-tests-needy"}, format="json").json()
    assert (plan["order"], plan["refused"], plan["stops"]) == ([CLERK], [], [])
    plan = client.post(PLAN, {"kind": "install", "plugin": BROKEN}, format="json").json()
    assert sorted(plan["order"]) == sorted([BROKEN, CLERK, "api-tests-needy"])
    assert not InstalledPlugin.objects.filter(plugin_id=BROKEN).exists()


def test_plan_holds_only_what_the_user_may_see(
    needy: PluginManager, clerk: InstalledPlugin, make_user: Callable[..., User]
) -> None:
    user = make_user("keeper")
    assign_perm(RIGHTS["activate"], user, clerk)
    client = client_of(user)
    assert client.get(PLAN).json()["order"] == [CLERK]
    plan = client.post(PLAN, {"kind": "deactivate", "plugin": CLERK}, format="json").json()
    assert (plan["order"], plan["stops"]) == ([], [])
    wish = {"kind": "deactivate", "plugin": "api-tests-needy"}
    assert_problem(client.post(PLAN, wish, format="json"), 404, "plugin-not-found")
    assert client_of(make_user("stranger")).get(PLAN).json()["order"] == []


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"kind": "uninstall", "plugin": CLERK}, 403, "access-denied"),
        ({"kind": "install", "plugin": BROKEN}, 403, "access-denied"),
        ({"kind": "activate", "plugin": "none"}, 404, "plugin-not-found"),
        ({"kind": "fly", "plugin": CLERK}, 422, "body-invalid"),
        ({"kind": "activate", "plugin": CLERK, "now": True}, 422, "body-invalid"),
        ({}, 422, "body-invalid"),
    ],
)
def test_plan_that_may_not_be_made_or_makes_no_sense_is_refused(
    clerk: InstalledPlugin, person: Callable[..., APIClient], wish: dict[str, Any], status: int, code: str
) -> None:
    assert_problem(person("activate").post(PLAN, wish, format="json"), status, code)


def test_plan_to_install_what_is_not_there_is_refused(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    wish = {"kind": "install", "plugin": "none"}
    assert_problem(person("install").post(PLAN, wish, format="json"), 404, "plugin-not-found")
