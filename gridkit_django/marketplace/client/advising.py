"""Advisories of marketplaces: what is wrong with which versions, believed by signature, obeyed once, and shown.

``warn`` is told. ``disable`` stops a plugin once; an administrator who activates it again is obeyed from then on.
``block`` stops it whenever it runs, and nobody installs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gridkit_django.marketplace import trust
from gridkit_django.marketplace.client.remotes import Remote
from gridkit_django.marketplace.client.trusting import trusted_fetcher
from gridkit_django.marketplace.trust import Advisory, AdvisoryAction, AdvisoryFeed
from gridkit_django.models import CatalogSource, EffectiveState, InstalledPlugin, PluginSource
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.reports import StateReport
from gridkit_django.plugins.savepoints import database

CODE = "advisory"
"""Code of the state of a plugin that an advisory stopped."""


def follow_advisories(remote: Remote, source: CatalogSource) -> None:
    """Fetch the signed feed of a marketplace and do what it says. Without a root file nothing is believed.

    Args:
        remote: which marketplace.
        source: its row; it is changed, and not saved.

    Raises:
        TrustError: when the feed can't be believed; what was believed before stays in force.
        SettingsError: when the root file can't be read.
    """
    if remote.root:
        with trusted_fetcher(remote) as trusted:
            feed = trust.fetch_advisories(trusted)
        source.advisories = [item.as_dict() for item in feed.advisories]
    source.obeyed = _obey(source)


def advisories_for(alias: str, plugin_id: str, version: str) -> tuple[Advisory, ...]:
    """Return what a marketplace says against a version, the hardest first.

    Args:
        alias: name of the marketplace in the settings.
        plugin_id: which plugin.
        version: its number.
    """
    rows = CatalogSource.objects.using(database()).filter(alias=alias).values_list("advisories", flat=True)
    return _feed(rows.first() or ()).advisories_for(plugin_id, version)


def installed_advisories() -> tuple[tuple[InstalledPlugin, Advisory], ...]:
    """Return what is said against versions that are in use here, by plugin."""
    feeds = {row.alias: _feed(row.advisories) for row in CatalogSource.objects.using(database()).all()}
    found = []
    for row in _installed():
        version = row.current_version
        feed = feeds.get(str(version.origin.get("marketplace"))) if version is not None else None
        if version is not None and feed is not None:
            found += [(row, item) for item in feed.advisories_for(row.plugin_id, version.version)]
    return tuple(found)


def _obey(source: CatalogSource) -> list[str]:
    """Stop what has to be stopped; return the advisories that were obeyed, so that ``disable`` counts once."""
    obeyed, feed = set(source.obeyed), _feed(source.advisories)
    for row in _installed():
        version = row.current_version
        if version is None or version.origin.get("marketplace") != source.alias:
            continue
        for item in feed.advisories_for(row.plugin_id, version.version):
            mark = f"{item.id} {version.version}"
            is_new = item.action is AdvisoryAction.DISABLE and mark not in obeyed
            if item.action is AdvisoryAction.BLOCK or is_new:
                _stop(row, item)
                obeyed.add(mark)
    return sorted(obeyed)


def _stop(row: InstalledPlugin, advisory: Advisory) -> None:
    reason = f"The advisory {advisory.id} says: {advisory.reason}"
    evidence = {"advisory": advisory.id, "action": advisory.action.value, "url": advisory.url}
    state = EffectiveState.SUSPENDED
    plugin_manager().runtime.reporter.report(StateReport(row.plugin_id, row.revision, state, CODE, reason, evidence))


def _installed() -> Iterable[InstalledPlugin]:
    rows = InstalledPlugin.objects.using(database()).filter(source=PluginSource.MARKETPLACE)
    return rows.select_related("current_version").order_by("plugin_id")


def _feed(facts: Iterable[Any]) -> AdvisoryFeed:
    return AdvisoryFeed(tuple(Advisory.of(item) for item in facts))
