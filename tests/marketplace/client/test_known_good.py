"""The last known good state: noted when all was well, put back as a whole, run where a version can't."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from gridkit_django.exceptions import PluginError, PluginVersionError
from gridkit_django.models import HealthCheckResult, InstalledPlugin, KnownGood, PluginConfig, RuntimeProcess
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.good_states import note_known_good
from gridkit_django.plugins.install import InstallRequest, install
from gridkit_django.plugins.packages import CONTENTS_KEPT, forget_files, prune
from gridkit_django.plugins.update import update_to
from tests.plugins.samples import CODE
from tests.plugins.test_unpacked import PLUGIN, made, source

pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(minutes=61)
CONFIGURED = CODE.replace(
    "class Sample(Plugin):",
    "from pydantic import BaseModel\n\nclass Sample(Plugin):\n"
    "    class Config(BaseModel):\n        greeting: str = 'hello'\n",
)


@pytest.fixture(autouse=True)
def site_folder(tmp_path: Any, settings: Any) -> None:
    settings.GRIDKIT = {"STATE_DIR": str(tmp_path), "HOT_RELOAD": False}


@pytest.fixture
def good(manager: PluginManager) -> InstalledPlugin:
    """1.0.0 was well for an hour and is noted."""
    install(manager.runtime, InstallRequest(source(manager, made(**{"plugin.py": CONFIGURED}))), None)
    row = InstalledPlugin.objects.get()
    row.health_results.create(status="healthy", duration_ms=1.0)
    assert note_known_good(timezone.now()) == (), "it is too new"
    age(row)
    assert note_known_good() == (PLUGIN,)
    return row


def age(row: InstalledPlugin) -> None:
    InstalledPlugin.objects.filter(pk=row.pk).update(changed_at=timezone.now() - LATER)


def take(manager: PluginManager, version: str = "1.1.0", **files: str) -> None:
    found = made(version, "two", **{"plugin.py": CONFIGURED, **files})
    update_to(manager.runtime, PLUGIN, source(manager, found), (), None)


def test_state_is_noted_once_and_anew_after_a_change(good: InstalledPlugin, manager: PluginManager) -> None:
    noted = KnownGood.objects.get()
    assert (noted.version.version, noted.revision) == ("1.0.0", good.revision)
    assert note_known_good() == (), "nothing is new"
    take(manager)
    age(good)
    assert note_known_good() == (PLUGIN,)
    assert KnownGood.objects.get().version.version == "1.1.0"


def sick(row: InstalledPlugin) -> None:
    row.health_results.create(status="degraded", duration_ms=1.0)


def unlooked(row: InstalledPlugin) -> None:
    HealthCheckResult.objects.all().delete()


def suspended(row: InstalledPlugin) -> None:
    InstalledPlugin.objects.filter(pk=row.pk).update(effective_state="suspended")


def behind(row: InstalledPlugin) -> None:
    now = timezone.now()
    RuntimeProcess.objects.create(host="b", pid=1, kind="web", plugins={PLUGIN: 1}, started_at=now, seen_at=now)


def unkept(row: InstalledPlugin) -> None:
    forget_files(row.versions.values_list("digest", flat=True))


@pytest.mark.parametrize("trouble", [sick, unlooked, suspended, behind, unkept])
def test_state_is_not_noted_when_all_was_not_well(
    good: InstalledPlugin, trouble: Callable[[InstalledPlugin], None]
) -> None:
    KnownGood.objects.all().delete()
    InstalledPlugin.objects.update(revision=good.revision + 1)
    trouble(good)
    age(good)
    assert note_known_good() == ()


def test_setting_of_zero_notes_nothing(good: InstalledPlugin, settings: Any) -> None:
    KnownGood.objects.all().delete()
    settings.GRIDKIT = {**settings.GRIDKIT, "KNOWN_GOOD_MINUTES": 0}
    assert note_known_good() == ()


@pytest.mark.both_databases
def test_version_configuration_and_permissions_come_back_together(
    good: InstalledPlugin, manager: PluginManager, admin: User
) -> None:
    take(manager)
    manager.grant_permission(PLUGIN, "rows:read")
    manager.configure_plugin(PLUGIN, {"greeting": "another"})
    manager.revoke_permission(PLUGIN, "storage:use")

    info = manager.go_back_to_known_good(PLUGIN, user=admin)

    assert (info.version, info.pinned, info.effective_state) == ("1.0.0", True, "active")
    decided = {item.name: item.decision for item in info.permissions}
    assert decided.get("rows:read") in {None, ""}
    assert decided["storage:use"] == "revoked", "a person's refusal stays"
    assert manager.get_config(PLUGIN) == {}


def test_only_the_configuration_goes_back_where_the_version_is_the_same(
    good: InstalledPlugin, manager: PluginManager
) -> None:
    manager.configure_plugin(PLUGIN, {"greeting": "another"})
    count = PluginConfig.objects.count()

    info = manager.go_back_to_known_good(PLUGIN)

    assert (info.version, info.pinned, manager.get_config(PLUGIN)) == ("1.0.0", False, {})
    assert PluginConfig.objects.count() == count + 1
    manager.go_back_to_known_good(PLUGIN)
    assert PluginConfig.objects.count() == count + 1, "what is in force already is not stored again"


def test_plugin_without_a_known_good_state_says_so(manager: PluginManager) -> None:
    install(manager.runtime, InstallRequest(source(manager, made())), None)
    with pytest.raises(PluginVersionError, match="not healthy for 60 minutes yet"):
        manager.go_back_to_known_good(PLUGIN)


def test_files_of_the_known_good_version_are_kept_for_ever(good: InstalledPlugin, manager: PluginManager) -> None:
    for number in range(CONTENTS_KEPT + 2):
        take(manager, "1.0.0", **{"text/more.txt": str(number)})
    prune(InstalledPlugin.objects.get())
    assert manager.go_back_to_known_good(PLUGIN).version == "1.0.0"


def test_process_in_which_the_version_does_not_load_runs_the_known_good_one_until_there_is_a_change(
    good: InstalledPlugin, manager: PluginManager
) -> None:
    take(manager)
    manager.stop_all()
    row = InstalledPlugin.objects.get()
    assert row.current_version is not None
    forget_files([row.current_version.digest])
    from_disk = manager.runtime.catalog.unpacked.prune(frozenset())
    assert from_disk > 0

    manager.follow()

    live = manager.runtime.live[PLUGIN]
    assert (live.metadata.version, live.spec.revision) == ("1.0.0", good.revision)
    row.refresh_from_db()
    assert (row.effective_state, row.state_evidence["serves"]) == ("degraded", "1.0.0")
    assert row.current_version.version == "1.1.0", "the wish stays"
    manager.go_back_to_known_good(PLUGIN)
    assert manager.get_plugin(PLUGIN).effective_state == "active"
    assert manager.runtime.live[PLUGIN].spec.revision == InstalledPlugin.objects.get().revision


def test_known_good_state_that_can_not_start_either_leaves_the_plugin_out(
    good: InstalledPlugin, manager: PluginManager
) -> None:
    take(manager)
    manager.stop_all()
    forget_files(good.versions.values_list("digest", flat=True))
    manager.runtime.catalog.unpacked.prune(frozenset())

    manager.follow()

    assert PLUGIN not in manager.runtime.live
    assert InstalledPlugin.objects.get().effective_state == "quarantined"
    with pytest.raises(PluginError):
        manager.go_back_to_known_good(PLUGIN)


def test_admin_shows_it_and_goes_back_with_three_rights(
    good: InstalledPlugin, manager: PluginManager, admin: User
) -> None:
    client = Client()
    client.force_login(admin)
    page = f"/admin/gridkit_django/installedplugin/{good.pk}/"
    assert "Nothing has changed since." in client.get(f"{page}versions/").content.decode()
    take(manager)
    assert "Go back to it" in client.get(f"{page}versions/").content.decode()
    someone = User.objects.create_user("someone", is_staff=True)
    for right in ("view_installedplugin", "install_plugin", "configure_plugin"):
        someone.user_permissions.add(Permission.objects.get(codename=right))
    client.force_login(someone)
    assert client.post(f"{page}known_good/").status_code == 403
    assert client.post(f"/gridkit/api/plugins/{PLUGIN}/known-good/", {}, "application/json").status_code == 403
    client.force_login(admin)

    answer = client.post(f"{page}known_good/", {"tab": "versions"}, follow=True)

    assert "stands as it did when all was well, with 1.0.0." in answer.content.decode()


def test_api_and_command_go_back(good: InstalledPlugin, manager: PluginManager, admin: User) -> None:
    client, out = Client(), StringIO()
    client.force_login(admin)
    take(manager)
    answer = client.post(f"/gridkit/api/plugins/{PLUGIN}/known-good/", {}, "application/json")
    assert (answer.status_code, answer.json()["version"]) == (200, "1.0.0")
    call_command("gridkit_plugin", "known-good", PLUGIN, stdout=out)
    assert "runs 1.0.0 again" in out.getvalue()
    KnownGood.objects.all().delete()
    with pytest.raises(CommandError, match="no last known good"):
        call_command("gridkit_plugin", "known-good", PLUGIN)
