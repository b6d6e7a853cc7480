"""Tags of the admin's plugin pages: badges, one-button forms, and JSON for people."""

from __future__ import annotations

import json
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html
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
        "suspended": "bad",
        "quarantined": "bad",
        "incompatible": "bad",
        "unhealthy": "bad",
        "failed": "bad",
        "revoked": "bad",
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
    permission: str = "",
    danger: bool = False,
) -> SafeString:
    """Return a form with one button that does ``name`` to ``plugin``.

    Args:
        context: the template's context; it holds the request.
        name: a verb of the plugin admin.
        label: text of the button.
        plugin: what it is done to.
        permission: for ``grant`` and ``revoke``: which.
        danger: whether it deletes something.
    """
    hidden = format_html('<input type="hidden" name="permission" value="{}">', permission) if permission else ""
    return format_html(
        '<form method="post" action="{}" class="gridkit-inline">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">{}'
        '<input type="submit" value="{}" class="{}" aria-label="{}"></form>',
        reverse(f"admin:gridkit_plugin_{name}", args=[plugin.pk]),
        get_token(context["request"]),
        hidden,
        label,
        "deletelink" if danger else "button",
        f"{label}: {permission or plugin.plugin_id}",
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
