"""What an administrator does to a plugin. Each verb is a POST, asks for its right, and calls one service."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gridkit_django.admin.canary_form import CanaryForm
from gridkit_django.admin.configuration_tab import config_form
from gridkit_django.admin.plugin_page import tab_page, tab_url
from gridkit_django.admin.verbs import administering, require
from gridkit_django.exceptions import PluginConfigError, PluginStateError
from gridkit_django.models import AutoUpdate, InstalledPlugin, OperationKind, PluginSource
from gridkit_django.plugins import plugin_manager, request_operation
from gridkit_django.plugins.remains import DataFate
from gridkit_django.tasks.marketplace import counting_removal
from gridkit_django.tasks.plugins import enqueue_operation

Verb = Callable[..., HttpResponse]


def _simple(right: str, act: Callable[[InstalledPlugin, HttpRequest], str]) -> Verb:
    """Make a verb that needs ``right``, does ``act`` and goes back to the tab it came from with what ``act`` says."""

    @require_POST
    def verb(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
        plugin = get_object_or_404(InstalledPlugin, pk=pk)
        require(request, right, plugin)
        with administering(request):
            messages.success(request, act(plugin, request))
        return HttpResponseRedirect(tab_url(plugin, site, request.POST.get("tab", "")))

    return verb


def _activate(plugin: InstalledPlugin, request: HttpRequest) -> str:
    plugin_manager().activate_plugin(plugin.plugin_id, user=request.user)
    return _("%(plugin)s is active.") % {"plugin": plugin}


def _deactivate(plugin: InstalledPlugin, request: HttpRequest) -> str:
    plugin_manager().deactivate_plugin(plugin.plugin_id, user=request.user)
    return _("%(plugin)s is switched off in every process.") % {"plugin": plugin}


def _reload(plugin: InstalledPlugin, request: HttpRequest) -> str:
    plugin_manager().reload_plugin(plugin.plugin_id, user=request.user)
    return _("%(plugin)s was loaded anew.") % {"plugin": plugin}


def _check(plugin: InstalledPlugin, request: HttpRequest) -> str:
    health = plugin_manager().check_plugin_health(plugin.plugin_id)
    return _("%(plugin)s is %(status)s. %(message)s") % {
        "plugin": plugin,
        "status": health.status.label,
        "message": health.message,
    }


def _grant(plugin: InstalledPlugin, request: HttpRequest) -> str:
    permission = request.POST.get("permission", "")
    plugin_manager().grant_permission(plugin.plugin_id, permission, user=request.user)
    return _("%(permission)s is granted to %(plugin)s.") % {"permission": permission, "plugin": plugin}


def _revoke(plugin: InstalledPlugin, request: HttpRequest) -> str:
    permission = request.POST.get("permission", "")
    plugin_manager().revoke_permission(plugin.plugin_id, permission, user=request.user)
    return _("%(permission)s is taken away from %(plugin)s.") % {"permission": permission, "plugin": plugin}


def _deny(plugin: InstalledPlugin, request: HttpRequest) -> str:
    permission = request.POST.get("permission", "")
    plugin_manager().deny_permission(plugin.plugin_id, permission, user=request.user)
    return _("%(permission)s is denied to %(plugin)s; it is not asked for again.") % {
        "permission": permission,
        "plugin": plugin,
    }


def _run_job(plugin: InstalledPlugin, request: HttpRequest) -> str:
    job = request.POST.get("job", "")
    plugin_manager().run_job(plugin.plugin_id, job, user=request.user)
    return _("A worker was asked to run %(job)s.") % {"job": job}


def _pause_job(plugin: InstalledPlugin, request: HttpRequest) -> str:
    job = request.POST.get("job", "")
    plugin_manager().pause_job(plugin.plugin_id, job, user=request.user)
    return _("%(job)s is paused. It can still be started by hand.") % {"job": job}


def _resume_job(plugin: InstalledPlugin, request: HttpRequest) -> str:
    job = request.POST.get("job", "")
    plugin_manager().resume_job(plugin.plugin_id, job, user=request.user)
    return _("%(job)s runs by its schedule again.") % {"job": job}


def _refuse_update(plugin: InstalledPlugin, request: HttpRequest) -> str:
    plugin_manager().refuse_update(plugin.plugin_id, user=request.user)
    return _("%(plugin)s keeps the version in use.") % {"plugin": plugin}


def _roll_back(plugin: InstalledPlugin, request: HttpRequest) -> str:
    version = request.POST.get("version") or None
    found = plugin_manager().roll_back_plugin(plugin.plugin_id, version, user=request.user)
    return _("%(plugin)s runs %(version)s again.") % {"plugin": plugin, "version": found.version}


def _known_good(plugin: InstalledPlugin, request: HttpRequest) -> str:
    for right in ("grant_plugin", "configure_plugin"):
        require(request, right, plugin)
    found = plugin_manager().go_back_to_known_good(plugin.plugin_id, user=request.user)
    return _("%(plugin)s stands as it did when all was well, with %(version)s.") % {
        "plugin": plugin,
        "version": found.version,
    }


def _pin(plugin: InstalledPlugin, request: HttpRequest) -> str:
    plugin_manager().pin_plugin(plugin.plugin_id, request.POST.get("note", ""), user=request.user)
    return _("%(plugin)s keeps its version until you unpin it.") % {"plugin": plugin}


def _unpin(plugin: InstalledPlugin, request: HttpRequest) -> str:
    plugin_manager().unpin_plugin(plugin.plugin_id, user=request.user)
    return _("%(plugin)s can be updated again.") % {"plugin": plugin}


def _auto_update(plugin: InstalledPlugin, request: HttpRequest) -> str:
    found = plugin_manager().set_auto_update(plugin.plugin_id, request.POST.get("policy", ""), user=request.user)
    return _("%(plugin)s: %(policy)s.") % {"plugin": plugin, "policy": AutoUpdate(found.auto_update).label}


def _restore(plugin: InstalledPlugin, request: HttpRequest) -> str:
    number, grid = _number(request, "revision"), request.POST.get("grid", "")
    plugin_manager().restore_config(plugin.plugin_id, number, grid=grid, user=request.user)
    return _("Revision %(revision)s is in force again.") % {"revision": number}


def _remove_storage_copy(plugin: InstalledPlugin, request: HttpRequest) -> str:
    number = _number(request, "storage_version")
    if not request.POST.get("sure"):
        raise PluginStateError(_("Nothing was removed: tick that you know what can't come back then."))
    plugin_manager().remove_storage_copy(plugin.plugin_id, number, user=request.user)
    return _("What was set aside of storage version %(version)s is removed.") % {"version": number}


def _number(request: HttpRequest, name: str) -> int:
    """Return a number of the form; 0, which nothing has, for anything else."""
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@require_POST
def update(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
    """Update to what lies at the source. Consent to a waiting version grants what is ticked and denies the rest."""
    plugin = get_object_or_404(InstalledPlugin, pk=pk)
    require(request, "install_plugin", plugin)
    manager = plugin_manager()
    with administering(request):
        pending = manager.get_plugin(plugin.plugin_id).pending
        granted = _consent(request, plugin, pending.asks_for) if pending is not None else ()
        if plugin.source == PluginSource.MARKETPLACE:
            return _update_by_worker(request, site, plugin, granted)
        found = manager.update_plugin(plugin.plugin_id, grants=granted, user=request.user)
        messages.success(request, _("%(plugin)s runs %(version)s.") % {"plugin": plugin, "version": found.version})
    return HttpResponseRedirect(tab_url(plugin, site, request.POST.get("tab", "")))


def _update_by_worker(
    request: HttpRequest, site: AdminSite, plugin: InstalledPlugin, granted: tuple[str, ...]
) -> HttpResponse:
    """Let a worker fetch and take a newer release: no request waits for a marketplace.

    Raises:
        PluginStateError: when it is to come in a way that is not offered.
    """
    waiting, canary = plugin.pending_version, CanaryForm(request.POST)
    if not canary.is_valid():
        raise PluginStateError(" ".join(str(message) for found in canary.errors.values() for message in found))
    arguments = {"grants": list(granted), **canary.arguments}
    if waiting is not None:
        arguments["version"] = waiting.version
    operation = request_operation(OperationKind.UPDATE, plugin.plugin_id, arguments, user=request.user)
    enqueue_operation(operation.pk)
    return HttpResponseRedirect(reverse(f"{site.name}:gridkit_django_pluginoperation_change", args=[operation.pk]))


def _consent(request: HttpRequest, plugin: InstalledPlugin, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is granted of the asked permissions; deny the rest."""
    require(request, "grant_plugin", plugin)
    granted = tuple(name for name in asked if name in request.POST.getlist("grants"))
    for name in asked:
        if name not in granted:
            plugin_manager().deny_permission(plugin.plugin_id, name, user=request.user)
    return granted


@require_POST
def configure(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
    """Save a new revision of the configuration; with a fault the page comes back with what was typed."""
    plugin = get_object_or_404(InstalledPlugin, pk=pk)
    require(request, "configure_plugin", plugin)
    grid = request.POST.get("gridkit-grid", "")
    form = config_form(plugin, grid, request.POST)
    if not form.is_valid():
        return tab_page(request, plugin, site, tab="configuration", extra={"form": form, "grid": grid})
    with administering(request):
        try:
            plugin_manager().configure_plugin(plugin.plugin_id, form.values(), grid=grid, user=request.user)
        except PluginConfigError as error:
            form.show_faults(error)
            return tab_page(request, plugin, site, tab="configuration", extra={"form": form, "grid": grid})
        messages.success(request, _("The configuration of %(plugin)s is in force.") % {"plugin": plugin})
    return HttpResponseRedirect(f"{tab_url(plugin, site, 'configuration')}?{urlencode({'grid': grid})}")


@require_POST
def uninstall(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
    """Remove the plugin; its configuration and storage are kept or deleted, the audit records stay."""
    plugin = get_object_or_404(InstalledPlugin, pk=pk)
    require(request, "install_plugin", plugin)
    with administering(request):
        data = _fate(request)
        with counting_removal(plugin):
            plugin_manager().uninstall_plugin(plugin.plugin_id, data=data, user=request.user)
        kept = _("%(plugin)s is uninstalled; its configuration and storage are kept.")
        gone = _("%(plugin)s is uninstalled.")
        messages.success(request, (kept if data is DataFate.KEEP else gone) % {"plugin": plugin})
        return HttpResponseRedirect(reverse(f"{site.name}:gridkit_django_installedplugin_changelist"))
    return HttpResponseRedirect(tab_url(plugin, site))


def _fate(request: HttpRequest) -> DataFate:
    """Return what becomes of the data; deleting it is never guessed.

    Raises:
        PluginStateError: when the form says neither.
    """
    try:
        return DataFate(request.POST.get("data", ""))
    except ValueError as error:
        raise PluginStateError(_("Nothing was done: say whether configuration and storage are kept.")) from error


@require_POST
def export_data(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
    """Download configuration and storage as JSON, without secrets."""
    plugin = get_object_or_404(InstalledPlugin, pk=pk)
    require(request, "install_plugin", plugin)
    require(request, "configure_plugin", plugin)
    with administering(request):
        content = plugin_manager().export_plugin_data(plugin.plugin_id, user=request.user)
        name = slugify(plugin.plugin_id.replace("/", "-"))
        headers = {"Content-Disposition": f'attachment; filename="{name}.json"', "Cache-Control": "no-store"}
        return JsonResponse(content, headers=headers, json_dumps_params={"indent": 2})
    return HttpResponseRedirect(tab_url(plugin, site))


VERBS: MappingProxyType[str, Verb] = MappingProxyType(
    {
        "activate": _simple("activate_plugin", _activate),
        "deactivate": _simple("activate_plugin", _deactivate),
        "reload": _simple("activate_plugin", _reload),
        "check": _simple("activate_plugin", _check),
        "grant": _simple("grant_plugin", _grant),
        "revoke": _simple("grant_plugin", _revoke),
        "update": update,
        "refuse_update": _simple("install_plugin", _refuse_update),
        "roll_back": _simple("install_plugin", _roll_back),
        "known_good": _simple("install_plugin", _known_good),
        "pin": _simple("install_plugin", _pin),
        "auto_update": _simple("install_plugin", _auto_update),
        "remove_storage_copy": _simple("install_plugin", _remove_storage_copy),
        "unpin": _simple("install_plugin", _unpin),
        "restore": _simple("configure_plugin", _restore),
        "deny": _simple("grant_plugin", _deny),
        "run_job": _simple("activate_plugin", _run_job),
        "pause_job": _simple("activate_plugin", _pause_job),
        "resume_job": _simple("activate_plugin", _resume_job),
        "configure": configure,
        "uninstall": uninstall,
        "export_data": export_data,
    }
)
