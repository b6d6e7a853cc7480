"""The lock file: which plugins of marketplaces a site runs, by version and digest, for images and other hosts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from gridkit_django.exceptions import MarketplaceAnswerError, PluginLoadError
from gridkit_django.models import InstalledPlugin, PluginSource
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.savepoints import database

FORM = 1


def locked_plugins() -> list[dict[str, str]]:
    """Return id, version and content digest of each installed plugin of a marketplace, by id."""
    rows = InstalledPlugin.objects.using(database()).filter(source=PluginSource.MARKETPLACE)
    found = rows.select_related("current_version").order_by("plugin_id")
    return [
        {"id": row.plugin_id, "version": row.current_version.version, "digest": row.current_version.digest}
        for row in found
        if row.current_version is not None
    ]


def write_lock(path: Path) -> int:
    """Write the lock file of this site; return how many plugins are in it."""
    plugins = locked_plugins()
    path.write_text(json.dumps({"form": FORM, "plugins": plugins}, indent=2) + "\n", encoding="utf-8")
    return len(plugins)


def read_lock(path: Path) -> list[dict[str, str]]:
    """Return the plugins of a lock file.

    Raises:
        MarketplaceAnswerError: when it can't be read, or is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        plugins = [{key: str(item[key]) for key in ("id", "version", "digest")} for item in found["plugins"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MarketplaceAnswerError(f"{path} is no lock file of plugins: {error}.") from error
    if found.get("form") != FORM:
        raise MarketplaceAnswerError(f"{path} has the form {found.get('form')!r}; this GridKit knows {FORM}.")
    return plugins


def unpack_locked(plugins: Iterable[Mapping[str, str]]) -> list[str]:
    """Unpack and compile plugins on this host, so that processes that start here find them; return what was done.

    Raises:
        PluginLoadError: when the files of one are kept nowhere, or are broken.
    """
    told = []
    for item in plugins:
        if plugin_manager().runtime.catalog.unpacked.open(item["digest"], item["id"]) is None:
            raise PluginLoadError(
                f"The files of {item['id']} {item['version']} ({item['digest']}) are not kept on this site. Install "
                "that version, then make the lock file anew."
            )
        told.append(f"{item['id']} {item['version']}")
    return told
