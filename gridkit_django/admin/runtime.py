"""The runtime in the admin: operations with their log, processes, and the history of health."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery, Value
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from gridkit_django.admin.canary_panel import canary_panel
from gridkit_django.admin.charts import amount
from gridkit_django.admin.people import login_name
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import may
from gridkit_django.conf import settings
from gridkit_django.exceptions import PeersNotAgreedError, PluginNotFoundError
from gridkit_django.models import (
    HealthCheckResult,
    InstalledPlugin,
    OperationState,
    PluginOperation,
    RuntimeGeneration,
    RuntimeProcess,
)
from gridkit_django.plugins import cancel_operation, plugin_manager, switch_anyway
from gridkit_django.plugins.canaries import CANARY
from gridkit_django.plugins.preparing import PREPARE
from gridkit_django.templatetags.gridkit_admin import badge

_COMPARED = 100
"""So many of the last health checks are compared with each other: one page of the list."""
_OPEN = (OperationState.QUEUED, OperationState.RUNNING)
_UNDER_WAY = SafeString(" <span data-open></span>")
"""What the page watches: while it is there, the page renews itself."""


class PluginOperationAdmin(ReadOnlyAdmin[PluginOperation]):
    """What was asked for and how far it is; a page of an operation under way renews itself."""

    list_display = ("created_at", "kind", "plugin_id", "state_badge", "requested_by")
    list_filter = ("state", "kind", "created_at")
    search_fields = ("plugin_id", "error_detail", login_name("requested_by"))
    list_select_related = ("requested_by",)
    fields = (
        "kind",
        "plugin_page",
        "state_badge",
        "error",
        "progress_bar",
        "trial",
        "log_lines",
        "worker",
        "processes",
        "requested_by",
        "created_at",
        "finished_at",
    )
    readonly_fields = fields

    def get_fields(self, request: HttpRequest, obj: PluginOperation | None = None) -> list[Any]:
        """Leave out the reason and the trial where there is none."""
        absent = {"error": obj is None or not obj.error_code, "trial": obj is None or not obj.canary}
        return [name for name in self.fields if not absent.get(name)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PluginOperation]:
        """Add the plugin of each operation, where a version of it waits for consent, and whether it was asked again."""
        waiting = InstalledPlugin.objects.filter(plugin_id=OuterRef("plugin_id"), pending_version__isnull=False)
        later = PluginOperation.objects.filter(
            plugin_id=OuterRef("plugin_id"), kind=OuterRef("kind"), created_at__gt=OuterRef("created_at")
        )
        rows = super().get_queryset(request)
        return rows.annotate(waiting_plugin=Subquery(waiting.values("pk")[:1]), was_asked_again=Exists(later))

    def get_urls(self) -> list[URLPattern]:
        """Add the way to stop one."""
        stop = self.admin_site.admin_view(require_POST(self.stop))
        hurry = self.admin_site.admin_view(require_POST(self.switch_anyway))
        mine = [
            path("<uuid:pk>/stop/", stop, name="gridkit_operation_stop"),
            path("<uuid:pk>/anyway/", hurry, name="gridkit_operation_anyway"),
        ]
        return [*mine, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show one operation, with a way to stop it for whoever may."""
        operation = self.get_object(request, object_id)
        mine = {
            "may_stop": operation is not None and _may_stop(request, operation),
            "may_hurry": operation is not None and _waits_to_switch(operation) and may(request, "install_plugin"),
        }
        context = {**mine, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def stop(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask an operation to stop.

        Raises:
            PermissionDenied: when the user neither asked for it nor may install plugins.
        """
        operation = get_object_or_404(PluginOperation, pk=pk)
        if not (self.has_view_permission(request, operation) and _may_stop(request, operation, also_ended=True)):
            raise PermissionDenied
        cancel_operation(operation.pk)
        messages.success(request, _("The operation was asked to stop; what it has done is undone."))
        return self._back_to(operation)

    def switch_anyway(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Let an operation switch without waiting for hosts or the end of a trial.

        Raises:
            PermissionDenied: when the user may not install plugins.
        """
        operation = get_object_or_404(PluginOperation, pk=pk)
        plugin = InstalledPlugin.objects.filter(plugin_id=operation.plugin_id).first()
        if not (self.has_view_permission(request, operation) and may(request, "install_plugin", plugin)):
            raise PermissionDenied
        switch_anyway(operation.pk, user=request.user)
        messages.success(request, _("It switches without waiting any longer; hosts that are late follow later."))
        return self._back_to(operation)

    def _back_to(self, operation: PluginOperation) -> HttpResponse:
        page = f"{self.admin_site.name}:gridkit_django_pluginoperation_change"
        return HttpResponseRedirect(reverse(page, args=[operation.pk]))

    @admin.display(description=_("progress"))
    def progress_bar(self, operation: PluginOperation) -> SafeString:
        """Show how much is done, and what is being done."""
        bar = '<progress max="1" value="{}" aria-label="{}"></progress> {} {}'
        done = operation.progress
        return format_html(bar, done, _("progress"), f"{done:.0%}", operation.step)

    @admin.display(description=_("plugin"))
    def plugin_page(self, operation: PluginOperation) -> SafeString | str:
        """Lead to the plugin's page, once there is one."""
        pk = InstalledPlugin.objects.filter(plugin_id=operation.plugin_id).values_list("pk", flat=True).first()
        if pk is None:
            return operation.plugin_id
        url = reverse(f"{self.admin_site.name}:gridkit_django_installedplugin_change", args=[pk])
        return format_html('<a href="{}">{}</a>', url, operation.plugin_id)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, operation: PluginOperation) -> SafeString:
        """Show the state with a colour, and mark one that is still under way."""
        mark = _UNDER_WAY if operation.state in _OPEN else ""
        if operation.state == OperationState.WAITING:
            return self._waiting(operation)
        return format_html("{}{}", badge(operation.state, operation.get_state_display()), mark)

    def _waiting(self, operation: PluginOperation) -> SafeString:
        """Lead to where it is decided, while something is to be decided; else say that it was."""
        url = self._place_to_decide(operation)
        if not url:
            return badge("plain", str(_("asked for consent, which was decided")))
        return format_html(
            '{} <a href="{}">{}</a>', badge(operation.state, operation.get_state_display()), url, _("Decide")
        )

    def _place_to_decide(self, operation: PluginOperation) -> str:
        """Return where it is decided what may come along, or what the version may do; empty when that was done."""
        site = self.admin_site.name
        if operation.error_code == PeersNotAgreedError.code:
            page = f"{reverse(f'{site}:gridkit_marketplace_plugin')}?{urlencode({'id': operation.plugin_id})}"
            return "" if getattr(operation, "was_asked_again", False) else page
        plugin = getattr(operation, "waiting_plugin", None)
        return reverse(f"{site}:gridkit_plugin_tab", args=[plugin, "versions"]) if plugin is not None else ""

    @admin.display(description=_("processes"))
    def processes(self, operation: PluginOperation) -> str:
        """Say how many processes run the plugin as it is wanted now, and name those that do not yet."""
        try:
            found = plugin_manager().convergence(operation.plugin_id)
        except PluginNotFoundError:
            return "-"
        on, behind = len(found.on), found.behind
        told = _("%(on)d of %(all)d processes are on it.") % {"on": on, "all": on + len(behind)}
        names = ", ".join(f"{item.kind} {item.host}:{item.pid}" for item in behind)
        return f"{told} {_('Not yet: %(names)s.') % {'names': names}}" if names else str(told)

    @admin.display(description=_("tried first"))
    def trial(self, operation: PluginOperation) -> SafeString:
        """Show how the process does that tries an update before the others."""
        return canary_panel(operation)

    @admin.display(description=_("log"))
    def log_lines(self, operation: PluginOperation) -> SafeString:
        """Show the steps as they were written."""
        return SafeString(render_to_string("admin/gridkit_django/log.html", {"operation": operation}))

    @admin.display(description=_("reason"))
    def error(self, operation: PluginOperation) -> str:
        """Show why it failed or waits, with the code."""
        return f"{operation.error_detail} ({operation.error_code})" if operation.error_code else "-"


def _waits_to_switch(operation: PluginOperation) -> bool:
    return operation.state in _OPEN and operation.step in (PREPARE, CANARY) and not operation.switch_anyway


def _may_stop(request: HttpRequest, operation: PluginOperation, *, also_ended: bool = False) -> bool:
    """Whether the user may stop it: whoever asked for it, and those who may install plugins."""
    is_open = operation.state in _OPEN and not operation.cancel_requested
    mine = operation.requested_by_id == request.user.pk
    return (is_open or also_ended) and (mine or may(request, "install_plugin"))


class RuntimeProcessAdmin(ReadOnlyAdmin[RuntimeProcess]):
    """Which process of which host follows which generation and runs what."""

    list_display = ("host", "pid", "kind", "follows", "running", "safe_mode", "last_error", "alive", "seen_at")
    list_filter = ("kind", "safe_mode", "host")
    search_fields = ("host", "pid")
    fields = (
        *("host", "pid", "kind", "follows", "alive", "plugins_run", "safe_mode", "last_error", "coming"),
        *("started_at", "seen_at"),
    )
    readonly_fields = ("follows", "alive", "plugins_run", "coming")

    @admin.display(description=_("generation"), ordering="generation")
    def follows(self, process: RuntimeProcess) -> SafeString:
        """Show the generation that the process last reported, beside the present one."""
        present = RuntimeGeneration.objects.values_list("value", flat=True).first() or 0
        kind = "good" if process.generation >= present else "warn"
        return badge(kind, f"{process.generation} / {present}")

    @admin.display(description=_("plugins"))
    def running(self, process: RuntimeProcess) -> str:
        """Name the plugins that the process runs, with their revisions."""
        return ", ".join(f"{name} r{revision}" for name, revision in process.plugins.items()) or "-"

    @admin.display(description=_("plugins"))
    def plugins_run(self, process: RuntimeProcess) -> SafeString | str:
        """Show the plugins that the process runs, and what it counted of each."""
        rows = [_counted(name, process) for name in sorted({*process.plugins, *process.figures})]
        most = max((row["mean"] for row in rows), default=0.0)
        for row in rows:
            row["time"] = amount(f"{row['mean']:.2f} ms", row["mean"], most)
        return (
            SafeString(render_to_string("admin/gridkit_django/process_plugins.html", {"rows": rows})) if rows else "-"
        )

    @admin.display(description=_("coming versions"))
    def coming(self, process: RuntimeProcess) -> str:
        """Say which versions that are to come the process has prepared, and why it has not prepared others."""
        lacking = "; ".join(f"{digest[:16]}…: {reason}" for digest, reason in process.unready.items())
        ready = ngettext("%d version is ready", "%d versions are ready", len(process.ready)) % len(process.ready)
        told = [ready] if process.ready else []
        return ". ".join([*told, *([_("Not ready: %s") % lacking] if lacking else [])]) or "-"

    @admin.display(description=_("alive"), boolean=True)
    def alive(self, process: RuntimeProcess) -> bool:
        """Whether the process reported itself lately; it does so also while nobody asks it for anything."""
        return process.seen_at > timezone.now() - timedelta(seconds=4 * settings().HEARTBEAT_SECONDS)


def _counted(name: str, process: RuntimeProcess) -> dict[str, Any]:
    """Return what a process says of one plugin: revision, version, calls, errors, mean time of a call in ms."""
    figures = process.figures.get(name, {})
    calls = figures.get("calls", 0)
    return {
        "name": name,
        "revision": process.plugins.get(name),
        "version": figures.get("version", ""),
        "calls": calls,
        "errors": figures.get("errors", 0),
        "mean": figures.get("total_ms", 0.0) / calls if calls else 0.0,
    }


class HealthCheckResultAdmin(ReadOnlyAdmin[HealthCheckResult]):
    """The history of health checks."""

    list_display = ("checked_at", "plugin", "status_badge", "message", "duration")
    list_filter = ("status", "plugin", "checked_at")
    search_fields = ("plugin__plugin_id", "message")
    list_select_related = ("plugin",)

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthCheckResult]:
        """Add the longest time of the last checks, which the bars are compared with."""
        lately = HealthCheckResult.objects.order_by("-checked_at", "-pk")[:_COMPARED]
        most = lately.aggregate(most=Max("duration_ms"))["most"]
        return super().get_queryset(request).annotate(most=Value(most or 0.0))

    @admin.display(description=_("status"), ordering="status")
    def status_badge(self, result: HealthCheckResult) -> SafeString:
        """Show the verdict with a colour."""
        return badge(result.status, result.get_status_display())

    @admin.display(description=_("duration"), ordering="duration_ms")
    def duration(self, result: HealthCheckResult) -> SafeString:
        """Show how long the check took, as a number and beside the others."""
        return amount(f"{result.duration_ms:.1f} ms", result.duration_ms, getattr(result, "most", 0.0))
