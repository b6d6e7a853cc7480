"""Finding, reviewing and installing a plugin in the admin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from gridkit_django.models import InstalledPlugin, PluginOperation
from gridkit_django.plugins import run_operation

# Plugins follow after the commit, so these tests commit.
pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/gridkit_django/installedplugin/available/"
INSTALL = "/admin/gridkit_django/installedplugin/install/?ref=folder%3Agreeter"
CONSENT = {"grants": ["methods:register"], "activate": "on", "password": "root-pass"}


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was handed to Celery; the broker is out of reach of this test."""
    found: list[Any] = []
    monkeypatch.setattr("gridkit_django.admin.install.enqueue_operation", found.append)
    return found


def test_available_lists_what_can_be_installed_and_what_not_with_the_reason(admin: Client, root: Path) -> None:
    broken = root / "broken"
    broken.mkdir()
    (broken / "plugin.toml").write_text("id = 3")

    page = admin.get(LIST).content.decode()

    assert "Greets people." in page
    assert "folder:broken" in page
    assert "errornote" in page
    assert page.count("Review and install") >= 1


def test_available_searched_keeps_what_matches(admin: Client, root: Path) -> None:
    assert "Greets people." in admin.get(LIST, {"q": "UTILITY"}).content.decode()
    nothing = admin.get(LIST, {"q": "zzz"}).content.decode()
    assert "Greets people." not in nothing
    assert "No plugin matches." in nothing


def test_available_leaves_out_what_is_installed(admin: Client, greeter: str) -> None:
    assert "Greets people." not in admin.get(LIST).content.decode()


def test_install_page_shows_what_is_asked_for_without_running_code(admin: Client, root: Path) -> None:
    (root / "greeter" / "plugin.py").write_text("raise RuntimeError('ran')")

    page = admin.get(INSTALL).content.decode()

    assert "talk to api.example.org (kept for a later version; nothing yet)" in page
    assert 'name="config-word"' in page
    assert "install only what you trust" in page


def test_install_with_consent_makes_an_operation_that_a_worker_carries_out(
    admin: Client, root: Path, queued: list[Any]
) -> None:
    answer = admin.post(INSTALL, {**CONSENT, "config-word": "salut", "config-times": "2"})

    operation = PluginOperation.objects.get()
    assert answer.status_code == 302
    assert str(operation.pk) in answer["Location"]
    assert queued == [operation.pk]
    run_operation(operation.pk)
    plugin = InstalledPlugin.objects.get()
    assert plugin.effective_state == "active"
    granted = plugin.grants.filter(decision="granted").values_list("permission", flat=True)
    assert list(granted) == ["methods:register"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "not your password"),
        ({"password": ""}, "This field is required"),
        ({"grants": ["rows:write"]}, "not one of the available choices"),
        ({"config-times": "zero"}, "Enter a whole number"),
    ],
)
def test_install_with_a_fault_in_the_form_installs_nothing(
    admin: Client, root: Path, queued: list[Any], change: dict[str, Any], words: str
) -> None:
    page = admin.post(INSTALL, {**CONSENT, **change}).content.decode()

    assert words in page
    assert queued == []
    assert not PluginOperation.objects.exists()


def test_install_of_an_unknown_source_is_not_found(admin: Client, root: Path) -> None:
    assert admin.get(INSTALL.replace("greeter", "nobody")).status_code == 404


@pytest.mark.parametrize("path", [LIST, INSTALL])
def test_install_pages_without_the_right_are_forbidden(staff: Callable[..., Client], root: Path, path: str) -> None:
    client = staff("view_installedplugin", "activate_plugin", "configure_plugin", "grant_plugin")

    assert client.get(path).status_code == 403


def test_who_may_only_install_can_neither_grant_nor_activate_nor_configure_by_it(
    staff: Callable[..., Client], root: Path, queued: list[Any]
) -> None:
    installer = staff("install_plugin")
    page = installer.get(INSTALL).content.decode()
    assert [name for name in ("grants", "activate", "config-word") if f'name="{name}"' in page] == []

    forged = {**CONSENT, "password": "staff-pass", "config-word": "salut", "config-times": "2"}
    assert installer.post(INSTALL, forged).status_code == 302

    arguments = PluginOperation.objects.get().arguments
    assert {key: arguments.get(key) for key in ("grants", "activate", "config")} == {
        "grants": [], "activate": False, "config": {}
    }  # fmt: skip
