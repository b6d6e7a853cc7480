"""Every endpoint of an installed plugin: who may call it, and what everybody else is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from gridkit_django.models import AuditRecord, InstalledPlugin, RuntimeGeneration
from gridkit_django.plugins import PluginManager
from tests.api.conftest import RIGHTS, client_of
from tests.api.plugins import CLERK, TOILER
from tests.api.test_base import assert_problem

PLUGINS = "/gridkit/api/plugins/"

READS = (
    "config/revisions/",
    "config/diff/?older=1&newer=1",
    "versions/",
    "usage/",
    "health/",
    "processes/",
    "jobs/",
    "job-runs/",
)
ACTS = (
    ("config/restore/", "configure", {"revision": 1}),
    ("update/", "install", {}),
    ("refuse-update/", "install", {}),
    ("roll-back/", "install", {}),
    ("pin/", "install", {"note": "why"}),
    ("unpin/", "install", {}),
    ("health/", "activate", {}),
    ("jobs/count/run/", "activate", {}),
    ("jobs/count/pause/", "activate", {}),
    ("jobs/count/resume/", "activate", {}),
)
OF_ALL = ("updates/", "requests/", "plan/")

pytestmark = pytest.mark.usefixtures("clerk")


def address(path: str, plugin_id: str = CLERK) -> str:
    return f"{PLUGINS}{plugin_id}/{path}"


READ = (*(address(path) for path in READS), *(PLUGINS + path for path in OF_ALL))
"""All addresses that are read."""


def state() -> tuple[Any, ...]:
    """What an act must not change when it is refused."""
    return (
        list(InstalledPlugin.objects.values_list("plugin_id", "revision")),
        list(RuntimeGeneration.objects.values_list("value", flat=True)),
        AuditRecord.objects.count(),
    )


def test_nobody_reads_or_acts_without_logging_in(anonymous: APIClient) -> None:
    for path in READ:
        assert_problem(anonymous.get(path), 401, "not-authenticated")
    for path, _right, _body in ACTS:
        assert_problem(anonymous.post(address(path), {}, format="json"), 401, "not-authenticated")


@pytest.mark.parametrize("right", RIGHTS)
def test_any_right_on_the_plugin_lets_read(person: Callable[..., APIClient], right: str) -> None:
    client = person(right)
    answers = {path: client.get(address(path)).status_code for path in READS}
    assert answers == dict.fromkeys(READS, 200)


def test_stranger_and_missing_plugin_read_alike(person: Callable[..., APIClient]) -> None:
    stranger, installer = person(), person("install")
    for path in READS:
        closed = assert_problem(stranger.get(address(path)), 404, "plugin-not-found")
        missing = assert_problem(installer.get(address(path, "@api-tests/klerk")), 404, "plugin-not-found")
        assert closed["detail"].replace("clerk", "klerk") == missing["detail"]


def test_act_needs_its_own_right_and_changes_nothing_without(person: Callable[..., APIClient]) -> None:
    stranger = person()
    clients = {right: person(*(name for name in RIGHTS if name != right)) for right in {right for _, right, _ in ACTS}}
    before = state()
    for path, right, body in ACTS:
        document = assert_problem(clients[right].post(address(path), body, format="json"), 403, "access-denied")
        assert RIGHTS[right] in document["detail"]
        assert_problem(stranger.post(address(path), body, format="json"), 404, "plugin-not-found")
        assert state() == before, path


@pytest.mark.parametrize(("path", "right", "body"), ACTS)
def test_right_on_another_plugin_does_not_help(
    manager: PluginManager,
    clerk: InstalledPlugin,
    make_user: Callable[..., User],
    path: str,
    right: str,
    body: dict[str, Any],
) -> None:
    manager.install_plugin(f"object:{'tests.api.plugins.Toiler'}", activate=False)
    user = make_user("keeper")
    assign_perm(RIGHTS[right], user, clerk)
    client = client_of(user)
    assert_problem(client.post(address(path, TOILER), body, format="json"), 404, "plugin-not-found")
    assert client.post(address(path), body, format="json").status_code not in {401, 403}
    assert client.get(address("versions/", TOILER)).status_code == 404
    assert client.get(address("versions/")).status_code == 200


def test_unknown_key_is_refused(person: Callable[..., APIClient]) -> None:
    client = person(*RIGHTS)
    before = state()
    for path, _right, body in ACTS:
        response = client.post(address(path), {**body, "force": True}, format="json")
        document = assert_problem(response, 422, "body-invalid")
        assert [(item["pointer"], item["code"]) for item in document["errors"]] == [("/force", "key-unknown")], path
        assert state() == before, path


def test_unknown_query_parameter_is_refused(person: Callable[..., APIClient]) -> None:
    client = person("install")
    for path in READ:
        response = client.get(f"{path}{'&' if '?' in path else '?'}force=1")
        document = assert_problem(response, 422, "query-invalid")
        assert document["errors"][0]["code"] == "parameter-unknown", path


def test_session_needs_its_csrf_token(make_user: Callable[..., User]) -> None:
    client = APIClient(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(make_user("clerk", *RIGHTS.values()))
    before = state()
    for path, _right, body in ACTS:
        assert_problem(client.post(address(path), body, format="json"), 403, "csrf-failed")
        assert state() == before, path


def test_lists_of_all_plugins_hold_those_that_the_user_has_a_right_on(
    manager: PluginManager, clerk: InstalledPlugin, make_user: Callable[..., User]
) -> None:
    manager.install_plugin("object:tests.api.plugins.Toiler", activate=False)
    for row in InstalledPlugin.objects.all():
        row.grants.create(permission="rows:read", decision="requested", reason="to count")
    user = make_user("keeper")
    assign_perm(RIGHTS["activate"], user, clerk)
    for client, expected in ((client_of(user), [CLERK]), (client_of(make_user("stranger")), [])):
        results = client.get(f"{PLUGINS}requests/").json()["results"]
        assert [entry["plugin"] for entry in results] == expected
