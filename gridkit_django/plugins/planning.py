"""The plan of this site, made of what is stored: for dry runs, and to refuse at the door what it does not allow."""

from __future__ import annotations

from collections.abc import Iterable

from gridkit_django import __version__
from gridkit_django.exceptions import ManifestError, PluginStateError
from gridkit_django.models import DesiredState, EffectiveState, InstalledPlugin
from gridkit_django.plugins.change import stored_metadata
from gridkit_django.plugins.compat import incompatible
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.plan import ChangeKind, Plan, PlanChange, PlannedPlugin, make_plan
from gridkit_django.plugins.savepoints import database

_ENDS = frozenset({ChangeKind.DEACTIVATE, ChangeKind.UNINSTALL})
_BLOCKED = {
    EffectiveState.SUSPENDED: "it is suspended",
    EffectiveState.QUARANTINED: "it is in quarantine",
    EffectiveState.ERROR: "it could not start, and is tried again",
}


def plan_site(change: PlanChange | None = None, beside: Iterable[PluginMetadata] = ()) -> Plan:
    """Plan which of the installed plugins run; with a change, what would come of it. Reads one table, writes nothing.

    Args:
        change: something that is not done yet.
        beside: manifests of plugins that are thought of as installed and active before the change.
    """
    rows = InstalledPlugin.objects.using(database()).select_related("current_version")
    more = [PlannedPlugin(item.id, item) for item in beside]
    return make_plan([*(_planned(row) for row in rows), *more], __version__, change)


def check_change(change: PlanChange) -> None:
    """Refuse a change that the plan does not allow, with every reason.

    Raises:
        PluginIncompatibleError: when the plugin could not run afterwards, or another one would have to stop.
        PluginStateError: when a plugin is to be taken away that others need; the text names them.
    """
    plan = plan_site(change)
    if not plan.refused:
        return
    if change.kind in _ENDS:
        needed_by = [key for key in plan.stops if any(item.other == change.plugin_id for item in plan.stops[key])]
        if needed_by:
            names = ", ".join(needed_by)
            raise PluginStateError(f"{change.plugin_id} is needed by {names}. Deactivate these first.")
    verb = "can't be taken away" if change.kind in _ENDS else "can't be active here"
    raise incompatible(f"{change.plugin_id} {verb}", plan.refused)


def _planned(row: InstalledPlugin) -> PlannedPlugin:
    """Return what the plan needs to know; a state that only time, other code or an administrator ends holds it back."""
    wanted = row.desired_state == DesiredState.ACTIVE
    blocked = _BLOCKED.get(EffectiveState(row.effective_state), "")
    if blocked and row.state_code:
        blocked = f"{blocked} ({row.state_code})"
    try:
        metadata = stored_metadata(row)
    except ManifestError as error:
        return PlannedPlugin(row.plugin_id, None, wanted=wanted, blocked=f"its manifest is refused: {error.detail}")
    return PlannedPlugin(row.plugin_id, metadata, wanted=wanted, blocked=blocked)
