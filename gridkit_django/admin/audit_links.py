"""Addresses of the trail's pages and of the objects that it speaks of."""

from __future__ import annotations

from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

LIST = "admin:gridkit_django_auditrecord_changelist"


def list_address(**question: str) -> str:
    """Return the address of the list with some filters; empty on sites whose admin does not have our pages."""
    address = _reversed(LIST)
    return f"{address}?{urlencode(question)}" if address and question else address


def object_address(target_type: str, target_id: str) -> str:
    """Return the address of an object's own page in the admin, empty when it has none."""
    try:
        model = apps.get_model(target_type)
    except (LookupError, ValueError):
        return ""
    if not admin.site.is_registered(model):
        return ""
    return _reversed(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", target_id)


def object_link(target_type: str, target_id: str, text: str) -> SafeString:
    """Return a link to an object's own page, or its text when it has none."""
    address = object_address(target_type, target_id)
    return format_html('<a href="{}">{}</a>', address, text) if address else format_html("{}", text)


def history_address(target_type: str, target_id: str) -> str:
    """Return the address of the list of an object's records."""
    return list_address(target_type=target_type, target_id=target_id)


def act_address(operation: str) -> str:
    """Return the address of the list of an act's records."""
    return list_address(operation=operation)


def state_address(target_type: str, target_id: str, at: str = "") -> str:
    """Return the address of the page that shows a row as it was."""
    question = {"type": target_type, "id": target_id, **({"at": at} if at else {})}
    address = _reversed("admin:gridkit_audit_state")
    return f"{address}?{urlencode(question)}" if address else ""


def _reversed(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
