"""Verifications of the audit trail: asked for in the admin, carried out by a worker, with their progress and result."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import router
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering
from gridkit_django.audit.verify import request_verification
from gridkit_django.models import AuditVerification, VerificationState
from gridkit_django.tasks.audit import enqueue_verification
from gridkit_django.templatetags.gridkit_admin import badge

ASK = "gridkit_django.add_auditverification"
_LOOKS = {"good": "good", "faulty": "bad", "failed": "warn", "running": "warn", "queued": "plain"}
_OPEN = (VerificationState.QUEUED, VerificationState.RUNNING)
_UNDER_WAY = SafeString(" <span data-open></span>")


class AuditVerificationAdmin(ReadOnlyAdmin[AuditVerification]):
    """What was verified when, by whom, and what was found; one that is under way renews its page."""

    list_display = ("asked", "shown_state", "progress", "fault_count", "requested_by")
    list_filter = ("state", "requested_at")
    search_fields = ("requested_by", "error")
    fields = (
        "shown_state", "progress", "records", "unsealed", "fault_count", "found", "error", "requested_by",
        "requested_at", "started_at", "finished_at",
    )  # fmt: skip
    readonly_fields = fields

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def get_urls(self) -> list[URLPattern]:
        """Add asking for one."""
        view = self.admin_site.admin_view(require_POST(self.ask_verb))
        return [path("ask/", view, name="gridkit_audit_verify"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List them, with a button for those who may ask for another."""
        may_ask = request.user.has_perm(ASK)
        return super().changelist_view(request, {"may_ask": may_ask, **(extra_context or {})})

    def ask_verb(self, request: HttpRequest) -> HttpResponse:
        """Ask a worker for a verification, and lead to it.

        Raises:
            PermissionDenied: when the user may not.
        """
        if not request.user.has_perm(ASK):
            raise PermissionDenied
        with administering(request):
            row = request_verification(router.db_for_write(AuditVerification))
            if row.state == VerificationState.QUEUED:
                enqueue_verification(row)
            else:
                messages.info(request, _("A verification is under way already."))
        return HttpResponseRedirect(reverse("admin:gridkit_django_auditverification_change", args=[row.pk]))

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def shown_state(self, row: AuditVerification) -> SafeString:
        """Show the state with its colour, and mark one that is under way."""
        return format_html("{}{}", badge(_LOOKS[row.state], row.get_state_display()), _mark(row))

    @admin.display(description=gettext_lazy("requested at"), ordering="requested_at")
    def asked(self, row: AuditVerification) -> str:
        """Tell when it was asked for."""
        return f"{timezone.localtime(row.requested_at):%Y-%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("seals"), ordering="seals")
    def progress(self, row: AuditVerification) -> SafeString:
        """Show how far it is."""
        if row.state != VerificationState.RUNNING or not row.seals_total:
            return format_html("{}", _("%(seals)d, %(records)d records") % {"seals": row.seals, "records": row.records})
        text = _("%(done)d of %(all)d seals") % {"done": row.seals, "all": row.seals_total}
        return format_html(
            '<progress class="gridkit-progress" max="{}" value="{}" aria-label="{}"></progress> {}',
            row.seals_total, row.seals, text, text,
        )  # fmt: skip

    @admin.display(description=gettext_lazy("what is wrong"))
    def found(self, row: AuditVerification) -> SafeString:
        """Show the faults, the first twenty."""
        if not row.faults:
            return format_html("{}", "-")
        lines = [json.dumps(fault, ensure_ascii=False) for fault in row.faults]
        return format_html('<pre class="gridkit-json">{}</pre>', "\n".join(lines))


def _mark(row: AuditVerification) -> SafeString:
    return _UNDER_WAY if row.state in _OPEN else SafeString("")
