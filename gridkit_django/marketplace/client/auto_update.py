"""Updates that come by themselves: what a plugin's policy admits, and nothing that a person has to decide about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import CanaryFailedError, GridKitError
from gridkit_django.marketplace.client.resolving import InstallPlan, make_install_plan
from gridkit_django.models import (
    AutoUpdate,
    DesiredState,
    InstalledPlugin,
    OperationKind,
    OperationState,
    PluginOperation,
    PluginSource,
)
from gridkit_django.plugins import request_operation
from gridkit_django.plugins.consent import undecided
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.update_policy import admits_update, policy_of

AGAIN_AFTER = timedelta(hours=24)
"""An update that failed is not tried again by itself before."""

_OPEN = (OperationState.QUEUED, OperationState.RUNNING)


@dataclass(frozen=True, slots=True)
class AutoUpdatePlan:
    """What the next run of the task would do with one plugin.

    Attributes:
        plugin_id: which plugin.
        policy: what may come by itself.
        installed: the version in use.
        version: the release that would be taken; empty for none.
        held: newer releases that do not come by themselves, with the reason, the newest first.
    """

    plugin_id: str
    policy: AutoUpdate
    installed: str = ""
    version: str = ""
    held: tuple[tuple[str, str], ...] = ()


def plan_auto_update(row: InstalledPlugin) -> AutoUpdatePlan:
    """Plan what would come by itself. Asks nobody, changes nothing."""
    policy = policy_of(row)
    nothing = AutoUpdatePlan(row.plugin_id, policy)
    if policy is AutoUpdate.OFF:
        return nothing
    try:
        plan = make_install_plan(row.plugin_id)
    except GridKitError:
        return nothing  # it is not listed (any more), so nothing newer is known
    version, held = "", []
    for verdict in plan.verdicts:
        reason = "; ".join(verdict.reasons) or _reason_to_hold(row, plan, policy, verdict.version)
        if not reason:
            version = verdict.version
            break
        held.append((verdict.version, reason))
    return AutoUpdatePlan(row.plugin_id, policy, plan.installed, version, tuple(held))


def request_auto_updates() -> tuple[PluginOperation, ...]:
    """Ask for the updates that are due, by plugin; each is recorded as ``plugin.auto_update``.

    The caller lets a worker carry them out after the commit.
    """
    rows = InstalledPlugin.objects.using(database()).filter(
        source=PluginSource.MARKETPLACE, desired_state=DesiredState.ACTIVE
    )
    plans = (plan_auto_update(row) for row in rows.select_related("current_version").prefetch_related("grants"))
    return tuple(_request(plan) for plan in plans if plan.version)


def _request(plan: AutoUpdatePlan) -> PluginOperation:
    arguments = {"version": plan.version, "grants": [], "policy": plan.policy.value}
    operation = request_operation(OperationKind.UPDATE, plan.plugin_id, arguments, user=None)
    changes = {"version": [plan.installed, plan.version]}
    evidence = {"policy": plan.policy.value, "operation": str(operation.pk)}
    record("plugin.auto_update", target=Target.plugin(plan.plugin_id), changes=changes, evidence=evidence)
    return operation


def _reason_to_hold(row: InstalledPlugin, plan: InstallPlan, policy: AutoUpdate, version: str) -> str:
    """Return why a release that fits does not come by itself."""
    if not admits_update(policy, plan.installed, version):
        return f"the policy is {policy.label}"
    release = plan.listing.release(version)
    if release is None:
        return "it is gone"
    if asks_for := undecided(row, release.permissions):
        return f"it asks for {', '.join(asks_for)}, which a person has to decide about"
    if coming := make_install_plan(row.plugin_id, version).peers:
        return f"it brings {', '.join(item.plugin_id for item in coming)} along, which a person has to agree to"
    operations = PluginOperation.objects.filter(plugin_id=row.plugin_id)
    if operations.filter(state__in=_OPEN).exists():
        return "another change of the plugin is under way"
    return _reason_after_failure(operations, version)


def _reason_after_failure(operations: QuerySet[PluginOperation], version: str) -> str:
    """Return why a release that failed before does not come by itself again, or not yet."""
    updates = operations.filter(kind=OperationKind.UPDATE, state=OperationState.FAILED, arguments__version=version)
    failed = updates.filter(finished_at__gte=timezone.now() - AGAIN_AFTER)
    if (last := updates.filter(error_code=CanaryFailedError.code).first()) is not None:
        why = str(last.canary.get("reason") or last.error_detail).rstrip(".")
        return f"one process tried it, and only a person brings it once more: {why}"
    if (last := failed.first()) is not None:
        return f"it failed and is not tried again within a day: {last.error_detail.rstrip('.')}"
    return ""
