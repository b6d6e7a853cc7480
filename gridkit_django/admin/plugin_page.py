"""The pages of one plugin: what they share, and the tabs that they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.configuration_tab import configuration
from gridkit_django.admin.jobs_tab import jobs
from gridkit_django.admin.overview_tab import overview
from gridkit_django.admin.permissions_tab import permissions
from gridkit_django.admin.reports_tab import has_reports, reports
from gridkit_django.admin.usage_tab import usage
from gridkit_django.admin.verbs import RIGHTS, may
from gridkit_django.admin.versions_tab import versions
from gridkit_django.models import InstalledPlugin

OVERVIEW = "overview"
REPORTS = "reports"


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of a plugin.

    Attributes:
        name: the last part of its address, and the name of its template.
        label: for people.
        facts: returns what the template needs beside what all tabs share.
    """

    name: str
    label: Promise | str
    facts: Callable[[HttpRequest, InstalledPlugin], Mapping[str, Any]]


TABS: Mapping[str, Tab] = MappingProxyType(
    {
        tab.name: tab
        for tab in (
            Tab(OVERVIEW, _("Overview"), overview),
            Tab("configuration", _("Configuration"), configuration),
            Tab("permissions", _("Permissions"), permissions),
            Tab(REPORTS, _("Reports"), reports),
            Tab("usage", _("Usage"), usage),
            Tab("jobs", _("Jobs"), jobs),
            Tab("versions", _("Versions"), versions),
        )
    }
)


def tab_page(
    request: HttpRequest,
    plugin: InstalledPlugin,
    site: AdminSite,
    *,
    tab: str = OVERVIEW,
    extra: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Render one tab of the page of ``plugin``.

    Args:
        request: the request.
        plugin: the plugin's row.
        site: the admin site that the page belongs to.
        tab: name of the tab.
        extra: what replaces facts of the tab, for example a form with errors.

    Raises:
        Http404: when there is no such tab.
    """
    if tab not in TABS:
        raise Http404
    manifest = plugin.current_version.manifest if plugin.current_version else {}
    context = {
        **site.each_context(request),
        "title": manifest.get("name", plugin.plugin_id),
        "opts": InstalledPlugin._meta,
        "plugin": plugin,
        "manifest": manifest,
        "may": {right: may(request, right, plugin) for right in RIGHTS},
        "tabs": [
            {"label": item.label, "url": tab_url(plugin, site, item.name), "here": item.name == tab}
            for item in TABS.values()
            if item.name != REPORTS or tab == REPORTS or has_reports(plugin)
        ],
        "tab": tab,
        **TABS[tab].facts(request, plugin),
        **(extra or {}),
    }
    return TemplateResponse(request, f"admin/gridkit_django/installedplugin/{tab}.html", context)


def tab_url(plugin: InstalledPlugin, site: AdminSite, tab: str = OVERVIEW) -> str:
    """Return the address of a tab; of the overview for a name that is none."""
    if tab == OVERVIEW or tab not in TABS:
        return reverse(f"{site.name}:gridkit_django_installedplugin_change", args=[plugin.pk])
    return reverse(f"{site.name}:gridkit_plugin_tab", args=[plugin.pk, tab])
