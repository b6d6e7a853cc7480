"""Tags of the admin's plugin pages: badges, one-button forms, and JSON for people."""

from __future__ import annotations

import json
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from gridkit_django.models import InstalledPlugin

register = template.Library()

_KINDS = MappingProxyType(
    {
        "good": "good",
        "active": "good",
        "healthy": "good",
        "finished": "good",
        "granted": "good",
        "warn": "warn",
        "degraded": "warn",
        "requested": "warn",
        "running": "warn",
        "waiting": "warn",
        "error": "warn",
        "bad": "bad",
        "suspended": "bad",
        "quarantined": "bad",
        "incompatible": "bad",
        "unhealthy": "bad",
        "failed": "bad",
        "revoked": "bad",
        "denied": "bad",
    }
)


@register.simple_tag
def badge(state: str, text: str) -> SafeString:
    """Return a small coloured label; the text says it all, the colour only helps the eye.

    Unknown states are shown without a colour.
    """
    return format_html('<span class="gridkit-badge gridkit-badge-{}">{}</span>', _KINDS.get(str(state), "plain"), text)


@register.simple_tag(takes_context=True)
def verb(
    context: template.RequestContext,
    name: str,
    label: str,
    plugin: InstalledPlugin,
    *,
    danger: bool = False,
    **values: Any,
) -> SafeString:
    """Return a form with one button that does ``name`` to ``plugin``.

    Args:
        context: the template's context; it holds the request.
        name: a verb of the plugin admin.
        label: text of the button.
        plugin: what it is done to.
        danger: whether it deletes something.
        values: what the verb needs to know (``permission``, ``revision``), and the ``tab`` to go back to.
    """
    what = next((str(value) for key, value in values.items() if key != "tab" and value != ""), plugin.plugin_id)
    return format_html(
        '<form method="post" action="{}" class="gridkit-inline">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">{}'
        '<input type="submit" value="{}" class="{}" aria-label="{}"></form>',
        reverse(f"admin:gridkit_plugin_{name}", args=[plugin.pk]),
        get_token(context["request"]),
        format_html_join("", '<input type="hidden" name="{}" value="{}">', values.items()),
        label,
        "deletelink" if danger else "button",
        f"{label}: {what}",
    )


@register.filter
def clock(text: str) -> str:
    """Return the time of day, to the second and in the current time zone, of an instant in ISO 8601."""
    try:
        return localtime(datetime.fromisoformat(text)).strftime("%H:%M:%S")
    except ValueError:
        return text


@register.filter
def json_lines(value: Any) -> str:
    """Return JSON on several lines, for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def json_value(value: Any) -> str:
    """Return one JSON value on one line; a dash for none."""
    return "-" if value is None else json.dumps(value, ensure_ascii=False, default=str)
