"""A plugin comes from a marketplace over HTTP, is updated and rolled back; what is wrong is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import (
    MarketplaceError,
    PluginNotListedError,
    PluginSearchError,
    ProbeFailedError,
)
from gridkit_django.marketplace.client import (
    PluginMarketplace,
    make_install_plan,
    recipes,
    refresh_catalogue,
    remote_of,
)
from gridkit_django.marketplace.client.probe import probe
from gridkit_django.marketplace.trust import make_author_key
from gridkit_django.models import (
    InstalledPlugin,
    OperationState,
    PluginOperation,
    PluginPackage,
    PluginVersion,
)
from gridkit_django.plugins import PluginManager, PluginSearchQuery, cancel_operation, request_operation, run_operation
from gridkit_django.plugins import operations as operations_module
from gridkit_django.plugins.operation_run import OperationRun, Step
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.plugins.test_operation_deaths import Killed, lose
from tests.plugins.test_operation_deaths import dying as dying_locally
from tests.plugins.test_unpacked import made

pytestmark = pytest.mark.django_db(transaction=True)

SOURCE = f"marketplace:{PLUGIN}"
NOW = datetime.now(UTC).isoformat()


def ask(kind: str, user: User | None = None, **arguments: Any) -> PluginOperation:
    if kind == "install":
        arguments = {"source": SOURCE, **arguments}
    return request_operation(kind, PLUGIN, arguments, user=user)


def run(kind: str, user: User | None = None, **arguments: Any) -> PluginOperation:
    operation = run_operation(ask(kind, user, **arguments).pk)
    assert operation is not None
    operation.refresh_from_db()
    return operation


def word(manager: PluginManager) -> Any:
    live = manager.runtime.live[PLUGIN]
    return sys.modules[type(live.plugin).__module__].WORD


def test_plan_offers_wheels_of_the_platforms_that_the_site_runs(acme: Acme, site: Callable[..., None]) -> None:
    acme.publish(filename="acme_colours-1.0.0-cp311-cp311-manylinux_2_28_x86_64.whl")
    refresh_catalogue()

    plan = make_install_plan(PLUGIN)

    assert plan.verdicts[0].reasons == (
        "it holds compiled code for manylinux_2_28_x86_64, which this site does not run (PACKAGE_PLATFORM_TAGS)",
    )
    known = {"root": str(acme.root)}
    site(known, MARKETPLACE_TRUSTED=["@acme"], PACKAGE_PLATFORM_TAGS=["manylinux_2_28_x86_64"])
    assert make_install_plan(PLUGIN).release is not None


def nothing_is_left() -> bool:
    return not (InstalledPlugin.objects.exists() or PluginPackage.objects.exists())


@pytest.fixture(autouse=True)
def empty(manager: PluginManager) -> None:
    """Nothing at work before and after."""


def test_plugin_is_installed_with_every_step_in_the_log_and_counted(
    acme: Acme, manager: PluginManager, admin: User
) -> None:
    acme.publish()
    acme.market.answers[f"api/v1/plugins/{PLUGIN}/events/"] = {}
    refresh_catalogue()

    done = run("install", admin)

    assert (done.state, done.error_detail, done.progress) == (OperationState.FINISHED, "", 1.0)
    assert list(done.results) == [*STEPS]
    text = "\n".join(line["text"] for line in done.log)
    for part in ("from main", "could read and change everything", "Signed by", "passed the gate", "imported", "Active"):
        assert part in text
    plugin = manager.get_plugin(PLUGIN)
    assert (plugin.source, plugin.version, plugin.effective_state) == ("marketplace", "1.0.0", "active")
    assert word(manager) == "one"
    origin = PluginVersion.objects.get().origin
    assert (origin["marketplace"], origin["digest"]) == ("main", acme.releases["1.0.0"]["digest"])
    assert PluginPackage.objects.count() == 1, "the wheel is dropped, the files are kept"
    sent = json.loads(acme.market.sent[f"api/v1/plugins/{PLUGIN}/events/"])
    assert (sent["kind"], sent["version"], len(sent["site"])) == ("install", "1.0.0", 32)
    assert acme.market.asked.count(f"POST api/v1/plugins/{PLUGIN}/events/") == 2, "of the download, too"


def test_manager_finds_installs_and_updates_plugins_of_marketplaces(
    acme: Acme, manager: PluginManager, no_probe: None
) -> None:
    acme.publish()
    acme.change("1.0.0")
    refresh_catalogue()
    (found,) = [item for item in manager.search_plugins(PluginSearchQuery(query="colours")) if not item.installed]
    assert (found.ref, found.metadata and found.metadata.version) == (SOURCE, "1.0.0")
    assert [item.ref for item in manager.search_plugins(PluginSearchQuery(sort_by="downloads"))] == [SOURCE]
    with pytest.raises(PluginSearchError):
        manager.search_plugins(PluginSearchQuery(sort_by="colour"))
    info = manager.install_plugin(f"{SOURCE}==1.0.0", grants=["methods:register"])
    assert info.version == "1.0.0"
    assert manager.check_updates() == ()
    acme.publish("1.1.0", word="two")
    refresh_catalogue()
    (update,) = manager.check_updates()
    assert (update.installed, update.available, update.fits, update.ref) == ("1.0.0", "1.1.0", True, SOURCE)
    assert manager.update_plugin(PLUGIN).version == "1.1.0"
    assert word(manager) == "two"
    assert manager.roll_back_plugin(PLUGIN).version == "1.0.0"
    assert word(manager) == "one"
    manager.unpin_plugin(PLUGIN)
    with pytest.raises(MarketplaceError, match="installed already") as caught:
        manager.install_plugin(f"{SOURCE}==1.1.0")
    assert caught.value.extra["code"] == "plugin-state-invalid"
    assert manager.get_plugin(PLUGIN).version == "1.0.0"


def test_update_that_asks_for_more_waits_with_its_files_kept(
    acme: Acme, manager: PluginManager, admin: User, no_probe: None
) -> None:
    acme.publish()
    refresh_catalogue()
    run("install", admin)
    acme.publish("2.0.0", word="two", permissions=("methods:register", "rows:read"))
    refresh_catalogue()

    waits = run("update", admin)

    assert (waits.state, waits.error_code) == (OperationState.WAITING, "plugin-consent-required")
    plugin = manager.get_plugin(PLUGIN)
    assert (plugin.version, plugin.pending and plugin.pending.asks_for) == ("1.0.0", ("rows:read",))
    taken = run("update", admin, grants=["rows:read"])
    assert (taken.state, taken.error_detail) == (OperationState.FINISHED, "")
    assert (manager.get_plugin(PLUGIN).version, manager.get_plugin(PLUGIN).pending) == ("2.0.0", None)


def test_version_that_can_not_start_is_undone_at_install_and_put_back_at_update(
    acme: Acme, manager: PluginManager, admin: User, no_probe: None
) -> None:
    acme.publish("0.9.0", start="raise ValueError('no')")
    refresh_catalogue()
    failed = run("install", admin)
    assert (failed.state, failed.error_code) == (OperationState.FAILED, "plugin-initialize-failed")
    assert nothing_is_left()
    acme.publish("1.0.0")
    refresh_catalogue()
    run("install", admin)
    acme.publish("1.1.0", start="raise ValueError('no')")
    refresh_catalogue()

    failed = run("update", admin)

    assert (failed.state, failed.error_code) == (OperationState.FAILED, "plugin-initialize-failed")
    assert (manager.get_plugin(PLUGIN).version, word(manager)) == ("1.0.0", "one")
    assert "could not start" in make_install_plan(PLUGIN).verdicts[0].reasons[0], "it is not offered again"


WHY_NOT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "untrusted publisher": ({}, {"MARKETPLACE_TRUSTED": []}, "does not trust @acme"),
    "no root": ({}, {"MARKETPLACES": {"main": {"url": "URL"}}}, "no root file"),
    "yanked": ({"state": "yanked", "yanked_reason": "it leaks"}, {}, "taken back: it leaks"),
    "other core": ({"core_version": ">=99"}, {}, "works with GridKit >=99"),
    "other Python": ({"python_version": ">=4"}, {}, "works with Python >=4"),
    "restart": ({"requires_restart": True}, {}, "Django's start"),
    "not reviewed": ({"reviewed": False}, {"MARKETPLACE_REVIEWED_ONLY": True}, "MARKETPLACE_REVIEWED_ONLY"),
    "age unknown": ({"released_at": None}, {"MARKETPLACE_MIN_AGE_HOURS": 24}, "does not say since when"),
    "too young": ({"released_at": NOW}, {"MARKETPLACE_MIN_AGE_HOURS": 24}, "less than 24 hours"),
    "peer": ({"peer_plugins": ["@acme/other >=1"]}, {}, "@acme/other"),
    "dependency": ({"requires": ["no-such-thing>=2"]}, {}, "no-such-thing>=2, which is not installed"),
    "dependency version": ({"requires": ["django>=99"]}, {}, "django>=99, and"),
    "dependency address": ({"requires": ["x @ https://evil.example/x.whl"]}, {}, "an address of its own"),
    "permission": ({"permissions": ["fly"]}, {}, "fly"),
}


@pytest.mark.parametrize("name", WHY_NOT)
def test_plan_says_why_a_release_does_not_fit_and_the_operation_refuses_it(
    acme: Acme, settings: Any, name: str
) -> None:
    facts, given, told = WHY_NOT[name]
    acme.publish()
    acme.change("1.0.0", **facts)
    refresh_catalogue()
    if name == "no root":
        given = {"MARKETPLACES": {"main": {"url": acme.market.url}}}
    settings.GRIDKIT = {**settings.GRIDKIT, **given}

    plan = make_install_plan(PLUGIN)

    assert plan.release is None
    assert any(told in reason for reason in plan.verdicts[0].reasons), plan.verdicts
    failed = run("install")
    assert (failed.state, failed.error_code) == (OperationState.FAILED, "release-unfit")
    assert told in failed.error_detail
    assert nothing_is_left()


def test_plan_takes_the_newest_that_fits_and_explains_the_others(acme: Acme) -> None:
    acme.publish("1.0.0")
    acme.publish("1.1.0", core_version=">=99")
    acme.publish("2.0.0rc1")
    refresh_catalogue()

    plan = make_install_plan(PLUGIN)

    assert plan.chosen().version == "1.0.0"
    assert [(item.version, bool(item.reasons)) for item in plan.verdicts] == [
        ("2.0.0rc1", True),
        ("1.1.0", True),
        ("1.0.0", False),
    ]
    assert make_install_plan(PLUGIN, "2.0.0rc1").chosen().version == "2.0.0rc1"
    with pytest.raises(PluginNotListedError, match="Known are"):
        make_install_plan(PLUGIN, "7")


def test_yanked_release_is_taken_when_it_is_named_with_its_reason_as_a_warning(acme: Acme) -> None:
    acme.publish()
    acme.change("1.0.0", state="yanked", yanked_reason="slow", reviewed=False)
    refresh_catalogue()
    plan = make_install_plan(PLUGIN, "1.0.0")
    assert plan.release is not None
    assert "slow" in plan.warnings[0]
    assert "looked at this release" in plan.warnings[-1]


def tampered(acme: Acme) -> None:
    path = acme.releases["1.0.0"]["url"]
    acme.market.files[path] = acme.market.files[path][:-1] + b"x"


def longer(acme: Acme) -> None:
    acme.market.files[acme.releases["1.0.0"]["url"]] += b"x"


def gone(acme: Acme) -> None:
    del acme.market.files[acme.releases["1.0.0"]["url"]]


def another_listed(acme: Acme) -> None:
    acme.change("1.0.0", digest=f"sha256:{'1' * 64}")


def hidden_permission(acme: Acme) -> None:
    acme.publish("1.0.0", permissions=("methods:register", "rows:write"))
    acme.change("1.0.0", permissions=["methods:register"])


def not_signed(acme: Acme) -> None:
    acme.change("1.0.0", signature="", public_key="")


def signed_by_another(acme: Acme) -> None:
    acme.change("1.0.0", signature="A" * 88)


def hostile(acme: Acme) -> None:
    acme.publish("1.0.0", extra={"../../evil.py": b""})


def crashing(acme: Acme) -> None:
    acme.publish("1.0.0", top="import os, sys; sys.stderr.write('aargh'); os._exit(7)")


def unimportable(acme: Acme) -> None:
    acme.publish("1.0.0", top="import no_such_thing")


LIES = {
    "tampered": (tampered, "trust-digest"),
    "longer": (longer, "trust-length"),
    "gone": (gone, "trust-target-unknown"),
    "another listed": (another_listed, "trust-digest"),
    "hidden permission": (hidden_permission, "package-not-as-listed"),
    "not signed": (not_signed, "signature-invalid"),
    "signed by another": (signed_by_another, "signature-invalid"),
    "hostile": (hostile, "package-path"),
    "crashing": (crashing, "plugin-probe-failed"),
    "unimportable": (unimportable, "plugin-probe-failed"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.unmeasured] * (name == "crashing")) for name in LIES]
)
def test_lie_of_a_marketplace_is_refused_and_nothing_is_left(acme: Acme, name: str) -> None:
    acme.publish()
    lie, code = LIES[name]
    lie(acme)
    refresh_catalogue()

    failed = run("install")

    assert (failed.state, failed.error_code) == (OperationState.FAILED, code), failed.error_detail
    assert nothing_is_left()


def test_release_by_another_key_than_before_is_refused(acme: Acme, admin: User, no_probe: None) -> None:
    acme.publish()
    refresh_catalogue()
    run("install", admin)
    private, acme.public = make_author_key()
    acme.publish("1.1.0", key=private)
    refresh_catalogue()

    failed = run("update", admin)

    assert (failed.state, failed.error_code) == (OperationState.FAILED, "publisher-untrusted")
    assert "another key" in failed.error_detail


STEPS = (
    "resolve",
    "download",
    "trust",
    "gate",
    "dependencies",
    "probe",
    "prepare",
    "switch",
    "activate",
    "start",
    "count",
)


def dying(step: str, place: str) -> Callable[[OperationRun], Any]:
    def act_of(item: Step) -> Callable[[OperationRun], None]:
        def act(run: OperationRun) -> None:
            if place == "after":
                item.act(run)
            raise Killed

        return act

    def recipe(run: OperationRun) -> Any:
        steps = recipes.marketplace_recipe(run)
        assert steps is not None
        return [replace(item, act=act_of(item)) if item.name == step else item for item in steps]

    return recipe


DEATHS = [
    *(("install", step, "after") for step in STEPS),
    ("install", "resolve", "before"),
    ("install", "switch", "before"),
    *(("update", step, "after") for step in ("resolve", "gate", "switch", "start", "count")),
    ("update", "switch", "before"),
    ("roll_back", "switch", "after"),
]
"""A worker that dies after a step, before its mark, leaves more to the next one than one that dies before the step."""

ON_BOTH = {("install", "switch", "after"), ("update", "switch", "after"), ("roll_back", "switch", "after")}


@pytest.mark.parametrize(
    ("kind", "step", "place"),
    [pytest.param(*death, marks=[pytest.mark.both_databases] * (death in ON_BOTH)) for death in DEATHS],
)
def test_operation_goes_on_where_its_worker_died(
    acme: Acme,
    manager: PluginManager,
    admin: User,
    no_probe: None,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    step: str,
    place: str,
) -> None:
    acme.publish()
    refresh_catalogue()
    if kind != "install":
        run("install", admin)
        acme.publish("1.1.0", word="two")
        refresh_catalogue()
    if kind == "roll_back":
        run("update", admin)
    operation = ask(kind, admin)
    with monkeypatch.context() as patch:
        if kind == "roll_back":
            patch.setattr(operations_module, "local_recipe", dying_locally(step, place))
        else:
            patch.setattr(type(manager.remote), "recipe", lambda self, run: dying(step, place)(run))
        with pytest.raises(Killed):
            run_operation(operation.pk)
    lose(operation)

    done = run_operation(operation.pk)

    assert done is not None
    done.refresh_from_db()
    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    version = {"install": "1.0.0", "update": "1.1.0", "roll_back": "1.0.0"}[kind]
    assert (manager.get_plugin(PLUGIN).version, word(manager)) == (version, "two" if version == "1.1.0" else "one")
    assert PluginPackage.objects.count() == (1 if kind == "install" else 2)
    assert PluginVersion.objects.filter(origin={}).count() == 0


def test_stopped_installation_leaves_nothing(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.publish()
    refresh_catalogue()
    operation = ask("install")

    def stop(files: Any) -> None:
        cancel_operation(operation.pk)

    monkeypatch.setattr(recipes, "probe", stop)
    run_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.state == OperationState.CANCELLED
    assert nothing_is_left()


def test_offline_site_installs_nothing_over_the_network(acme: Acme, settings: Any) -> None:
    acme.publish()
    refresh_catalogue()
    settings.GRIDKIT = {**settings.GRIDKIT, "MARKETPLACE_OFFLINE": True}
    assert run("install").error_code == "marketplace-offline"


def test_untrusted_plugin_comes_in_where_the_site_says_so(
    acme: Acme, site: Callable[..., None], no_probe: None
) -> None:
    acme.publish()
    acme.change("1.0.0", signature="", public_key="")
    refresh_catalogue()
    site(MARKETPLACE_ALLOW_UNTRUSTED=True)
    done = run("install")
    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    assert any("not signed" in line["text"] for line in done.log)


def test_specification_class_reaches_everything(acme: Acme, admin: User, no_probe: None) -> None:
    wheel = acme.publish()
    answers = acme.market.answers
    answers[f"api/v1/plugins/{PLUGIN}/events/"] = answers[f"api/v1/plugins/{PLUGIN}/rating/"] = {}
    answers[f"api/v1/plugins/{PLUGIN}/analytics/"] = {"downloads": 3}
    answers[f"api/v1/plugins/{PLUGIN}/unpublish/"] = {}
    answers["api/v1/releases/"] = {"id": PLUGIN, "version": "1.0.0", "state": "quarantined", "url": "x"}
    refresh_catalogue()
    shop = PluginMarketplace(admin)
    assert [item.id for item in shop.search(PluginSearchQuery()).plugins] == [PLUGIN]
    assert shop.get_plugin(PLUGIN).name == "Colours"
    assert (shop.get_featured(), [item.id for item in shop.get_popular()]) == ((), [PLUGIN])
    assert [item.id for item in shop.get_by_category("ui")] == [PLUGIN]
    assert shop.plan(PLUGIN).chosen().version == "1.0.0"
    assert shop.download(PLUGIN) == wheel
    assert shop.install(PLUGIN).version == "1.0.0"
    acme.publish("1.1.0")
    refresh_catalogue()
    assert shop.update(PLUGIN).version == "1.1.0"
    shop.track_download(PLUGIN, "1.0.0")
    shop.track_rating(PLUGIN, 5)
    assert shop.get_analytics(PLUGIN) == {"downloads": 3}
    told = shop.publish(remote_of(PLUGIN), ("a.whl", wheel), {"signature": "s", "public_key": "p"})
    assert told["state"] == "quarantined"
    assert b'filename="a.whl"' in acme.market.sent["api/v1/releases/"]
    shop.unpublish(PLUGIN)
    del answers[f"api/v1/plugins/{PLUGIN}/unpublish/"]
    with pytest.raises(MarketplaceError, match="There is no such thing here"):
        shop.unpublish(PLUGIN)


@pytest.mark.unmeasured
def test_probe_kills_what_takes_too_long_and_what_it_started() -> None:
    files = made(**{"plugin.py": "import time\ntime.sleep(60)\n"})
    with pytest.raises(ProbeFailedError, match="took over"):
        probe(files, seconds=0.01)
