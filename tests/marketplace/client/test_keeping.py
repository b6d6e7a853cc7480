"""Pins against a marketplace, and what is kept of its plugins when they go."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from gridkit_django.exceptions import PluginPinnedError
from gridkit_django.marketplace.client import make_install_plan, refresh_catalogue
from gridkit_django.models import InstalledPlugin, OperationState, PluginRemains
from gridkit_django.plugins import PluginManager
from gridkit_django.tasks.marketplace import count_removal, counting_removal
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.shop import Shop
from tests.marketplace.client.test_install import run

pytestmark = pytest.mark.django_db(transaction=True)


def test_pinned_plugin_is_not_updated_by_plan_manager_operation_or_consent(
    acme: Acme, manager: PluginManager, admin: User, no_probe: None
) -> None:
    acme.publish()
    refresh_catalogue()
    run("install", admin)
    acme.publish("2.0.0", word="two", permissions=("methods:register", "rows:read"))
    refresh_catalogue()
    assert run("update", admin).error_code == "plugin-consent-required"
    manager.pin_plugin(PLUGIN, "the colours of 2.0 are wrong", user=admin)
    told = "pinned to 1.0.0: the colours of 2.0 are wrong"

    plan = make_install_plan(PLUGIN)

    assert (plan.release, plan.verdicts[0].reasons) == (None, (f"it is {told}",))
    (update,) = manager.check_updates()
    assert (update.available, update.fits, told in update.reason) == ("2.0.0", False, True)
    for act in (lambda: manager.update_plugin(PLUGIN), lambda: manager.update_plugin(PLUGIN, "2.0.0", grants=["*"])):
        with pytest.raises(PluginPinnedError, match=told):
            act()
    failed = run("update", admin, grants=["rows:read"], version="2.0.0")
    assert (failed.error_code, told in failed.error_detail) == ("release-unfit", True)
    assert manager.get_plugin(PLUGIN).version == "1.0.0"
    manager.unpin_plugin(PLUGIN, user=admin)
    assert run("update", admin, grants=["rows:read"]).state == OperationState.FINISHED


def test_command_pins_with_a_note_and_unpins(acme: Acme, manager: PluginManager, no_probe: None) -> None:
    acme.publish()
    refresh_catalogue()
    run("install")
    out = StringIO()

    call_command("gridkit_plugin", "pin", PLUGIN, "wait for 2.1", stdout=out)

    assert out.getvalue().strip() == f"{PLUGIN} is pinned to 1.0.0: wait for 2.1"
    with pytest.raises(CommandError, match=r"pinned to 1\.0\.0: wait for 2\.1"):
        call_command("gridkit_plugin", "update", PLUGIN, "--release", "1.0.0")
    with pytest.raises(CommandError, match="Say in 1 to"):
        call_command("gridkit_plugin", "pin", PLUGIN, " ")
    call_command("gridkit_plugin", "unpin", PLUGIN, stdout=out)
    assert not manager.get_plugin(PLUGIN).pinned


def test_pinned_plugin_is_not_updated_for_the_sake_of_another(
    acme: Acme, manager: PluginManager, no_probe: None
) -> None:
    shop = Shop(acme)
    for version in ("1.0.0", "2.0.0"):
        shop.publish("letters", version)
    shop.publish("words", needs=("@acme/letters ^2",))
    refresh_catalogue()
    manager.install_plugin("marketplace:@acme/letters==1.0.0")
    manager.pin_plugin("@acme/letters", "2.0 lost some")

    plan = make_install_plan("@acme/words")

    assert (plan.release, plan.peers) == (None, ())
    assert any("@acme/letters" in reason for reason in plan.verdicts[0].reasons), plan.verdicts
    assert manager.get_plugin("@acme/letters").version == "1.0.0"


def test_kept_data_survives_an_installation_that_is_undone_and_removals_are_counted(
    acme: Acme, manager: PluginManager, admin: User, no_probe: None
) -> None:
    path = f"api/v1/plugins/{PLUGIN}/events/"
    acme.market.answers[path] = {}
    acme.publish()
    refresh_catalogue()
    run("install", admin)
    gone = run("uninstall", admin, data="keep")
    assert (gone.state, list(gone.results)) == (OperationState.FINISHED, ["note", "uninstall", "count"])
    sent = json.loads(acme.market.sent[path])
    assert (sent["kind"], sent["version"]) == ("uninstall", "1.0.0")
    acme.publish("1.1.0", start="raise ValueError('no')")
    refresh_catalogue()

    assert run("install", admin).error_code == "plugin-initialize-failed"

    assert (PluginRemains.objects.count(), InstalledPlugin.objects.count()) == (1, 0)
    acme.market.sent.clear()
    assert run("install", admin, version="1.0.0").state == OperationState.FINISHED
    assert not PluginRemains.objects.exists()
    with counting_removal(InstalledPlugin.objects.get()):
        manager.uninstall_plugin(PLUGIN)
    count_removal("main", PLUGIN, "1.0.0")
    assert json.loads(acme.market.sent[path])["kind"] == "uninstall"
    count_removal("nowhere", PLUGIN, "1.0.0")
