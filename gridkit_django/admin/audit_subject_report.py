"""The page that answers a person who asks what is held of them."""

from __future__ import annotations

from typing import Any, Protocol, cast

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from gridkit_django.admin.audit_people import person_label
from gridkit_django.admin.audit_rows import table_of
from gridkit_django.admin.audit_subject_forms import SubjectForm
from gridkit_django.audit.privacy import Subject
from gridkit_django.events import EventSource, carry_parts, holding, request_act
from gridkit_django.exceptions import AccessDeniedError
from gridkit_django.grids.audit_export import FORMS as MEDIA_TYPES
from gridkit_django.grids.subject_report import FORMS, SubjectReport, may_open
from gridkit_django.typing import User

PAGE_SIZE = 50
LOOK_SECONDS = 5.0


class Pages(Protocol):
    """What shows the page."""

    admin_site: AdminSite

    def shown(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """Return one of the pages about people."""


def subject_report(pages: Pages, request: HttpRequest) -> HttpResponseBase:
    """Return one page of the report, or the file that was asked for.

    Raises:
        Http404: when nobody is named.
    """
    form = SubjectForm({**request.GET.dict(), "q": ""})
    if not form.is_valid() or form.subject is None:
        raise Http404
    asked = request.POST if request.method == "POST" else request.GET
    clear = request.method == "POST" and bool(request.POST.get("clear"))
    with holding(request_act(request, EventSource.ADMIN)):
        try:
            report = SubjectReport(
                cast("User", request.user),
                form.subject,
                acts=form.cleaned_data["acts"],
                looks=form.cleaned_data["reads"],
                clear=clear,
            )
        except AccessDeniedError as error:
            messages.error(request, f"{error.detail} ({error.code})")
            return HttpResponseRedirect(request.get_full_path())
        if request.method == "POST" and request.POST.get("format") in FORMS:
            return _file(report, request.POST["format"])
        before = asked.get("before", "")
        page = report.page(PAGE_SIZE, before=_key(before), seconds=LOOK_SECONDS)
        context = _context(pages.admin_site, request, form, form.subject)
    told = {"page": page, "table": table_of(page.records, None), "clear": clear, "before": before}
    return pages.shown(request, "report.html", {**context, **told})


def _file(report: SubjectReport, kind: str) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="subject-report.{kind}"'}
    return StreamingHttpResponse(carry_parts(report.export(kind)), content_type=MEDIA_TYPES[kind], headers=headers)


def _context(site: AdminSite, request: HttpRequest, form: SubjectForm, subject: Subject) -> dict[str, Any]:
    return {
        "title": _("What the trail holds of a person"),
        "form": form,
        "subject": subject,
        "label": person_label(site, request, subject),
        "may_open": may_open(cast("User", request.user)),
        "formats": FORMS,
        "query": _query(request),
    }


def _query(request: HttpRequest) -> str:
    kept = request.GET.copy()
    kept.pop("before", None)
    return kept.urlencode()


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
