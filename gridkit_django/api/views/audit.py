"""Reading the audit trail."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.filters import AUDIT_PARAMETERS, AuditRecordFilter, filtered
from gridkit_django.api.operations import Operation
from gridkit_django.api.pagination import PAGE_PARAMETERS, NewestFirstPagination, page_response
from gridkit_django.api.permissions import VIEW_AUDIT, require
from gridkit_django.api.serializers.audit import AuditEntry, AuditPage
from gridkit_django.audit import AuditTrail
from gridkit_django.grids.disclosure import RecordGate
from gridkit_django.models import AuditRecord


class AuditListView(GridKitView):
    """The audit trail, for holders of ``gridkit_django.view_auditrecord``."""

    operations: ClassVar = {
        "GET": Operation(
            id="listAuditRecords",
            tag="audit",
            summary="Read the audit trail, newest first",
            description="Contents of rows and columns that the reader may not see in their grid are left out.",
            responses={200: AuditPage},
            parameters=(*AUDIT_PARAMETERS, *PAGE_PARAMETERS),
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer one page."""
        require(request.user, VIEW_AUDIT)
        records = filtered(AuditRecordFilter, request, AuditTrail().all())
        return page_response(NewestFirstPagination(), records, self, self._entries)

    def _entries(self, records: list[AuditRecord]) -> list[dict[str, Any]]:
        gate = RecordGate(self.request.user, records)
        return [AuditEntry.of_record(record, gate).to_wire() for record in records]
