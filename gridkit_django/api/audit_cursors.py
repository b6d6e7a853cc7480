"""Cursors of the audit trail: the key of a record, signed, for one question only."""

from __future__ import annotations

from typing import Any, Literal

from django.core import signing
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from gridkit_django.audit.searching import AuditSearch
from gridkit_django.exceptions import CursorError
from gridkit_django.grids.audit_reading import AuditPage

_SALT = "gridkit_django.api.audit_cursors"
_PARAMETER = "cursor"


def page_links(request: Request, search: AuditSearch, page: AuditPage) -> dict[str, str | None]:
    """Return the addresses of the pages beside one: ``next`` is older, ``previous`` is newer."""
    return {
        "next": _link(request, search, "before", page.older),
        "previous": _link(request, search, "after", page.newer),
    }


def read_cursor(request: Request, search: AuditSearch) -> dict[str, Any]:
    """Return where the page that is asked for lies, for ``AuditReader.page``.

    Raises:
        CursorError: when the text is no cursor of this site, or is one of another question.
    """
    text = request.query_params.get(_PARAMETER)
    if not text:
        return {}
    try:
        held = signing.loads(text, salt=_SALT)
    except signing.BadSignature as error:
        raise CursorError.at("?cursor", "This is no cursor of this site. Start again without one.") from error
    if held["h"] != search.seal():
        raise CursorError.at("?cursor", "The cursor belongs to other filters. Start again without one.")
    return {held["d"]: held["k"]}


def _link(request: Request, search: AuditSearch, direction: Literal["before", "after"], key: int | None) -> str | None:
    address = request.build_absolute_uri()
    if key is None:
        return None
    cursor = signing.dumps({"k": key, "d": direction, "h": search.seal()}, salt=_SALT, compress=True)
    return replace_query_param(remove_query_param(address, _PARAMETER), _PARAMETER, cursor)
