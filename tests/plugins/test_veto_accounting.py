"""A veto is a plugin's proper answer: it counts as a call, not as a failure, and leaves its health alone."""

from __future__ import annotations

import pytest

from gridkit_django.events import event_bus, make_event
from gridkit_django.exceptions import EventRejected
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, PluginMetadata

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


class Guard(Plugin):
    metadata = PluginMetadata(
        id="guard",
        name="Guard",
        version="1.0",
        author="Tests",
        description="Refuses.",
        category="data",
        core_version="*",
        license="MIT",
        required_permissions=["events:subscribe"],
    )

    def initialize(self, context: PluginContext) -> None:
        context.on("row:update", self.refuse, moment="before")

    def refuse(self, event: object) -> None:
        raise EventRejected("no")


def test_veto_counts_as_a_call_and_not_as_a_failure(manager: PluginManager) -> None:
    manager.install_plugin(Guard)
    with pytest.raises(EventRejected, match="no"):
        event_bus().emit(make_event("row:update", {"rowId": "1"}, grid="plugin-orders"))
    figures = manager.usage_of("guard").calls[0]
    assert (figures.calls, figures.errors, figures.last_error) == (1, 0, "")
    assert manager.check_plugin_health("guard").status == "healthy"
    manager.unregister_plugin("guard")
