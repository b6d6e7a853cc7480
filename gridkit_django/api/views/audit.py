"""Reading the audit trail: lists with cursors, single records, acts, rows as they were, exports, and taking back."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.audit_cursors import page_links, read_cursor
from gridkit_django.api.base import GridKitView
from gridkit_django.api.filters import AUDIT_PARAMETERS, AuditRecordFilter, cleaned
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.pagination import PAGE_PARAMETERS
from gridkit_django.api.parameters import moment, whole_number
from gridkit_django.api.serializers.audit import (
    AuditEntry,
    AuditPage,
    RevertAnswer,
    RevertRequest,
    RowStateAnswer,
    revert_body,
)
from gridkit_django.audit.searching import AuditSearch
from gridkit_django.events import carry_parts, explaining
from gridkit_django.grids.audit_export import FORMS, export_trail, file_name
from gridkit_django.grids.audit_reading import AuditReader
from gridkit_django.grids.reverting import revert_change


class AuditListView(GridKitView):
    """The audit trail, for holders of ``gridkit_django.view_auditrecord``."""

    operations: ClassVar = {
        "GET": Operation(
            id="listAuditRecords",
            tag="audit",
            summary="Read the audit trail, newest first",
            description=(
                "Contents of rows and columns that the reader may not see in their grid are left out. A page that was "
                "read is itself recorded (`AUDIT_READS`)."
            ),
            responses={200: AuditPage},
            parameters=(*AUDIT_PARAMETERS, *PAGE_PARAMETERS),
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer one page."""
        return self.answer(request, search_of(request))

    def answer(self, request: Request, search: AuditSearch) -> Response:
        """Answer one page of a question."""
        reader = AuditReader(request.user)
        page = reader.page(search, whole_number(request, "size", default=100, high=500), **read_cursor(request, search))
        results = [AuditEntry.of_seen(seen).to_wire() for seen in page.records]
        return Response({"results": results, **page_links(request, search, page)})


class AuditActView(AuditListView):
    """All records of one act."""

    operations: ClassVar = {
        "GET": Operation(
            id="listAuditAct",
            tag="audit",
            summary="Read all records of one act, newest first",
            description="An act is a request, a task, a command: whatever was done at once, for one reason.",
            responses={200: AuditPage},
            parameters=PAGE_PARAMETERS,
            problems=(403,),
        )
    }

    def get(self, request: Request, act: uuid.UUID) -> Response:  # type: ignore[override]
        """Answer one page."""
        return self.answer(request, AuditSearch(operation=act))


class AuditHistoryView(AuditListView):
    """All records of one object."""

    operations: ClassVar = {
        "GET": Operation(
            id="listAuditHistory",
            tag="audit",
            summary="Read the history of one object, newest first",
            responses={200: AuditPage},
            parameters=PAGE_PARAMETERS,
            problems=(403,),
        )
    }

    def get(self, request: Request, target_type: str, target_id: str) -> Response:  # type: ignore[override]
        """Answer one page."""
        return self.answer(request, AuditSearch(target_type=target_type, target_id=target_id))


class AuditStateView(GridKitView):
    """A row as it was."""

    operations: ClassVar = {
        "GET": Operation(
            id="getAuditState",
            tag="audit",
            summary="Read a row as it was at a moment, from its records",
            description="`certain` says whether the records vouch for it, and `why` what they can't tell.",
            responses={200: RowStateAnswer},
            parameters=(query_parameter("at", "The moment (ISO 8601); without one it is now.", OpenApiTypes.DATETIME),),
            problems=(403, 404),
        )
    }

    def get(self, request: Request, target_type: str, target_id: str) -> Response:
        """Answer the row."""
        at = moment(request, "at") or timezone.now()
        state = AuditReader(request.user).state(target_type, target_id, at)
        return Response(RowStateAnswer.of_state(state, at).to_wire())


class AuditRecordView(GridKitView):
    """One record."""

    operations: ClassVar = {
        "GET": Operation(
            id="getAuditRecord",
            tag="audit",
            summary="Read one record of the audit trail",
            responses={200: AuditEntry},
            problems=(403, 404),
        )
    }

    def get(self, request: Request, record: uuid.UUID) -> Response:
        """Answer the record."""
        return Response(AuditEntry.of_seen(AuditReader(request.user).one(record)).to_wire())


class AuditRevealView(GridKitView):
    """The encrypted values of one record."""

    operations: ClassVar = {
        "POST": Operation(
            id="revealAuditRecord",
            tag="audit",
            summary="Read one record with its encrypted values in the clear",
            description=(
                "Needs `gridkit_django.decrypt_audit`, too; that they were read is recorded. A value whose key was "
                "destroyed is `(erased)`."
            ),
            responses={200: AuditEntry},
            problems=(403, 404),
        )
    }

    def post(self, request: Request, record: uuid.UUID) -> Response:
        """Answer the record."""
        return Response(AuditEntry.of_seen(AuditReader(request.user).reveal(record)).to_wire())


class AuditRevertView(GridKitView):
    """Taking one recorded change back."""

    throttle_scopes: ClassVar = {"POST": "edits"}
    operations: ClassVar = {
        "POST": Operation(
            id="revertAuditRecord",
            tag="audit",
            summary="Take one recorded change back, as an edit of today",
            description=(
                "Fields get the values they had, a new row goes, a deleted one is made again under its key. Judged by "
                "the rights of every edit, and recorded. 409 `audit-not-revertible`: the row has been changed again "
                "since, a value was not stored in the clear, or no grid lets you do it."
            ),
            request=RevertRequest,
            responses={200: RevertAnswer},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, record: uuid.UUID) -> Response:
        """Take the change back and answer the row as it is now."""
        with explaining(self.read_body(request, RevertRequest).reason):
            return Response(revert_body(revert_change(request.user, record)))


class AuditExportView(GridKitView):
    """The trail as a file."""

    throttle_scopes: ClassVar = {"GET": "exports"}
    operations: ClassVar = {
        "GET": Operation(
            id="exportAuditRecords",
            tag="audit",
            summary="Export records of the audit trail as JSON lines or CSV",
            description="The export is itself recorded, when it begins and, with the number of rows, when it ends.",
            responses={200: OpenApiTypes.BINARY},
            parameters=(query_parameter("format", f"One of {', '.join(FORMS)}."), *AUDIT_PARAMETERS),
            problems=(403,),
        )
    }

    def get(self, request: Request) -> HttpResponseBase:
        """Send the file, piece by piece."""
        form = request.query_params.get("format", "ndjson")
        pieces = export_trail(AuditReader(request.user), search_of(request), form)
        headers = {"Content-Disposition": f'attachment; filename="{file_name(form)}"'}
        return StreamingHttpResponse(carry_parts(pieces), content_type=FORMS[form], headers=headers)


def search_of(request: Request) -> AuditSearch:
    """Return what the query parameters ask for.

    Raises:
        FilterValueError: when a value does not fit its filter.
    """
    given: dict[str, Any] = cleaned(AuditRecordFilter, request)
    given["since"], given["until"] = given.pop("from", None), given.pop("to", None)
    return AuditSearch(**{name: value for name, value in given.items() if value not in ("", None)})
