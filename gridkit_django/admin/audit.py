"""Audit records in the admin: searched, filtered, read, never written."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from gridkit_django.admin.read_only import ReadOnlyAdmin
from gridkit_django.grids.disclosure import RecordGate
from gridkit_django.models import AuditRecord, RegisteredGrid


class GridFilter(admin.SimpleListFilter):
    """Filter by grid; records of no grid (of plugins, for example) have a choice of their own."""

    title = _("grid")
    parameter_name = "grid"
    _none = "-"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[AuditRecord]) -> list[tuple[str, Any]]:
        """List the grids of this site."""
        grids = RegisteredGrid.objects.values_list("grid_id", "label")
        return [*grids, (self._none, _("no grid"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditRecord]) -> QuerySet[AuditRecord]:
        """Keep the records of the chosen grid."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(grid="" if chosen == self._none else chosen)


class AuditRecordAdmin(ReadOnlyAdmin[AuditRecord]):
    """The records, newest first, with the changes side by side.

    A reader sees of a record what they may see of the row: the gate of the grid is the gate here. So labels, which
    may quote a closed row, can't be searched either.
    """

    list_display = ("occurred_at", "actor_label", "action", "target_name", "grid", "summary")
    list_filter = ("action", GridFilter, "actor_kind", "occurred_at")
    search_fields = ("actor_label", "actor_id", "target_type", "target_id", "action")
    date_hierarchy = "occurred_at"
    list_per_page = 50
    show_full_result_count = False
    fields = ("occurred_at", "action", "actor", "target_name", "grid", "changes_table", "circumstances", "uuid")
    readonly_fields = fields

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Show of each record on the page what the reader may see."""
        page = super().get_changelist_instance(request)
        gate = RecordGate(request.user, page.result_list)
        for record in page.result_list:
            _shrink(record, gate)
        return page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> AuditRecord | None:
        """Return a record with what the reader may see of it."""
        record = super().get_object(request, object_id, from_field)
        if record is not None:
            _shrink(record, RecordGate(request.user, [record]))
        return record

    @admin.display(description=_("actor"))
    def actor(self, record: AuditRecord) -> str:
        """Name the actor with kind and id, since labels change and are not unique."""
        return f"{record.actor_label} ({record.actor_kind} {record.actor_id})".replace(" )", ")")

    @admin.display(description=_("target"), ordering="target_id")
    def target_name(self, record: AuditRecord) -> str:
        """Name the target by its label at the time and by type and id."""
        name = f"{record.target_type} {record.target_id}"
        return f"{record.target_label} ({name})" if record.target_label not in ("", record.target_id) else name

    @admin.display(description=_("changes"))
    def summary(self, record: AuditRecord) -> str:
        """Name the changed columns, for the list."""
        return ", ".join(record.changes) or "-"

    @admin.display(description=_("changes"))
    def changes_table(self, record: AuditRecord) -> SafeString | str:
        """Show before and after of each column side by side."""
        rows = [(column, *_pair(values)) for column, values in record.changes.items()]
        return render_to_string("admin/gridkit_django/changes.html", {"rows": rows}) if rows else "-"

    @admin.display(description=_("circumstances"))
    def circumstances(self, record: AuditRecord) -> SafeString:
        """Show source, correlation id, request and evidence as they were recorded."""
        return format_html("<pre>{}</pre>", json.dumps(record.context, indent=2, ensure_ascii=False))


def _shrink(record: AuditRecord, gate: RecordGate) -> None:
    """Take out of a record in memory what the reader may not see; records are never saved again."""
    context = gate.context_of(record)
    record.changes, record.target_label = gate.changes_of(record), gate.label_of(record)
    record.evidence = context.get("evidence")


def _pair(values: object) -> tuple[object, object]:
    """Return before and after; a creation or deletion has one of them only."""
    if isinstance(values, list) and len(values) == 2:
        return values[0], values[1]
    return None, values
