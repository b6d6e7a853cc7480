"""The browser of marketplaces: cards out of the local catalogue. No page of it asks a marketplace for anything."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.verbs import may
from gridkit_django.conf import settings
from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace import client
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import PluginSearchQuery

PAGE = 24
BROWSE = "gridkit_django.browse_marketplace"
_PAGES_MAX = 500

_SORTS = (
    ("relevance", _("Best match")),
    ("downloads", _("Downloads")),
    ("rating", _("Rating")),
    ("updated", _("Newest")),
    ("name", _("Name")),
)
_RATINGS = (("", _("any")), ("4", _("★★★★ or more")), ("3", _("★★★ or more")), ("2", _("★★ or more")))
_PRICES = MappingProxyType({"free": _("free"), "freemium": _("free, more for money"), "paid": _("paid")})


class BrowseForm(forms.Form):
    """What is looked for."""

    q = forms.CharField(label=_("Search"), required=False, max_length=200, widget=forms.TextInput({"type": "search"}))
    category = forms.CharField(required=False, max_length=50, widget=forms.HiddenInput)
    tag = forms.CharField(required=False, max_length=50, widget=forms.HiddenInput)
    sort = forms.ChoiceField(label=_("Order"), required=False, choices=_SORTS)
    verified = forms.BooleanField(label=_("Reviewed"), required=False)
    free = forms.BooleanField(label=_("Free"), required=False)
    rating = forms.TypedChoiceField(label=_("Rating"), required=False, choices=_RATINGS, coerce=float, empty_value=None)
    page = forms.IntegerField(required=False, min_value=1, max_value=_PAGES_MAX, widget=forms.HiddenInput)

    def query(self) -> PluginSearchQuery:
        """Return the question; what makes no sense counts as not asked."""
        given = self.cleaned_data
        return PluginSearchQuery(
            query=given.get("q", ""),
            category=given.get("category") or None,
            tags=(given["tag"],) if given.get("tag") else (),
            verified=given.get("verified") or None,
            free=given.get("free") or None,
            min_rating=given.get("rating"),
            sort_by=given.get("sort") or "relevance",
            limit=PAGE,
            offset=PAGE * (self.number() - 1),
        )

    def number(self) -> int:
        """Return the number of the page."""
        return int(self.cleaned_data.get("page") or 1)


def require_browsing(request: HttpRequest) -> None:
    """Let those pass who may browse marketplaces, or install.

    Raises:
        PermissionDenied: when the user may do neither.
    """
    if not (request.user.has_perm(BROWSE) or may(request, "install_plugin")):
        raise PermissionDenied


def browser_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the plugins of all marketplaces that the form asks for, and how fresh the list is."""
    require_browsing(request)
    form = BrowseForm(request.GET)
    form.is_valid()
    context = {
        **site.each_context(request),
        "title": _("Marketplace"),
        "opts": InstalledPlugin._meta,
        "form": form,
        "offline": settings().MARKETPLACE_OFFLINE,
        "may_refresh": may(request, "install_plugin"),
        **_shelves(form),
    }
    return TemplateResponse(request, "admin/gridkit_django/installedplugin/marketplace.html", context)


def _shelves(form: BrowseForm) -> dict[str, Any]:
    """Return what the page shows of the catalogue; with wrong settings only what is wrong."""
    try:
        query = form.query()
        result, ages = client.search(query), client.catalogue_ages()
        counts = client.category_counts(replace(query, query=result.meant) if result.meant else query)
    except GridKitError as error:
        return {"fault": error.detail, "is_set_up": False}
    installed = dict(InstalledPlugin.objects.values_list("plugin_id", "current_version__version"))
    plain = form.number() == 1 and not any(
        form.cleaned_data.get(key) for key in ("q", "category", "tag", "verified", "rating")
    )
    return {
        "is_set_up": bool(ages),
        "ages": ages,
        "count": result.count,
        "meant": result.meant,
        "cards": [card(listing, installed) for listing in result.plugins],
        "featured": [card(listing, installed) for listing in client.featured(4)] if plain else (),
        "categories": [{"name": name, "count": number} for name, number in counts.items()],
        "pages": _pages(form.number(), result.count),
    }


def card(listing: client.RemoteListing, installed: dict[str, str]) -> dict[str, Any]:
    """Return what a card shows of a plugin."""
    return {
        "listing": listing,
        "publisher": listing.publisher.display_name or listing.publisher.name,
        "latest": next((item for item in listing.versions if item.state == "published"), None),
        "downloads": number_format(listing.downloads, force_grouping=True),
        "stars": _stars(listing.rating.value),
        "price": _PRICES[listing.pricing],
        "icon": client.pictures.picture_address(listing, listing.icon),
        "letter": (listing.name or "?")[:1].upper(),
        "installed": installed.get(listing.id),
    }


def _stars(rating: float | None) -> str:
    """Return a rating as five stars, the full ones first; empty for none."""
    full = round(rating or 0)
    return "★" * full + "☆" * (5 - full) if rating is not None else ""


def _pages(page: int, count: int) -> dict[str, int | None]:
    last = min(max(-(-count // PAGE), 1), _PAGES_MAX)
    return {
        "page": page,
        "last": last,
        "before": page - 1 if page > 1 else None,
        "after": page + 1 if page < last else None,
    }
