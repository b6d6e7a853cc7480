"""The plugins in the admin: the list, and the addresses of every page and verb of a plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, re_path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.banners import banners
from gridkit_django.admin.install import available_page, install_page
from gridkit_django.admin.marketplace_browser import browser_page
from gridkit_django.admin.marketplace_detail import detail_page
from gridkit_django.admin.marketplace_refreshes import refresh, refreshes_page
from gridkit_django.admin.plan_page import plan_page
from gridkit_django.admin.plugin_page import OVERVIEW, TABS, tab_page
from gridkit_django.admin.plugin_verbs import VERBS
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.models import HealthCheckResult, HealthStatus, InstalledPlugin
from gridkit_django.plugins import Category
from gridkit_django.plugins.change import commits_itself
from gridkit_django.templatetags.gridkit_admin import badge


class CategoryFilter(admin.SimpleListFilter):
    """Filter by the category in the manifest."""

    title = _("category")
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[InstalledPlugin]) -> list[tuple[str, str]]:
        """List all categories that there are."""
        return [(item.value, item.value) for item in Category]

    def queryset(self, request: HttpRequest, queryset: QuerySet[InstalledPlugin]) -> QuerySet[InstalledPlugin]:
        """Keep the plugins of the chosen category."""
        if self.value():
            return queryset.filter(current_version__manifest__category=self.value())
        return queryset


class InstalledPluginAdmin(ReadOnlyAdmin[InstalledPlugin]):
    """The installed plugins. What is wanted and what is the case stand side by side."""

    list_display = ("name", "version", "state_badge", "desired_state", "health_badge", "state_reason", "changed_at")
    list_filter = ("effective_state", "desired_state", CategoryFilter, "source")
    search_fields = ("plugin_id", "current_version__manifest__name", "current_version__manifest__description")
    list_select_related = ("current_version",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[InstalledPlugin]:
        """Bring the newest health verdict along in the same query."""
        newest = HealthCheckResult.objects.filter(plugin=OuterRef("pk")).order_by("-checked_at", "-pk")
        return super().get_queryset(request).annotate(health=Subquery(newest.values("status")[:1]))

    @admin.display(description=_("plugin"), ordering="plugin_id")
    def name(self, plugin: InstalledPlugin) -> SafeString:
        """Show the name for people above the id."""
        manifest = plugin.current_version.manifest if plugin.current_version else {}
        label = manifest.get("name", plugin.plugin_id)
        return format_html('{}<br><small class="gridkit-quiet">{}</small>', label, plugin.plugin_id)

    @admin.display(description=_("version"))
    def version(self, plugin: InstalledPlugin) -> str:
        """Show the version in use."""
        return plugin.current_version.version if plugin.current_version else "-"

    @admin.display(description=_("state"), ordering="effective_state")
    def state_badge(self, plugin: InstalledPlugin) -> SafeString:
        """Show what is the case, with a colour."""
        return badge(plugin.effective_state, plugin.get_effective_state_display())

    @admin.display(description=_("health"))
    def health_badge(self, plugin: InstalledPlugin) -> SafeString | str:
        """Show the newest verdict of the health checks."""
        status = getattr(plugin, "health", None)
        return badge(status, str(HealthStatus(status).label)) if status else "-"

    def get_urls(self) -> list[URLPattern]:
        """Add the pages and verbs of plugins before Django's own addresses."""
        verbs = [
            path(f"<int:pk>/{name}/", self._view(verb), name=f"gridkit_plugin_{name}") for name, verb in VERBS.items()
        ]
        return [
            path("available/", self._view(available_page), name="gridkit_available"),
            path("marketplace/", self._view(browser_page), name="gridkit_marketplace"),
            path("marketplace/refresh/", self._view(refresh), name="gridkit_marketplace_refresh"),
            path("marketplace/refreshes/", self._view(refreshes_page), name="gridkit_marketplace_refreshes"),
            path("marketplace/plugin/", self._view(detail_page), name="gridkit_marketplace_plugin"),
            path("plan/", self._view(plan_page), name="gridkit_plan"),
            path("install/", self._view(install_page), name="gridkit_install"),
            *verbs,
            re_path(rf"^(?P<pk>\d+)/(?P<tab>{'|'.join(TABS)})/$", self._view(self._tab), name="gridkit_plugin_tab"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show the plugin's page in place of a form of its row.

        Raises:
            Http404: when there is no such plugin.
            PermissionDenied: when the user may not view it.
        """
        plugin = self.get_object(request, object_id)
        if plugin is None:
            raise Http404
        return self._page(request, plugin, OVERVIEW)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Show the list with what waits for a decision, and a way to what can be installed."""
        context = {
            "available_url": reverse(f"{self.admin_site.name}:gridkit_available"),
            "marketplace_url": reverse(f"{self.admin_site.name}:gridkit_marketplace"),
            "plan_url": reverse(f"{self.admin_site.name}:gridkit_plan"),
            "banners": banners(self.admin_site),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def _tab(self, request: HttpRequest, site: admin.AdminSite, pk: int, tab: str) -> HttpResponse:
        """Show one tab of a plugin's page."""
        return self._page(request, get_object_or_404(InstalledPlugin, pk=pk), tab)

    def _page(self, request: HttpRequest, plugin: InstalledPlugin, tab: str) -> HttpResponse:
        if not self.has_view_permission(request, plugin):
            raise PermissionDenied
        return tab_page(request, plugin, self.admin_site, tab=tab)

    def _view(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Bind a view to this admin site, behind the site's login. What it changes is committed when it answers."""

        def bound(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            return view(request, self.admin_site, **kwargs)

        return commits_itself(self.admin_site.admin_view(bound))
