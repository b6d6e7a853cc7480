"""What is kept of plugins that are not installed any more: the list, a copy to take away, and deleting it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.charts import amount
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering, may, require
from gridkit_django.models import PluginRemains, PluginRemainsItem
from gridkit_django.plugins.kept_data import counted_remains, delete_kept, describe_kept, export_kept

_CHOSEN_MAX = 20


class PluginRemainsAdmin(ReadOnlyAdmin[PluginRemains]):
    """Configuration and storage that wait for a later installation."""

    list_display = ("plugin_id", "version", "kept_at", "scopes", "keys", "size")
    list_filter = ("kept_at",)
    search_fields = ("plugin_id", "version")
    readonly_fields = list_display
    fields = readonly_fields
    actions = ("download",)

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[PluginRemains]:
        """Count the storage with it."""
        largest = PluginRemainsItem.objects.values("remains").annotate(total=Sum("size")).order_by("-total")
        return counted_remains().annotate(most=Subquery(largest.values("total")[:1]))

    def has_view_permission(self, request: HttpRequest, obj: PluginRemains | None = None) -> bool:
        """Whoever may view the rows, or install plugins."""
        return super().has_view_permission(request, obj) or may(request, "install_plugin")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever sees kept data sees the way to it."""
        return super().has_module_permission(request) or self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: PluginRemains | None = None) -> bool:
        """Whoever may install plugins."""
        return may(request, "install_plugin")

    def has_download_permission(self, request: HttpRequest) -> bool:
        """Whoever may install and configure plugins: configurations are in the file."""
        return may(request, "install_plugin") and may(request, "configure_plugin")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the plugins and how much goes with each, not every key of their storage."""
        found = [describe_kept(item) for item in counted_remains().filter(pk__in=[item.pk for item in objs])]
        told = [
            _("%(plugin)s %(version)s: %(scopes)s configurations, %(keys)s keys, %(size)s")
            % {
                "plugin": item.plugin_id,
                "version": item.version,
                "scopes": len(item.configurations),
                "keys": item.storage_keys,
                "size": filesizeformat(item.storage_bytes),
            }
            for item in found
        ]
        return told, {str(PluginRemains._meta.verbose_name_plural): len(found)}, set(), []

    def delete_model(self, request: HttpRequest, obj: PluginRemains) -> None:
        """Delete through the service, which records it."""
        with administering(request):
            delete_kept(obj.plugin_id, request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PluginRemains]) -> None:
        """Delete each through the service."""
        for obj in queryset:
            self.delete_model(request, obj)

    @admin.action(description=_("Download as JSON, without secrets"), permissions=["download"])
    def download(self, request: HttpRequest, queryset: QuerySet[PluginRemains]) -> HttpResponse | None:
        """Answer what is kept of the chosen plugins as one file."""
        require(request, "configure_plugin")
        names = list(queryset.values_list("plugin_id", flat=True)[: _CHOSEN_MAX + 1])
        if len(names) > _CHOSEN_MAX:
            messages.error(request, _("Choose at most %(most)s.") % {"most": _CHOSEN_MAX})
            return None
        with administering(request):
            content = {"plugins": [export_kept(name, request.user) for name in names]}
            headers = {"Content-Disposition": 'attachment; filename="kept-data.json"', "Cache-Control": "no-store"}
            return JsonResponse(content, headers=headers, json_dumps_params={"indent": 2})
        return None

    @admin.display(description=_("configured for"))
    def scopes(self, obj: PluginRemains) -> str:
        """The grids that have a configuration of their own, and whether there is one for all."""
        return ", ".join(name or str(_("all grids")) for name in describe_kept(obj).configurations) or "-"

    @admin.display(description=_("keys in storage"), ordering="keys")
    def keys(self, obj: PluginRemains) -> int:
        """How many keys its storage has."""
        return describe_kept(obj).storage_keys

    @admin.display(description=_("size of storage"), ordering="bytes")
    def size(self, obj: Any) -> str:
        """How large its storage is, beside the largest of all."""
        size = describe_kept(obj).storage_bytes
        return amount(filesizeformat(size), size, obj.most or 0)
