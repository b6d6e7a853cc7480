"""Refreshes of the catalogue in the admin: how fresh each list is, what each refresh brought, and refreshing now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from gridkit_django.admin.marketplace_browser import require_browsing
from gridkit_django.admin.verbs import may, require
from gridkit_django.conf import settings
from gridkit_django.exceptions import GridKitError, RefreshNotQueuedError
from gridkit_django.marketplace import client
from gridkit_django.models import CatalogRefresh, InstalledPlugin, RefreshState
from gridkit_django.tasks.marketplace import refresh_now


@dataclass(frozen=True, slots=True)
class RefreshLine:
    """One refresh as the page shows it.

    Attributes:
        refresh: which.
        is_open: whether it is under way.
        seconds: how long it took, or takes yet; None before it began.
        counts: entries that came or changed, that went, and that were left out.
        faults: what could not be followed, and why.
    """

    refresh: CatalogRefresh
    is_open: bool
    seconds: float | None
    counts: dict[str, int]
    faults: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """Return what is searched: who asked, the marketplaces, and what failed."""
        asked = self.refresh.requested_by
        faults = (word for fault in self.faults for word in fault)
        return " ".join(("" if asked is None else str(asked), *self.refresh.results, *faults))


def refreshes_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the marketplaces and the last refreshes; while one is under way the page renews itself."""
    require_browsing(request)
    state, words = request.GET.get("state", ""), request.GET.get("q", "").strip()
    found = CatalogRefresh.objects.select_related("requested_by")
    if state in RefreshState.values:
        found = found.filter(state=state)
    context = {
        **site.each_context(request),
        "title": _("Refreshes of the catalogue"),
        "opts": InstalledPlugin._meta,
        "lines": [
            line
            for refresh in found[: client.refreshing.KEPT]
            if words.casefold() in (line := _line(refresh)).text.casefold()
        ],
        "states": RefreshState.choices,
        "state": state,
        "q": words,
        "offline": settings().MARKETPLACE_OFFLINE,
        "may_refresh": may(request, "install_plugin"),
        **_ages(),
    }
    return TemplateResponse(request, "admin/gridkit_django/installedplugin/marketplace_refreshes.html", context)


@require_POST
def refresh(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Let a worker follow the marketplaces now, and show how far it is."""
    require(request, "install_plugin")
    try:
        refresh_now(request.user)
    except RefreshNotQueuedError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _now("A worker follows the marketplaces now."))
    return HttpResponseRedirect(reverse(f"{site.name}:gridkit_marketplace_refreshes"))


def _ages() -> dict[str, Any]:
    try:
        return {"ages": client.catalogue_ages()}
    except GridKitError as error:
        return {"fault": error.detail}


def _line(refresh: CatalogRefresh) -> RefreshLine:
    results = refresh.results
    until = refresh.finished_at or timezone.now()
    faults = [(alias, facts["error"]) for alias, facts in results.items() if facts["error"]]
    return RefreshLine(
        refresh=refresh,
        is_open=refresh.state in client.refreshing.OPEN,
        seconds=(until - refresh.started_at).total_seconds() if refresh.started_at is not None else None,
        counts={name: sum(facts[name] for facts in results.values()) for name in ("taken", "removed", "left_out")},
        faults=(*faults, *([("", refresh.error)] if refresh.error else ())),
    )
