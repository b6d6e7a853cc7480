"""Cursor pages for lists that grow while they are read."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.operations import query_parameter
from gridkit_django.exceptions import CursorError

PAGE_PARAMETERS = (
    query_parameter("cursor", "Where the page starts, as `next` and `previous` give it."),
    query_parameter("size", "Entries in the page, at most 500.", int),
)


class NewestFirstPagination(CursorPagination):
    """Newest entries first; entries that come meanwhile shift no page."""

    ordering = "-pk"
    page_size = 100
    page_size_query_param = "size"
    max_page_size = 500
    template = None

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return where the page starts.

        Raises:
            CursorError: when the text is no cursor of ours.
        """
        try:
            return super().decode_cursor(request)
        except NotFound as error:
            raise CursorError("The cursor is invalid. Start again without one.") from error

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page: ``results``, and the addresses of its neighbours."""
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})


class JobPagination(NewestFirstPagination):
    """Jobs have random keys: the newest are those made last."""

    ordering = "-created_at"


def page_response(pagination: NewestFirstPagination, queryset: QuerySet[Any], view: Any, make: Any) -> Response:
    """Answer one page of ``queryset``.

    Args:
        pagination: how to page.
        queryset: all entries, filtered.
        view: the view that answers; its request says which page.
        make: called with the page's list of entries, returns their bodies.
    """
    entries = pagination.paginate_queryset(queryset, view.request, view=view)
    return pagination.get_paginated_response(make(list(entries or ())))
