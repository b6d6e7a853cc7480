"""Granting, denying and revoking the permissions of plugins."""

from __future__ import annotations

from gridkit_django.exceptions import PluginStateError
from gridkit_django.models import GrantDecision, InstalledPlugin, PluginPermissionGrant
from gridkit_django.plugins.change import author_of, changing, get_row, raise_failure, tell, touch, try_again
from gridkit_django.plugins.permissions import checked_grant, checked_permission, covers
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.typing import User


def grant(runtime: PluginRuntime, plugin_id: str, permission: str, user: User | None) -> None:
    """Grant a permission or a wildcard. An active plugin is started anew, so that it can use it.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginPermissionError: when there is no such permission.
        PluginStateError: when a revoked wildcard covers it, so that the grant would have no effect.
        PluginError: when the plugin could not start again; the old object goes on serving, with the new grants.
    """
    checked_grant(permission)
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        _check_effective(row, permission)
        _decide(row, permission, GrantDecision.GRANTED, user, verb="grant")
    raise_failure(runtime, row)


def revoke(runtime: PluginRuntime, plugin_id: str, permission: str, user: User | None) -> None:
    """Take a permission (or all that a wildcard covers) away; it counts for the plugin's next call.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginPermissionError: when there is no such permission.
    """
    checked_grant(permission)
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        _decide(row, permission, GrantDecision.REVOKED, user, verb="revoke")


def deny(runtime: PluginRuntime, plugin_id: str, permission: str, user: User | None) -> None:
    """Refuse a permission that a plugin asks for. It is not asked for again; nothing that is granted is taken away.

    Denying changes nothing that a process must follow, so no plugin is started anew.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginPermissionError: when there is no such permission; a wildcard can only be revoked.
        PluginStateError: when it is granted or revoked, so that there is nothing to deny.
    """
    checked_permission(permission)
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        before = row.grants.filter(permission=permission).values_list("decision", flat=True).first()
        if before in (GrantDecision.GRANTED, GrantDecision.REVOKED):
            raise PluginStateError(f"{permission!r} is {before} already. Revoke it to take it away, or grant it.")
        if before != GrantDecision.DENIED:
            _write(row, permission, GrantDecision.DENIED, user)
            changes = {permission: [before, GrantDecision.DENIED.value]}
            tell("deny", row, changes=changes, payload={"permission": permission})


def _check_effective(row: InstalledPlugin, permission: str) -> None:
    revoked = row.grants.filter(decision=GrantDecision.REVOKED).exclude(permission=permission)
    wider = [name for name in revoked.values_list("permission", flat=True) if covers(name, permission)]
    if wider:
        raise PluginStateError(
            f"{permission!r} is covered by the revoked {', '.join(wider)}, which wins. Grant {wider[0]!r} first."
        )


def _decide(row: InstalledPlugin, permission: str, decision: GrantDecision, user: User | None, *, verb: str) -> None:
    """Write a decision; deciding the same again changes nothing."""
    before = row.grants.filter(permission=permission).values_list("decision", flat=True).first()
    if before == decision:
        return
    _write(row, permission, decision, user)
    touch(row, *(try_again(row) if decision is GrantDecision.GRANTED else ()))
    tell(verb, row, changes={permission: [before, decision.value]}, payload={"permission": permission})


def _write(row: InstalledPlugin, permission: str, decision: GrantDecision, user: User | None) -> None:
    PluginPermissionGrant.objects.update_or_create(
        plugin=row, permission=permission, defaults={"decision": decision, "decided_by": author_of(user)}
    )
