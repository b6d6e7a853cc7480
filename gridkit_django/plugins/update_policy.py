"""Which newer releases of a plugin come by themselves: a policy of the site, or of the plugin."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from gridkit_django.audit import Target, record
from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginStateError
from gridkit_django.models import AutoUpdate, InstalledPlugin, PluginSource
from gridkit_django.plugins.change import changing, get_row
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.typing import User


def policy_of(row: InstalledPlugin) -> AutoUpdate:
    """Return the policy of a plugin: its own, or the site's (``AUTO_UPDATE``); off where no marketplace has it."""
    if row.source != PluginSource.MARKETPLACE:
        return AutoUpdate.OFF
    return AutoUpdate(row.auto_update or settings().AUTO_UPDATE)


def admits_update(policy: AutoUpdate, used: str, offered: str) -> bool:
    """Whether a policy lets a newer release come by itself.

    Args:
        policy: the policy.
        used: number of the version in use.
        offered: number of the release.
    """
    try:
        before, after = Version(used), Version(offered)
    except InvalidVersion:
        return False
    if after <= before or policy is AutoUpdate.OFF:
        return False
    parts = {AutoUpdate.ALL: 0, AutoUpdate.MINOR: 1, AutoUpdate.PATCHES: 2}[policy]
    same = (before.epoch, before.major, before.minor)[: parts + 1]
    return policy is AutoUpdate.ALL or same == (after.epoch, after.major, after.minor)[: parts + 1]


def set_policy(runtime: PluginRuntime, plugin_id: str, policy: AutoUpdate | str, user: User | None) -> None:
    """Choose which newer releases of a plugin come by themselves; recorded as ``plugin.auto_update_policy``.

    Args:
        runtime: the runtime of this process.
        plugin_id: which plugin.
        policy: ``off``, ``patches``, ``minor`` or ``all``; empty for the site's.
        user: who does it.

    Raises:
        PluginNotFoundError: when it is not installed.
        PluginStateError: when there is no such policy, or the plugin is from no marketplace.
    """
    if policy and policy not in AutoUpdate.values:
        raise PluginStateError(f"There is no policy {str(policy)[:40]!r}. Known are {', '.join(AutoUpdate.values)}.")
    with changing(runtime, user):
        row = get_row(plugin_id, lock=True)
        if row.source != PluginSource.MARKETPLACE:
            raise PluginStateError(f"{plugin_id} comes from no marketplace, so nothing newer comes by itself.")
        before, row.auto_update = row.auto_update, str(policy)
        row.save(update_fields=["auto_update", "changed_at"])
        changes = {"auto_update": [before, row.auto_update]}
        record("plugin.auto_update_policy", target=Target.plugin(plugin_id), changes=changes)
