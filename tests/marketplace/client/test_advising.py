"""Advisories: believed by signature, shown, obeyed, overruled where that is allowed, and kept from being installed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gridkit_django.marketplace.client import make_install_plan, refresh_catalogue
from gridkit_django.marketplace.trust import Advisory, AdvisoryAction
from gridkit_django.marketplace.trust.feed import publish_advisories
from gridkit_django.models import CatalogSource
from gridkit_django.plugins import PluginManager
from tests.marketplace.client.packages import PLUGIN, Acme

pytestmark = pytest.mark.django_db(transaction=True)


def advise(acme: Acme, action: AdvisoryAction) -> None:
    publish_advisories(acme.signed.repository, [Advisory(f"GKA-{action}", PLUGIN, "<1.1", action, "It leaks <b>.")])
    acme._serve()
    assert refresh_catalogue(now=True) == {"main": ""}


@pytest.fixture
def installed(acme: Acme, manager: PluginManager, no_probe: None) -> None:
    acme.publish()
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{PLUGIN}")


def test_warning_is_shown_and_nothing_is_stopped(
    installed: None, acme: Acme, manager: PluginManager, admin: User
) -> None:
    advise(acme, AdvisoryAction.WARN)
    client = Client()
    client.force_login(admin)

    page = client.get("/admin/gridkit_django/installedplugin/").content.decode()

    assert "It leaks &lt;b&gt;. (advisory GKA-warn, warn)" in page
    assert manager.get_plugin(PLUGIN).effective_state == "active"
    assert "GKA-warn" in make_install_plan(PLUGIN, "1.0.0").warnings[0]


def test_disable_stops_once_and_an_administrator_overrules_it(
    installed: None, acme: Acme, manager: PluginManager
) -> None:
    advise(acme, AdvisoryAction.DISABLE)
    manager.follow()
    stopped = manager.get_plugin(PLUGIN)
    assert (stopped.effective_state, stopped.state_code, stopped.desired_state) == ("suspended", "advisory", "active")
    assert PLUGIN not in manager.runtime.live
    manager.activate_plugin(PLUGIN)

    refresh_catalogue(now=True)

    assert manager.get_plugin(PLUGIN).effective_state == "active"


def test_block_stops_again_and_keeps_from_being_installed(installed: None, acme: Acme, manager: PluginManager) -> None:
    advise(acme, AdvisoryAction.BLOCK)
    manager.activate_plugin(PLUGIN)
    refresh_catalogue(now=True)
    manager.follow()
    assert manager.get_plugin(PLUGIN).state_code == "advisory"
    assert "GKA-block" in make_install_plan(PLUGIN, "1.0.0").verdicts[0].reasons[0]


def test_feed_that_is_not_signed_changes_nothing(installed: None, acme: Acme, manager: PluginManager) -> None:
    advise(acme, AdvisoryAction.WARN)
    for path in [path for path in acme.market.files if path.endswith("advisories.json")]:
        acme.market.files[path] = b"{}".ljust(len(acme.market.files[path]))

    told = refresh_catalogue(now=True)["main"]

    assert told != ""
    assert len(CatalogSource.objects.get().advisories) == 1
