"""The analytics plugin at work, a grid whose events it tells, and the vendors' servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import override_settings

from gridkit_django.events import Actor, EventSource, GridEvent, Visit, acting, event_bus, make_event
from gridkit_django.grids import Grid, grid_registry
from gridkit_django.grids.columns import IntegerColumn, TextColumn
from gridkit_django.models import OutboxChannel, OutboxMessage
from gridkit_django.plugins import PluginManager
from tests.official.analytics.vendors.server import Vendor, serving
from tests.shop.models import Product

PLUGIN = "@gridkit/plugin-analytics"
GRID = "analysed-products"
LOCAL = {"OUTBOX_ALLOW_CLEAR": True, "OUTBOX_ALLOW_PRIVATE": True, "OUTBOX_READ_SECONDS": 1}
VISIT = Visit("session-1", "browser-1")


class AnalysedGrid(Grid):
    """Products whose use is looked at."""

    name = TextColumn(editable=True)
    stock = IntegerColumn(editable=True)
    price = TextColumn(source="sku", permission="shop.view_price")

    class Meta:
        model = Product
        id = GRID
        columns = ["sku", "name", "stock", "price"]
        deletable = True


@pytest.fixture(autouse=True)
def grid() -> Iterator[None]:
    grid_registry().register(AnalysedGrid)
    yield
    grid_registry().unregister(GRID)


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The tasks that were asked for, in place of a broker."""
    told: list[Any] = []
    monkeypatch.setattr("gridkit_django.tasks.queue.CeleryQueue.enqueue_outbox", lambda _self, *args: told.append(args))
    return told


@pytest.fixture
def local() -> Iterator[None]:
    """Let messages go to this machine, unencrypted."""
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, **LOCAL}):
        yield


@pytest.fixture
def serve(local: None, request: pytest.FixtureRequest) -> Callable[[Vendor], Vendor]:
    """Return a function that serves as a vendor until the test ends."""

    def start(vendor: Vendor) -> Vendor:
        served = serving(vendor)
        served.__enter__()
        request.addfinalizer(lambda: served.__exit__(None, None, None))
        return vendor

    return start


@pytest.fixture
def install(manager: PluginManager) -> Callable[..., None]:
    """Return a function that installs the plugin with a configuration."""

    def do(vendor: Vendor | None = None, **config: Any) -> None:
        manager.install_plugin(PLUGIN, config=vendor.configured(**config) if vendor else config)
        if vendor is not None:
            manager.grant_permission(PLUGIN, f"network:{vendor.host}")
        manager.follow()

    return do


def tell(kind: str, payload: Any, *, user: User | None = None, visit: Visit = VISIT) -> GridEvent:
    """Tell an event as a person at a browser makes it."""
    with acting(Actor.from_user(user), EventSource.BROWSER, visit=visit):
        event = make_event(kind, payload, grid=GRID)
        event_bus().emit(event, sender=AnalysedGrid)
    return event


def waiting(channel: str) -> list[dict[str, Any]]:
    """Return what waits in a channel."""
    return [json.loads(text) for text in _messages(channel).values_list("payload", flat=True)]


def _messages(channel: str) -> Any:
    return OutboxMessage.objects.filter(plugin__plugin_id=PLUGIN, channel=channel).order_by("pk")


def keys(channel: str) -> list[str]:
    """Return the keys of what waits in a channel."""
    return list(_messages(channel).values_list("key", flat=True))


def channel_row(name: str) -> OutboxChannel:
    """Return a channel as it is stored now."""
    return OutboxChannel.objects.get(plugin__plugin_id=PLUGIN, name=name)


def again_now(channel: str) -> None:
    """Let the time pass for which a channel waits."""
    OutboxChannel.objects.filter(plugin__plugin_id=PLUGIN, name=channel).update(next_try_at=None)
    _messages(channel).update(due_at=None)
