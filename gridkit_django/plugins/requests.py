"""Permissions that plugins ask for at run time."""

from __future__ import annotations

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor
from gridkit_django.models import GrantDecision, InstalledPlugin, PluginPermissionGrant
from gridkit_django.plugins.savepoints import database

REASON_LENGTH_MAX = 500


def note_request(plugin_id: str, permission: str, reason: str) -> None:
    """Note once that a plugin asks for a permission; what was decided already stays decided.

    Args:
        plugin_id: the plugin.
        permission: a checked permission.
        reason: the plugin's words for the administrator.
    """
    owner = InstalledPlugin.objects.filter(plugin_id=plugin_id).first()
    if owner is None:
        return
    with transaction.atomic(using=database()):
        _, created = PluginPermissionGrant.objects.get_or_create(
            plugin=owner,
            permission=permission,
            defaults={"decision": GrantDecision.REQUESTED, "reason": reason[:REASON_LENGTH_MAX]},
        )
        if created:
            evidence = {"permission": permission, "reason": reason[:REASON_LENGTH_MAX]}
            record("plugin.request", target=Target.plugin(plugin_id), evidence=evidence, actor=Actor.plugin(plugin_id))
