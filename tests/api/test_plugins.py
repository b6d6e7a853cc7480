"""Plugins over HTTP: who sees and does what, and what each act answers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from gridkit_django.models import (
    AuditRecord,
    HealthCheckResult,
    InstalledPlugin,
    OperationKind,
    PluginOperation,
    RuntimeProcess,
)
from gridkit_django.plugins import MASK, PluginManager, run_operation
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.secret_values import open_secrets
from tests.api.conftest import RIGHTS, client_of
from tests.api.plugins import BROKEN, CLERK, TOILER, Broken
from tests.api.test_base import assert_problem

PLUGINS = "/gridkit/api/plugins/"
CLERKS = f"{PLUGINS}{CLERK}/"
ATOMIC = ("ATOMIC_REQUESTS", True)
AFTER_COMMIT = pytest.mark.django_db(transaction=True)
"""A process follows a change of plugins once that is committed, so the test's transactions must be real ones."""

pytestmark = pytest.mark.usefixtures("manager")


def post(client: APIClient, act: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(f"{CLERKS}{act}/", body or {}, format="json")


@pytest.mark.both_databases
def test_list_holds_the_plugins_that_the_user_has_a_right_on(
    clerk: InstalledPlugin, person: Callable[..., APIClient]
) -> None:
    (entry,) = person("activate").get(PLUGINS).json()["results"]
    assert entry == {
        "id": CLERK,
        "name": "Clerk",
        "version": "1.2.0",
        "description": "Keeps a greeting.",
        "author": "Tests",
        "category": "utility",
        "tags": ["clerk"],
        "desiredState": "inactive",
        "state": "installed",
        "reason": None,
        "revision": clerk.revision,
        "url": CLERKS,
    }
    assert person().get(PLUGINS).json()["results"] == []


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("category=utility", 1),
        ("category=export", 0),
        ("state=installed", 1),
        ("state=active", 0),
        ("desired_state=inactive&source=object", 1),
    ],
)
def test_list_is_filtered(clerk: InstalledPlugin, person: Callable[..., APIClient], question: str, count: int) -> None:
    assert len(person("grant").get(f"{PLUGINS}?{question}").json()["results"]) == count


def test_filter_value_that_does_not_fit_is_refused(person: Callable[..., APIClient]) -> None:
    assert_problem(person().get(PLUGINS + "?state=odd"), 422, "filter-value-invalid")


def test_right_on_a_single_plugin_shows_and_moves_that_plugin_only(
    clerk: InstalledPlugin, manager: PluginManager, make_user: Callable[..., User]
) -> None:
    manager.install_plugin(Broken, activate=False)
    user = make_user("keeper")
    assign_perm(RIGHTS["activate"], user, clerk)
    client = client_of(user)
    assert [entry["id"] for entry in client.get(PLUGINS).json()["results"]] == [CLERK]
    assert post(client, "activate").status_code == 200
    assert_problem(post(client, "configure", {"config": {}}), 403, "access-denied")
    assert_problem(client.post(f"{PLUGINS}{BROKEN}/activate/", {}, format="json"), 404, "plugin-not-found")


def test_detail_shows_everything_but_secrets(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    HealthCheckResult.objects.create(plugin=clerk, status="degraded", message="tired", duration_ms=1.5)
    RuntimeProcess.objects.create(
        host="h", pid=1, kind="web", generation=0, plugins={CLERK: 7}, started_at=timezone.now(), seen_at=timezone.now()
    )
    response = person("configure").get(CLERKS)
    body = response.json()
    assert b"hush" not in response.content
    assert body["config"] == {"password": MASK}
    assert body["configSchema"]["properties"]["mood"]["enum"] == ["calm", "busy"]
    assert body["permissions"] == [
        {"name": "storage:use", "required": True, "decision": "granted", "reason": "", "uses": 0, "lastUsedAt": None},
        {"name": "methods:register", "required": True, "decision": None, "reason": "", "uses": 0, "lastUsedAt": None},
    ]
    assert (body["health"]["status"], body["health"]["message"]) == ("degraded", "tired")
    process = next(item for item in body["processes"] if item["host"] == "h")
    assert (process["revision"], process["current"]) == (7, False)
    assert (body["manifest"]["id"], body["source"], body["locked"]) == (CLERK, "object", [])
    assert (body["pinned"], body["pending"], body["keptVersions"]) == (False, None, [])


def test_plugin_without_a_health_check_has_no_report(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    assert person("configure").get(CLERKS).json()["health"] is None


def test_stranger_and_missing_plugin_answer_alike(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    closed = assert_problem(person().get(CLERKS), 404, "plugin-not-found")
    missing = assert_problem(person("install").get(f"{PLUGINS}@api-tests/klerk/"), 404, "plugin-not-found")
    assert closed["detail"].replace("clerk", "klerk") == missing["detail"]


@pytest.mark.both_databases
@AFTER_COMMIT
def test_plugin_is_activated_and_deactivated(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    client = person("activate")
    body = post(client, "activate").json()
    assert (body["desiredState"], body["state"], body["reason"]) == ("active", "active", None)
    body = post(client, "deactivate").json()
    assert (body["desiredState"], body["state"]) == ("inactive", "installed")
    record = AuditRecord.objects.filter(action="plugin.activate").get()
    assert (record.actor_label, record.context["source"]) == ("activate", "api")


@AFTER_COMMIT
def test_answers_of_acts_tell_the_new_state_where_requests_are_transactions(
    clerk: InstalledPlugin,
    person: Callable[..., APIClient],
    manager: PluginManager,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict, *ATOMIC)
    broken = manager.install_plugin(Broken, activate=False)
    client = person("activate")
    body = post(client, "activate").json()
    assert (body["desiredState"], body["state"]) == ("active", "active")
    answer = client.post(f"{PLUGINS}{broken.id}/activate/", {}, format="json")
    assert_problem(answer, 422, "plugin-initialize-failed")
    body = post(client, "deactivate").json()
    assert (body["desiredState"], body["state"]) == ("inactive", "installed")


@AFTER_COMMIT
def test_active_plugin_is_reloaded_and_an_inactive_one_is_not(
    clerk: InstalledPlugin, person: Callable[..., APIClient]
) -> None:
    client = person("activate")
    assert_problem(post(client, "reload"), 409, "plugin-state-invalid")
    post(client, "activate")
    assert post(client, "reload").json()["state"] == "active"


@AFTER_COMMIT
def test_plugin_that_cannot_start_says_why(manager: PluginManager, person: Callable[..., APIClient]) -> None:
    manager.install_plugin(Broken, activate=False)
    client = person("activate")
    response = client.post(f"{PLUGINS}{BROKEN}/activate/", {}, format="json")
    document = assert_problem(response, 422, "plugin-initialize-failed")
    assert "no engine" in document["detail"]
    body = client.get(f"{PLUGINS}{BROKEN}/").json()
    assert (body["desiredState"], body["state"]) == ("active", "quarantined")
    assert body["reason"]["code"] == "plugin-initialize-failed"


@pytest.mark.parametrize("act", ["activate", "deactivate", "reload"])
def test_act_takes_no_body(clerk: InstalledPlugin, person: Callable[..., APIClient], act: str) -> None:
    document = assert_problem(post(person("activate", "install"), act, {"force": True}), 422, "body-invalid")
    assert document["errors"][0]["code"] == "key-unknown"


def test_configuration_is_replaced_and_a_masked_secret_is_kept(
    clerk: InstalledPlugin, manager: PluginManager, person: Callable[..., APIClient]
) -> None:
    body = post(person("configure"), "configure", {"config": {"mood": "busy", "password": MASK}}).json()
    assert body["config"] == {"mood": "busy", "password": MASK}
    stored = clerk.configs.filter(grid="").latest("revision").data
    assert open_secrets(stored, Keyring.of_site()) == {"mood": "busy", "password": "hush"}


def test_configuration_of_one_grid_is_kept_apart(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    client = person("configure")
    wish = {"config": {"mood": "busy"}, "grid": "api-products"}
    assert post(client, "configure", wish).json()["config"]["mood"] == "busy"
    assert client.get(CLERKS + "?grid=api-products").json()["config"]["mood"] == "busy"
    assert "mood" not in client.get(CLERKS).json()["config"]
    assert_problem(client.get(CLERKS + "?grid=none"), 404, "grid-not-found")
    assert_problem(post(client, "configure", {**wish, "grid": "none"}), 404, "grid-not-found")


def test_stranger_does_not_learn_which_grids_there_are(stranger: APIClient, clerk: InstalledPlugin) -> None:
    for grid in ("api-products", "none"):
        assert_problem(stranger.get(f"{CLERKS}?grid={grid}"), 404, "plugin-not-found")


def test_configuration_that_does_not_fit_is_refused_with_the_place(
    clerk: InstalledPlugin, person: Callable[..., APIClient]
) -> None:
    document = assert_problem(
        post(person("configure"), "configure", {"config": {"mood": "angry"}}), 422, "plugin-config-invalid"
    )
    assert document["errors"][0]["pointer"] == "/config/mood"


def test_secret_that_can_not_be_kept_is_named_with_its_place(
    clerk: InstalledPlugin, person: Callable[..., APIClient], settings: Any
) -> None:
    client = person("configure")
    settings.SECRET_KEY = "another"
    client.logout()
    client.credentials(HTTP_AUTHORIZATION=f"Basic {b64encode(b'configure:secret').decode()}")
    document = assert_problem(
        post(client, "configure", {"config": {"mood": "busy", "password": MASK}}), 500, "plugin-secret-unreadable"
    )
    assert [item["pointer"] for item in document["errors"]] == ["/config/password"]
    assert client.get(CLERKS).json()["config"] == {"password": MASK}


def test_permission_is_granted_and_revoked(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    client = person("grant")
    for decision in ("denied", "granted", "revoked"):
        body = post(client, "grants", {"permission": "methods:register", "decision": decision}).json()
        assert {item["name"]: item["decision"] for item in body["permissions"]}["methods:register"] == decision


def test_permission_that_does_not_exist_is_refused(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    wish = {"permission": "moon:visit", "decision": "granted"}
    assert_problem(post(person("grant"), "grants", wish), 422, "plugin-permission-denied")


@pytest.mark.parametrize("wish", [{}, {"permission": "rows:read"}, {"permission": "rows:read", "decision": "maybe"}])
def test_decision_of_another_shape_is_refused(
    clerk: InstalledPlugin, person: Callable[..., APIClient], wish: dict[str, Any]
) -> None:
    assert_problem(post(person("grant"), "grants", wish), 422, "body-invalid")


@pytest.mark.parametrize(
    ("act", "right"),
    [
        ("activate", "activate"),
        ("deactivate", "activate"),
        ("reload", "activate"),
        ("configure", "configure"),
        ("grants", "grant"),
        ("uninstall", "install"),
    ],
)
def test_each_act_needs_its_right(
    clerk: InstalledPlugin, person: Callable[..., APIClient], act: str, right: str
) -> None:
    others = [name for name in RIGHTS if name != right]
    document = assert_problem(post(person(*others), act), 403, "access-denied")
    assert RIGHTS[right] in document["detail"]
    assert_problem(post(person(), act), 404, "plugin-not-found")


def test_plugin_is_uninstalled(clerk: InstalledPlugin, person: Callable[..., APIClient]) -> None:
    client = person("install")
    preview = client.get(CLERKS + "uninstall/").json()
    assert (preview["plugin"], preview["neededBy"], preview["versions"]) == (CLERK, [], 1)
    assert_problem(client.get(CLERKS + "data/"), 403, "access-denied")
    assert_problem(person("configure").get(CLERKS + "uninstall/"), 403, "access-denied")
    taken = person("install", "configure").get(CLERKS + "data/")
    assert (taken.json()["plugin"], taken["Cache-Control"]) == (CLERK, "no-store")
    assert_problem(post(client, "uninstall", {"data": "burn"}), 422, "body-invalid")
    unsaid = assert_problem(post(client, "uninstall"), 422, "body-invalid")
    assert [error["pointer"] for error in unsaid["errors"]] == ["/data"], "nothing goes by omission"
    response = post(client, "uninstall", {"data": "keep"})
    assert (response.status_code, response.content) == (204, b"")
    assert_problem(client.get(CLERKS), 404, "plugin-not-found")


def test_available_plugins_are_listed_with_what_they_ask_for(
    clerk: InstalledPlugin, person: Callable[..., APIClient]
) -> None:
    found = {entry["id"]: entry for entry in person("install").get(PLUGINS + "available/").json()["results"]}
    assert found[CLERK]["installed"] is True
    assert found[CLERK]["requiredPermissions"] == ["storage:use", "methods:register"]
    assert (found[BROKEN]["installed"], found[BROKEN]["reason"]) == (False, None)
    assert_problem(person("activate").get(PLUGINS + "available/"), 403, "access-denied")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("query=GREETING clerk", [BROKEN, CLERK, TOILER]),
        ("query=toiler", [TOILER]),
        ("query=clerk&category=utility&tags=clerk&free=true&limit=1&offset=1", [BROKEN]),
        ("query=clerk&category=export", []),
        ("tags=clerk,other", []),
        ("tags=clerk&free=false", []),
        ("tags=clerk&featured=true", [TOILER, CLERK]),
    ],
)
def test_available_plugins_are_searched(
    person: Callable[..., APIClient], settings: Any, question: str, found: list[str]
) -> None:
    settings.GRIDKIT = {"PLUGINS_FEATURED": [TOILER, "not-there", CLERK]}
    results = person("install").get(f"{PLUGINS}available/?{question}").json()["results"]
    ids = [entry["id"] for entry in results]
    assert ids == found if "featured" in question else sorted(ids) == sorted(found)
    assert {entry["id"]: entry["featured"] for entry in results} == {name: name != BROKEN for name in found}


@pytest.mark.parametrize(
    ("question", "code", "place"),
    [
        ("category=odd", "plugin-search-invalid", "?category"),
        ("limit=0", "filter-value-invalid", "?limit"),
        ("offset=-1", "filter-value-invalid", "?offset"),
        ("free=yes", "filter-value-invalid", "?free"),
        ("featured=no", "filter-value-invalid", "?featured"),
        ("verified=true", "query-invalid", "?verified"),
    ],
)
def test_search_that_makes_no_sense_is_refused(
    person: Callable[..., APIClient], question: str, code: str, place: str
) -> None:
    document = assert_problem(person("install").get(f"{PLUGINS}available/?{question}"), 422, code)
    assert document["errors"][0]["pointer"] == place


def test_broken_source_is_listed_with_its_reason(
    person: Callable[..., APIClient], settings: Any, tmp_path: Any
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "plugin.toml").write_text("id = 7")
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path)}
    entries = person("install").get(PLUGINS + "available/").json()["results"]
    (bad,) = [entry for entry in entries if entry["ref"] == "folder:bad"]
    assert (bad["id"], bad["reason"]["code"]) == (None, "plugin-manifest-invalid")


@pytest.mark.both_databases
def test_installation_is_queued_and_can_be_followed(
    person: Callable[..., APIClient], queued: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    client = person("install", "activate", "configure", "grant")
    wish = {"source": CLERK, "config": {"password": "hush"}, "grants": ["storage:use"], "activate": True}
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(PLUGINS, wish, format="json")
    operation = response.json()["operation"]
    assert (response.status_code, response["Location"]) == (202, operation["url"])
    assert (operation["kind"], operation["plugin"], operation["state"]) == ("install", CLERK, "queued")
    assert [str(item) for item in queued] == [operation["id"]]
    with django_capture_on_commit_callbacks(execute=True):
        run_operation(operation["id"])
    done = client.get(operation["url"])
    assert done.json()["state"] == "finished", done.json()
    assert done.json()["log"]
    assert b"hush" not in done.content
    assert client.get(CLERKS).json()["state"] == "active"


def test_installation_grants_and_starts_nothing_that_is_not_named(
    person: Callable[..., APIClient], queued: list[Any]
) -> None:
    operation = person("install").post(PLUGINS, {"source": CLERK}, format="json").json()["operation"]
    run_operation(operation["id"])
    plugin = InstalledPlugin.objects.get(plugin_id=CLERK)
    assert (plugin.desired_state, plugin.grants.count()) == ("inactive", 0)


@pytest.mark.parametrize(
    ("part", "right"),
    [
        ({"grants": ["storage:use"]}, "grant"),
        ({"activate": True}, "activate"),
        ({"config": {"mood": "busy"}}, "configure"),
    ],
)
def test_each_part_of_an_installation_needs_its_right(
    person: Callable[..., APIClient], queued: list[Any], part: dict[str, Any], right: str
) -> None:
    document = assert_problem(
        person("install").post(PLUGINS, {"source": CLERK, **part}, format="json"), 403, "access-denied"
    )
    assert RIGHTS[right] in document["detail"]
    assert not PluginOperation.objects.exists()


def test_installation_needs_the_right_and_a_source(person: Callable[..., APIClient], queued: list[Any]) -> None:
    assert_problem(person("activate").post(PLUGINS, {"source": CLERK}, format="json"), 403, "access-denied")
    client = person("install")
    assert_problem(client.post(PLUGINS, {"source": "@api-tests/none"}, format="json"), 404, "plugin-not-found")
    assert_problem(client.post(PLUGINS, {"source": CLERK, "path": "/"}, format="json"), 422, "body-invalid")
    assert queued == []


def test_failed_operation_says_why(clerk: InstalledPlugin, person: Callable[..., APIClient], queued: list[Any]) -> None:
    client = person("install")
    operation = client.post(PLUGINS, {"source": CLERK}, format="json").json()["operation"]
    run_operation(operation["id"])
    body = client.get(operation["url"]).json()
    assert (body["state"], body["error"]["code"]) == ("failed", "plugin-state-invalid")


def test_operation_of_somebody_else_is_for_those_who_may_install(
    person: Callable[..., APIClient], make_user: Callable[..., User]
) -> None:
    owner = make_user("owner")
    operation = PluginOperation.objects.create(kind=OperationKind.RELOAD, plugin_id=CLERK, requested_by=owner)
    address = f"/gridkit/api/operations/{operation.pk}/"
    assert client_of(owner).get(address).status_code == 200
    assert person("install").get(address).status_code == 200
    assert_problem(person("activate").get(address), 404, "not-found")
    missing = "/gridkit/api/operations/00000000-0000-0000-0000-000000000000/"
    assert_problem(person("grant").get(missing), 404, "not-found")


def test_operation_is_stopped_by_those_who_may_install_and_does_not_exist_for_others(
    person: Callable[..., APIClient],
) -> None:
    operation = PluginOperation.objects.create(kind=OperationKind.INSTALL, plugin_id=CLERK)
    address = f"/gridkit/api/operations/{operation.pk}/cancel/"
    assert_problem(person("activate").post(address, {}, format="json"), 404, "not-found")

    answer = person("install").post(address, {}, format="json")

    assert (answer.status_code, answer.json()["state"], answer.json()["progress"]) == (200, "cancelled", 0.0)
