"""What a plugin may do: every permission that it asks for or that was decided about, with its use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from gridkit_django.models import GrantDecision, InstalledPlugin
from gridkit_django.plugins.permission_texts import permission_text


def permissions(request: HttpRequest, plugin: InstalledPlugin) -> Mapping[str, Any]:
    """Return the facts of the page of permissions."""
    rows = permission_rows(plugin)
    return {
        "permissions": [row for row in rows if not row["requested"]],
        "requests": [row for row in rows if row["requested"]],
    }


def permission_rows(plugin: InstalledPlugin) -> list[dict[str, Any]]:
    """Return every permission that was asked for or decided about: what it means and what was decided."""
    required = (plugin.current_version.manifest if plugin.current_version else {}).get("required_permissions", [])
    grants = {grant.permission: grant for grant in plugin.grants.select_related("decided_by")}
    names = [*required, *(name for name in sorted(grants) if name not in required)]
    return [
        {
            "name": name,
            "text": permission_text(name),
            "required": name in required,
            "grant": grants.get(name),
            "granted": name in grants and grants[name].decision == GrantDecision.GRANTED,
            "requested": name in grants and grants[name].decision == GrantDecision.REQUESTED,
        }
        for name in names
    ]
