"""Finding a person by a word, the way the admin of their model does, and what its reader may see of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from gridkit_django.admin.audit_subject_forms import model_of
from gridkit_django.audit.privacy import Subject

FOUND_MAX = 20


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who may be meant by a word.

    Attributes:
        rows: label, key, and query of the address of each.
        has_more: whether more were found than are told.
        fault: why nobody can be looked for, empty when somebody can.
    """

    rows: tuple[tuple[str, str, str], ...] = ()
    has_more: bool = False
    fault: str = ""


def candidates_of(site: AdminSite, request: HttpRequest, told: Mapping[str, Any]) -> Candidates:
    """Look for people by a word in the fields that the admin of their model searches.

    Args:
        site: the admin.
        request: whose user may view them or not.
        told: ``type`` and ``q``, and what else goes into the addresses.
    """
    model_admin = _admin_of(site, told["type"])
    if (
        model_admin is None
        or not model_admin.has_view_permission(request)
        or not model_admin.get_search_fields(request)
    ):
        return Candidates(fault=told["type"])
    rows, has_repeats = model_admin.get_search_results(request, model_admin.get_queryset(request), told["q"])
    found = list((rows.distinct() if has_repeats else rows)[: FOUND_MAX + 1])
    kind = Subject.of_row(type(found[0]), "").type if found else ""
    kept = {name: "on" for name in ("acts", "reads") if told.get(name)}
    told_rows = [(str(row), str(row.pk), urlencode({"type": kind, "id": row.pk, **kept})) for row in found[:FOUND_MAX]]
    return Candidates(tuple(told_rows), len(found) > FOUND_MAX)


def person_label(site: AdminSite, request: HttpRequest, subject: Subject) -> str:
    """Return what the admin calls a person, empty when they are gone or the user may not view them."""
    model_admin = _admin_of(site, subject.type)
    if model_admin is None:
        return ""
    try:
        row = model_admin.get_queryset(request).filter(pk=subject.id).first()
    except (ValueError, ValidationError):
        return ""
    return str(row) if row is not None and model_admin.has_view_permission(request, row) else ""


def _admin_of(site: AdminSite, kind: str) -> Any:
    model = model_of(kind)
    return None if model is None or not site.is_registered(model) else site.get_model_admin(model)
