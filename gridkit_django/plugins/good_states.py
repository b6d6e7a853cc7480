"""Noting the last known good state of each plugin, and putting configurations and permissions back to it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginVersionError
from gridkit_django.models import (
    DesiredState,
    EffectiveState,
    HealthCheckResult,
    HealthStatus,
    InstalledPlugin,
    KnownGood,
)
from gridkit_django.plugins.change import author_of
from gridkit_django.plugins.grant_history import restore_decisions
from gridkit_django.plugins.known_good import GoodState, find_known_good
from gridkit_django.plugins.packages import kept_among
from gridkit_django.plugins.pins import OURS
from gridkit_django.plugins.processes import living_processes
from gridkit_django.plugins.revisions import ConfigLayer, add_revision, newest_layers
from gridkit_django.plugins.savepoints import database
from gridkit_django.typing import User

_NOTE = "Last known good"


def note_known_good(now: datetime | None = None) -> tuple[str, ...]:
    """Note the state of each plugin that was healthy, and as it is, for ``KNOWN_GOOD_MINUTES``.

    That is: it is active, its row did not change, each of its health checks was good and there was one, and each living
    process runs it as it is wanted.

    Args:
        now: the moment to count from; None for now.

    Returns:
        The ids of the plugins whose state was noted anew.
    """
    minutes = settings().KNOWN_GOOD_MINUTES
    if not minutes:
        return ()
    now = now or timezone.now()
    since = now - timedelta(minutes=minutes)
    rows = InstalledPlugin.objects.using(database()).filter(
        source__in=OURS,
        desired_state=DesiredState.ACTIVE,
        effective_state=EffectiveState.ACTIVE,
        changed_at__lte=since,
    )
    found = rows.select_related("current_version", "known_good").order_by("plugin_id")
    return tuple(row.plugin_id for row in found if _is_news(row) and _is_well(row, since) and _note(row, now))


def require_known_good(plugin_id: str) -> GoodState:
    """Return the last known good state of a plugin.

    Raises:
        PluginVersionError: when none was noted.
    """
    found = find_known_good(plugin_id)
    if found is None:
        raise PluginVersionError(
            f"{plugin_id} has no last known good state: it was not healthy for {settings().KNOWN_GOOD_MINUTES} minutes "
            "yet (KNOWN_GOOD_MINUTES). Roll back to a version instead."
        )
    return found


def restore_state(row: InstalledPlugin, state: GoodState, user: User | None) -> None:
    """Put configurations and permissions back, inside the change that brings the version back.

    Args:
        row: the plugin.
        state: how it stood.
        user: who does it.
    """
    present = newest_layers(plugin=row).get(row.pk, {})
    for grid in present.keys() | state.layers.keys():
        wanted = state.layers.get(grid, ConfigLayer(grid, schema_version=state.version.config_version))
        now = present.get(grid)
        if now is None or (now.data, now.schema_version) != (wanted.data, wanted.schema_version):
            add_revision(row, wanted, author_of(user), _NOTE)
    restore_decisions(row, state.grants, user)


def _is_news(row: InstalledPlugin) -> bool:
    known = getattr(row, "known_good", None)
    version = row.current_version
    return version is not None and (known is None or known.revision != row.revision or known.version_id != version.pk)


def _is_well(row: InstalledPlugin, since: datetime) -> bool:
    """Whether all that was seen of a plugin since a moment was good, and its files are kept."""
    checks = HealthCheckResult.objects.using(database()).filter(plugin=row, checked_at__gte=since)
    statuses = set(checks.values_list("status", flat=True))
    if statuses != {HealthStatus.HEALTHY} or row.current_version is None:
        return False
    runs = (process.plugins.get(row.plugin_id) for process in living_processes() if not process.safe_mode)
    return all(revision == row.revision for revision in runs) and bool(kept_among([row.current_version.digest]))


def _note(row: InstalledPlugin, now: datetime) -> bool:
    layers = newest_layers(plugin=row).get(row.pk, {})
    values = {
        "version": row.current_version,
        "revision": row.revision,
        "configs": {grid: layer.revision for grid, layer in layers.items()},
        "grants": dict(row.grants.values_list("permission", "decision")),
        "noted_at": now,
    }
    KnownGood.objects.using(database()).update_or_create(plugin=row, defaults=values)
    return True
