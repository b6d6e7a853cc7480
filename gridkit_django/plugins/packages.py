"""The kept files of plugins, by content digest: what other hosts run, and what a plugin rolls back to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import F

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginLoadError, PluginVersionError
from gridkit_django.models import InstalledPlugin, KnownGood, PluginPackage, PluginVersion
from gridkit_django.plugins.files import PluginFiles, read_archive, write_archive
from gridkit_django.plugins.savepoints import database

VERSIONS_KEPT = 10
"""Version numbers of one plugin whose files are kept."""

CONTENTS_KEPT = 3
"""Contents of one version number whose files are kept: while a plugin is written, its number stays for a while."""


def keep_files(files: PluginFiles) -> bool:
    """Keep the files of a version, once; False when they are larger than ``PACKAGE_BYTES_MAX``, zipped."""
    packages = PluginPackage.objects.using(database())
    if packages.filter(digest=files.digest).exists():
        return True
    return keep_bytes(files.digest, write_archive(files))


def keep_bytes(digest: str, content: bytes) -> bool:
    """Keep an archive, once; False when it is larger than ``PACKAGE_BYTES_MAX`` and there is no ``PACKAGE_STORAGE``."""
    kept: dict[str, Any] = {"content": content}
    if len(content) > settings().PACKAGE_BYTES_MAX:
        storage = _storage()
        if storage is None:
            return False
        name = f"gridkit/packages/{digest.removeprefix('sha256:')}.zip"
        kept = {"stored_name": _stored(storage, name, content)}
    packages = PluginPackage.objects.using(database())
    packages.get_or_create(digest=digest, defaults={**kept, "size": len(content)})
    return True


def _stored(storage: Storage, name: str, content: bytes) -> str:
    """Store an archive and return its name there; what a killed worker left under the name is replaced."""
    if storage.exists(name):
        with storage.open(name) as file:
            if file.read() == content:
                return name
        storage.delete(name)
    return storage.save(name, ContentFile(content))


def kept_bytes(digest: str) -> bytes | None:
    """Return a kept archive, or None when there is none with this digest.

    Raises:
        PluginLoadError: when its row is there and its file in the storage is not.
    """
    packages = PluginPackage.objects.using(database()).filter(digest=digest)
    found = packages.values_list("content", "stored_name").first()
    if found is None:
        return None
    content, name = found
    if not name:
        return bytes(content)
    storage = _storage()
    if storage is None:
        raise PluginLoadError(f"The package {digest} lies in a storage, and PACKAGE_STORAGE names none.")
    try:
        with storage.open(name) as file:
            return bytes(file.read())
    except OSError as error:
        raise PluginLoadError(f"The package {digest} can't be read from the storage: {error}.") from error


def kept_among(digests: Iterable[str]) -> frozenset[str]:
    """Return those of the digests whose files are kept."""
    packages = PluginPackage.objects.using(database()).filter(digest__in=set(digests))
    return frozenset(packages.values_list("digest", flat=True))


def open_kept(digest: str, label: str) -> PluginFiles | None:
    """Return kept files, or None when there are none with this digest.

    Args:
        digest: of which content.
        label: a name of the plugin for error texts.

    Raises:
        PluginLoadError: when what is kept is broken or has another digest.
    """
    content = kept_bytes(digest)
    return None if content is None else read_archive(content, digest, label)


def require_kept(version: PluginVersion, label: str) -> PluginFiles:
    """Return the kept files of a version.

    Raises:
        PluginVersionError: when they were not kept; says why that may be.
        PluginLoadError: when what is kept is broken or has another digest.
    """
    found = open_kept(version.digest, label)
    if found is None:
        most = settings().PACKAGE_BYTES_MAX
        raise PluginVersionError(
            f"The files of {label} {version.version} are not kept: they were larger than PACKAGE_BYTES_MAX ({most} "
            f"bytes, zipped), or newer versions took their place ({VERSIONS_KEPT} are kept). Put them back at the "
            "plugin's source and update."
        )
    return found


def prune(row: InstalledPlugin) -> None:
    """Drop the files of old versions, and the steps between two contents of one version number.

    What is in use, waits for consent or is the last known good always stays; so does the row of every version number.
    """
    good = KnownGood.objects.using(database()).filter(plugin=row).values_list("version", flat=True).first()
    in_use = {row.current_version_id, row.pending_version_id, good}
    contents: dict[str, list[PluginVersion]] = {}
    newest = F("installed_at").desc(nulls_last=True)
    for version in PluginVersion.objects.using(database()).filter(plugin=row).order_by(newest, "-pk"):
        contents.setdefault(version.version, []).append(version)
    steps = [item for items in contents.values() for item in items[CONTENTS_KEPT:] if item.pk not in in_use]
    old = [item for items in list(contents.values())[VERSIONS_KEPT:] for item in items if item.pk not in in_use]
    forget_files(item.digest for item in (*steps, *old))
    PluginVersion.objects.using(database()).filter(pk__in=[item.pk for item in steps]).delete()


def forget_files(digests: Iterable[str]) -> None:
    """Drop kept files."""
    dropped = set(digests)
    if dropped:
        rows = PluginPackage.objects.using(database()).filter(digest__in=dropped)
        names = [name for name in rows.values_list("stored_name", flat=True) if name]
        rows.delete()
        storage = _storage()
        if storage is not None:
            for name in names:
                transaction.on_commit(partial(storage.delete, name), using=database())


def _storage() -> Storage | None:
    alias = settings().PACKAGE_STORAGE
    return None if alias is None else storages[alias]
