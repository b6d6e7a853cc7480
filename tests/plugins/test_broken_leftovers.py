"""The shelf of broken plugins that leave something behind when they end: it is undone or told, and all go on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from django.core.paginator import Paginator
from django.core.signals import request_started

from tests.plugins.broken_site import BrokenSite

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Nothing of a broken plugin stays in the process."""
    dumps, page, receivers = json.dumps, Paginator.page, len(request_started.receivers)
    yield
    assert (json.dumps, Paginator.page, len(request_started.receivers)) == (dumps, page, receivers)


def ended(site: BrokenSite, plugin_id: str) -> str:
    """Switch the plugin off, look after it as the end of a request does; what the runtime recorded about it."""
    site.manager.deactivate_plugin(plugin_id)
    site.manager.look_for_leftovers()
    assert site.neighbour_hears()
    return site.recorded(plugin_id, "plugin.clean-up")


def test_plugin_that_raises_when_it_ends_is_ended_all_the_same(site: BrokenSite) -> None:
    plugin_id = site.install("raises_in_destroy")
    site.manager.deactivate_plugin(plugin_id)
    assert plugin_id not in site.manager.runtime.live
    assert site.neighbour_hears()
    assert "destroy() raised RuntimeError: destroy went wrong" in site.recorded(plugin_id, "plugin.end")
    site.manager.activate_plugin(plugin_id)
    site.manager.uninstall_plugin(plugin_id)
    assert site.neighbour_hears()


def test_functions_that_a_plugin_replaced_are_put_back_and_named(site: BrokenSite) -> None:
    plugin_id = site.install("monkeypatching")
    assert site.neighbour_hears(), "beside it"
    told = ended(site, plugin_id)
    assert all(f"{place}, which it had replaced, was put back" in told for place in ("json.dumps", "Paginator.page"))


def test_receiver_that_a_plugin_left_is_disconnected_and_named(site: BrokenSite) -> None:
    plugin_id = site.install("leaked_receiver")
    assert "was disconnected: never_forgotten" in ended(site, plugin_id)


def test_thread_that_a_plugin_left_is_named_until_it_ends(site: BrokenSite) -> None:
    plugin_id = site.install("leaked_thread")
    let_go: threading.Event = site.manager.runtime.live[plugin_id].plugin.let_go  # type: ignore[attr-defined]
    try:
        assert "a thread still runs: leaked-thread" in ended(site, plugin_id)
        assert site.manager.activate_plugin(plugin_id).effective_state == "active"
        assert "leaked-thread" in site.manager.check_plugin_health(plugin_id).message
    finally:
        site.manager.runtime.live[plugin_id].plugin.let_go.set()  # type: ignore[attr-defined]
        let_go.set()


def test_timer_that_a_plugin_left_is_named(site: BrokenSite) -> None:
    plugin_id = site.install("leaked_timer")
    timer: threading.Timer = site.manager.runtime.live[plugin_id].plugin.timer  # type: ignore[attr-defined]
    try:
        assert "a timer still waits" in ended(site, plugin_id)
    finally:
        timer.cancel()
