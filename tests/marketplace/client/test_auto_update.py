"""Updates that come by themselves: by the policy, never with more permissions, told, and not again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from gridkit_django.exceptions import PluginStateError
from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.marketplace.client.auto_update import AGAIN_AFTER, plan_auto_update, request_auto_updates
from gridkit_django.models import AuditRecord, AutoUpdate, InstalledPlugin, OperationState, PluginOperation
from gridkit_django.plugins import PluginManager, run_operation
from gridkit_django.plugins.update_policy import admits_update
from gridkit_django.tasks.marketplace import auto_update
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.plugins.samples import Listener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def installed(acme: Acme, manager: PluginManager, no_probe: None) -> Acme:
    acme.publish()
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{PLUGIN}")
    return acme


def offer(acme: Acme, *versions: str, **facts: Any) -> None:
    for version in versions:
        acme.publish(version, word=version, **facts)
    refresh_catalogue()


def held() -> dict[str, str]:
    return dict(plan_auto_update(InstalledPlugin.objects.get()).held)


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        ("off", []),
        ("patches", ["1.4.3", "1.4.9.1"]),
        ("minor", ["1.4.3", "1.4.9.1", "1.5.0"]),
        ("all", ["1.4.3", "1.4.9.1", "1.5.0", "2.0", "1!0.1"]),
    ],
)
def test_policy_admits_newer_releases_only(policy: str, admitted: list[str]) -> None:
    offered = ["1.4.2", "1.4.1", "1.4.3", "1.4.9.1", "1.5.0", "2.0", "1!0.1", "no version"]
    assert [item for item in offered if admits_update(AutoUpdate(policy), "1.4.2", item)] == admitted


def test_task_takes_what_the_policy_admits_by_an_operation_and_tells_of_it(
    installed: Acme, manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(installed, "1.0.1", "1.0.2", "1.1.0", "2.0.0")
    sent: list[Any] = []
    monkeypatch.setattr("gridkit_django.tasks.marketplace.enqueue_operation", sent.append)
    assert auto_update() == [], "nothing comes by itself where nobody says so"
    manager.set_auto_update(PLUGIN, "patches")

    (pk,) = auto_update()

    assert [str(item) for item in sent] == [pk]
    done = run_operation(pk)
    assert done is not None
    assert manager.get_plugin(PLUGIN).version == "1.0.2"
    assert any("patches only" in line["text"] for line in done.log)
    told = AuditRecord.objects.get(action="plugin.auto_update")
    assert (told.changes, told.evidence["policy"]) == ({"version": ["1.0.0", "1.0.2"]}, "patches")
    assert set(held()) == {"1.1.0", "2.0.0"}
    assert "the policy is patches only" in held()["2.0.0"]


def test_release_that_asks_for_more_is_left_to_a_person_and_an_older_one_comes(
    installed: Acme, manager: PluginManager, settings: Any
) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "AUTO_UPDATE": "all"}
    offer(installed, "1.1.0")
    offer(installed, "1.2.0", permissions=("methods:register", "rows:read"))
    plan = plan_auto_update(InstalledPlugin.objects.get())
    assert plan.version == "1.1.0"
    assert "it asks for rows:read" in dict(plan.held)["1.2.0"]
    manager.set_auto_update(PLUGIN, "off")
    assert plan_auto_update(InstalledPlugin.objects.get()).version == "", "its own policy beats the site's"


def hold_by_pin(acme: Acme, manager: PluginManager, settings: Any) -> None:
    manager.pin_plugin(PLUGIN, "stay")


def hold_by_age(acme: Acme, manager: PluginManager, settings: Any) -> None:
    acme.change("1.0.1", released_at=None)
    refresh_catalogue()
    settings.GRIDKIT = {**settings.GRIDKIT, "MARKETPLACE_MIN_AGE_HOURS": 24}


def hold_by_work(acme: Acme, manager: PluginManager, settings: Any) -> None:
    PluginOperation.objects.create(kind="reload", plugin_id=PLUGIN)


def hold_by_switch(acme: Acme, manager: PluginManager, settings: Any) -> None:
    manager.deactivate_plugin(PLUGIN)


@pytest.mark.parametrize("hold", [hold_by_pin, hold_by_age, hold_by_work, hold_by_switch])
def test_what_is_held_does_not_come_by_itself(
    installed: Acme, manager: PluginManager, settings: Any, hold: Callable[[Acme, PluginManager, Any], None]
) -> None:
    offer(installed, "1.0.1")
    manager.set_auto_update(PLUGIN, "all")
    hold(installed, manager, settings)

    assert request_auto_updates() == ()


def test_update_that_failed_is_not_tried_again_within_a_day(installed: Acme, manager: PluginManager) -> None:
    offer(installed, "1.0.1")
    manager.set_auto_update(PLUGIN, "all")
    for path in [path for path in installed.market.files if "1.0.1" in path]:
        del installed.market.files[path]
    (operation,) = request_auto_updates()
    run_operation(operation.pk)
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED

    assert request_auto_updates() == ()
    assert "not tried again within a day" in held()["1.0.1"]
    assert operation.finished_at is not None
    PluginOperation.objects.update(finished_at=operation.finished_at - AGAIN_AFTER - timedelta(minutes=1))
    assert len(request_auto_updates()) == 1


def test_plugin_that_is_listed_no_more_stays(installed: Acme, manager: PluginManager, settings: Any) -> None:
    manager.set_auto_update(PLUGIN, "all")
    settings.GRIDKIT = {**settings.GRIDKIT, "MARKETPLACES": {}}
    assert request_auto_updates() == ()


def test_policy_is_recorded_and_a_wrong_one_refused(installed: Acme, manager: PluginManager) -> None:
    assert manager.set_auto_update(PLUGIN, "minor").auto_update == "minor"
    assert manager.set_auto_update(PLUGIN, "").auto_update == "off"
    changes = AuditRecord.objects.filter(action="plugin.auto_update_policy").values_list("changes", flat=True)
    assert {"auto_update": ["", "minor"]} in changes
    with pytest.raises(PluginStateError, match="Known are off"):
        manager.set_auto_update(PLUGIN, "often")


def test_plugin_of_no_marketplace_has_no_policy(manager: PluginManager, db: None) -> None:
    try:
        manager.install_plugin(Listener)
        with pytest.raises(PluginStateError, match="from no marketplace"):
            manager.set_auto_update("listener", "all")
    finally:
        manager.runtime.catalog.remove_object("listener")


def test_admin_shows_the_policy_and_what_comes_and_changes_it(
    installed: Acme, manager: PluginManager, admin: User
) -> None:
    offer(installed, "1.0.1", "2.0.0")
    client = Client()
    client.force_login(admin)
    page = f"/admin/gridkit_django/installedplugin/{InstalledPlugin.objects.get().pk}/"

    answer = client.post(f"{page}auto_update/", {"tab": "versions", "policy": "patches"}, follow=True)

    text = answer.content.decode()
    assert '<option value="patches" selected>' in text
    assert "1.0.1 comes at the next run." in text
    assert "2.0.0 does not come by itself: the policy is patches only." in text
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_installedplugin"))
    client.force_login(viewer)
    assert 'name="policy"' not in client.get(f"{page}versions/").content.decode()
    assert client.post(f"{page}auto_update/", {"policy": "all"}).status_code == 403


def test_policy_over_the_api_and_by_the_command(installed: Acme, manager: PluginManager, admin: User) -> None:
    client, out = Client(), StringIO()
    client.force_login(admin)
    url = f"/gridkit/api/plugins/{PLUGIN}/auto-update/"
    answer = client.post(url, {"policy": "minor"}, content_type="application/json")
    assert (answer.status_code, answer.json()["autoUpdate"]) == (200, "minor")
    assert client.post(url, {"policy": "often"}, content_type="application/json").status_code in {400, 422}
    call_command("gridkit_plugin", "auto-update", PLUGIN, "site", stdout=out)
    assert "nothing by itself" in out.getvalue()
    with pytest.raises(CommandError, match="not installed"):
        call_command("gridkit_plugin", "auto-update", "@acme/other", "all")
