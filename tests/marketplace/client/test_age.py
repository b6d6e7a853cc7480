"""A release that is too young is taken by no path, each says so in the same words, and a mended one may pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gridkit_django.exceptions import ReleaseUnfitError, TrustTimesError
from gridkit_django.marketplace.client import PluginMarketplace, make_install_plan, refresh_catalogue
from gridkit_django.marketplace.trust import AdvisoryAction
from gridkit_django.models import CatalogEntry, OperationState, PluginVersion
from gridkit_django.plugins import PluginManager
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.test_advising import advise
from tests.marketplace.client.test_bundle import bundle as bundle
from tests.marketplace.client.test_install import run

pytestmark = pytest.mark.django_db(transaction=True)

REASON = "it is public for less than 24 hours; this site waits 24 hours (MARKETPLACE_MIN_AGE_HOURS), until "


def hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


@pytest.fixture
def wait(settings: Any) -> Callable[..., None]:
    """Let the site wait for releases; further keys may be given."""

    def configure(hours: int = 24, **values: Any) -> None:
        settings.GRIDKIT = {**settings.GRIDKIT, "MARKETPLACE_MIN_AGE_HOURS": hours, **values}

    return configure


@pytest.fixture
def young(acme: Acme, manager: PluginManager, no_probe: None) -> Acme:
    """1.0.0 is installed, 1.1.0 is public since an hour."""
    acme.publish("1.0.0", released_at=hours_ago(100))
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{PLUGIN}")
    acme.publish("1.1.0", word="two", released_at=hours_ago(1))
    refresh_catalogue()
    return acme


def test_dry_run_update_download_and_list_of_updates_give_the_same_reason(
    young: Acme, manager: PluginManager, wait: Callable[..., None]
) -> None:
    wait()

    (reason,) = make_install_plan(PLUGIN).verdicts[0].reasons

    assert reason.startswith(REASON)
    assert make_install_plan(PLUGIN, "1.1.0").verdicts[0].reasons == (reason,)
    failed = run("update")
    assert (failed.state, failed.error_code) == (OperationState.FAILED, "release-unfit")
    assert reason in failed.error_detail
    (found,) = manager.check_updates()
    assert (found.fits, found.reason) == (False, reason)
    with pytest.raises(ReleaseUnfitError, match=r"less than 24 hours"):
        PluginMarketplace().download(PLUGIN, "1.1.0")
    assert manager.get_plugin(PLUGIN).version == "1.0.0"


def test_kept_version_that_is_too_young_is_not_pinned_by_its_number_but_rolled_back_to(
    young: Acme, manager: PluginManager, wait: Callable[..., None]
) -> None:
    manager.update_plugin(PLUGIN)
    manager.roll_back_plugin(PLUGIN)
    manager.unpin_plugin(PLUGIN)
    wait()

    with pytest.raises(ReleaseUnfitError) as caught:
        manager.update_plugin(PLUGIN, "1.1.0")

    assert REASON in str(caught.value)
    assert manager.update_plugin(PLUGIN, "1.0.0").version == "1.0.0", "it is old enough"
    assert manager.roll_back_plugin(PLUGIN, "1.1.0").version == "1.1.0"
    PluginVersion.objects.filter(version="1.0.0").update(origin={})
    manager.unpin_plugin(PLUGIN)
    assert manager.update_plugin(PLUGIN, "1.0.0").version == "1.0.0", "it came from no marketplace"


def test_bundle_brings_no_release_that_is_too_young(
    acme: Acme, bundle: Callable[..., Path], manager: PluginManager, wait: Callable[..., None]
) -> None:
    acme.publish(released_at=hours_ago(1))
    bundle("1.0.0")
    wait()
    refresh_catalogue()

    failed = run("install")

    assert REASON in failed.error_detail


def test_age_counts_only_where_it_is_signed(young: Acme, wait: Callable[..., None]) -> None:
    wheel = young.publish("1.2.0", released_at=hours_ago(100))
    young.signed.publish("acme_colours-1.2.0-py3-none-any.whl", wheel)
    young._serve()
    refresh_catalogue(now=True)
    say_seen(None)
    wait()
    assert make_install_plan(PLUGIN).chosen().version == "1.2.0", "it is listed as old"

    failed = run("update")

    assert (failed.state, failed.error_code) == (OperationState.FAILED, "release-unfit")
    assert "or not under its signature" in failed.error_detail
    with pytest.raises(ReleaseUnfitError, match="not under its signature"):
        PluginMarketplace().download(PLUGIN, "1.2.0")
    say_seen(hours_ago(30))
    assert run("update").error_detail == "", "who has seen it for long needs nobody's word"
    assert PluginVersion.objects.get(version="1.2.0").origin["released_at"] is None


@pytest.mark.parametrize("field", ["uploaded_at", "released_at"])
def test_time_that_is_listed_otherwise_than_signed_is_a_lie(young: Acme, field: str) -> None:
    young.publish("1.2.0", uploaded_at=hours_ago(3), released_at=hours_ago(2))
    young.change("1.2.0", **{field: hours_ago(100)})
    refresh_catalogue(now=True)

    with pytest.raises(TrustTimesError, match=field):
        PluginMarketplace().download(PLUGIN, "1.2.0")


def test_release_that_the_site_saw_late_waits_whatever_the_marketplace_signs(
    young: Acme, wait: Callable[..., None]
) -> None:
    young.publish("1.2.0", released_at=hours_ago(1000), seen_at=hours_ago(1000))
    refresh_catalogue(now=True)
    wait()

    (reason,) = make_install_plan(PLUGIN, "1.2.0").verdicts[0].reasons

    assert reason.startswith("it is known to this site for less than 24 hours; this site waits 24 hours")
    assert make_install_plan(PLUGIN, "1.0.0").release is not None, "it came with the first load"
    say_seen(hours_ago(25))
    refresh_catalogue(now=True)
    assert make_install_plan(PLUGIN, "1.2.0").release is not None
    young.publish("1.2.0", word="other content", released_at=hours_ago(1000))
    refresh_catalogue(now=True)
    assert make_install_plan(PLUGIN, "1.2.0").release is None, "another file under the same number is news"


def say_seen(moment: str | None) -> None:
    """Let the site have seen all releases at a moment."""
    entry = CatalogEntry.objects.get(plugin_id=PLUGIN)
    for item in entry.detail["versions"]:
        item["seen_at"] = moment
    entry.save()


@pytest.mark.parametrize(
    ("said", "given", "passes"),
    [
        (AdvisoryAction.WARN, {"MARKETPLACE_FIXES_AT_ONCE": True}, True),
        (AdvisoryAction.WARN, {}, False),
        (None, {"MARKETPLACE_FIXES_AT_ONCE": True}, False),
    ],
    ids=["mended", "not by the settings", "nothing to mend"],
)
def test_release_that_mends_what_an_advisory_tells_of_passes_where_the_settings_let_it(
    young: Acme, wait: Callable[..., None], said: AdvisoryAction | None, given: dict[str, Any], passes: bool
) -> None:
    wait(**given)
    if said is not None:
        advise(young, said)

    plan = make_install_plan(PLUGIN)

    assert (plan.release is not None) is passes


def test_advisory_lets_no_older_release_and_no_first_installation_pass(
    acme: Acme, manager: PluginManager, no_probe: None, wait: Callable[..., None]
) -> None:
    acme.publish("1.1.0", released_at=hours_ago(100))
    acme.publish("0.9.0", released_at=hours_ago(1))
    acme.publish("1.2.0", released_at=hours_ago(1))
    refresh_catalogue()
    wait(MARKETPLACE_FIXES_AT_ONCE=True)
    assert make_install_plan(PLUGIN).chosen().version == "1.1.0"
    manager.install_plugin(f"marketplace:{PLUGIN}")
    advise(acme, AdvisoryAction.WARN)
    assert make_install_plan(PLUGIN, "0.9.0").release is None
    assert make_install_plan(PLUGIN, "1.2.0").release is None, "the version in use is not concerned"
