"""Permissions that plugins ask for: told once, denied by an administrator, never asked for again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from gridkit_django.events import GridEvent, Moment, signal_for
from gridkit_django.exceptions import PluginLimitError, PluginPermissionError, PluginStateError
from gridkit_django.models import AuditRecord, InstalledPlugin, PluginPermissionGrant
from gridkit_django.plugins import Plugin, PluginContext, PluginManager
from tests.plugins.samples import metadata

pytestmark = pytest.mark.django_db(transaction=True)

RATES = "network:rates.example.org"


class Asker(Plugin):
    """Asks for what its manifest does not name."""

    metadata = metadata("asker", required_permissions=["storage:use"])


@pytest.fixture
def asker(manager: PluginManager) -> Iterator[PluginContext]:
    manager.install_plugin(Asker)
    yield manager.runtime.live["asker"].plugin.context
    manager.runtime.catalog.remove_object("asker")


@pytest.fixture
def told() -> Iterator[list[GridEvent]]:
    """The events of requests and denials, as they were committed."""
    found: list[GridEvent] = []

    def hear(*, event: GridEvent, **_kwargs: object) -> None:
        found.append(event)

    signals = [signal_for(name, Moment.COMMITTED) for name in ("plugin:request", "plugin:deny")]
    for signal in signals:
        signal.connect(hear)
    yield found
    for signal in signals:
        signal.disconnect(hear)


def decision(permission: str) -> str | None:
    return PluginPermissionGrant.objects.filter(permission=permission).values_list("decision", flat=True).first()


@pytest.mark.both_databases
def test_request_is_told_once_in_the_name_of_the_plugin(asker: PluginContext, told: list[GridEvent]) -> None:
    for _ in range(3):
        assert not asker.request_permission(RATES, "to fetch rates")

    (event,) = told
    assert (event.type, event.actor.kind, event.actor.id, event.source) == (
        "plugin:request",
        "plugin",
        "asker",
        "plugin",
    )
    assert dict(event.payload) == {"pluginId": "asker", "permission": RATES, "reason": "to fetch rates"}
    record = AuditRecord.objects.get(action="plugin.request")
    assert (record.actor_kind, record.context["correlationId"]) == ("plugin", event.correlation_id)


@pytest.mark.both_databases
def test_denied_request_is_recorded_and_not_asked_again(
    manager: PluginManager, asker: PluginContext, told: list[GridEvent]
) -> None:
    user = User.objects.create(username="root")
    asker.request_permission(RATES, "to fetch rates")
    before = InstalledPlugin.objects.get().revision

    info = manager.deny_permission("asker", RATES, user=user)
    manager.deny_permission("asker", RATES, user=user)
    assert not asker.request_permission(RATES, "please")

    assert {item.name: item.decision for item in info.permissions}[RATES] == "denied"
    assert [event.type for event in told] == ["plugin:request", "plugin:deny"]
    assert told[1].payload["permission"] == RATES
    record = AuditRecord.objects.get(action="plugin.deny")
    assert (record.actor_id, record.changes) == (str(user.pk), {RATES: ["requested", "denied"]})
    assert PluginPermissionGrant.objects.get(permission=RATES).decided_by == user
    assert InstalledPlugin.objects.get().revision == before


def test_denial_starts_no_plugin_anew(manager: PluginManager, asker: PluginContext) -> None:
    live = manager.runtime.live["asker"]

    manager.deny_permission("asker", RATES)

    assert manager.runtime.live["asker"] is live
    assert decision(RATES) == "denied"


def test_denial_can_be_turned_into_a_grant(manager: PluginManager, asker: PluginContext) -> None:
    manager.deny_permission("asker", RATES)
    manager.grant_permission("asker", RATES)

    assert manager.runtime.live["asker"].plugin.context.has_permission(RATES)


@pytest.mark.parametrize("verb", ["grant_permission", "revoke_permission"])
def test_what_is_granted_or_revoked_can_not_be_denied(manager: PluginManager, asker: PluginContext, verb: str) -> None:
    getattr(manager, verb)("asker", "rows:read")
    before = decision("rows:read")

    with pytest.raises(PluginStateError, match="already"):
        manager.deny_permission("asker", "rows:read")
    assert decision("rows:read") == before


def test_denial_takes_nothing_away_that_a_wildcard_grants(manager: PluginManager, asker: PluginContext) -> None:
    manager.grant_permission("asker", "rows:*")

    manager.deny_permission("asker", "rows:read")

    assert manager.runtime.live["asker"].plugin.context.has_permission("rows:read")


@pytest.mark.parametrize("name", ["rows:*", "rows:fly"])
def test_only_a_single_permission_can_be_denied(manager: PluginManager, asker: PluginContext, name: str) -> None:
    with pytest.raises(PluginPermissionError):
        manager.deny_permission("asker", name)


def test_permission_under_a_revoked_wildcard_is_not_asked_for(manager: PluginManager, asker: PluginContext) -> None:
    manager.revoke_permission("asker", "network:*.example.org")

    assert not asker.request_permission(RATES)
    assert decision(RATES) is None


def test_plugin_may_not_flood_the_administrator_with_requests(asker: PluginContext, told: list[GridEvent]) -> None:
    for number in range(20):
        asker.request_permission(f"network:host-{number}.example.org")

    with pytest.raises(PluginLimitError, match="20 permissions"):
        asker.request_permission(RATES)
    assert not asker.request_permission("network:host-3.example.org")
    assert len(told) == 20
