"""Where audit records are sent: declared, watched, paused and resumed in the admin."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.read_only import Typed
from gridkit_django.admin.verbs import administering
from gridkit_django.audit.delivery import (
    FORMATS,
    backlog_of,
    declare_destination,
    deliver,
    drop_destination,
    lacks_since,
    pause,
    resume,
)
from gridkit_django.exceptions import AuditDestinationError
from gridkit_django.models import AuditDestination
from gridkit_django.plugins import check_address
from gridkit_django.templatetags.gridkit_admin import badge

_PROBLEM_MAX = 120
_SECONDS = 5.0
"""How long a request sends; the worker does the rest."""

_LOOKS = MappingProxyType({"ready": "good", "waiting": "warn", "parked": "bad", "paused": "plain"})


class DestinationForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an administrator may say of a destination. The secret is taken and never shown."""

    format = forms.ChoiceField(label=_("Format"), choices=[(name, name) for name in FORMATS])
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Signs the batches of a webhook; token of an OpenTelemetry collector. Empty keeps what is stored."),
    )
    from_now = forms.BooleanField(
        label=_("Only what is written from now on"),
        required=False,
        help_text=_("Otherwise it gets the whole trail, from the first record."),
    )

    class Meta:
        model = AuditDestination
        fields: ClassVar = ["name", "address", "format"]
        widgets: ClassVar = {"address": forms.TextInput(attrs={"class": "vLargeTextField", "size": 80})}
        help_texts: ClassVar = {
            "address": _(
                "https://…, syslog+tls://host:port, otlp+https://host/v1/logs; where AUDIT_LOCAL_DESTINATIONS lists "
                "it, file:///folder/name.ndjson or the dotted path of a function."
            )
        }

    def clean_address(self) -> str:
        """Refuse an address that no record can be sent to, or may not; one that was there before stays."""
        address: str = self.cleaned_data["address"]
        if "address" not in self.changed_data:
            return address
        try:
            return check_address(address)
        except AuditDestinationError as error:
            raise forms.ValidationError(error.detail) from error


class AuditDestinationAdmin(Typed[AuditDestination]):
    """The destinations, with what each lacks and why."""

    form = DestinationForm
    list_display = ("name", "where", "condition", "backlog", "succeeded")
    list_filter = ("state", "kind", "format")
    search_fields = ("name", "address", "last_error")
    actions = ("send_now", "pause_them", "resume_them")
    readonly_fields = ("shown_state", "backlog", "progress", "last_success_at", "failures", "next_try_at", "last_error")

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_fields(self, request: HttpRequest, obj: AuditDestination | None = None) -> list[Any]:
        """Show how it goes for a destination that is there only."""
        if obj is None:
            return ["name", "address", "format", "secret", "from_now"]
        return ["name", "address", "format", "secret", *self.readonly_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: AuditDestination | None = None) -> list[str]:
        """Keep the name: the destination is known by it."""
        return [*self.readonly_fields, *(["name"] if obj is not None else [])]

    def has_change_permission(self, request: HttpRequest, obj: AuditDestination | None = None) -> bool:
        """Leave what a plugin declares to the plugin's configuration."""
        return super().has_change_permission(request, obj) and (obj is None or not obj.managed_by)

    def has_delete_permission(self, request: HttpRequest, obj: AuditDestination | None = None) -> bool:
        """Leave what a plugin declares to the plugin's configuration."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.managed_by)

    def save_model(self, request: HttpRequest, obj: AuditDestination, form: Any, change: bool) -> None:
        """Declare the destination through the service, which records it."""
        told = form.cleaned_data
        with administering(request):
            saved = declare_destination(
                obj.name,
                told["address"],
                form=told["format"],
                secret=told["secret"] or None,
                from_now=bool(told.get("from_now")),
            )
        obj.pk = saved.pk
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: AuditDestination) -> None:
        """Drop it through the service, which records it."""
        with administering(request):
            drop_destination(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AuditDestination]) -> None:
        """Drop each through the service."""
        for row in queryset.filter(managed_by=""):
            self.delete_model(request, row)

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, row: AuditDestination) -> SafeString:
        """Show the state with its colour."""
        return badge(_LOOKS[row.state], row.get_state_display())

    @admin.display(description=_("kind"), ordering="kind")
    def where(self, row: AuditDestination) -> SafeString:
        """Show the kind, and below it the address."""
        return format_html('{}<div class="gridkit-place">{}</div>', row.kind, row.address)

    @admin.display(description=_("backlog"))
    def backlog(self, row: AuditDestination) -> SafeString | str:
        """Count the sealed records that it lacks, and tell since when the first of them is sealed."""
        told, since = number_format(backlog_of(row), force_grouping=True), lacks_since(row)
        if since is None:
            return str(told)
        moment = gettext("since %(time)s") % {"time": f"{timezone.localtime(since):%Y-%m-%d %H:%M}"}
        return format_html('{}<div class="gridkit-place">{}</div>', told, moment)

    @admin.display(description=_("last success"), ordering="last_success_at")
    def succeeded(self, row: AuditDestination) -> str:
        """Tell when it took something for the last time."""
        return f"{timezone.localtime(row.last_success_at):%Y-%m-%d %H:%M}" if row.last_success_at else "-"

    @admin.display(description=_("delivered"))
    def progress(self, row: AuditDestination) -> str:
        """Tell the seal that it has come to."""
        return str(_("up to seal %(number)d") % {"number": row.cursor} if row.cursor else _("nothing yet"))

    @admin.display(description=_("state"), ordering="state")
    def condition(self, row: AuditDestination) -> SafeString:
        """Show the state; below it the beginning of the last error, and how often in a row it did not work."""
        shown = self.shown_state(row)
        if not row.failures:
            return shown
        often = ngettext("%(n)d failure in a row", "%(n)d failures in a row", row.failures) % {"n": row.failures}
        problem = f"{row.last_error[:_PROBLEM_MAX]} ({often})"
        return format_html('{}<div class="gridkit-problem">{}</div>', shown, problem)

    @admin.action(description=_("Send what is due now"), permissions=["change"])
    def send_now(self, request: HttpRequest, queryset: QuerySet[AuditDestination]) -> None:
        """Deliver in the request; the lease keeps the worker away meanwhile."""
        for row in queryset:
            with administering(request):
                report = deliver(row.name, seconds=_SECONDS)
            if report is None:
                self.message_user(request, _("%s is not due.") % row.name, messages.WARNING)
            elif report.error:
                self.message_user(request, f"{row.name}: {report.error}", messages.ERROR)
            else:
                told = ngettext("%(name)s took %(n)d record.", "%(name)s took %(n)d records.", report.records)
                told = told % {"name": row.name, "n": report.records}
                rest = "" if report.is_done else " " + gettext("The worker goes on with the rest.")
                self.message_user(request, told + rest, messages.SUCCESS)

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause_them(self, request: HttpRequest, queryset: QuerySet[AuditDestination]) -> None:
        """Send nothing there for now."""
        with administering(request):
            for row in queryset:
                pause(row)

    @admin.action(description=_("Go on"), permissions=["change"])
    def resume_them(self, request: HttpRequest, queryset: QuerySet[AuditDestination]) -> None:
        """Go on with what waits, is parked or paused."""
        with administering(request):
            for row in queryset:
                resume(row)
