"""Listings of this site's marketplace: their front, their pictures, their figures; and what people report."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget, AdminURLFieldWidget
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Subquery
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.charts import Point, amount, bar_chart, ranking
from gridkit_django.admin.market_only import MarketOnly
from gridkit_django.admin.verbs import administering
from gridkit_django.exceptions import MarketPictureError
from gridkit_django.marketplace import shelf
from gridkit_django.models import Listing, ListingPicture, ListingReport, ListingState
from gridkit_django.templatetags.gridkit_admin import badge

LOOKS = {"active": "good", "deprecated": "warn", "archived": "plain", "removed": "bad", "pending": "plain"}
SPANS = (7, 30, 90, 365)
_FRONT = ("demo", "documentation", "pricing_text", "pricing_page", "license_page", "featured")


def _address(label: Any) -> forms.URLField:
    return forms.URLField(
        label=label, required=False, assume_scheme="https", max_length=500, widget=AdminURLFieldWidget
    )


class ListingForm(forms.ModelForm):  # type: ignore[type-arg]
    """What administrators say of a plugin beside what its manifest says."""

    demo = _address(_("Demo"))
    documentation = _address(_("Documentation"))
    pricing_page = _address(_("Page about prices"))
    license_page = _address(_("Page about the license"))
    state = forms.ChoiceField(label=_("State"), required=False, choices=ListingState.choices)
    icon_file = forms.FileField(label=_("New icon"), required=False, help_text=_("PNG, JPEG or WebP; drawn anew."))
    screenshot = forms.FileField(label=_("Add a screenshot"), required=False)
    caption = forms.CharField(
        label=_("What it shows"),
        required=False,
        max_length=200,
        help_text=_("For people who can't see it."),
        widget=AdminTextInputWidget,
    )
    drop = forms.ModelMultipleChoiceField(
        label=_("Remove screenshots"),
        required=False,
        queryset=ListingPicture.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Listing
        fields: ClassVar = [*_FRONT, "state_reason"]
        widgets: ClassVar = {"state_reason": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "drop" in self.fields and self.instance.pk:
            self.fields["drop"].queryset = self.instance.pictures.all()  # type: ignore[attr-defined]
        if "state" in self.fields:
            self.fields["state"].initial = self.instance.state

    def clean_icon_file(self) -> bytes:
        """Refuse what is no picture."""
        return self._picture("icon_file")

    def clean_screenshot(self) -> bytes:
        """Refuse what is no picture."""
        return self._picture("screenshot")

    def _picture(self, name: str) -> bytes:
        given = self.cleaned_data.get(name)
        if not given:
            return b""
        content: bytes = given.read(shelf.pictures.BYTES_MAX + 1)
        try:
            shelf.pictures.redraw(content, 16)
        except MarketPictureError as error:
            raise forms.ValidationError(error.detail) from error
        return content


def _largest(name: str) -> Subquery:
    return Subquery(Listing.objects.order_by(f"-{name}").values(name)[:1])


class ListingAdmin(MarketOnly[Listing]):
    """The plugins that the marketplace lists."""

    form = ListingForm
    list_display = (
        *("plugin", "condition", "category", "latest_version", "download_count", "install_count", "stars"),
        *("featured", "changed_on"),
    )
    ordering = ("plugin_id",)
    list_filter = ("state", "category", "pricing", ("featured", admin.EmptyFieldListFilter), "updated_at")
    search_fields = ("plugin_id", "name", "summary", "publisher__name", "distribution")
    list_select_related = ("publisher", "latest")
    readonly_fields = (
        *("plugin_id", "name", "publisher", "distribution", "import_package", "summary", "category", "pricing"),
        *("license", "latest_version", "downloads", "installs", "updates", "stars", "serial", "created_at"),
    )
    change_form_template = "admin/gridkit_django/listing/change_form.html"

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css", "gridkit/market.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listing]:
        """Add the largest numbers of all listings: bars are parts of them."""
        most = {f"most_{name}": _largest(name) for name in ("downloads", "installs")}
        return super().get_queryset(request).annotate(**most)

    def get_fieldsets(self, request: HttpRequest, obj: Listing | None = None) -> list[Any]:
        """Show what the manifest says, and ask for the rest."""
        drop = ["drop"] if obj is not None and obj.pictures.exists() else []
        front = [*_FRONT, "state", "state_reason", "pictures_now", "icon_file", "screenshot", "caption", *drop]
        shown = [*_FRONT, "condition", "state_reason", "pictures_now"]
        mine = front if self.has_change_permission(request, obj) else shown
        return [(None, {"fields": self.readonly_fields}), (_("Front"), {"fields": mine})]

    def get_readonly_fields(self, request: HttpRequest, obj: Listing | None = None) -> list[str]:
        """Show the state where it can't be changed."""
        return [
            *self.readonly_fields,
            "pictures_now",
            *([] if self.has_change_permission(request, obj) else ["condition"]),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a plugin is listed when its first release is published."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Listing | None = None) -> bool:
        """Refuse: removing leaves a tombstone."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the figures."""
        figures = self.admin_site.admin_view(self.figures)
        picture = self.admin_site.admin_view(self.picture)
        return [
            path("<int:pk>/figures/", figures, name="gridkit_market_figures"),
            path("<int:pk>/pictures/<slug:sha256>.png", picture, name="gridkit_market_own_picture"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Listing, form: Any, change: bool) -> None:
        """Change the front through the services."""
        told = form.cleaned_data
        with administering(request):
            shelf.fronts.touch_listing(obj, *_FRONT)
            if told.get("icon_file"):
                shelf.pictures.set_icon(obj, told["icon_file"])
            if told.get("screenshot"):
                shelf.pictures.add_screenshot(obj, told["screenshot"], told.get("caption", ""))
            for picture in told.get("drop") or ():
                shelf.pictures.remove_screenshot(picture)
            wanted, stored = told.get("state"), Listing.objects.get(pk=obj.pk)
            if wanted == ListingState.REMOVED != stored.state:
                shelf.taking_back.unpublish(stored, obj.state_reason)
            elif wanted and (wanted, obj.state_reason) != (stored.state, stored.state_reason):
                shelf.taking_back.set_listing_state(stored, ListingState(wanted), obj.state_reason)

    def picture(self, request: HttpRequest, pk: int, sha256: str) -> HttpResponseBase:
        """Show a picture of a plugin, also before anything of it is public, to whoever may look at it or review it.

        Raises:
            Http404: when there is no such picture.
            PermissionDenied: when the reader may not see it.
        """
        listing = Listing.objects.filter(pk=pk).first()
        reviews = any(request.user.has_perm(f"gridkit_django.{verb}_release") for verb in ("view", "change"))
        if not (reviews or self.has_view_permission(request, listing)):
            raise PermissionDenied
        if listing is None or sha256 not in shelf.pictures.pictures_of(listing):
            raise Http404
        name = shelf.storing.name_of("pictures", sha256, f"{sha256}.png")
        response = FileResponse(shelf.storing.opened(name), content_type="image/png")
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["Cache-Control"] = "private, max-age=3600"
        return response

    def figures(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how a plugin does: charts, and the same as a table.

        Raises:
            Http404: when there is no such plugin.
            PermissionDenied: when the reader may not see it; members of its publisher may.
        """
        listing = Listing.objects.select_related("publisher").filter(pk=pk).first()
        if listing is None:
            raise Http404
        member = listing.publisher.members.filter(pk=request.user.pk or 0).exists()
        if not (member or self.has_view_permission(request, listing)):
            raise PermissionDenied
        days = next((span for span in SPANS if request.GET.get("days") == str(span)), 30)
        context = {
            **self.admin_site.each_context(request),
            **_shown_figures(shelf.analytics.plugin_analytics(listing, days)),
            "title": _now("Figures of %(plugin)s") % {"plugin": listing.plugin_id},
            "opts": self.opts,
            "listing": listing,
            "spans": SPANS,
            "days": days,
        }
        return TemplateResponse(request, "admin/gridkit_django/listing/figures.html", context)

    @admin.display(description=_("plugin"), ordering="name")
    def plugin(self, row: Listing) -> SafeString:
        """Name it, and how it is called."""
        return format_html('{}<br><small class="gridkit-quiet">{}</small>', row.name, row.plugin_id)

    @admin.display(description=_("downloads"), ordering="-downloads")
    def download_count(self, row: Any) -> SafeString:
        """Show the number, beside the largest of all."""
        return amount(row.downloads, row.downloads, row.most_downloads)

    @admin.display(description=_("installs"), ordering="-installs")
    def install_count(self, row: Any) -> SafeString:
        """Show the number, beside the largest of all."""
        return amount(row.installs, row.installs, row.most_installs)

    @admin.display(description=_("state"), ordering="state")
    def condition(self, row: Listing) -> SafeString:
        """Show the state in a word."""
        return badge(LOOKS[row.state], row.get_state_display())

    @admin.display(description=_("last release"), ordering="-updated_at")
    def changed_on(self, row: Listing) -> str:
        """Return the day: the list has no room for more."""
        return date_format(localtime(row.updated_at)) if row.updated_at else "-"

    @admin.display(description=_("pictures"))
    def pictures_now(self, row: Listing) -> SafeString:
        """Show the icon and the screenshots, as the review of a release does."""
        context = {"listing": row, "icon": row.icon.removesuffix(".png"), "pictures": row.pictures.order_by("position")}
        return SafeString(render_to_string("admin/gridkit_django/listing/pictures.html", context).strip() or "-")

    @admin.display(description=_("latest"))
    def latest_version(self, row: Listing) -> str:
        """Return the version that stands for it."""
        return row.latest.version if row.latest else "-"

    @admin.display(description=_("rating"), ordering="rating")
    def stars(self, row: Listing) -> str:
        """Return the rating, and of how many."""
        return "-" if row.rating is None else f"{row.rating:.1f} ({row.rating_count})"


def _shown_figures(found: shelf.analytics.PluginAnalytics) -> dict[str, Any]:
    """Return what the page draws of some figures: charts, rankings, and the days on which something was."""
    kinds = (("download", _now("Downloads")), ("install", _now("Installs")), ("update", _now("Updates")))
    charts = [
        bar_chart(title, [Point(item.day.isoformat(), item.counts[kind]) for item in found.days])
        for kind, title in kinds
    ]
    rankings = (
        (_now("Sites that have it now, by version"), found.versions, _now("None has reported yet.")),
        (
            _now("Installs and updates of this time, by version of GridKit"),
            found.core_versions,
            _now("Nothing in this time."),
        ),
    )
    return {
        "found": found,
        "charts": charts,
        "rankings": tuple((title, ranking(counts), nothing) for title, counts, nothing in rankings),
        "rows": [item for item in reversed(found.days) if any(item.counts.values())],
    }


class ListingReportAdmin(MarketOnly[ListingReport]):
    """What people report about plugins."""

    list_display = ("created_at", "listing", "reason", "closed", "contact")
    list_filter = ("closed", "reason", "created_at")
    search_fields = ("listing__plugin_id", "text", "contact", "answer")
    list_select_related = ("listing",)
    date_hierarchy = "created_at"
    readonly_fields = ("listing", "reason", "text", "contact", "version", "created_at")
    fields = (*readonly_fields, "closed", "answer")
    actions = ("close_them",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: reports come through the API."""
        return False

    @admin.action(description=_("Mark selected reports as dealt with"), permissions=["change"])
    def close_them(self, request: HttpRequest, queryset: QuerySet[ListingReport]) -> None:
        """Close them."""
        queryset.update(closed=True)
