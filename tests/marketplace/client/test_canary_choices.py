"""Who decides whether one process tries an update first, and for how long: the operation, the site, the author."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from gridkit_django.exceptions import PluginStateError
from gridkit_django.marketplace.client import PluginMarketplace, make_install_plan, refresh_catalogue
from gridkit_django.marketplace.client.auto_update import plan_auto_update, request_auto_updates
from gridkit_django.marketplace.client.canary import is_wanted, trial_seconds
from gridkit_django.models import InstalledPlugin, OperationState, PluginOperation, RuntimeProcess
from gridkit_django.plugins import PluginManager, repeat_operation, request_operation, run_operation
from gridkit_django.plugins.metadata import CanaryWish
from gridkit_django.plugins.operation_run import OperationRun
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.test_api import BASE, client_of
from tests.marketplace.client.test_install import run
from tests.marketplace.client.trials import Act, look, serves, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("usual", "wish", "asked", "seconds"),
    [
        (60, 0, None, 60),
        (60, 300, None, 300),
        (600, 300, None, 600),
        (60, 300, 20, 20),
        (0, 300, 20, 20),
        (0, 300, None, 0),
        (60, 300, 0, 0),
    ],
)
def test_trial_lasts_as_the_operation_says_else_as_the_site_does_or_longer_as_the_author_wishes(
    settings: Any, usual: int, wish: int, asked: int | None, seconds: int
) -> None:
    settings.GRIDKIT = {"CANARY_SECONDS": usual}
    run = OperationRun(PluginOperation(kind="update", plugin_id=PLUGIN, arguments={"canary_seconds": asked}))
    assert is_wanted(run) is (seconds > 0)
    assert not seconds or trial_seconds(run, CanaryWish(seconds=wish)) == seconds


def test_version_that_must_not_serve_beside_another_is_not_tried_and_refused_where_that_was_wanted(
    tried: Acme, manager: PluginManager
) -> None:
    tried.publish("1.2.0", word="two", toml="[canary]\nside_by_side = false")
    refresh_catalogue()

    refused = run("update", canary_seconds=60)
    assert (refused.state, refused.error_code) == (OperationState.FAILED, "canary-not-possible")
    assert "its author says that it must not serve beside" in refused.error_detail
    assert serves(manager) == "1.0.0"

    done = run("update")
    assert (done.state, done.results["appoint"]) == (OperationState.FINISHED, {})
    assert any("its author says" in line["text"] for line in done.log)


def test_update_that_waited_for_consent_is_tried_first_once_it_has_it(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    tried.publish("1.2.0", word="two", permissions=("methods:register", "rows:read"))
    refresh_catalogue()
    seen: list[object] = []

    def act(number: int) -> None:
        look(manager)
        if number == 0:
            live = manager.runtime.live[PLUGIN]
            seen.append((live.metadata.version, live.grants.allows("rows:read")))
            seen.append(InstalledPlugin.objects.get().current_version.version)
        else:
            tell(manager, 40, 0, 1.0, later=61)

    between(act)
    waits = run("update", canary_seconds=60)
    assert (waits.state, waits.canary, seen) == (OperationState.WAITING, {}, [])

    again = repeat_operation(waits, config=None, user=None)
    again.arguments = {**again.arguments, "grants": ["rows:read"]}
    again.save()
    run_operation(again.pk)

    again.refresh_from_db()
    assert (again.state, again.canary["state"]) == (OperationState.FINISHED, "good")
    assert seen == [("1.2.0", True), "1.0.0"]


def test_console_offers_how_an_update_comes_and_asks_for_that(
    acme: Acme, admin: User, manager: PluginManager, no_probe: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[Any] = []
    for place in ("marketplace_detail", "plugin_verbs"):
        monkeypatch.setattr(f"gridkit_django.admin.{place}.enqueue_operation", queued.append)
    client = Client()
    client.force_login(admin)
    acme.publish()
    refresh_catalogue()
    detail = f"/admin/gridkit_django/installedplugin/marketplace/plugin/?id={PLUGIN}"
    assert 'name="canary"' not in client.get(detail).content.decode(), "an installation has nothing to compare with"
    manager.install_plugin(f"marketplace:{PLUGIN}")
    acme.publish("1.1.0")
    refresh_catalogue()
    plugin = f"/admin/gridkit_django/installedplugin/{InstalledPlugin.objects.get().pk}/"
    for address in (detail, f"{plugin}versions/"):
        page = client.get(address).content.decode()
        assert '<option value="" selected>As the site does it: all processes at once</option>' in page
        assert '<option value="900">One process first, for 15 minutes</option>' in page
    settings.GRIDKIT = {**settings.GRIDKIT, "CANARY_SECONDS": 90}
    assert "As the site does it: one process first, for 90 seconds" in client.get(detail).content.decode()

    given = {"password": "root-of-all", "peers-shown": ""}
    refused = client.post(detail, {**given, "canary": "7"})
    assert "Select a valid choice" in refused.content.decode()
    assert "Select a valid choice" in client.post(f"{plugin}update/", {"canary": "7"}, follow=True).content.decode()
    assert queued == []
    for chosen, asked in (("", {}), ("0", {"canary_seconds": 0}), ("3600", {"canary_seconds": 3600})):
        client.post(detail, {**given, "canary": chosen})
        client.post(f"{plugin}update/", {"canary": chosen, "tab": "versions"})
        found = [PluginOperation.objects.get(pk=key).arguments for key in queued[-2:]]
        assert found == [{"version": "1.1.0", "grants": [], "peers": [], **asked}, {"grants": [], **asked}]


def test_api_takes_how_an_update_comes_and_tells_of_the_trial(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridkit_django.api.views.marketplace.enqueue_operation", lambda operation: None)
    client = client_of("install_plugin")
    install = f"{BASE}{PLUGIN}/install/"
    assert client.post(install, {"canarySeconds": 86_401}, format="json").status_code == 422
    assert client.post(install, {"canarySeconds": "60"}, format="json").status_code == 422
    between(lambda number: look(manager) if number == 0 else tell(manager, 40, 10, 1.0, later=1))

    asked = client.post(install, {"canarySeconds": 60}, format="json").json()["operation"]
    assert asked["canary"] is None
    run_operation(asked["id"])

    told = client.get(asked["url"]).json()
    assert (told["state"], told["error"]["code"]) == ("failed", "canary-failed")
    canary = told["canary"]
    assert (canary["state"], canary["version"], canary["before"], canary["seconds"]) == ("failed", "1.1.0", "1.0.0", 60)
    assert canary["reason"].startswith("25.0% of the calls raised")
    assert (canary["new"]["errorShare"], canary["new"]["calls"], canary["limits"]["errorShare"]) == (0.25, 40, 0.05)


def test_installation_has_nothing_to_be_tried_beside(acme: Acme, manager: PluginManager) -> None:
    acme.publish()
    refresh_catalogue()
    answer = client_of("install_plugin").post(f"{BASE}{PLUGIN}/install/", {"canarySeconds": 60}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "plugin-state-invalid")
    with pytest.raises(PluginStateError, match="from 0 to 86400"):
        request_operation("update", PLUGIN, {"canary_seconds": -1}, user=None)


def test_version_that_waits_does_not_pass_by_the_trial_that_the_site_wants(tried: Acme, manager: PluginManager) -> None:
    tried.publish("1.2.0", word="two", permissions=("methods:register", "rows:read"))
    refresh_catalogue()
    assert run("update", canary_seconds=0).state == OperationState.WAITING

    answer = client_of("install_plugin", "grant_plugin").post(
        f"/gridkit/api/plugins/{PLUGIN}/update/", {"version": "1.2.0", "grants": ["rows:read"]}, format="json"
    )

    assert (answer.status_code, serves(manager)) == (409, "1.0.0")
    assert "a worker fetches the release" in answer.json()["detail"]
    assert not manager.is_at_hand(PLUGIN, "1.2.0")
    assert manager.is_at_hand(PLUGIN, "1.0.0")


def test_command_and_marketplace_take_how_an_update_comes(tried: Acme, manager: PluginManager) -> None:
    RuntimeProcess.objects.filter(pid=7).delete()
    with pytest.raises(CommandError, match="canary-not-possible"):
        call_command("gridkit_plugin", "update", PLUGIN, "--canary-seconds=60")
    PluginMarketplace().update(PLUGIN, canary_seconds=0)
    assert serves(manager) == "1.1.0"


def test_release_that_did_worse_on_trial_does_not_come_by_itself_again(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    between(lambda number: look(manager) if number == 0 else tell(manager, 40, 10, 1.0, later=1))
    manager.set_auto_update(PLUGIN, "all")
    (operation,) = request_auto_updates()
    run_operation(operation.pk)

    PluginOperation.objects.update(finished_at=timezone.now() - timedelta(days=30))

    assert request_auto_updates() == ()
    ((version, reason),) = plan_auto_update(InstalledPlugin.objects.get()).held
    assert version == "1.1.0"
    assert reason.startswith("one process tried it, and only a person brings it once more: 25.0% of the calls raised")


def test_plan_tells_what_the_author_asks_and_the_console_offers_no_trial_that_can_not_be(
    acme: Acme, admin: User, manager: PluginManager
) -> None:
    client = Client()
    client.force_login(admin)
    acme.publish()
    acme.publish("1.1.0", canary={"side_by_side": False, "seconds": 0, "later": "ignored"})
    acme.publish("1.2.0", canary={"seconds": 1800})
    refresh_catalogue()
    assert not any("Its author" in told for told in make_install_plan(PLUGIN).warnings), "nothing to be tried beside"
    row = InstalledPlugin.objects.create(plugin_id=PLUGIN, source="marketplace", source_ref=f"marketplace:{PLUGIN}")
    row.current_version = row.versions.create(version="1.0.0", digest="sha256:0", manifest={})
    row.save()

    page = client.get("/admin/gridkit_django/installedplugin/marketplace/plugin/", {"id": PLUGIN, "version": "1.1.0"})

    assert "it must not serve beside the version in use: all processes switch at once" in page.content.decode()
    assert re.findall(r'<option value="(\d*)"', page.content.decode()) == ["", "0"]
    assert make_install_plan(PLUGIN).warnings[-1].endswith("one process tries it for 1800 seconds at least.")
