"""What a new version of a plugin asks for that nobody decided about: it waits for consent, the old one runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gridkit_django.exceptions import PluginConsentError, PluginError, PluginLoadError
from gridkit_django.models import GrantDecision, InstalledPlugin, PluginVersion
from gridkit_django.plugins.compat import check_core
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.permissions import covers
from gridkit_django.plugins.savepoints import database

_DECIDED = (GrantDecision.GRANTED, GrantDecision.REVOKED, GrantDecision.DENIED)


def undecided(row: InstalledPlugin, required: Iterable[str]) -> tuple[str, ...]:
    """Return the permissions that a version asks for beyond the one in use and that nobody granted or refused.

    Args:
        row: the installed plugin; its grants may be prefetched.
        required: what the other version asks for.
    """
    version = row.current_version
    known = set(version.manifest.get("required_permissions", ())) if version else set()
    decided = [item.permission for item in row.grants.all() if item.decision in _DECIDED]
    return tuple(
        name for name in required if name not in known and not any(covers(pattern, name) for pattern in decided)
    )


def is_refused(row: InstalledPlugin, digest: str) -> bool:
    """Whether an administrator refused this content of the plugin."""
    return PluginVersion.objects.using(database()).filter(plugin=row, digest=digest, refused_at__isnull=False).exists()


def reason_to_wait(plugin_id: str, manifest: Callable[[], PluginMetadata], digest: str) -> PluginError | None:
    """Return why other content at a plugin's source may not run by itself; None when it may.

    Args:
        plugin_id: the installed plugin.
        manifest: reads the manifest of the other content.
        digest: its digest.
    """
    row = InstalledPlugin.objects.using(database()).filter(plugin_id=plugin_id)
    found = row.select_related("current_version").prefetch_related("grants").first()
    try:
        metadata = manifest()
        check_same_plugin(plugin_id, metadata)
        check_core(metadata)
    except PluginError as error:
        return error
    if found is None:
        return None
    if is_refused(found, digest):
        return PluginConsentError(f"{plugin_id} {metadata.version} was refused. Other content can be consented to.")
    missing = undecided(found, metadata.required_permissions)
    return consent_error(metadata, missing) if missing else None


def check_same_plugin(plugin_id: str, metadata: PluginMetadata) -> None:
    """Refuse the manifest of another plugin.

    Raises:
        PluginLoadError: names both.
    """
    if metadata.id != plugin_id:
        raise PluginLoadError(f"The source of {plugin_id} now holds {metadata.id}.")


def consent_error(metadata: PluginMetadata, missing: Iterable[str]) -> PluginConsentError:
    """Return the error that names what a version asks for."""
    names = list(missing)
    return PluginConsentError(
        f"{metadata.id} {metadata.version} asks for {', '.join(names)}, which nobody decided about. The installed "
        "version runs on until it is granted or denied; then update again.",
        extra={"plugin": metadata.id, "version": metadata.version, "permissions": names},
    )
