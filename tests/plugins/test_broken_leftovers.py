"""The shelf of broken plugins that leave something behind when they end: it is undone or reported, and all go on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from django.core.paginator import Paginator
from django.core.signals import request_started

from tests.plugins.broken_site import BrokenSite

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Put back by hand what a broken plugin did, so that no other test suffers when the runtime did not."""
    dumps, page = json.dumps, Paginator.page
    yield
    json.dumps, Paginator.page = dumps, page  # type: ignore[method-assign]
    request_started.disconnect(dispatch_uid="broken-leaked-receiver")


def test_plugin_that_raises_when_it_ends_is_ended_all_the_same(site: BrokenSite) -> None:
    plugin_id = site.install("raises_in_destroy")
    site.manager.deactivate_plugin(plugin_id)
    assert plugin_id not in site.manager.runtime.live
    assert site.neighbour_hears()
    site.manager.activate_plugin(plugin_id)
    site.manager.uninstall_plugin(plugin_id)
    assert site.neighbour_hears()


def test_site_answers_beside_a_plugin_that_patches_and_after_it(site: BrokenSite) -> None:
    plugin_id = site.install("monkeypatching")
    site.manager.deactivate_plugin(plugin_id)
    assert site.neighbour_hears()


@pytest.mark.parametrize("name", ["leaked_receiver", "leaked_thread", "leaked_timer"])
def test_leak_harms_nobody(site: BrokenSite, name: str) -> None:
    plugin_id = site.install(name)
    assert site.neighbour_hears()
    live = site.manager.runtime.live[plugin_id].plugin
    site.manager.deactivate_plugin(plugin_id)
    try:
        assert site.neighbour_hears()
    finally:
        for thing in vars(live).values():
            if isinstance(thing, threading.Event):
                thing.set()
            if isinstance(thing, threading.Timer):
                thing.cancel()
