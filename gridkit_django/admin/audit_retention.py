"""Legal holds, placed and released in the admin, and the receipts of what was removed."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.audit_partitions import partition_panel
from gridkit_django.admin.ended_filter import HoldState
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering
from gridkit_django.audit.retention import HoldScope, kept_by, place_hold, release_hold
from gridkit_django.models import AuditHold, AuditPurge
from gridkit_django.templatetags.gridkit_admin import badge

_COUNTED = 10_000
"""Records of a hold that are counted."""

_SCOPE = ("target_type", "target_id", "actor_id", "since", "until")


class HoldForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a hold is about. Once it is placed only releasing it changes it."""

    class Meta:
        model = AuditHold
        fields: ClassVar = ["name", "reason", *_SCOPE]
        help_texts: ClassVar = {
            "name": _("For example the number of the case."),
            "target_type": _("For example shop.order. Empty fits every record, as all fields from here on."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("since", "until"):
            # The admin asks for day and time in two fields under one label, which names neither.
            parts: Any = getattr(self.fields[name].widget, "widgets", ()) if name in self.fields else ()
            for part, word in zip(parts, (_("day"), _("time")), strict=False):
                part.attrs["aria-label"] = f"{self.fields[name].label}: {word}"

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        told: dict[str, Any] = super().clean() or {}
        since, until = told.get("since"), told.get("until")
        if since and until and until <= since:
            raise forms.ValidationError({"until": _("The hold ends before it begins.")})
        return told


class AuditHoldAdmin(ReadOnlyAdmin[AuditHold]):
    """The holds that stand and that stood."""

    form = HoldForm
    list_display = ("name", "shown_state", "scope", "created_at", "created_by", "released_at")
    list_filter = (HoldState, "created_at")
    search_fields = ("name", "reason", "target_type", "target_id", "actor_id")
    actions = ("release",)

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let whoever may add holds place one."""
        return bool(request.user.has_perm("gridkit_django.add_audithold"))

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Whether the user may release holds: the right to change them."""
        return bool(request.user.has_perm("gridkit_django.change_audithold"))

    def save_model(self, request: HttpRequest, obj: AuditHold, form: Any, change: bool) -> None:
        """Place the hold through the service, which records it."""
        told = form.cleaned_data
        with administering(request):
            placed = place_hold(told["name"], told["reason"], HoldScope(**{name: told[name] for name in _SCOPE}))
            obj.pk = placed.pk
            obj._state.adding = False
            self._tell_kept(request, placed)

    def _tell_kept(self, request: HttpRequest, hold: AuditHold) -> None:
        """Say how many records it keeps: a hold whose kind or id is mistyped keeps none, and nobody would notice."""
        kept = kept_by(hold, _COUNTED)
        if kept > _COUNTED:
            self.message_user(request, gettext("It keeps more than %(n)d records now.") % {"n": _COUNTED})
        elif kept:
            told = ngettext("It keeps %(n)d record now.", "It keeps %(n)d records now.", kept)
            self.message_user(request, told % {"n": kept})
        else:
            told = gettext("It keeps no record now. Look whether kind, id and times are meant so; if not, release it.")
            self.message_user(request, told, messages.WARNING)

    @admin.display(description=_("state"))
    def shown_state(self, hold: AuditHold) -> SafeString:
        """Show whether it stands."""
        return badge("warn", str(_("stands"))) if hold.released_at is None else badge("plain", str(_("released")))

    @admin.display(description=_("keeps"))
    def scope(self, hold: AuditHold) -> str:
        """Tell what it keeps."""
        named = [f"{name.replace('_', ' ')} {getattr(hold, name)}" for name in _SCOPE if getattr(hold, name)]
        return ", ".join(named) or str(_("every record"))

    @admin.action(description=_("Release: let the records go by their terms"), permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[AuditHold]) -> None:
        """Release holds; released ones stay so."""
        with administering(request):
            for hold in queryset:
                release_hold(hold)


class AuditPurgeAdmin(ReadOnlyAdmin[AuditPurge]):
    """The receipts: which records went, when, and where their archive is; above them the partitions of the rest."""

    list_display = ("removed_at", "count", "first_id", "last_id", "archive")
    list_filter = ("removed_at",)
    search_fields = ("archive", "archive_digest")
    fields = ("removed_at", "count", "spans", "archive", "archive_digest", "key_id")
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the partitions, and below them the receipts."""
        panel = partition_panel() if self.has_view_permission(request) else {}
        return super().changelist_view(request, {**panel, **(extra_context or {})})
