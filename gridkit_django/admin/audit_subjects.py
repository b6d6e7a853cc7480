"""People in the audit trail: found, looked at, and forgotten by destroying their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import router
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from gridkit_django.admin.audit_people import candidates_of, person_label
from gridkit_django.admin.audit_subject_forms import EraseForm, SubjectForm, model_of
from gridkit_django.admin.audit_subject_report import subject_report
from gridkit_django.admin.ended_filter import KeyState
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering
from gridkit_django.audit.privacy import ERASE, ERASE_SUBJECT, Reach, Subject, erase_subject, keys_of, reach_of
from gridkit_django.audit.sealing import sealed_aliases
from gridkit_django.audit.verify import verify_seals_of
from gridkit_django.events import current_act, explaining
from gridkit_django.grids.audit_reading import VIEW_AUDIT
from gridkit_django.models import AuditRecord, AuditSubjectKey
from gridkit_django.templatetags.gridkit_admin import badge

LOOK_SECONDS = 5.0
"""How long a page looks through the trail; what it says then is 'at least'."""

_FOLDER = "admin/gridkit_django/auditsubjectkey"


@dataclass(frozen=True, slots=True)
class Share:
    """Records of one kind of object.

    Attributes:
        type: the kind.
        label: what people call it.
        count: how many records.
        width: of its bar, 0 to 100; the largest has 100.
    """

    type: str
    label: str
    count: int
    width: float


class AuditSubjectKeyAdmin(ReadOnlyAdmin[AuditSubjectKey]):
    """The keys, without telling whose they are; and the pages that go from a person to their key."""

    list_display = ("id", "shown_state", "created_at", "erased_at")
    list_filter = (KeyState, "created_at")
    search_fields = ("id", "master_id")
    fields = ("id", "shown_state", "created_at", "erased_at", "master_id")
    readonly_fields = fields

    class Media:
        css: ClassVar = {"all": ["gridkit/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: AuditSubjectKey | None = None) -> bool:
        """Let whoever may erase people see the keys, too."""
        return super().has_view_permission(request, obj) or request.user.has_perm(ERASE_SUBJECT)

    @admin.display(description=gettext_lazy("state"), ordering="erased_at")
    def shown_state(self, key: AuditSubjectKey) -> SafeString:
        """Show whether it still opens values."""
        return badge("good", _("in use")) if key.erased_at is None else badge("plain", _("destroyed"))

    def get_urls(self) -> list[URLPattern]:
        """Add the pages about one person."""
        view = self.admin_site.admin_view
        own = [
            path("person/", view(require_safe(self.person_page)), name="gridkit_audit_person"),
            path("report/", view(self.report_page), name="gridkit_audit_report"),
            path("erase/", view(self.erase_page), name="gridkit_audit_erase"),
            path("erased/", view(require_safe(self.erased_page)), name="gridkit_audit_erased"),
        ]
        return [*own, *super().get_urls()]

    def person_page(self, request: HttpRequest) -> HttpResponse:
        """Find a person, and show what the trail holds of them."""
        if not (request.user.has_perm(VIEW_AUDIT) or request.user.has_perm(ERASE_SUBJECT)):
            raise PermissionDenied
        form = SubjectForm(request.GET or None)
        context: dict[str, Any] = {"form": form, "title": _("A person in the audit trail")}
        if form.is_valid() and form.subject is not None:
            context |= self._about(request, form.subject, counts=request.user.has_perm(ERASE_SUBJECT))
        elif form.is_valid():
            context["candidates"] = candidates_of(self.admin_site, request, form.cleaned_data)
        return self.shown(request, "person.html", context)

    def report_page(self, request: HttpRequest) -> HttpResponseBase:
        """Show or send all records of and about a person; values are opened on POST only, since that is recorded."""
        if not request.user.has_perm(VIEW_AUDIT):
            raise PermissionDenied
        return subject_report(self, request)

    def erase_page(self, request: HttpRequest) -> HttpResponse:
        """Say what would be destroyed; on POST destroy it, when the words are right."""
        subject = self._subject(request)
        data = request.POST if request.method == "POST" else None
        form = EraseForm(data, subject=subject)
        if form.is_valid():
            with administering(request), explaining(form.cleaned_data["reason"]):
                done = erase_subject(subject, using=_alias())
                if done.keys:
                    return HttpResponseRedirect(_address("erased", subject, act=str(current_act().id)))
                messages.warning(request, _("Nothing about this person is encrypted, so there was nothing to destroy."))
        context = {**self._about(request, subject), "form": form, "title": _("Erase a person from the audit trail")}
        return self.shown(request, "erase.html", context)

    def erased_page(self, request: HttpRequest) -> HttpResponse:
        """Say what was destroyed and what still stands, and verify the seals of it.

        Raises:
            Http404: when there was no such erasure.
        """
        subject, act = self._subject(request), _uuid(request.GET.get("act", ""))
        acts = AuditRecord.objects.using(_alias()).filter(operation=act, action=ERASE)
        keys = [record.target_id for record in acts.order_by("pk")] if act else []
        if not keys:
            raise Http404
        about = self._about(request, subject)
        checked = verify_seals_of(about["reach"].sample, _alias(), LOOK_SECONDS)
        title = _("The person was erased")
        return self.shown(request, "erased.html", {**about, "erased": keys, "checked": checked, "title": title})

    def _subject(self, request: HttpRequest) -> Subject:
        """Return who is to be forgotten.

        Raises:
            PermissionDenied: when the user may erase nobody.
            Http404: when nobody is named.
        """
        if not request.user.has_perm(ERASE_SUBJECT):
            raise PermissionDenied
        form = SubjectForm({**request.GET.dict(), "q": ""})
        if not form.is_valid() or form.subject is None:
            raise Http404
        return form.subject

    def _about(self, request: HttpRequest, subject: Subject, *, counts: bool = True) -> dict[str, Any]:
        """Return what is told of a person; counts of records are for who may erase: they speak of rows of others."""
        reach = reach_of(subject, using=_alias(), seconds=LOOK_SECONDS) if counts else None
        return {
            "subject": subject,
            "label": person_label(self.admin_site, request, subject),
            "reach": reach,
            "shares": _shares(reach) if reach else [],
            "elsewhere": _elsewhere(subject) if reach else [],
            "erase": _address("erase", subject) if request.user.has_perm(ERASE_SUBJECT) else "",
            "person": _address("person", subject),
            "report": _address("report", subject) if request.user.has_perm(VIEW_AUDIT) else "",
        }

    def shown(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """Return one of our pages."""
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"{_FOLDER}/{template}", {**shared, **context})


def _shares(reach: Reach) -> list[Share]:
    most = max(reach.by_type.values(), default=1)
    ordered = sorted(reach.by_type.items(), key=lambda item: (-item[1], item[0]))
    return [Share(kind, _verbose(kind), count, round(100 * count / most, 1)) for kind, count in ordered]


def _elsewhere(subject: Subject) -> list[str]:
    """Return the other databases with a trail of their own in which the person has a key: this page is about one."""
    others = (alias for alias in sealed_aliases() if alias != _alias())
    return [alias for alias in others if any(key.erased_at is None for key in keys_of(subject, alias))]


def _verbose(kind: str) -> str:
    model = model_of(kind)
    return "" if model is None else str(model._meta.verbose_name_plural)


def _alias() -> str:
    return router.db_for_write(AuditSubjectKey)


def _address(page: str, subject: Subject, **more: str) -> str:
    return f"{reverse(f'admin:gridkit_audit_{page}')}?{urlencode({'type': subject.type, 'id': subject.id, **more})}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
