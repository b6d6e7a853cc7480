"""Route: install from the admin, carried out by a worker, followed by every process."""

from __future__ import annotations

import re

import pytest

from tests.routes.board import await_agreement
from tests.routes.world import PASSWORD, awaited, furnish, method_names, plugin_row, swift
from tests.servers.http import Client
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses. The tests of the demo do the like on SQLite."""

AVAILABLE = "/admin/gridkit_django/installedplugin/available/"
INSTALL = (
    "/admin/gridkit_django/installedplugin/install/?ref=entry_point%3Agridkit_plugins.export.plugin%3AExportPlugin"
)
SCHEMA = "/gridkit/api/grids/flights/schema/"


@pytest.fixture
def world(stack: Stack) -> Stack:
    furnish(stack, plugins=False)
    stack.worker()
    stack.web(2)
    return stack


@pytest.fixture
def admin(world: Stack) -> Client:
    client = Client(world.url(0))
    client.log_in("/admin/login/", "admin", PASSWORD)
    return client


def test_install_with_consent_runs_in_a_worker_and_reaches_every_process(world: Stack, admin: Client) -> None:
    analysts = [swift(world, "analyst", index=index) for index in range(2)]
    assert all(method_names(client.get(SCHEMA)) == [] for client in analysts)
    review = admin.get(INSTALL)
    asked = re.findall(r'name="grants" value="([^"]+)"', review.text)
    assert "methods:register" in asked

    refused = admin.submit(INSTALL, {"grants": asked, "activate": "on", "password": "wrong", "config-formats": "csv"})
    assert "not your password" in refused.text
    assert world.rows("SELECT COUNT(*) FROM gridkit_django_pluginoperation") == [(0,)]

    answer = admin.submit(INSTALL, {"grants": asked, "activate": "on", "password": PASSWORD, "config-formats": "csv"})
    assert "/pluginoperation/" in answer.url

    state = "SELECT state FROM gridkit_django_pluginoperation WHERE kind = 'install'"
    awaited(lambda: world.rows(state) in ([("finished",)], [("failed",)]), "the operation to end")
    assert world.rows(state) == [("finished",)], admin.get(answer.url).text
    await_agreement(world, "@gridkit/plugin-export", 3)
    for client in analysts:
        (method,) = client.get(SCHEMA).json()["methods"]
        assert method["name"] == "export"
        assert method["schema"]["properties"]["format"]["enum"] == ["csv"]
    page = admin.get(
        f"/admin/gridkit_django/installedplugin/{plugin_row(world, '@gridkit/plugin-export')}/change/"
    ).text
    assert page.count("runs it") >= 3
    records = world.rows(
        "SELECT action, actor_label, evidence FROM gridkit_django_auditrecord WHERE target_type = 'plugin' ORDER BY id"
    )
    assert [(action, actor) for action, actor, _ in records] == [
        ("plugin.install", "admin"),
        ("plugin.activate", "admin"),
    ]
    assert all(permission in str(records[0][2]) for permission in asked)


def test_available_page_without_the_right_is_forbidden(world: Stack) -> None:
    editor = Client(world.url(0))
    editor.log_in("/login/", "editor", PASSWORD)

    assert "/admin/login/" in editor.get(AVAILABLE).url
