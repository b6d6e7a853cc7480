"""The pages of plugins in the admin, and what administrators do there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm

from gridkit_django.models import AuditRecord, DesiredState, InstalledPlugin, PluginPermissionGrant, RuntimeProcess
from gridkit_django.plugins import PluginManager

# Plugins follow after the commit, so these tests commit.
pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/gridkit_django/installedplugin/"


def _text(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def test_list_shows_state_wish_and_health_and_is_searched_by_name(admin: Client, greeter: str) -> None:
    admin.post(f"{greeter}check/")

    page = _text(admin, LIST)

    assert "Greeter" in page
    assert "gridkit-badge-good" in page
    assert "healthy" in page
    assert "1 plugin" in _text(admin, f"{LIST}?q=greets+people")
    assert "0 plugins" in _text(admin, f"{LIST}?q=nothing-of-the-kind")


def test_list_filtered_by_category_keeps_this_category(admin: Client, greeter: str) -> None:
    assert "1 plugin" in _text(admin, f"{LIST}?category=utility")
    assert "0 plugins" in _text(admin, f"{LIST}?category=export")


def test_pages_show_permissions_with_their_meaning_the_form_and_the_use(admin: Client, greeter: str) -> None:
    assert "talk to api.example.org (kept for a later version; nothing yet)" in _text(admin, f"{greeter}permissions/")
    assert 'name="times" value="1"' in _text(admin, f"{greeter}configuration/")
    assert "In this process" in _text(admin, f"{greeter}change/")


def test_page_shows_which_process_runs_which_revision(admin: Client, greeter: str) -> None:
    now = timezone.now()
    plugin = InstalledPlugin.objects.get()
    for pid, revisions in ((1, {"greeter": plugin.revision}), (2, {"greeter": plugin.revision - 1}), (3, {})):
        RuntimeProcess.objects.create(
            host="h", pid=pid, kind="web", plugins=revisions, started_at=now, seen_at=now - timedelta(seconds=pid)
        )

    page = _text(admin, f"{greeter}change/")

    assert "older revision" in page
    assert "does not run it" in page
    assert "runs it" in page


def test_page_of_no_plugin_is_not_found(admin: Client) -> None:
    _text(admin, f"{LIST}999/change/", status=404)


def test_deactivate_then_activate_changes_the_wish_and_is_recorded(admin: Client, greeter: str) -> None:
    admin.post(f"{greeter}deactivate/")
    assert InstalledPlugin.objects.get().desired_state == "inactive"

    answer = admin.post(f"{greeter}activate/", follow=True)

    assert InstalledPlugin.objects.get().effective_state == "active"
    assert "Greeter is active." in answer.content.decode()
    assert {"plugin.deactivate", "plugin.activate"} <= set(AuditRecord.objects.values_list("action", flat=True))
    assert AuditRecord.objects.filter(action="plugin.deactivate", actor_label="root").exists()


def test_verb_by_get_is_not_allowed(admin: Client, greeter: str) -> None:
    _text(admin, f"{greeter}deactivate/", status=405)
    assert InstalledPlugin.objects.get().desired_state == "active"


def test_reload_says_that_it_was_loaded_anew(admin: Client, greeter: str) -> None:
    assert "loaded anew" in admin.post(f"{greeter}reload/", follow=True).content.decode()


def test_revoke_and_grant_change_the_decision(admin: Client, greeter: str) -> None:
    admin.post(f"{greeter}revoke/", {"permission": "storage:use"})
    assert PluginPermissionGrant.objects.get(permission="storage:use").decision == "revoked"

    admin.post(f"{greeter}grant/", {"permission": "storage:use"})

    assert PluginPermissionGrant.objects.get(permission="storage:use").decision == "granted"


def test_grant_of_an_unknown_permission_is_told_on_the_page(admin: Client, greeter: str) -> None:
    answer = admin.post(f"{greeter}grant/", {"permission": "moon:walk"}, follow=True)

    assert "There is no permission" in answer.content.decode()


def test_configure_puts_a_new_revision_in_force(admin: Client, greeter: str, manager: PluginManager) -> None:
    answer = admin.post(f"{greeter}configure/", {"word": "salut", "times": "3"}, follow=True)

    assert "is in force" in answer.content.decode()
    assert manager.get_config("greeter") == {"word": "salut", "times": 3}


def test_configure_with_a_value_that_the_form_refuses_keeps_what_was_typed(admin: Client, greeter: str) -> None:
    page = admin.post(f"{greeter}configure/", {"word": "salut", "times": "many"}).content.decode()

    assert "Enter a whole number" in page
    assert 'value="salut"' in page


def test_configure_with_a_value_that_the_plugin_refuses_names_the_field(
    admin: Client, greeter: str, manager: PluginManager
) -> None:
    page = admin.post(f"{greeter}configure/", {"word": "much too long a word", "times": "2"}).content.decode()

    assert "errorlist" in page
    assert "at most 10 characters" in page
    assert manager.get_config("greeter").get("word", "hello") == "hello"


def test_configure_that_makes_the_start_fail_is_told(admin: Client, greeter: str) -> None:
    answer = admin.post(f"{greeter}configure/", {"word": "boom", "times": "2"}, follow=True)

    assert "no such word" in answer.content.decode()


def test_uninstall_removes_the_plugin_and_keeps_the_records(admin: Client, greeter: str) -> None:
    page = _text(admin, f"{greeter}change/")
    assert "What goes with it" in page
    taken = admin.post(f"{greeter}export_data/")
    assert (taken["Content-Disposition"], taken.json()["plugin"]) == ('attachment; filename="greeter.json"', "greeter")

    answer = admin.post(f"{greeter}uninstall/", {"data": "keep"}, follow=True)

    assert "its configuration and storage are kept" in answer.content.decode()

    assert answer.redirect_chain[-1][0] == LIST
    assert not InstalledPlugin.objects.exists()
    assert AuditRecord.objects.filter(action="plugin.uninstall").exists()


@pytest.mark.parametrize("data", [{}, {"data": "Keep"}])
def test_uninstall_that_does_not_say_what_becomes_of_the_data_does_nothing(
    admin: Client, greeter: str, data: dict[str, str]
) -> None:
    answer = admin.post(f"{greeter}uninstall/", data, follow=True)

    assert "Nothing was done" in answer.content.decode()
    assert InstalledPlugin.objects.exists()


@pytest.mark.parametrize(
    ("verb", "right"),
    [
        ("activate", "activate_plugin"),
        ("deactivate", "activate_plugin"),
        ("reload", "activate_plugin"),
        ("check", "activate_plugin"),
        ("grant", "grant_plugin"),
        ("revoke", "grant_plugin"),
        ("configure", "configure_plugin"),
        ("uninstall", "install_plugin"),
        ("export_data", "install_plugin"),
        ("export_data", "configure_plugin"),
    ],
)
def test_verb_without_its_right_is_forbidden(staff: Callable[..., Client], greeter: str, verb: str, right: str) -> None:
    others = {"install_plugin", "activate_plugin", "configure_plugin", "grant_plugin"} - {right}
    client = staff("view_installedplugin", *others)

    assert client.post(f"{greeter}{verb}/").status_code == 403


def test_right_on_one_plugin_lets_act_on_that_one_only(staff: Callable[..., Client], greeter: str) -> None:
    client, plugin = staff("view_installedplugin"), InstalledPlugin.objects.get()
    other = InstalledPlugin.objects.create(plugin_id="other", source=plugin.source, source_ref="other")
    assign_perm("gridkit_django.activate_plugin", User.objects.get(username="staff"), plugin)

    assert client.post(f"{greeter}deactivate/").status_code == 302
    assert client.post(f"{LIST}{other.pk}/deactivate/").status_code == 403
    plugin.refresh_from_db()
    assert plugin.desired_state == DesiredState.INACTIVE


def test_page_for_a_viewer_without_rights_shows_no_verb(staff: Callable[..., Client], greeter: str) -> None:
    viewer = staff("view_installedplugin")

    page = _text(viewer, f"{greeter}change/")

    assert "Greets people." in page
    assert "Deactivate" not in page
    assert "Revoke" not in _text(viewer, f"{greeter}permissions/")
    assert "Save configuration" not in _text(viewer, f"{greeter}configuration/")


@pytest.mark.parametrize("tab", ["change", "configuration", "permissions"])
def test_page_without_the_right_to_view_is_forbidden(staff: Callable[..., Client], greeter: str, tab: str) -> None:
    _text(staff("view_auditrecord"), f"{greeter}{tab}/", status=403)


def test_verb_goes_back_to_the_tab_it_came_from(admin: Client, greeter: str) -> None:
    answer = admin.post(f"{greeter}revoke/", {"permission": "storage:use", "tab": "permissions"})

    assert answer["Location"] == f"{greeter}permissions/"
    assert admin.post(f"{greeter}check/", {"tab": "//evil.example"})["Location"] == f"{greeter}change/"


def test_configuration_of_one_grid_is_saved_for_this_grid_only(
    admin: Client, greeter: str, manager: PluginManager
) -> None:
    admin.post(f"{greeter}configure/", {"word": "salut", "times": "3", "gridkit-grid": "flights"})

    assert manager.get_config("greeter", grid="flights") == {"word": "salut", "times": 3}
    assert manager.get_config("greeter") == {}
    assert 'value="salut"' in _text(admin, f"{greeter}configuration/?grid=flights")
    assert 'value="salut"' not in _text(admin, f"{greeter}configuration/")
    _text(admin, f"{greeter}configuration/?grid=nowhere", status=404)


def test_page_of_a_plugin_whose_files_are_gone_still_opens(
    admin: Client, greeter: str, root: Path, manager: PluginManager
) -> None:
    for file in (root / "greeter").iterdir():
        if file.is_file():
            file.unlink()
    admin.post(f"{greeter}reload/")

    assert "Greeter" in _text(admin, f"{greeter}change/")
