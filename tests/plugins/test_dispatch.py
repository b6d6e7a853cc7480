"""Guarded dispatch: order, vetoes, failures, critical handlers, savepoints, suspension, who is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from gridkit_django.events import Actor, EventSource, GridEvent, event_bus, make_event, signal_for
from gridkit_django.exceptions import EventRejected, PluginHandlerError, PluginLimitError
from gridkit_django.models import AuditRecord, InstalledPlugin
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, handles
from tests.plugins.samples import Chosen, Critical, Failing, Listener, Refused, Stubborn, metadata
from tests.shop.models import Customer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def silence() -> None:
    Listener.heard.clear()


def update(grid: str | None = "plugin-orders", **payload: Any) -> None:
    event_bus().emit(make_event("row:update", {"rowId": "1", **payload}, grid=grid))


def given(manager: PluginManager, plugin: type[Plugin], **values: Any) -> None:
    """Install a plugin that lives in one test only."""
    manager.install_plugin(plugin, **values)


def test_priority_then_plugin_then_subscription_decide_the_order(manager: PluginManager) -> None:
    calls: list[str] = []

    class Late(Plugin):
        metadata = metadata("a-late", required_permissions=["events:subscribe"])

        def initialize(self, context: PluginContext) -> None:
            for priority in ("low", "normal", "high", "immediate"):
                context.on("row:update", lambda event, name=priority: calls.append(f"a {name}"), priority=priority)

    class Other(Plugin):
        metadata = metadata("b-other", required_permissions=["events:subscribe"])

        def initialize(self, context: PluginContext) -> None:
            context.on("*", lambda event: calls.append(f"b {event.type}") if event.grid else None)

    given(manager, Late)
    given(manager, Other)
    update()
    assert calls == ["a immediate", "a high", "a normal", "b row:update", "a low"]
    for name in ("a-late", "b-other"):
        manager.runtime.catalog.remove_object(name)


def test_grid_decides_which_plugins_serve_it(manager: PluginManager) -> None:
    for plugin in (Chosen, Refused, Listener):
        manager.install_plugin(plugin)
    update("closed-orders")
    assert len(Listener.heard) == 3
    assert [spec.plugin_id for spec in manager.runtime.methods.methods_for("closed-orders")] == ["chosen"]
    Listener.heard.clear()
    manager.uninstall_plugin("chosen")
    update("closed-orders")
    assert Listener.heard == []
    update("no-grid-of-this-site")
    update(None)
    assert len(Listener.heard) == 12


def test_revoked_subscription_counts_for_the_next_event(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    manager.revoke_permission("listener", "events:*")
    update()
    assert Listener.heard == []


def test_failure_of_one_handler_is_kept_from_act_and_other_plugins(manager: PluginManager) -> None:
    class Breaker(Plugin):
        """Leaves the transaction broken, if nobody guards it."""

        metadata = metadata("breaker", required_permissions=["events:subscribe"])

        @handles("row:update", priority="immediate")
        def act(self, event: GridEvent) -> None:
            Customer.objects.create(name="ghost", email="ghost@example.org")
            Customer.objects.create(name="ghost", email="ghost@example.org")

        @handles("row:update", moment="committed")
        def leave(self, event: GridEvent) -> None:
            raise SystemExit(3)

    given(manager, Breaker)
    manager.install_plugin(Listener)
    with transaction.atomic():
        update()
        Customer.objects.create(name="real", email="real@example.org")
    assert list(Customer.objects.values_list("name", flat=True)) == ["real"]
    assert [moment for moment, _ in Listener.heard] == ["before", "after", "committed"]
    errors = {item.last_error.partition(":")[0] for item in manager.usage_of("breaker").calls}
    assert errors == {"IntegrityError", "SystemExit"}
    manager.runtime.catalog.remove_object("breaker")


def test_critical_handler_takes_the_act_down_with_it_and_is_never_suspended(
    manager: PluginManager, settings: object
) -> None:
    settings.GRIDKIT = {"HANDLER_FAILURES_MAX": 1}  # type: ignore[attr-defined]
    manager.install_plugin(Critical)
    for _ in range(3):
        with pytest.raises(PluginHandlerError, match="nothing was changed") as caught:
            update()
    assert isinstance(caught.value.__cause__, OSError)
    assert manager.get_plugin("critical").effective_state == "active"
    manager.revoke_permission("critical", "audit:write")
    update()
    assert manager.get_plugin("critical").effective_state == "suspended"


def test_critical_handler_can_not_stop_what_is_done_to_plugins(manager: PluginManager) -> None:
    manager.install_plugin(Stubborn)
    manager.install_plugin(Listener)
    assert manager.usage_of("stubborn").calls[0].errors == 2
    assert manager.deactivate_plugin("stubborn").desired_state == "inactive"


def test_plugin_is_suspended_after_too_many_failures_and_the_wish_stays(
    manager: PluginManager, settings: object
) -> None:
    settings.GRIDKIT = {"HANDLER_FAILURES_MAX": 4}  # type: ignore[attr-defined]
    manager.install_plugin(Failing)
    update()
    assert manager.usage_of("failing").running
    update()
    assert not manager.usage_of("failing").running
    info = manager.get_plugin("failing")
    assert (info.desired_state, info.effective_state, info.state_code) == ("active", "suspended", "too-many-failures")
    assert "ZeroDivisionError" in info.state_reason
    record = AuditRecord.objects.get(action="plugin.suspend")
    assert (record.actor_id, record.context["evidence"]["failures"]) == ("runtime", 4)
    assert "ada@example.org" not in str(record.context), "further lines of an error show values of rows"
    manager.runtime.stop_all()
    assert not manager.usage_of("failing").running, "nobody starts a suspended plugin by himself"
    assert manager.activate_plugin("failing").effective_state == "active"


def test_suspension_inside_a_transaction_that_is_rolled_back_is_written_after_it(
    manager: PluginManager, settings: object
) -> None:
    settings.GRIDKIT = {"HANDLER_FAILURES_MAX": 2}  # type: ignore[attr-defined]
    manager.install_plugin(Failing)
    with transaction.atomic():
        update()
        transaction.set_rollback(True)
    assert InstalledPlugin.objects.get().effective_state == "active"
    assert "failing" not in manager.runtime.live
    manager.runtime.housekeeping()
    assert InstalledPlugin.objects.get().effective_state == "suspended"


def test_success_ends_a_row_of_failures(manager: PluginManager, settings: object) -> None:
    settings.GRIDKIT = {"HANDLER_FAILURES_MAX": 2}  # type: ignore[attr-defined]

    class Moody(Plugin):
        metadata = metadata("moody", required_permissions=["events:subscribe"])

        @handles("row:update")
        def act(self, event: GridEvent) -> None:
            if event.payload.get("bad"):
                raise ValueError("bad")

    given(manager, Moody)
    for bad in (True, False, True, False):
        update(bad=bad)
    assert manager.usage_of("moody").running
    manager.runtime.catalog.remove_object("moody")


def test_veto_after_the_act_is_a_failure_not_a_veto(manager: PluginManager) -> None:
    class TooLate(Plugin):
        metadata = metadata("too-late", required_permissions=["events:subscribe"])

        @handles("row:update", "plugin:install")
        def act(self, event: GridEvent) -> None:
            raise EventRejected("too late")

    given(manager, TooLate)
    update()
    assert manager.usage_of("too-late").calls[0].errors == 1
    manager.runtime.catalog.remove_object("too-late")


def test_veto_of_a_plugin_event_is_not_heard(manager: PluginManager) -> None:
    class Tyrant(Plugin):
        metadata = metadata("tyrant", required_permissions=["events:subscribe"])

        @handles("plugin:*", moment="before")
        def act(self, event: GridEvent) -> None:
            raise EventRejected("I stay")

    given(manager, Tyrant)
    signal_for("plugin:deactivate", "before").send(
        sender=GridEvent, event=make_event("plugin:deactivate", {"pluginId": "tyrant"})
    )
    assert manager.usage_of("tyrant").calls[0].errors == 1
    manager.deactivate_plugin("tyrant")
    assert not manager.usage_of("tyrant").running
    manager.runtime.catalog.remove_object("tyrant")


def test_plugin_does_not_hear_itself_and_over_its_limit_it_is_refused(manager: PluginManager) -> None:
    class Echo(Plugin):
        metadata = metadata(
            "echo",
            required_permissions=["events:subscribe", "events:emit"],
            resource_limits={"max_event_handlers": 1},
        )
        heard: list[str] = []

        def initialize(self, context: PluginContext) -> None:
            self.remove = context.on("row:select", lambda event: self.heard.append(event.actor.label))

    given(manager, Echo)
    plugin: Any = manager.runtime.live["echo"].plugin
    plugin.context.emit("row:select", {"rowId": "1"}, grid="plugin-orders")
    assert Echo.heard == []
    event_bus().emit(
        GridEvent("row:select", {"rowId": "1"}, "plugin-orders", Actor.plugin("somebody"), EventSource.PLUGIN)
    )
    assert Echo.heard == ["somebody"]
    with pytest.raises(PluginLimitError, match="max_event_handlers"):
        plugin.context.on("row:update", plugin.heard.append)
    plugin.remove()
    plugin.remove()
    event_bus().emit(make_event("row:select", {"rowId": "1"}, grid="plugin-orders"))
    assert Echo.heard == ["somebody"]
    plugin.context.on("row:update", lambda event: Echo.heard.append("late"))
    update()
    assert Echo.heard == ["somebody", "late"], "a subscription of a plugin at work counts at once"
    manager.runtime.catalog.remove_object("echo")
