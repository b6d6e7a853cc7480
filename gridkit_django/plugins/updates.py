"""What other versions there are of the installed plugins: at their sources, waiting, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from gridkit_django.exceptions import PluginError
from gridkit_django.models import DesiredState, InstalledPlugin, PluginSource
from gridkit_django.plugins.catalog import SourceCatalog, frozen, full_ref
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.consent import check_same_plugin, is_refused, undecided
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.packages import kept_among
from gridkit_django.plugins.pins import check_not_pinned
from gridkit_django.plugins.plan import ChangeKind, PlanChange
from gridkit_django.plugins.planning import check_change
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.sources import CodeSource


@dataclass(frozen=True, slots=True)
class PluginUpdate:
    """Other content than the installed one was found at a plugin's source.

    Attributes:
        plugin_id: the plugin.
        installed: the version in use.
        available: the version at the source; the same number when only the content is another one; empty when its
            manifest can't be read.
        ref: the source, ``kind:name``.
        asks_for: the permissions that it asks for and that nobody decided about.
        fits: whether it can be installed here.
        reason: why it can't, in one sentence; empty when it can.
        refused: whether an administrator refused this content, or an update to it failed.
    """

    plugin_id: str
    installed: str
    available: str
    ref: str
    asks_for: tuple[str, ...] = ()
    fits: bool = True
    reason: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version of a plugin that this site knows.

    Attributes:
        version: its number.
        digest: digest of its content.
        installed_at: when it came into use last; None when it never was.
        current: whether it is in use.
        pending: whether it waits for consent.
        kept: whether its files are kept, so that it can be rolled back to.
        refused: whether an administrator refused it, or an update to it failed.
    """

    version: str
    digest: str
    installed_at: datetime | None
    current: bool
    pending: bool
    kept: bool
    refused: bool


def check_updates(catalog: SourceCatalog) -> tuple[PluginUpdate, ...]:
    """Return the plugins whose source holds other content than the one in use, by id. Runs no code of theirs.

    Args:
        catalog: the sources in reach; a plugin whose source is not is left out.
    """
    rows = InstalledPlugin.objects.using(database()).select_related("current_version").prefetch_related("grants")
    found = (_update(catalog, row) for row in rows.order_by("plugin_id"))
    return tuple(item for item in found if item is not None)


def list_versions(plugin_id: str) -> tuple[VersionInfo, ...]:
    """Return the versions of a plugin that this site knows, the newest use first.

    Raises:
        PluginNotFoundError: when it is not installed.
    """
    row = get_row(plugin_id)
    versions = list(row.versions.order_by(F("installed_at").desc(nulls_last=True), "-pk"))
    kept = kept_among(version.digest for version in versions)
    return tuple(
        VersionInfo(
            version=version.version,
            digest=version.digest,
            installed_at=version.installed_at,
            current=version.pk == row.current_version_id,
            pending=version.pk == row.pending_version_id,
            kept=version.digest in kept,
            refused=version.refused_at is not None,
        )
        for version in versions
    )


def _update(catalog: SourceCatalog, row: InstalledPlugin) -> PluginUpdate | None:
    try:
        source = catalog.resolve(PluginSource(row.source), row.source_ref)
    except PluginError:
        return None
    installed = row.current_version.version if row.current_version else ""
    try:
        found = frozen(source)
        if row.current_version is not None and found.digest() == row.current_version.digest:
            return None
        metadata = found.manifest()
    except PluginError as error:
        return PluginUpdate(row.plugin_id, installed, "", full_ref(source), fits=False, reason=error.detail)
    reason = _misfit(row, metadata)
    return PluginUpdate(
        plugin_id=row.plugin_id,
        installed=installed,
        available=metadata.version,
        ref=full_ref(source),
        asks_for=undecided(row, metadata.required_permissions),
        fits=not reason,
        reason=reason,
        refused=_refused(row, found),
    )


def _misfit(row: InstalledPlugin, metadata: PluginMetadata) -> str:
    try:
        check_not_pinned(row)
        check_same_plugin(row.plugin_id, metadata)
        check_core(metadata)
        if row.desired_state == DesiredState.ACTIVE:
            check_change(PlanChange(ChangeKind.UPDATE, row.plugin_id, metadata))
    except PluginError as error:
        return error.detail
    return ""


def _refused(row: InstalledPlugin, source: CodeSource) -> bool:
    return is_refused(row, source.digest())
