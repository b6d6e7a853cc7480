"""Advice about the plugins in reach. A broken one never keeps the site from starting, so nothing here is an error."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice

from gridkit_django.exceptions import SettingsError
from gridkit_django.plugins import plugin_manager


def check_plugin_sources(**_kwargs: Any) -> list[CheckMessage]:
    """Say which sources of plugins are broken (``gridkit.W003``). Asks no database, runs no plugin code."""
    try:
        found = plugin_manager().check_site(sources_only=True).findings
    except SettingsError:
        return []  # gridkit.E001 has told it
    return [
        Advice(
            f"{item.source}: {item.detail}",
            hint="Mend or remove it; manage.py gridkit_check tells more. It is not offered for installing.",
            id="gridkit.W003",
        )
        for item in found
        if item.source
    ]
