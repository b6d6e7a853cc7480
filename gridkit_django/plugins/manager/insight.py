"""What is there, what it does, and how it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import inventory, search
from gridkit_django.plugins.catalog import AvailablePlugin
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.collecting import collect_packages, collect_unpacked
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.inventory import PluginFilter, PluginInfo, PluginUsage
from gridkit_django.plugins.local import usage_of
from gridkit_django.plugins.manager.base import ManagerPart
from gridkit_django.plugins.plan import ChangeKind, Plan, PlanChange
from gridkit_django.plugins.planning import plan_site
from gridkit_django.plugins.processes import Convergence, convergence
from gridkit_django.plugins.report_calls import Report
from gridkit_django.plugins.report_runs import ReportInfo, list_reports, run_report
from gridkit_django.plugins.search import PluginSearchQuery
from gridkit_django.plugins.site_check import SiteReport, check_site, check_sources
from gridkit_django.plugins.storage import DatabaseStorage
from gridkit_django.plugins.usage_report import UsageReport, usage_report
from gridkit_django.typing import User


class Insight(ManagerPart):
    """Looks; changes nothing."""

    def list_plugins(self, only: PluginFilter | None = None) -> tuple[PluginInfo, ...]:
        """Return the installed plugins that the filter admits, by id."""
        return inventory.list_installed(only or PluginFilter())

    def get_plugins_by_category(self, category: str) -> tuple[PluginInfo, ...]:
        """Return the installed plugins of a category, by id."""
        return self.list_plugins(PluginFilter(category=category))

    def search_plugins(self, query: PluginSearchQuery) -> tuple[AvailablePlugin, ...]:
        """Return the available plugins that a query admits, installed or not. Runs no code of theirs.

        Those of marketplaces are among them. A query for what only a marketplace knows finds only those.

        Raises:
            PluginSearchError: when the query asks for what only a marketplace knows, or makes no sense.
        """
        if self.remote is None or not self.remote.is_set_up():
            return search.search(self.discover(), query)
        if search.needs_marketplace(query):
            return self.remote.search(query)
        both = (*self.remote.search(replace(query, limit=search.LIMIT_MAX, offset=0)), *self.discover())
        return search.search(both, query)

    def get_featured_plugins(self) -> tuple[AvailablePlugin, ...]:
        """Return the available plugins that ``PLUGINS_FEATURED`` names, in its order, then those of marketplaces."""
        own = search.featured(self.discover())
        return (*own, *self.remote.featured()) if self.remote is not None and self.remote.is_set_up() else own

    def discover(self) -> tuple[AvailablePlugin, ...]:
        """Return every source in reach, with the reason where one can't be installed. Runs no code of theirs."""
        installed = InstalledPlugin.objects.values_list("plugin_id", flat=True)
        return self.runtime.catalog.discover(frozenset(installed))

    def plan(self, change: PlanChange | None = None) -> Plan:
        """Plan which of the installed plugins run, in which order, and why not the others. Changes nothing.

        Args:
            change: something that is not done yet, to see what would come of it; ``refused`` says why it must not be.
                Without a manifest, ``INSTALL`` and ``UPDATE`` take the one at the plugin's source.

        Raises:
            PluginError: when the manifest is needed and can't be read.
        """
        if change is not None and change.metadata is None and change.kind in (ChangeKind.INSTALL, ChangeKind.UPDATE):
            change = replace(change, metadata=self.runtime.catalog.find(change.plugin_id).manifest())
        return plan_site(change)

    def check_site(self, *, sources_only: bool = False) -> SiteReport:
        """Look over sources, installed plugins, their configuration and permissions. Runs no plugin code.

        Args:
            sources_only: look at the sources, as if each were installed and active; that needs no database.

        Raises:
            django.db.Error: when the database can't be asked.
        """
        return check_sources(self.runtime.catalog) if sources_only else check_site(self.runtime.catalog)

    def usage_of(self, plugin_id: str) -> PluginUsage:
        """Return what a plugin does and uses in this process."""
        self.runtime.ensure_current()
        live = self.runtime.live.get(plugin_id)
        if live is None:
            return PluginUsage(running=False)
        stored = DatabaseStorage(plugin_id, 0).used_bytes()
        figures = tuple(stats.figures() for stats in live.all_stats())
        return PluginUsage(
            running=True, revision=live.spec.revision, usage=usage_of(live, stored, self.runtime.heaps), calls=figures
        )

    def usage_report(self, plugin_id: str, days: int = 7) -> UsageReport:
        """Return what a plugin used on this site in the last days. See ``usage_report.usage_report``.

        Raises:
            PluginNotFoundError: when it is not installed.
        """
        return usage_report(get_row(plugin_id), days)

    def list_reports(self, plugin_id: str) -> tuple[ReportInfo, ...]:
        """Return the reports that a plugin offers; none when it is not at work in this process."""
        self.runtime.ensure_current()
        return list_reports(self.runtime, plugin_id)

    def run_report(
        self, plugin_id: str, name: str, *, since: date, until: date, grid: str | None = None, user: User
    ) -> Report:
        """Ask a plugin for a report on what a user may see. See ``report_runs.run_report``.

        Raises:
            PluginReportError: when there is none, or it can't be shown; the text says why.
        """
        self.runtime.ensure_current()
        return run_report(self.runtime, plugin_id, name, (since, until), grid, user)

    def convergence(self, plugin_id: str) -> Convergence:
        """Return which processes run a plugin as it is wanted now, and which do not. See ``processes.convergence``."""
        return convergence(plugin_id)

    def check_plugin_health(self, plugin_id: str) -> PluginHealth:
        """Check a plugin in this process and store the result. See ``HealthChecker.check``."""
        return self._health.check(plugin_id)

    def check_all_health(self) -> dict[str, PluginHealth]:
        """Check every plugin that is wanted active, by id."""
        return self._health.check_all()

    def collect_unused(self) -> tuple[int, int]:
        """Drop kept files that nothing refers to any more, and unpacked ones on this host; return how many of each."""
        return collect_packages(), collect_unpacked(self.runtime.catalog.unpacked)

    def thin_history(self) -> None:
        """Thin old health checks and usage, once an hour. See ``history.History``."""
        self._history.thin()
