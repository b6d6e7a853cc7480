"""A version that waits for consent: written down beside the one in use, until it is taken, refused or replaced."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import PluginVersionError
from gridkit_django.models import InstalledPlugin, PluginVersion
from gridkit_django.plugins.catalog import keep_source
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.notices import notify_consent
from gridkit_django.plugins.packages import forget_files
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.sources import CodeSource


def note_pending(plugin_id: str, source: CodeSource, metadata: PluginMetadata, missing: Sequence[str]) -> None:
    """Write down, once, that a version waits for consent; it takes the place of another one that waited.

    Args:
        plugin_id: the installed plugin.
        source: where the version's files are.
        metadata: its manifest.
        missing: the permissions that nobody decided about.
    """
    with transaction.atomic(using=database()):
        row = get_row(plugin_id, lock=True)
        before = row.pending_version
        version = _stored(row, metadata, source)
        if before == version:
            return
        keep_source(source)
        _set_pending(row, version)
        if before is not None and before.installed_at is None and before.refused_at is None:
            forget_files([before.digest])
            before.delete()
        evidence = {"version": metadata.version, "digest": version.digest, "permissions": list(missing)}
        record("plugin.await", target=Target.plugin(plugin_id), evidence=evidence)
        notify_consent(plugin_id, metadata.version)


def refuse_pending(plugin_id: str) -> None:
    """Refuse the version that waits; its content does not run and is not asked about again, other content may be.

    Raises:
        PluginNotFoundError: when the plugin is not installed.
        PluginVersionError: when no version waits.
    """
    with transaction.atomic(using=database()):
        row = get_row(plugin_id, lock=True)
        version = row.pending_version
        if version is None:
            raise PluginVersionError(f"No version of {plugin_id} waits for consent, so there is nothing to refuse.")
        version.refused_at = timezone.now()
        version.save(update_fields=["refused_at"])
        _set_pending(row, None)
        evidence = {"version": version.version, "digest": version.digest}
        record("plugin.refuse", target=Target.plugin(plugin_id), evidence=evidence)


def _stored(row: InstalledPlugin, metadata: PluginMetadata, source: CodeSource) -> PluginVersion:
    defaults = {
        "manifest": metadata.as_dict(),
        "config_schema": source.config_schema(),
        "installed_at": None,
    }
    version, _ = PluginVersion.objects.get_or_create(
        plugin=row, version=metadata.version, digest=source.digest(), defaults=defaults
    )
    return version


def _set_pending(row: InstalledPlugin, version: PluginVersion | None) -> None:
    row.pending_version = version
    row.save(update_fields=["pending_version", "changed_at"])
