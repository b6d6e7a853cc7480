"""The plan: which plugins run, in which order, why not the others, and what a change would lead to."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from gridkit_django.exceptions import GridKitError
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import ChangeKind, PlanChange, PlanReason, plugin_manager

_KINDS = (
    (ChangeKind.ACTIVATE.value, _("activate")),
    (ChangeKind.DEACTIVATE.value, _("deactivate")),
    (ChangeKind.UPDATE.value, _("update")),
    (ChangeKind.UNINSTALL.value, _("uninstall")),
)


class ChangeForm(forms.Form):
    """What somebody thinks of doing. Nothing is done."""

    kind = forms.ChoiceField(label=_("What if I"), choices=_KINDS)
    plugin = forms.ModelChoiceField(
        label=_("the plugin"), queryset=InstalledPlugin.objects.order_by("plugin_id"), to_field_name="plugin_id"
    )


def plan_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the plan, and with ``kind`` and ``plugin`` in the address what would come of a change.

    Raises:
        PermissionDenied: when the user may not see plugins.
    """
    if not request.user.has_perm("gridkit_django.view_installedplugin"):
        raise PermissionDenied
    form = ChangeForm(request.GET) if "plugin" in request.GET else ChangeForm()
    change, fault = _change(form), ""
    try:
        plan = plugin_manager().plan(change)
    except GridKitError as error:
        plan, change, fault = plugin_manager().plan(), None, error.detail
    context = {
        **site.each_context(request),
        "title": _("Plan"),
        "opts": InstalledPlugin._meta,
        "form": form,
        "change": change,
        "fault": fault,
        "plan": plan,
        "held": _lines(plan.held),
        "stops": _lines(plan.stops),
    }
    return TemplateResponse(request, "admin/gridkit_django/installedplugin/plan.html", context)


def _change(form: ChangeForm) -> PlanChange | None:
    if not form.is_bound or not form.is_valid():
        return None
    return PlanChange(ChangeKind(form.cleaned_data["kind"]), form.cleaned_data["plugin"].plugin_id)


def _lines(reasons: Mapping[str, tuple[PlanReason, ...]]) -> list[tuple[str, list[str]]]:
    return [(plugin_id, [reason.detail for reason in found]) for plugin_id, found in reasons.items()]
