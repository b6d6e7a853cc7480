"""One plugin of a marketplace: what it is, what installing it would do, and consent with the password again."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.market_changes import changes_of
from gridkit_django.admin.marketplace_browser import card, require_browsing
from gridkit_django.admin.marketplace_forms import InstallForms
from gridkit_django.admin.marketplace_peers import needs_of
from gridkit_django.admin.verbs import administering, may, require
from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace import client
from gridkit_django.models import InstalledPlugin, OperationKind, PluginOperation
from gridkit_django.plugins import request_operation
from gridkit_django.plugins.permission_texts import permission_text
from gridkit_django.tasks.plugins import enqueue_operation

_VERSIONS = 12


def detail_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show a plugin with the plan of its installation; on POST ask a worker to install or update it.

    Raises:
        Http404: when the catalogue has no such plugin or release.
    """
    require_browsing(request)
    plan = _plan(request.GET.get("id", ""), request.GET.get("version") or None)
    row = InstalledPlugin.objects.filter(plugin_id=plan.listing.id).first()
    forms = InstallForms(request, plan, row)
    if request.method == "POST":
        require(request, "install_plugin", row)
        _require_for_peers(request, plan)
        if forms.are_filled_in:
            with administering(request):
                operation = _ask(request, plan, forms)
                page = f"{site.name}:gridkit_django_pluginoperation_change"
                return HttpResponseRedirect(reverse(page, args=[operation.pk]))
    context = {
        **site.each_context(request),
        **_facts(plan, site),
        **forms.context,
        "title": plan.listing.name,
        "opts": InstalledPlugin._meta,
        "plugin": row,
        "plan": plan,
        "may_install": may(request, "install_plugin", row),
    }
    return TemplateResponse(request, "admin/gridkit_django/installedplugin/marketplace_plugin.html", context)


def _require_for_peers(request: HttpRequest, plan: client.InstallPlan) -> None:
    """Ask for the rights on plugins that are new here: those on one installed plugin don't count.

    What comes along with an update starts at once, since the plugin that needs it runs.

    Raises:
        PermissionDenied: when one is missing.
    """
    if plan.peers:
        require(request, "install_plugin")
        if plan.installed:
            require(request, "activate_plugin")


def _plan(plugin_id: str, version: str | None) -> client.InstallPlan:
    try:
        return client.make_install_plan(plugin_id, version)
    except GridKitError as error:
        raise Http404(error.detail) from error


def _facts(plan: client.InstallPlan, site: AdminSite) -> dict[str, Any]:
    listing = plan.listing
    reasons = {item.version: item.reasons for item in plan.verdicts}
    versions = [{"release": item, "reasons": reasons.get(item.version, ())} for item in listing.versions]
    shown = plan.release or (listing.versions[0] if listing.versions else None)
    return {
        "card": card(listing, {listing.id: plan.installed}),
        "shown": shown,
        "changes": changes_of(shown.changelog) if shown else "",
        "pictures": _pictures(listing),
        "links": _links(listing),
        "permissions": [(name, permission_text(name)) for name in (shown.permissions if shown else ())],
        "needs": needs_of(shown, site) if shown else (),
        "versions": versions[:_VERSIONS],
        "older": versions[_VERSIONS:],
        "is_update": bool(plan.installed),
    }


def _pictures(listing: client.RemoteListing) -> list[dict[str, Any]]:
    """Return the screenshots; none when the marketplace is not in the settings any more."""
    return [
        {"address": address, "picture": item}
        for item in listing.screenshots
        if (address := client.pictures.picture_address(listing, item.url))
    ]


def _links(listing: client.RemoteListing) -> list[tuple[Any, str]]:
    """Return the addresses that a plugin has, each with what is there; the catalogue takes none but http and https."""
    found = (
        (_("Documentation"), listing.documentation),
        (_("Demo"), listing.demo),
        (_("Homepage"), listing.homepage),
        (_("Source"), listing.repository),
    )
    return [(label, address) for label, address in found if address]


def _ask(request: HttpRequest, plan: client.InstallPlan, forms: InstallForms) -> PluginOperation:
    """Write the operation down and let a worker carry it out; what the forms hold was validated."""
    kind = OperationKind.UPDATE if plan.installed else OperationKind.INSTALL
    operation = request_operation(kind, plan.listing.id, forms.arguments, user=request.user)
    enqueue_operation(operation.pk)
    return operation
