"""The page of one plugin: state and reason, verbs, configuration, permissions, usage, processes, history."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from gridkit_django.admin.permission_texts import permission_text
from gridkit_django.admin.schema_forms import SchemaForm
from gridkit_django.admin.verbs import RIGHTS, may
from gridkit_django.models import (
    AuditRecord,
    GrantDecision,
    InstalledPlugin,
    PluginOperation,
    RuntimeGeneration,
    RuntimeProcess,
)
from gridkit_django.plugins import plugin_manager

_RECENT = 10


def plugin_page(
    request: HttpRequest, plugin: InstalledPlugin, site: AdminSite, *, form: SchemaForm | None = None
) -> HttpResponse:
    """Render the page of ``plugin``.

    Args:
        request: the request.
        plugin: the plugin's row.
        site: the admin site that the page belongs to.
        form: a configuration form with errors, to be shown again with what was typed.
    """
    manifest = plugin.current_version.manifest if plugin.current_version else {}
    context = {
        **site.each_context(request),
        "title": manifest.get("name", plugin.plugin_id),
        "opts": InstalledPlugin._meta,
        "plugin": plugin,
        "manifest": manifest,
        "form": form or config_form(plugin),
        "permissions": permission_rows(plugin),
        "may": {right: may(request, right, plugin) for right in RIGHTS},
        "usage": plugin_manager().usage_of(plugin.plugin_id),
        **_surroundings(plugin),
    }
    return TemplateResponse(request, "admin/gridkit_django/installedplugin/plugin.html", context)


def _surroundings(plugin: InstalledPlugin) -> dict[str, Any]:
    """Return what stands beside the plugin: who runs it, what was done to it, how it was."""
    return {
        "versions": plugin.versions.all(),
        "revisions": plugin.configs.select_related("author")[:_RECENT],
        "health_results": plugin.health_results.all()[:_RECENT],
        "operations": PluginOperation.objects.filter(plugin_id=plugin.plugin_id)[:_RECENT],
        "records": AuditRecord.objects.filter(target_type="plugin", target_id=plugin.plugin_id)[:_RECENT],
        "processes": _processes(plugin),
        "generation": RuntimeGeneration.objects.values_list("value", flat=True).first() or 0,
    }


def _processes(plugin: InstalledPlugin) -> list[dict[str, Any]]:
    """Return each process with the revision of the plugin that it runs, or None."""
    return [
        {"process": process, "revision": process.plugins.get(plugin.plugin_id)}
        for process in RuntimeProcess.objects.order_by("-seen_at")[:_RECENT]
    ]


def config_form(plugin: InstalledPlugin, data: Any = None) -> SchemaForm:
    """Return the configuration form: fields from the schema, values in force, locked ones disabled.

    Args:
        plugin: the plugin's row.
        data: a submitted form, or None for a fresh one.
    """
    schema = plugin.current_version.config_schema if plugin.current_version else {}
    shown = plugin_manager().get_plugin(plugin.plugin_id)
    return SchemaForm(data, schema=schema, values=shown.config, locked=frozenset(shown.locked))


def permission_rows(plugin: InstalledPlugin) -> list[dict[str, Any]]:
    """Return every permission that was asked for or decided about: what it means and what was decided."""
    required = (plugin.current_version.manifest if plugin.current_version else {}).get("required_permissions", [])
    grants = {grant.permission: grant for grant in plugin.grants.select_related("decided_by")}
    names = [*required, *(name for name in sorted(grants) if name not in required)]
    return [
        {
            "name": name,
            "text": permission_text(name),
            "required": name in required,
            "grant": grants.get(name),
            "granted": name in grants and grants[name].decision == GrantDecision.GRANTED,
        }
        for name in names
    ]
