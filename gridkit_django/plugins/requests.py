"""Permissions that plugins ask for at run time: noted once, told once, decided by an administrator."""

from __future__ import annotations

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor, EventSource, acting, current_act, event_bus, make_event
from gridkit_django.exceptions import PluginLimitError
from gridkit_django.models import GrantDecision, InstalledPlugin, PluginPermissionGrant
from gridkit_django.plugins.permissions import covers
from gridkit_django.plugins.savepoints import database

REASON_LENGTH_MAX = 500
PENDING_MAX = 20


def note_request(plugin_id: str, permission: str, reason: str) -> None:
    """Note once that a plugin asks for a permission; what was decided already stays decided.

    The first time it is recorded and told as ``plugin:request``.

    Args:
        plugin_id: the plugin.
        permission: a checked permission.
        reason: the plugin's words for the administrator.

    Raises:
        PluginLimitError: when ``PENDING_MAX`` requests of the plugin wait for a decision.
    """
    owner = InstalledPlugin.objects.using(database()).filter(plugin_id=plugin_id).first()
    if owner is None or _is_settled(owner, permission):
        return
    with transaction.atomic(using=database()):
        _, created = PluginPermissionGrant.objects.get_or_create(
            plugin=owner,
            permission=permission,
            defaults={"decision": GrantDecision.REQUESTED, "reason": reason[:REASON_LENGTH_MAX]},
        )
        if created:
            _tell(plugin_id, permission, reason[:REASON_LENGTH_MAX])


def _is_settled(owner: InstalledPlugin, permission: str) -> bool:
    """Whether the request waits already, or was refused, be it by a wildcard.

    Raises:
        PluginLimitError: when too many others wait.
    """
    rows = list(owner.grants.values_list("permission", "decision"))
    waiting = [name for name, decision in rows if decision == GrantDecision.REQUESTED]
    refused = [name for name, decision in rows if decision in (GrantDecision.REVOKED, GrantDecision.DENIED)]
    if permission in waiting or any(covers(pattern, permission) for pattern in refused):
        return True
    if len(waiting) >= PENDING_MAX:
        raise PluginLimitError(
            f"{PENDING_MAX} permissions that {owner.plugin_id} asked for wait for an administrator, the most that may.",
            extra={"plugin": owner.plugin_id, "limit": PENDING_MAX},
        )
    return False


def _tell(plugin_id: str, permission: str, reason: str) -> None:
    """Record the request and emit its event, both in the plugin's name."""
    correlation = current_act().correlation_id
    facts = {"permission": permission, "reason": reason}
    with acting(Actor.plugin(plugin_id), EventSource.PLUGIN, correlation_id=correlation):
        record("plugin.request", target=Target.plugin(plugin_id), evidence=facts)
        event_bus().open(make_event("plugin:request", {"pluginId": plugin_id, **facts}), using=database()).after()
