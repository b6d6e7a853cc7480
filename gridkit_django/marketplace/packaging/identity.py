"""The three names of one plugin: its id, its distribution, and the one package that it may bring to import."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from gridkit_django.marketplace.packaging.rules import Rule, refuse

_MARKETPLACE_ID = re.compile(r"@[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*")


def distribution_of(plugin_id: str) -> str:
    """Return the name of a plugin's distribution: ``@acme/colours`` gives ``acme-colours``.

    Raises:
        PackageRefusedError: when the id does not name a publisher, or makes no importable name.
    """
    if not _MARKETPLACE_ID.fullmatch(plugin_id):
        refuse(Rule.IDENTITY, f"{plugin_id!r} names no publisher. In a marketplace an id is like '@acme/colours'.")
    distribution = canonicalize_name(plugin_id.removeprefix("@").replace("/", "-"))
    if not distribution.replace("-", "_").isidentifier():
        refuse(Rule.IDENTITY, f"{plugin_id!r} makes no importable name, because it begins with a digit.")
    return distribution


def import_package_of(plugin_id: str) -> str:
    """Return the one package that a plugin may bring: ``@acme/colours`` gives ``acme_colours``.

    Raises:
        PackageRefusedError: when the id does not name a publisher, or makes no importable name.
    """
    return distribution_of(plugin_id).replace("-", "_")
