"""A plugin that sends things out, at work, and a server that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from gridkit_django.models import OutboxChannel
from gridkit_django.plugins import PluginContext, PluginManager, plugin_manager
from tests.outbox.senders import Sender
from tests.outbox.vendor import Vendor, vendor_server

KEY = "key-of-the-vendor"
LOCAL = {"OUTBOX_ALLOW_CLEAR": True, "OUTBOX_ALLOW_PRIVATE": True}


@pytest.fixture
def manager() -> Iterator[PluginManager]:
    """This process's manager, with nothing at work."""
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()
    found.runtime.catalog.remove_object("sender")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with vendor_server() as found, override_settings(GRIDKIT={**django_settings.GRIDKIT, **LOCAL}):
        yield found


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The tasks that were asked for, in place of a broker."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr("gridkit_django.tasks.queue.CeleryQueue.enqueue_outbox", lambda _self, *args: told.append(args))
    return told


@pytest.fixture
def install(
    manager: PluginManager, vendor: Vendor, woken: object, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., PluginContext]:
    """Install the sample plugin as a test wants it, and return its context."""

    def do(**values: Any) -> PluginContext:
        for name in ("prepares", "judges", "delivers"):
            found = values.get(name)
            monkeypatch.setattr(Sender, name, None if found is None else staticmethod(found))
        monkeypatch.setattr(Sender, "options", values.get("options", {}))
        monkeypatch.setattr(Sender, "opens", values.get("opens", True))
        manager.install_plugin(Sender, config={"url": f"{vendor.url}/track", "api_key": KEY}, grants=["storage:use"])
        if values.get("granted", True):
            manager.grant_permission("sender", f"network:{vendor.host}")
        return manager.runtime.live["sender"].plugin.context  # type: ignore[no-any-return]

    return do


@pytest.fixture
def context(install: Callable[..., PluginContext]) -> PluginContext:
    return install()


def channel(name: str = "vendor") -> OutboxChannel:
    """Return a channel as it is stored now."""
    return OutboxChannel.objects.get(plugin__plugin_id="sender", name=name)
