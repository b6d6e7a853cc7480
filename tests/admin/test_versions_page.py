"""Versions, updates with consent, roll back, revisions and the plan in the admin."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from gridkit_django.models import InstalledPlugin, PluginPermissionGrant, RuntimeProcess
from gridkit_django.plugins import PluginManager

pytestmark = pytest.mark.django_db(transaction=True)


def _text(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return re.sub(r' data-label="[^"]*"', "", answer.content.decode())


def _release(root: Path, version: str, *more: str) -> None:
    """Put another version into the plugin's folder, which asks for more."""
    file = root / "greeter" / "plugin.toml"
    text = file.read_text().replace('version = "1.2.0"', f'version = "{version}"')
    asked = "".join(f'"{name}", ' for name in more)
    file.write_text(text.replace("required_permissions = [", f"required_permissions = [{asked}"))


def test_page_shows_the_version_in_use_and_nothing_to_update(admin: Client, greeter: str) -> None:
    page = _text(admin, f"{greeter}versions/")

    assert "in use" in page
    assert "What lies at the source is what is in use." in page


def test_update_that_asks_for_nothing_more_is_one_button(admin: Client, greeter: str, root: Path) -> None:
    _release(root, "1.3.0")
    assert "The source holds 1.3.0; 1.2.0 is in use." in _text(admin, f"{greeter}versions/")

    answer = admin.post(f"{greeter}update/", {"tab": "versions"}, follow=True)

    assert "Greeter runs 1.3.0." in answer.content.decode()
    assert answer.redirect_chain[-1][0] == f"{greeter}versions/"


def test_update_that_asks_for_more_waits_until_each_permission_is_decided(
    admin: Client, greeter: str, root: Path
) -> None:
    _release(root, "2.0.0", "rows:read", "events:emit")

    refused = admin.post(f"{greeter}update/", {"tab": "versions"}, follow=True).content.decode()

    assert "plugin-consent-required" in refused
    assert "Version 2.0.0 waits for consent" in refused
    assert InstalledPlugin.objects.get().current_version.version == "1.2.0"

    page = admin.post(f"{greeter}update/", {"tab": "versions", "grants": ["rows:read"]}, follow=True).content.decode()

    assert "Greeter runs 2.0.0." in page
    decisions = dict(PluginPermissionGrant.objects.values_list("permission", "decision"))
    assert (decisions["rows:read"], decisions["events:emit"]) == ("granted", "denied")


def test_refused_update_keeps_the_version_in_use(admin: Client, greeter: str, root: Path) -> None:
    _release(root, "2.0.0", "rows:read")
    admin.post(f"{greeter}update/")

    page = admin.post(f"{greeter}refuse_update/", {"tab": "versions"}, follow=True).content.decode()

    assert "keeps the version in use" in page
    assert InstalledPlugin.objects.get().pending_version is None


def test_earlier_version_is_brought_back_and_pinned(admin: Client, greeter: str, root: Path) -> None:
    _release(root, "1.3.0")
    admin.post(f"{greeter}update/")

    page = admin.post(f"{greeter}roll_back/", {"version": "1.2.0", "tab": "versions"}, follow=True).content.decode()

    assert "runs 1.2.0 again" in page
    assert "pinned" in page
    assert InstalledPlugin.objects.get().pinned


def test_pin_is_asked_for_a_note_that_is_shown_and_holds_until_it_is_taken_off(
    admin: Client, greeter: str, root: Path
) -> None:
    _release(root, "1.3.0")
    page = admin.post(f"{greeter}pin/", {"note": " ", "tab": "versions"}, follow=True).content.decode()
    assert "Say in 1 to 200 characters" in page
    page = admin.post(f"{greeter}pin/", {"note": "<b>1.3 leaks", "tab": "versions"}, follow=True).content.decode()
    assert "&lt;b&gt;1.3 leaks" in page
    assert "<b>1.3" not in page
    page = admin.post(f"{greeter}update/", {"tab": "versions"}, follow=True).content.decode()
    assert "plugin-pinned" in page
    assert InstalledPlugin.objects.get().current_version.version == "1.2.0"

    page = admin.post(f"{greeter}unpin/", {"tab": "versions"}, follow=True).content.decode()

    assert "can be updated again" in page
    assert "1.3 leaks" not in page
    assert "Greeter runs 1.3.0." in admin.post(f"{greeter}update/", follow=True).content.decode()


def test_unknown_version_is_told(admin: Client, greeter: str) -> None:
    page = admin.post(f"{greeter}roll_back/", {"version": "9.9"}, follow=True).content.decode()

    assert "plugin-version-unknown" in page


def test_revision_is_compared_and_restored(admin: Client, greeter: str, manager: PluginManager) -> None:
    admin.post(f"{greeter}configure/", {"word": "salut", "times": "3"})
    admin.post(f"{greeter}configure/", {"word": "ciao", "times": "3"})

    page = _text(admin, f"{greeter}configuration/?show=2")
    assert "/word" in page
    assert "salut" in page
    assert "/times" not in page

    admin.post(f"{greeter}restore/", {"revision": "2", "tab": "configuration"})
    assert manager.get_config("greeter") == {"word": "salut", "times": 3}
    assert "They hold the same values." in _text(admin, f"{greeter}configuration/?show=2")
    assert "gridkit-changes" not in _text(admin, f"{greeter}configuration/?show=99")


def test_revision_that_is_not_there_is_told(admin: Client, greeter: str) -> None:
    assert admin.post(f"{greeter}restore/", {"revision": "9" * 5000}).status_code == 302
    page = admin.post(f"{greeter}restore/", {"revision": "x"}, follow=True).content.decode()

    assert "errorlist" in page or "messagelist" in page


def test_usage_page_draws_charts_with_a_table_beside(admin: Client, greeter: str) -> None:
    page = _text(admin, f"{greeter}usage/?days=7")

    assert page.count("<figure") == 4
    assert "The same as a table" in page
    assert "Nothing in this time." in page
    assert "last 7 days" in _text(admin, f"{greeter}usage/?days=x")


def test_plan_shows_order_and_what_a_change_would_do(admin: Client, greeter: str, root: Path) -> None:
    plan = "/admin/gridkit_django/installedplugin/plan/"
    assert "<li>greeter</li>" in _text(admin, plan)

    page = _text(admin, f"{plan}?kind=deactivate&plugin=greeter")

    assert "It can be done, and stops no other plugin." in page
    assert InstalledPlugin.objects.get().desired_state == "active"
    assert "Choose a plugin" in _text(admin, f"{plan}?kind=fly&plugin=greeter")
    (root / "greeter" / "plugin.toml").write_text("no manifest")
    assert "errornote" in _text(admin, f"{plan}?kind=update&plugin=greeter")


def test_plan_needs_the_right_to_see_plugins(staff: Callable[..., Client]) -> None:
    _text(staff("view_auditrecord"), "/admin/gridkit_django/installedplugin/plan/", status=403)


@pytest.mark.parametrize(
    ("verb", "right"),
    [
        ("update", "install_plugin"),
        ("refuse_update", "install_plugin"),
        ("roll_back", "install_plugin"),
        ("pin", "install_plugin"),
        ("unpin", "install_plugin"),
        ("restore", "configure_plugin"),
        ("deny", "grant_plugin"),
    ],
)
def test_verb_without_its_right_is_forbidden(staff: Callable[..., Client], greeter: str, verb: str, right: str) -> None:
    others = {"install_plugin", "activate_plugin", "configure_plugin", "grant_plugin"} - {right}

    assert staff("view_installedplugin", *others).post(f"{greeter}{verb}/").status_code == 403


def test_consent_needs_the_right_to_grant_too(staff: Callable[..., Client], greeter: str, root: Path) -> None:
    _release(root, "2.0.0", "rows:read")
    client = staff("view_installedplugin", "install_plugin")
    client.post(f"{greeter}update/")

    assert "takes the rights to install plugins and to grant" in _text(client, f"{greeter}versions/")
    assert client.post(f"{greeter}update/", {"grants": ["rows:read"]}).status_code == 403


def test_page_shows_what_each_version_counted(admin: Client, greeter: str) -> None:
    now = timezone.now()
    facts = {"version": "1.2.1-canary", "digest": "sha256:abc", "calls": 8, "errors": 2, "total_ms": 12.0}
    RuntimeProcess.objects.create(host="h", pid=1, kind="web", figures={"greeter": facts}, started_at=now, seen_at=now)

    page = _text(admin, f"{greeter}versions/")

    assert "What serves now" in page
    assert "<td>1</td><td>8</td><td>2</td><td>1.500 ms</td>" in page
    assert "1.2.1-canary" in page
