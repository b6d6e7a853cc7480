"""The permissions of a version's time: remembered when another version takes its place, and put back with it."""

from __future__ import annotations

from collections.abc import Mapping

from gridkit_django.models import GrantDecision, InstalledPlugin, PluginPermissionGrant, PluginVersion
from gridkit_django.plugins.change import author_of, tell
from gridkit_django.plugins.savepoints import database
from gridkit_django.typing import User


def remember_grants(row: InstalledPlugin) -> None:
    """Write the decisions of now beside the version in use, before another one takes its place."""
    version = row.current_version
    if version is not None:
        version.grants_then = dict(row.grants.values_list("permission", "decision"))
        version.save(update_fields=["grants_then"])


def restore_grants(row: InstalledPlugin, version: PluginVersion, user: User | None) -> None:
    """Go back to the permissions of a version's time, inside the change that brings it back.

    What was granted since is taken back; what was granted then is granted again, unless somebody revoked or denied it
    since: a person's refusal is never undone by the way.

    Args:
        row: the plugin.
        version: the version that is to run.
        user: who does it.
    """
    if version.grants_then is not None:
        restore_decisions(row, version.grants_then, user)


def restore_decisions(row: InstalledPlugin, then: Mapping[str, str], user: User | None) -> None:
    """Go back to the decisions of an earlier time, in the same way.

    Args:
        row: the plugin.
        then: what was decided, by permission.
        user: who does it.
    """
    grants = PluginPermissionGrant.objects.using(database()).filter(plugin=row)
    for grant in grants.filter(decision=GrantDecision.GRANTED).exclude(permission__in=then):
        grant.delete()
        tell("revoke", row, changes={grant.permission: [GrantDecision.GRANTED.value, None]})
    present = set(grants.values_list("permission", flat=True))
    for name, decision in then.items():
        if decision == GrantDecision.GRANTED and name not in present:
            grants.create(plugin=row, permission=name, decision=decision, decided_by=author_of(user))
            tell("grant", row, changes={name: [None, decision]}, payload={"permission": name})
