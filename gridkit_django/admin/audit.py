"""Audit records in the admin: found, read, compared, exported, taken back; never written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from gridkit_django.admin.audit_form import AuditFilterForm
from gridkit_django.admin.audit_links import (
    act_address,
    history_address,
    list_address,
    object_address,
    state_address,
)
from gridkit_django.admin.audit_panel import trail_panel
from gridkit_django.admin.audit_proof import proof_of
from gridkit_django.admin.audit_rows import table_of
from gridkit_django.admin.audit_values import differences, shown
from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.admin.verbs import administering
from gridkit_django.audit.privacy import is_sealed
from gridkit_django.audit.searching import AuditSearch
from gridkit_django.events import REASON_LENGTH_MAX, EventSource, carry_parts, explaining, holding, request_act
from gridkit_django.exceptions import AuditRecordNotFoundError
from gridkit_django.grids.audit_export import FORMS, export_trail, file_name
from gridkit_django.grids.audit_reading import AuditReader, SeenRecord
from gridkit_django.grids.reverting import revert_change, why_not
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import AuditRecord
from gridkit_django.typing import User

PAGE_SIZE = 50
_FOLDER = "admin/gridkit_django/auditrecord"
_TAKEN_BACK = ("row.create", "row.update", "row.delete")
_CIRCUMSTANCES = {
    "reason": gettext_lazy("Reason"),
    "source": gettext_lazy("Source"),
    "impersonator": gettext_lazy("In whose name"),
    "correlationId": gettext_lazy("Correlation id"),
    "requestId": gettext_lazy("Request id"),
    "ip": gettext_lazy("Address"),
    "userAgent": gettext_lazy("Browser"),
    "session": gettext_lazy("Session"),
}
"""Names of circumstances for people; those of plugins and projects are shown as they are."""


class AuditRecordAdmin(ReadOnlyAdmin[AuditRecord]):
    """The records, newest first.

    The pages are our own and not Django's list: pages begin at a key, so that the last of millions is as quick as the
    first; nothing is counted; no list of values is read from the table. A reader sees of a record what they may see of
    the row: the gate of the grid is the gate here.
    """

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of rows as they were, exports, and taking back."""
        own = [
            path("state/", self._view(self.state_page), name="gridkit_audit_state"),
            path("export/", self._view(self.export_page), name="gridkit_audit_export"),
            path("<int:pk>/reveal/", self._view(self.reveal_verb), name="gridkit_audit_reveal"),
            path("<int:pk>/revert/", self._view(self.revert_verb), name="gridkit_audit_revert"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show one page of the list; filters that were left empty go from the address, so that it can be sent on."""
        if "" in request.GET.values():
            return HttpResponseRedirect(f"{request.path}?{_asked(request)}")
        form = AuditFilterForm(request.GET, label_suffix="")
        context: dict[str, Any] = {"form": form, "page": None, "asked": _asked(request), **(extra_context or {})}
        context["people"] = reverse("admin:gridkit_audit_person")
        with holding(request_act(request, EventSource.ADMIN)):
            reader = self._reader(request)
            if form.is_valid():
                context |= _listed(request, reader, form.search())
                context["panel"] = None if request.GET else trail_panel(request, reader.alias)
            else:
                context["table"] = ""
        title = context.get("title") or _("Audit trail")
        return self._render(request, "list.html", {**context, "title": title})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one record.

        Raises:
            Http404: when there is no such record.
        """
        with holding(request_act(request, EventSource.ADMIN)):
            seen = _found(self._reader(request), self.get_object(request, object_id))
            context = _told(seen, cast("User", request.user))
        return self._render(request, "record.html", {**context, "title": str(seen.record.action)})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the record: it is written once, so it has no history of its own."""
        return HttpResponseRedirect(reverse("admin:gridkit_django_auditrecord_change", args=[object_id]))

    def state_page(self, request: HttpRequest) -> HttpResponse:
        """Show a row as it was at a moment."""
        kind, key, asked = (request.GET.get(name, "") for name in ("type", "id", "at"))
        moment = _moment(asked)
        context: dict[str, Any] = {"type": kind, "id": key, "at": asked, "history": history_address(kind, key)}
        with holding(request_act(request, EventSource.ADMIN)):
            reader = self._reader(request)
            try:
                state = None if moment is None else reader.state(kind, key, moment)
            except AuditRecordNotFoundError as error:
                state, context["fault"] = None, error.detail
        if asked and moment is None:
            context["fault"] = _("This is no point in time.")
        if state is not None:
            rows = [(name, shown(kind, name, value)) for name, value in state.values.items()]
            context |= {"state": state, "rows": rows, "moment": moment, "unknown": sorted(state.unknown)}
        return self._render(request, "state.html", {**context, "title": _("The row as it was")})

    def export_page(self, request: HttpRequest) -> HttpResponseBase:
        """Send what is listed as a file."""
        form, kind = AuditFilterForm(request.GET), request.GET.get("format", "ndjson")
        if not form.is_valid() or kind not in FORMS:
            return HttpResponseRedirect(f"{reverse('admin:gridkit_django_auditrecord_changelist')}?{_asked(request)}")
        with holding(request_act(request, EventSource.ADMIN)):
            pieces = carry_parts(export_trail(self._reader(request), form.search(), kind))
        headers = {"Content-Disposition": f'attachment; filename="{file_name(kind)}"'}
        return StreamingHttpResponse(pieces, content_type=FORMS[kind], headers=headers)

    def revert_verb(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take one change back, as an edit of today."""
        reason = request.POST.get("reason", "").strip()[:REASON_LENGTH_MAX]
        record = self.get_object(request, str(pk))
        with administering(request), explaining(reason):
            seen = _found(self._reader(request), record)
            revert_change(cast("User", request.user), seen.record.uuid)
            messages.success(request, _("The change was taken back; that is a change of its own now."))
        return HttpResponseRedirect(reverse("admin:gridkit_django_auditrecord_change", args=[pk]))

    def reveal_verb(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show one record with its encrypted values in the clear; that is recorded, so it is no link."""
        record = self.get_object(request, str(pk))
        with administering(request):
            reader = self._reader(request)
            seen = reader.reveal(_found(reader, record).record.uuid)
            context = {**_told(seen, cast("User", request.user)), "may_reveal": False}
            return self._render(request, "record.html", {**context, "title": str(seen.record.action)})
        return HttpResponseRedirect(reverse("admin:gridkit_django_auditrecord_change", args=[pk]))

    def _view(self, page: Any) -> Any:
        allowed = require_POST if page in (self.revert_verb, self.reveal_verb) else require_safe
        return self.admin_site.admin_view(allowed(page))

    def _reader(self, request: HttpRequest) -> AuditReader:
        """Return the trail in the hands of the request's user.

        Raises:
            PermissionDenied: when they may not read it.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        return AuditReader(cast("User", request.user))

    def _render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "has_view_permission": True}
        return TemplateResponse(request, f"{_FOLDER}/{template}", {**shared, **context})


def _listed(request: HttpRequest, reader: AuditReader, search: AuditSearch) -> dict[str, Any]:
    """Return the page and what leads on from it."""
    before, after = (_key(request.GET.get(name)) for name in ("before", "after"))
    page = reader.page(search, PAGE_SIZE, before=before, after=after)
    return {
        "page": page,
        "table": table_of(page.records),
        "older": _with(request, before=page.older),
        "newer": _with(request, after=page.newer),
        "newest": _with(request) if before or after else "",
        "estimate": "" if search.told() else _estimate(reader),
        "filtered": bool(search.told()),
        "act": reader.act(search.operation) if search.operation else None,
        "target": (search.target_type, search.target_id) if search.target_id else None,
        "object": object_address(search.target_type, search.target_id) if search.target_id else "",
        "state": state_address(search.target_type, search.target_id) if search.target_id else "",
        "exports": [(kind, reverse("admin:gridkit_audit_export") + _with(request, format=kind)) for kind in FORMS],
    }


def _estimate(reader: AuditReader) -> str:
    """Return about how many records there are, empty where the database can't tell."""
    found = reader.estimate()
    return "" if found is None else number_format(found, force_grouping=True)


def _told(seen: SeenRecord, user: User) -> dict[str, Any]:
    """Return what the page of one record shows."""
    record, told = seen.record, dict(seen.context)
    evidence = told.pop("evidence", None)
    refusal = why_not(user, seen)
    return {
        "seen": seen,
        "record": record,
        "differences": differences(record.target_type, seen.changes),
        "circumstances": [(_CIRCUMSTANCES.get(name, name), value) for name, value in told.items()],
        "proof": proof_of(record),
        "by_actor": list_address(actor=record.actor_id) if record.actor_id else "",
        "evidence": json.dumps(evidence, indent=2, ensure_ascii=False) if evidence else "",
        "act": act_address(str(record.operation_id)),
        "history": history_address(record.target_type, record.target_id),
        "object": object_address(record.target_type, record.target_id),
        "state": state_address(record.target_type, record.target_id, record.occurred_at.isoformat()),
        "is_row": record.action.startswith("row."),
        "may_revert": not refusal,
        "refusal": refusal if record.action in _TAKEN_BACK and has_permission(user, "gridkit_django.edit_grid") else "",
        "may_reveal": any(is_sealed(value) for pair in seen.changes.values() for value in _sides(pair)),
    }


def _sides(pair: Any) -> list[Any]:
    return pair if isinstance(pair, list) else []


def _found(reader: AuditReader, record: AuditRecord | None) -> SeenRecord:
    """Return a record as it is seen.

    Raises:
        Http404: when there is none.
    """
    if record is None:
        raise Http404
    return reader.one(record.uuid)


def _asked(request: HttpRequest) -> str:
    """Return the filters of the address, without the place."""
    return _with(request)[1:]


def _with(request: HttpRequest, **more: Any) -> str:
    """Return the query of an address with these filters and another place; empty when there is no such place."""
    if more and None in more.values():
        return ""
    kept: QueryDict = request.GET.copy()
    for name in ("before", "after", "format"):
        kept.pop(name, None)
    for name, value in more.items():
        kept[name] = str(value)
    for name in [name for name, value in kept.items() if value == ""]:
        del kept[name]
    return f"?{kept.urlencode()}"


def _key(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _moment(text: str) -> datetime | None:
    """Return a moment; without an offset it is meant in the zone of this site."""
    try:
        found = datetime.fromisoformat(text)
        return (timezone.make_aware(found) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
