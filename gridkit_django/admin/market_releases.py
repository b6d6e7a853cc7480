"""Releases of this site's marketplace, and the page where a person looks at one and decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.market_only import MarketOnly
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering
from gridkit_django.marketplace import shelf
from gridkit_django.models import CheckResult, Release, ReleaseState
from gridkit_django.tasks.market import enqueue_check
from gridkit_django.templatetags.gridkit_admin import badge
from gridkit_django.typing import User

LOOKS: Mapping[str, str] = MappingProxyType(
    {
        ReleaseState.PUBLISHED: "good",
        ReleaseState.CHECKING: "warn",
        ReleaseState.QUARANTINED: "bad",
        ReleaseState.YANKED: "warn",
    }
)
_RESULTS = MappingProxyType({CheckResult.PASS: "good", CheckResult.FAIL: "bad", CheckResult.ERROR: "warn"})
REVIEW, TAKE_DOWN = "review_release", "takedown_release"

_Act = Callable[[Release, User, str], object]
_ACTS: Mapping[str, tuple[str, Promise, frozenset[str], _Act]] = MappingProxyType(
    {
        "approve": (
            REVIEW,
            _("Publish"),
            frozenset({ReleaseState.QUARANTINED}),
            lambda release, user, note: shelf.review.approve_release(release, user, note),  # noqa: PLW0108 - a late door
        ),
        "approve-in-spite": (
            REVIEW,
            _("Publish in spite of a failed check"),
            frozenset({ReleaseState.QUARANTINED}),
            lambda release, user, note: shelf.review.approve_release(release, user, note, in_spite=True),
        ),
        "refuse": (
            REVIEW,
            _("Refuse"),
            frozenset({ReleaseState.QUARANTINED}),
            lambda release, user, note: shelf.review.refuse_release(release, user, note),  # noqa: PLW0108 - a late door
        ),
        "check": (
            REVIEW,
            _("Check again"),
            frozenset({ReleaseState.QUARANTINED}),
            lambda release, _user, _note: enqueue_check(shelf.review.check_again(release)),
        ),
        "yank": (
            TAKE_DOWN,
            _("Yank"),
            frozenset({ReleaseState.PUBLISHED}),
            lambda release, _user, note: shelf.taking_back.yank_release(release, note),
        ),
        "unyank": (
            TAKE_DOWN,
            _("Take the yank back"),
            frozenset({ReleaseState.YANKED}),
            lambda release, _user, _note: shelf.taking_back.unyank_release(release),
        ),
        "quarantine": (
            TAKE_DOWN,
            _("Quarantine"),
            frozenset({ReleaseState.PUBLISHED, ReleaseState.YANKED}),
            lambda release, _user, note: shelf.taking_back.quarantine_release(
                release, note or _now("an administrator looks at it")
            ),
        ),
        "remove": (
            TAKE_DOWN,
            _("Remove for ever"),
            frozenset(set(ReleaseState) - {ReleaseState.REMOVED, ReleaseState.QUARANTINED}),
            lambda release, _user, note: shelf.taking_back.remove_release(release, note),
        ),
    }
)
"""Name of an act to its right, its words, the states that it is offered in, and what it does."""


class NeedsReviewFilter(admin.SimpleListFilter):
    """What waits for a person."""

    title = _("waits for")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices."""
        return [("review", _("a person")), ("check", _("a check that could not be made"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Release]) -> QuerySet[Release]:
        """Keep what waits so."""
        held = queryset.filter(state=ReleaseState.QUARANTINED)
        if self.value() == "review":
            return held.exclude(checks__result=CheckResult.ERROR)
        return held.filter(checks__result=CheckResult.ERROR).distinct() if self.value() == "check" else queryset


class ReleaseAdmin(MarketOnly[Release], ReadOnlyAdmin[Release]):
    """All releases, what waits first to be found by the filter; a click opens the review."""

    list_display = ("listing", "version", "condition", "held", "reviewed", "created_at", "released_at")
    list_filter = ("state", NeedsReviewFilter, "reviewed", "created_at", "listing__category")
    search_fields = ("listing__plugin_id", "listing__name", "version", "digest", "public_key")
    list_select_related = ("listing",)
    date_hierarchy = "created_at"

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_urls(self) -> list[URLPattern]:
        """Add the acts of the review, and the package itself."""
        act = self.admin_site.admin_view(self.act_on)
        package = self.admin_site.admin_view(self.package)
        return [
            path("<int:pk>/do/<slug:act>/", act, name="gridkit_market_release_do"),
            path("<int:pk>/package/", package, name="gridkit_market_release_package"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what there is to see before one decides."""
        release = self.get_object(request, object_id)
        if release is None:
            raise Http404
        if not self.has_view_permission(request, release):
            raise PermissionDenied
        before = shelf.review.previous_release(release)
        context = {
            **self.admin_site.each_context(request),
            "title": str(release),
            "opts": self.opts,
            "release": release,
            "state": LOOKS.get(release.state, "plain"),
            "checks": [(item, _RESULTS[CheckResult(item.result)]) for item in release.checks.all()],
            "diff": shelf.diffs.release_diff(release, before),
            "icon": release.listing.icon.removesuffix(".png"),
            "pictures": list(release.listing.pictures.order_by("position")),
            "acts": [(name, words) for name, words in self._offered(request, release)],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/gridkit_django/release/review.html", context)

    def act_on(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        """Carry out an act on a release.

        Raises:
            Http404: when there is no such release or act.
            PermissionDenied: when the user may not do it.
        """
        release = self.get_object(request, str(pk))
        if release is None or act not in _ACTS:
            raise Http404
        right, _words, _states, do = _ACTS[act]
        if not _may(request, right, release):
            raise PermissionDenied
        if request.method == "POST":
            with administering(request):
                do(release, cast("User", request.user), request.POST.get("note", "")[:2000])
        return HttpResponseRedirect(reverse("admin:gridkit_django_release_change", args=[pk]))

    def package(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Hand out the package as it was uploaded, also before it is public, to whoever may look at the release.

        Raises:
            Http404: when there is no such release.
            PermissionDenied: when the user may not see it.
        """
        release = self.get_object(request, str(pk))
        if release is None:
            raise Http404
        if not self.has_view_permission(request, release):
            raise PermissionDenied
        with administering(request):
            content = shelf.storing.opened(release.file.stored_as)
            response = FileResponse(content, as_attachment=True, filename=release.file.filename)
            response["Content-Type"] = "application/octet-stream"
            return response
        return HttpResponseRedirect(reverse("admin:gridkit_django_release_change", args=[pk]))

    @admin.display(description=_("state"), ordering="state")
    def condition(self, row: Release) -> SafeString:
        """Show the state in a word."""
        mark = SafeString(" <span data-open></span>") if row.state == ReleaseState.CHECKING else ""
        return format_html("{}{}", badge(LOOKS.get(row.state, "plain"), row.get_state_display()), mark)

    @admin.display(description=_("held for"))
    def held(self, row: Release) -> str:
        """Tell why it waits."""
        if row.state != ReleaseState.QUARANTINED or not row.held_for:
            return "-"
        more = f" (+{len(row.held_for) - 1})" if len(row.held_for) > 1 else ""
        return format_html("{}{}", row.held_for[0], more)

    def _offered(self, request: HttpRequest, release: Release) -> list[tuple[str, Promise]]:
        """Return what the user may do with the release as it is."""
        failed = any(item.result == CheckResult.FAIL for item in release.checks.all())
        return [
            (name, words)
            for name, (right, words, states, _do) in _ACTS.items()
            if release.state in states
            and _may(request, right, release)
            and (name not in ("approve", "approve-in-spite") or (name == "approve-in-spite") == failed)
        ]


def _may(request: HttpRequest, right: str, release: Release) -> bool:
    name = f"gridkit_django.{right}"
    return bool(request.user.has_perm(name) or request.user.has_perm(name, release))
