"""The shelf of broken plugins that start, and go wrong while they work or when they end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gridkit_django.events import event_bus, make_event
from gridkit_django.exceptions import PluginInitializeError
from gridkit_django.models import PluginStorageItem
from tests.plugins.broken_site import BrokenSite
from tests.servers.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FAILING = [
    ("raising_handler", "RuntimeError: the handler went wrong"),
    ("exits_in_handler", "SystemExit: 3"),
    ("recursion", "RecursionError"),
    ("event_flood", "emits more than 20 events a second"),
]


@pytest.mark.parametrize(("name", "reason"), FAILING, ids=[name for name, _ in FAILING])
@pytest.mark.both_databases
def test_handler_that_fails_breaks_nothing_and_is_suspended_after_too_many(
    site: BrokenSite, name: str, reason: str
) -> None:
    plugin_id = site.install(name)
    for number in range(1, 4):
        assert site.neighbour_hears()
        usage = site.manager.usage_of(plugin_id)
        assert usage.calls[0].errors == number if number < 3 else not usage.running
    state, code, told = site.state_of(plugin_id)
    assert (state, code, reason in told) == ("suspended", "too-many-failures", True)
    assert reason in site.recorded(plugin_id, "plugin.suspend")
    site.restart()
    assert site.neighbour_hears()
    assert plugin_id not in site.manager.runtime.live, "only an administrator starts it again"


@pytest.mark.both_databases
def test_storage_flood_ends_at_the_quota_and_keeps_what_fits(site: BrokenSite) -> None:
    plugin_id = site.install("storage_flood")
    for _ in range(5):
        assert site.neighbour_hears()
    stored = sum(PluginStorageItem.objects.filter(plugin__plugin_id=plugin_id).values_list("size", flat=True))
    assert 0 < stored <= 1_000_000
    state, code, told = site.state_of(plugin_id)
    assert (state, code, "would grow over its 1 MB" in told) == ("suspended", "too-many-failures", True)
    assert "1 MB" in site.recorded(plugin_id, "plugin.suspend")


def test_two_plugins_that_answer_each_other_are_cut_after_eight_rounds_and_one_is_suspended(site: BrokenSite) -> None:
    ids = [site.install("loop_ping"), site.install("loop_pong")]
    for number in range(1, 4):
        event_bus().emit(make_event("row:select", {"rowId": "1"}, grid="broken-orders"))
        assert site.neighbour_hears()
        usages = [site.manager.usage_of(plugin_id) for plugin_id in ids]
        if number < 3:
            calls = [usage.calls[0] for usage in usages]
            assert [sum(item.calls for item in calls), sum(item.errors for item in calls)] == [9 * number, number]
    assert [usage.running for usage in usages] == [False, True], "one is enough to cut the circle"
    state, code, told = site.state_of(ids[0])
    assert (state, code, "answer each other in a circle" in told) == ("suspended", "plugin-loop", True)
    assert "answer each other in a circle" in site.recorded(ids[0], "plugin.suspend")


def test_slow_handler_is_left_out_and_the_edit_is_quick_again(site: BrokenSite, settings: Any) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "HANDLER_BUDGET_MS": 5, "BREAKER_SLOW_CALLS": 2}
    plugin_id = site.install("slow_handler")
    for _ in range(4):
        assert site.neighbour_hears()
    (figures,) = site.manager.usage_of(plugin_id).calls
    assert (figures.calls, figures.slow, figures.skipped) == (2, 2, 2)
    state, code, told = site.state_of(plugin_id)
    assert (state, code, "Broken.wait" in told) == ("degraded", "handler-paused", True)
    assert "Broken.wait" in site.recorded(plugin_id, "plugin.degrade")


def test_health_check_that_leaves_the_process_is_a_verdict(site: BrokenSite) -> None:
    plugin_id = site.install("exits_in_health")
    assert site.manager.check_plugin_health(plugin_id).status == "unhealthy"
    assert site.neighbour_hears()
    state, code, told = site.state_of(plugin_id)
    assert (state, code, "SystemExit: 3" in told) == ("degraded", "health-unhealthy", True)
    assert "SystemExit: 3" in site.recorded(plugin_id, "plugin.degrade")


def test_health_check_that_hangs_is_left_behind_and_holds_nobody_up(site: BrokenSite) -> None:
    plugin_id = site.install("hanging_health")
    let_go: threading.Event = site.manager.runtime.live[plugin_id].plugin.let_go  # type: ignore[attr-defined]
    try:
        assert "1 s" in site.manager.check_plugin_health(plugin_id).message
        assert site.neighbour_hears(), "while it hangs"
        assert "still hangs" in site.manager.check_plugin_health(plugin_id).message
        state, code, told = site.state_of(plugin_id)
        assert (state, code, "hangs" in told) == ("degraded", "health-unhealthy", True)
        assert "hangs" in site.recorded(plugin_id, "plugin.degrade")
    finally:
        let_go.set()
    wait_until(lambda: site.manager.check_plugin_health(plugin_id).status == "healthy", 10)
    assert site.state_of(plugin_id)[0] == "active"


def test_plugin_that_raises_when_it_takes_over_keeps_the_old_object_at_work(site: BrokenSite) -> None:
    plugin_id = site.install("raises_in_hot_reload")
    before = site.manager.runtime.live[plugin_id]
    (site.root / "raises_in_hot_reload" / "more.py").write_text("")
    with pytest.raises(PluginInitializeError, match="taking over went wrong"):
        site.manager.reload_plugin(plugin_id)
    assert site.manager.runtime.live[plugin_id] is before
    assert site.neighbour_hears()
    state, code, told = site.state_of(plugin_id)
    assert (state, code, "taking over went wrong" in told) == ("degraded", "plugin-initialize-failed", True)
    assert "taking over went wrong" in site.recorded(plugin_id, "plugin.degrade")


def test_configuration_that_no_longer_validates_is_named_by_its_key(site: BrokenSite) -> None:
    folder = site.place("outgrown_config")
    narrow = (folder / "plugin.py").read_text()
    (folder / "plugin.py").write_text(narrow.replace("le=9", "le=90"))
    plugin_id = site.manager.install_plugin("folder:outgrown_config", config={"minutes": 60}).id
    (folder / "plugin.py").write_text(narrow)
    site.restart()
    assert site.neighbour_hears()
    state, code, told = site.state_of(plugin_id)
    # The files that were installed take these values, so they run on.
    assert (state, code, "minutes" in told) == ("degraded", "plugin-config-invalid", True)
    assert "minutes" in site.recorded(plugin_id, "plugin.degrade")
    assert site.manager.configure_plugin(plugin_id, {"minutes": 9}).effective_state == "active"
